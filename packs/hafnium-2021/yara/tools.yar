// Tools and results of the intruders, recognised by text.

rule lsass_minidump
{
    meta:
        title = "Memory dump of the log-on process"
        severity = "critical"
        stage = "credential_access"
        outcome = "post_exploitation"
        confidence = "strong"
        attack = "T1003.001"
        statement_en = "The file is a memory dump of the process that holds passwords."
        statement_fr = "Le fichier est une copie de la mémoire du processus qui détient les mots de passe."
    strings:
        $process = "lsass.exe" wide nocase
        $library_a = "lsasrv.dll" wide nocase
        $library_b = "wdigest.dll" wide nocase
        $library_c = "kerberos.dll" wide nocase
        $library_d = "msv1_0.dll" wide nocase
    condition:
        uint32(0) == 0x504D444D
        and ($process or 2 of ($library_*))
        and any of ($library_*)
}

rule dearcry_encrypted_file
{
    meta:
        title = "File encrypted by DearCry"
        severity = "critical"
        stage = "impact"
        outcome = "post_exploitation"
        confidence = "conclusive"
        attack = "T1486"
        statement_en = "The file was encrypted by the ransomware DearCry."
        statement_fr = "Le fichier a été chiffré par le rançongiciel DearCry."
    strings:
        $mark = "DEARCRY!"
    condition:
        $mark at 0
}

rule dearcry_program
{
    meta:
        title = "Program of the ransomware DearCry"
        severity = "critical"
        stage = "impact"
        outcome = "post_exploitation"
        confidence = "strong"
        attack = "T1486"
        statement_en = "The program carries the marks of the ransomware DearCry."
        statement_fr = "Le programme porte les marques du rançongiciel DearCry."
    strings:
        $mark = "DEARCRY!"
        $extension = ".CRYPT"
        $service = "msupdate"
        $note = "readme.txt"
    condition:
        uint16(0) == 0x5A4D
        and $mark
        and 2 of ($extension, $service, $note)
}

rule powershell_relay_script
{
    meta:
        title = "powercat, a network relay in PowerShell"
        severity = "critical"
        stage = "command_and_control"
        outcome = "post_exploitation"
        confidence = "strong"
        attack = "T1059.001,T1095"
        statement_en = "The file is powercat, a script with which an intruder controls the server from outside."
        statement_fr = "Le fichier est powercat, un script qui permet à un intrus de contrôler le serveur depuis l’extérieur."
    strings:
        $name = "function powercat" nocase
        $part_a = "Setup_TCP" nocase
        $part_b = "Setup_DNS" nocase
        $part_c = "ReadData_TCP" nocase
    condition:
        $name or 2 of ($part_*)
}

rule powershell_reverse_shell
{
    meta:
        title = "Reverse shell in PowerShell"
        severity = "critical"
        stage = "command_and_control"
        outcome = "post_exploitation"
        confidence = "strong"
        attack = "T1059.001,T1095"
        statement_en = "The script gives somebody outside control over the server."
        statement_fr = "Le script donne à un tiers le contrôle du serveur depuis l’extérieur."
    strings:
        $name_a = "Invoke-PowerShellTcp" nocase
        $name_b = "Invoke-PowerShellUdp" nocase
        $name_c = "Invoke-ConPtyShell" nocase
        $socket = "Net.Sockets.TCPClient" nocase
        $stream = "GetStream()" nocase
        $read = ".Read(" nocase
        $run_a = "iex" nocase fullword
        $run_b = "Invoke-Expression" nocase
        $back = ".Write(" nocase
    condition:
        filesize < 500KB
        and (any of ($name_*) or ($socket and $stream and $read and $back and any of ($run_*)))
}

rule memory_dump_batch
{
    meta:
        title = "Script that dumps the memory of the log-on process"
        severity = "critical"
        stage = "credential_access"
        outcome = "post_exploitation"
        confidence = "strong"
        attack = "T1003.001"
        statement_en = "The script copies the memory of the process that holds passwords."
        statement_fr = "Le script copie la mémoire du processus qui détient les mots de passe."
    strings:
        $tool = /procdump(64)?(\.exe)?[^\r\n]{0,80}-ma[^\r\n]{0,40}lsass/ nocase
        $library = /rundll32[^\r\n]{0,80}comsvcs[^\r\n]{0,40}(MiniDump|#\+?24)/ nocase
    condition:
        filesize < 64KB
        and uint16(0) != 0x5A4D
        and any of them
}

rule credential_tool_script
{
    meta:
        title = "Script that carries a credential theft tool"
        severity = "critical"
        stage = "credential_access"
        outcome = "post_exploitation"
        confidence = "strong"
        attack = "T1003"
        statement_en = "The script carries a password theft tool."
        statement_fr = "Le script contient un outil de vol de mots de passe."
    strings:
        $name_a = "function Invoke-Mimikatz" nocase
        $name_b = "function Out-Minidump" nocase
        $name_c = "function Invoke-Kerberoast" nocase
        $module_a = "sekurlsa::logonpasswords" nocase
        $module_b = "lsadump::dcsync" nocase
        $module_c = "privilege::debug" nocase
    condition:
        uint16(0) != 0x5A4D
        and filesize < 8MB
        and (any of ($name_*) or 2 of ($module_*))
}
