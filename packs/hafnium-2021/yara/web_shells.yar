// Pages that intruders left on Exchange servers, recognised by text. Every pattern was written from public descriptions
// of how these pages work; none of them is a page that works.

rule oab_settings_with_script
{
    meta:
        title = "Settings of a virtual directory with a script in them"
        severity = "critical"
        stage = "web_shell"
        outcome = "success"
        confidence = "conclusive"
        attack = "T1505.003"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2021-27065"
        statement_en = "The file holds the exported settings of an Exchange directory with program code in its address: the web shell that CVE-2021-27065 drops."
        statement_fr = "Le fichier contient les réglages exportés d’un répertoire Exchange avec du code de programme dans l’adresse : le web shell que dépose CVE-2021-27065."
    strings:
        $address_external = "externalurl" nocase
        $address_internal = "internalurl" nocase
        $authentication = "internalauthenticationmethods" nocase
        $protection = "extendedprotectiontokenchecking" nocase
        $script = "<script" nocase
        $server = "runat=" nocase
        $page = "<%@"
    condition:
        filesize < 50KB
        and any of ($address_*)
        and $authentication
        and $protection
        and any of ($script, $server, $page)
}

rule page_evaluates_request
{
    meta:
        title = "Page that evaluates what a request sends"
        severity = "critical"
        stage = "web_shell"
        outcome = "success"
        confidence = "strong"
        attack = "T1505.003"
        statement_en = "The page runs whatever a request sends it: a web shell."
        statement_fr = "La page exécute ce qu’une requête lui envoie : un web shell."
    strings:
        $page = "<%@"
        $script = "<script" nocase
        $jscript = "jscript" nocase
        $evaluates = /\beval\s{0,4}\(\s{0,4}(System\.Text\.Encoding\.[A-Za-z0-9_.]{1,24}GetString\(|Convert\.|unescape\(|Request)/ nocase
        $unsafe = /Request(\.(Item|Form|QueryString|Headers|Cookies))?\[[^\]]{1,64}\]\s{0,4},\s{0,4}"unsafe"/ nocase
    condition:
        filesize < 100KB
        and any of ($page, $script)
        and ($unsafe or ($jscript and $evaluates))
}

rule small_page_decodes_and_loads
{
    meta:
        title = "Small page that decodes and loads a program from a request"
        severity = "critical"
        stage = "web_shell"
        outcome = "success"
        confidence = "strong"
        attack = "T1505.003"
        statement_en = "The small page decodes a program from a request and loads it into memory: a web shell."
        statement_fr = "La petite page décode un programme reçu dans une requête et le charge en mémoire : un web shell."
    strings:
        $page = "<%@"
        $input_a = "Request.BinaryRead" nocase
        $input_b = "Request.InputStream" nocase
        $input_c = /Request(\.(Item|Form|QueryString|Headers|Cookies))?\[/ nocase
        $decode_a = "FromBase64String" nocase
        $decode_b = "CreateDecryptor" nocase
        $load_a = /Assembly\.Load\s{0,4}\(/ nocase
        $load_b = /\.CreateInstance\s{0,4}\(/ nocase
    condition:
        filesize < 20KB
        and $page
        and any of ($input_*)
        and any of ($decode_*)
        and all of ($load_*)
}

rule small_page_runs_commands
{
    meta:
        title = "Small page that runs commands from a request"
        severity = "critical"
        stage = "web_shell"
        outcome = "success"
        confidence = "strong"
        attack = "T1505.003,T1059.003"
        statement_en = "The small page starts programs with what a request sends it: a web shell."
        statement_fr = "La petite page lance des programmes avec ce qu’une requête lui envoie : un web shell."
    strings:
        $page = "<%@"
        $input = /Request(\.(Item|Form|QueryString|Headers|Cookies))?\s{0,4}[\[(]/ nocase
        $start_a = "ProcessStartInfo" nocase
        $start_b = /Process\.Start\s{0,4}\(/ nocase
        $start_c = "WScript.Shell" nocase
        $shell_a = "cmd.exe" nocase
        $shell_b = "powershell" nocase
        $shell_c = "/c " nocase
    condition:
        filesize < 50KB
        and $page
        and $input
        and any of ($start_*)
        and any of ($shell_*)
}

rule page_stores_uploads
{
    meta:
        title = "Small page that stores what a request uploads"
        severity = "high"
        stage = "web_shell"
        outcome = "success"
        confidence = "weak"
        attack = "T1505.003,T1105"
        statement_en = "The small page writes to disk whatever a request uploads; intruders use such pages to bring in their tools."
        statement_fr = "La petite page écrit sur le disque ce qu’une requête lui téléverse ; les intrus s’en servent pour apporter leurs outils."
    strings:
        $page = "<%@"
        $files_a = "Request.Files" nocase
        $files_b = "PostedFile" nocase
        $files_c = "HttpPostedFile" nocase
        $write_a = ".SaveAs(" nocase
        $write_b = "File.WriteAllBytes" nocase
        $place_a = "Server.MapPath" nocase
        $place_b = "inetpub" nocase
    condition:
        filesize < 20KB
        and $page
        and any of ($files_*)
        and any of ($write_*)
        and any of ($place_*)
}

rule page_tunnels_connections
{
    meta:
        title = "Page that tunnels connections into the network"
        severity = "critical"
        stage = "command_and_control"
        outcome = "post_exploitation"
        confidence = "conclusive"
        attack = "T1090,T1505.003"
        statement_en = "The page carries connections from the Internet into the internal network (tunnel of the reGeorg kind)."
        statement_fr = "La page fait passer des connexions d’Internet vers le réseau interne (tunnel de type reGeorg)."
    strings:
        $page = "<%@"
        $greeting = "Georg says" nocase
        $header_a = "X-CMD" nocase
        $header_b = "X-STATUS" nocase
        $header_c = "X-TARGET" nocase
        $header_d = "X-ERROR" nocase
        $verb_a = "FORWARD"
        $verb_b = "DISCONNECT"
        $socket = "Sockets" nocase
    condition:
        filesize < 200KB
        and ($greeting or ($page and $socket and all of ($verb_*) and 2 of ($header_*)))
}

rule compiled_page_of_web_folder
{
    meta:
        title = "Compiled copy of a page that evaluates requests"
        severity = "critical"
        stage = "web_shell"
        outcome = "success"
        confidence = "strong"
        attack = "T1505.003"
        statement_en = "The library is the compiled copy of a page of a published folder that evaluates requests: a web shell was run here."
        statement_fr = "La bibliothèque est la copie compilée d’une page d’un dossier publié qui évalue des requêtes : un web shell a été exécuté ici."
    strings:
        $name = "App_Web_" wide ascii
        $folder_a = "/aspnet_client/" wide ascii nocase
        $folder_b = "/owa/auth/" wide ascii nocase
        $folder_c = "/ecp/auth/" wide ascii nocase
        $folder_d = "~/auth/" wide ascii nocase
        $evaluates_a = "JScriptEvaluate" wide ascii
        $evaluates_b = "Microsoft.JScript" wide ascii
        $unsafe = "unsafe" wide
    condition:
        uint16(0) == 0x5A4D
        and filesize < 64KB
        and $name
        and any of ($folder_*)
        and (all of ($evaluates_*) or ($unsafe and any of ($evaluates_*)))
}
