//! From a file's path to the address IIS answers under.

use crate::FileRef;

/// Folders of one web site and the application each is.
type Applications = &'static [(&'static str, &'static str)];

/// Exchange's two web sites: where their folders begin, and what they hold.
/// Source: the `sites` section of `applicationHost.config` as Exchange 2016 setup writes it.
const SITES: [(&str, Applications); 2] = [
    (
        "/frontend/httpproxy/",
        &[
            ("owa", "/owa"),
            ("ecp", "/ecp"),
            ("ews", "/ews"),
            ("rest", "/api"),
            ("autodiscover", "/autodiscover"),
            ("sync", "/microsoft-server-activesync"),
            ("oab", "/oab"),
            ("powershell", "/powershell"),
            ("mapi", "/mapi"),
            ("rpc", "/rpc"),
        ],
    ),
    (
        "/clientaccess/",
        &[
            ("owa", "/owa"),
            ("ecp", "/ecp"),
            ("exchweb/ews", "/ews"),
            ("rest", "/api"),
            ("autodiscover", "/autodiscover"),
            ("sync", "/microsoft-server-activesync"),
            ("oab", "/oab"),
            ("powershell-proxy", "/powershell"),
            ("mapi", "/mapi"),
            ("pushnotifications", "/pushnotifications"),
        ],
    ),
];

/// The path by which a client asks for a file below a web root: `/aspnet_client/x.aspx`, `/owa/auth/x.aspx`.
///
/// IIS does not mind case and neither do the fields it is compared with; the file's own spelling is kept.
pub(super) fn virtual_path(path: &str) -> Option<String> {
    let path = format!("/{}", path.replace('\\', "/"));
    // ASCII alone is lowered, so that positions are the same in both.
    let lower = path.to_ascii_lowercase();
    if let Some(at) = after(&lower, "/inetpub/wwwroot/") {
        return Some(format!("/{}", path.get(at..)?));
    }
    SITES.iter().find_map(|(site, applications)| {
        let at = after(&lower, site)?;
        let (rest, spelled) = (lower.get(at..)?, path.get(at..)?);
        applications.iter().find_map(|(folder, application)| {
            let below = rest.strip_prefix(folder)?.strip_prefix('/')?;
            let file = spelled.get(rest.len() - below.len()..)?;
            (!file.is_empty()).then(|| format!("{application}/{file}"))
        })
    })
}

/// Where what follows a folder begins, when something does.
fn after(lower: &str, folder: &str) -> Option<usize> {
    let at = lower.find(folder)? + folder.len();
    (at < lower.len()).then_some(at)
}

/// The same, empty when the file is in no web root.
pub(super) fn virtual_path_or_empty(path: &str) -> String {
    virtual_path(path).unwrap_or_default()
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
