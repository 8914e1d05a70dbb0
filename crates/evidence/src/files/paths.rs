//! From a file's path to the address IIS answers under.

use crate::FileRef;

/// The folders of Exchange's two web sites (below `FrontEnd\HttpProxy` and `ClientAccess`) and the application each is.
/// Source: the `sites` section of `applicationHost.config` as Exchange 2016 setup writes it.
const APPLICATIONS: [(&str, &str); 22] = [
    ("frontend/httpproxy/owa", "/owa"),
    ("frontend/httpproxy/ecp", "/ecp"),
    ("frontend/httpproxy/ews", "/ews"),
    ("frontend/httpproxy/rest", "/api"),
    ("frontend/httpproxy/autodiscover", "/autodiscover"),
    ("frontend/httpproxy/sync", "/microsoft-server-activesync"),
    ("frontend/httpproxy/oab", "/oab"),
    ("frontend/httpproxy/powershell", "/powershell"),
    ("frontend/httpproxy/mapi", "/mapi"),
    ("frontend/httpproxy/rpc", "/rpc"),
    ("clientaccess/owa", "/owa"),
    ("clientaccess/ecp", "/ecp"),
    ("clientaccess/exchweb/ews/bin", "/ews/bin"),
    ("clientaccess/exchweb/ews", "/ews"),
    ("clientaccess/rest", "/api"),
    ("clientaccess/autodiscover", "/autodiscover"),
    ("clientaccess/sync", "/microsoft-server-activesync"),
    ("clientaccess/oab", "/oab"),
    ("clientaccess/powershell-proxy", "/powershell"),
    ("clientaccess/mapi/emsmdb", "/mapi/emsmdb"),
    ("clientaccess/mapi/nspi", "/mapi/nspi"),
    ("clientaccess/pushnotifications", "/pushnotifications"),
];

/// The path by which a client asks for a file below a web root: `/aspnet_client/x.aspx`, `/owa/auth/x.aspx`.
///
/// IIS does not mind case and neither do the fields it is compared with; the file's own spelling is kept.
pub(super) fn virtual_path(path: &str) -> Option<String> {
    let path = format!("/{}", path.replace('\\', "/"));
    // ASCII alone is lowered, so that positions are the same in both.
    let lower = path.to_ascii_lowercase();
    if let Some(rest) = below(&path, &lower, "inetpub/wwwroot") {
        return Some(rest.to_owned());
    }
    APPLICATIONS
        .iter()
        .find_map(|(folder, application)| Some(format!("{application}{}", below(&path, &lower, folder)?)))
}

/// The same, empty when the file is in no web root.
pub(super) fn virtual_path_or_empty(path: &str) -> String {
    virtual_path(path).unwrap_or_default()
}

/// What follows a folder, with its `/`.
fn below<'a>(path: &'a str, lower: &str, folder: &str) -> Option<&'a str> {
    let at = lower.find(&format!("/{folder}/"))?;
    path.get(at + 1 + folder.len()..).filter(|rest| rest.len() > 1)
}

/// The path of a file on its own machine, as far as it is known.
pub(super) fn own_path(file: &FileRef) -> &str {
    file.original_path.as_deref().unwrap_or(&file.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_web_roots_have_the_address_clients_use() {
        for (path, expected) in [
            (
                r"C:\inetpub\wwwroot\aspnet_client\x.aspx",
                "/aspnet_client/x.aspx",
            ),
            (r"\\?\D:\Inetpub\WWWRoot\x.aspx", "/x.aspx"),
            ("EX01/C/inetpub/wwwroot/é/x.aspx", "/é/x.aspx"),
            (
                r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa\auth\x.aspx",
                "/owa/auth/x.aspx",
            ),
            (r"E:\Exch\FrontEnd\HttpProxy\ecp\auth\x.aspx", "/ecp/auth/x.aspx"),
            (r"E:\Exch\ClientAccess\exchweb\ews\bin\x.asmx", "/ews/bin/x.asmx"),
        ] {
            assert_eq!(virtual_path(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn other_files_have_none() {
        for path in [
            "",
            r"C:\inetpub\wwwroot",
            r"C:\inetpub\wwwroot\",
            r"C:\inetpub\logs\LogFiles\W3SVC1\u_ex210303.log",
            r"C:\Windows\Temp\x.aspx",
            r"C:\x\MyClientAccess\owa\x.aspx",
        ] {
            assert_eq!(virtual_path(path), None, "{path}");
        }
    }
}
