//! What ties events of one story together: addresses, canaries, file names, processes, log-on sessions, accounts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::fields::Columns;

/// One value that two events may have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Link {
    /// A client's address; the flag says whether it is reachable from the Internet.
    Address(String, bool),
    /// The ECP session token.
    Canary(String),
    /// A file's base name, lower case, when it is not one every server has.
    File(String),
    /// A process by its globally unique identifier.
    Process(String),
    /// A log-on session. Only unique on one machine.
    Logon(String),
    /// An account that is neither a machine's nor a built-in one.
    Account(String),
}

impl Link {
    /// How reports name it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Link::Address(value, _) => format!("address {value}"),
            Link::Canary(value) => format!("canary {}", shorten(value, 24)),
            Link::File(value) => format!("file {value}"),
            Link::Process(value) => format!("process {value}"),
            Link::Logon(value) => format!("logon {value}"),
            Link::Account(value) => format!("account {value}"),
        }
    }

    /// Whether the value means the same thing on another machine.
    pub(crate) fn crosses_hosts(&self) -> bool {
        match self {
            Link::Address(_, public) => *public,
            Link::Canary(_) | Link::Account(_) => true,
            Link::File(_) | Link::Process(_) | Link::Logon(_) => false,
        }
    }
}

/// The links of one event, from the fields its rule joins on.
pub(crate) fn links_of<'n>(columns: &mut Columns<'_, 'n>, row: usize, join: &'n [String]) -> BTreeSet<Link> {
    let mut links = BTreeSet::new();
    for (name, value) in columns.values(row, join) {
        add_links(name, value, &mut links);
    }
    links
}

/// The links one field's value gives.
pub(crate) fn add_links(name: &str, value: &str, links: &mut BTreeSet<Link>) {
    let value = value.trim();
    if value.is_empty() || value == "-" {
        return;
    }
    let ends = |ending: &str| {
        let start = name.len().checked_sub(ending.len());
        let end = start.and_then(|start| name.get(start..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    let is_address = ADDRESS_FIELDS
        .iter()
        .any(|field| field.eq_ignore_ascii_case(name));
    if let Some(address) = is_address.then(|| client_address(value)).flatten() {
        links.insert(address);
    } else if ends("canary") {
        links.insert(Link::Canary(value.to_owned()));
    } else if ends("processguid") {
        links.insert(Link::Process(value.to_ascii_lowercase()));
    } else if ends("logonguid") || ends("logonid") {
        links.extend(logon_session(value));
    } else if ends("username") || ends("accountname") {
        links.extend(account(value));
    } else {
        links.extend(file_names(value));
    }
}

const ADDRESS_FIELDS: [&str; 16] = [
    "c-ip",
    "clientipaddress",
    "clientip",
    "client-ip",
    "original-client-ip",
    "ipaddress",
    "sourceip",
    "sourceaddress",
    "remoteip",
    "remoteaddress",
    "destinationip",
    "destaddress",
    "remoteipaddress",
    "remote-endpoint",
    "remoteendpoint",
    "x-forwarded-for",
];

/// A client's address without port and zone. Loopback, link-local and unspecified addresses tie nothing together.
fn client_address(value: &str) -> Option<Link> {
    let text = value.split(',').next().unwrap_or(value).trim();
    let address = parse_address(text)?;
    let public = match address {
        IpAddr::V4(v4) => {
            if v4.is_loopback() || v4.is_unspecified() || v4.is_link_local() || v4.is_broadcast() {
                return None;
            }
            !v4.is_private()
        }
        IpAddr::V6(v6) => {
            let link_local = v6.segments()[0] & 0xffc0 == 0xfe80;
            if v6.is_loopback() || v6.is_unspecified() || link_local {
                return None;
            }
            v6.segments()[0] & 0xfe00 != 0xfc00
        }
    };
    Some(Link::Address(address.to_string(), public))
}

/// Reads `203.0.113.7`, `203.0.113.7:443`, `[2001:db8::1]:443`, `fe80::1%3` and `::ffff:203.0.113.7`.
pub(crate) fn parse_address(text: &str) -> Option<IpAddr> {
    let text = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => text,
    };
    let text = text.split('%').next().unwrap_or(text);
    let parsed: Option<IpAddr> = text.parse().ok().or_else(|| {
        let (host, _port) = text.rsplit_once(':')?;
        host.parse().ok()
    });
    parsed.map(|address| match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    })
}

/// Sessions of the system itself are shared by everything that runs and tie nothing together.
fn logon_session(value: &str) -> Option<Link> {
    let text = value.to_ascii_lowercase();
    let zero = text.chars().all(|c| matches!(c, '0' | 'x' | '-' | '{' | '}'));
    let builtin = ["0x3e7", "0x3e4", "0x3e5", "999", "996", "997"].contains(&text.as_str())
        || text.ends_with("-0000e7030000}");
    (!zero && !builtin).then_some(Link::Logon(text))
}

fn account(value: &str) -> Option<Link> {
    let name = value.rsplit('\\').next().unwrap_or(value).to_ascii_lowercase();
    const BUILTIN: [&str; 14] = [
        "system",
        "système",
        "administrator",
        "administrateur",
        "admin",
        "local service",
        "network service",
        "service local",
        "service réseau",
        "anonymous logon",
        "anonymous",
        "guest",
        "invité",
        "defaultaccount",
    ];
    let machine = name.ends_with('$');
    let probe = name.starts_with("healthmailbox");
    (!machine && !probe && !name.is_empty() && !BUILTIN.contains(&name.as_str()))
        .then_some(Link::Account(name))
}

/// Endings of files an intruder leaves: pages, dumps, archives, scripts.
const TELLING_ENDINGS: [&str; 14] = [
    ".aspx", ".ashx", ".asmx", ".asp", ".soap", ".dmp", ".zip", ".7z", ".rar", ".cab", ".ps1", ".bat",
    ".dll", ".exe",
];

/// Files every server has, which therefore tie nothing together.
const COMMON_FILES: [&str; 34] = [
    "logon.aspx",
    "logoff.aspx",
    "errorfe.aspx",
    "expiredpassword.aspx",
    "signout.aspx",
    "default.aspx",
    "timeoutlogout.aspx",
    "redirsuiteserviceproxy.aspx",
    "frowny.aspx",
    "exchange.asmx",
    "cmd.exe",
    "powershell.exe",
    "pwsh.exe",
    "w3wp.exe",
    "net.exe",
    "net1.exe",
    "rundll32.exe",
    "reg.exe",
    "whoami.exe",
    "conhost.exe",
    "services.exe",
    "svchost.exe",
    "lsass.exe",
    "explorer.exe",
    "wmiprvse.exe",
    "wsmprovhost.exe",
    "certutil.exe",
    "schtasks.exe",
    "sc.exe",
    "umworkerprocess.exe",
    "msexchangemailboxreplication.exe",
    "comsvcs.dll",
    "vssadmin.exe",
    "ntdsutil.exe",
];

/// The telling file names in a path, a command line or a URL.
fn file_names(value: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for word in value.split(|c: char| c.is_whitespace() || "\\/'\"<>|?&=;,:*()[]{}".contains(c)) {
        let name = word.to_ascii_lowercase();
        let telling = TELLING_ENDINGS
            .iter()
            .any(|ending| name.len() > ending.len() && name.ends_with(ending));
        if telling && !COMMON_FILES.contains(&name.as_str()) && found.len() < 8 {
            found.push(Link::File(name));
        }
    }
    found
}

/// The first `max` characters, with an ellipsis when there were more.
pub(crate) fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(name: &str, value: &str) -> Vec<Link> {
        let mut found = BTreeSet::new();
        add_links(name, value, &mut found);
        found.into_iter().collect()
    }

    #[test]
    fn addresses_lose_port_and_zone_and_probes_tie_nothing() {
        let public = vec![Link::Address("203.0.113.45".into(), true)];
        for form in [
            "203.0.113.45",
            "203.0.113.45:50123",
            "::ffff:203.0.113.45",
            " 203.0.113.45 ",
        ] {
            assert_eq!(links("ClientIpAddress", form), public, "{form}");
        }
        assert_eq!(
            links("c-ip", "10.0.0.7"),
            [Link::Address("10.0.0.7".into(), false)]
        );
        for nothing in ["127.0.0.1", "::1", "fe80::aaaa%12", "-", ""] {
            assert_eq!(links("c-ip", nothing), [], "{nothing}");
        }
    }

    #[test]
    fn file_names_come_out_of_paths_urls_and_commands() {
        let expected = [Link::File("sample.aspx".into())];
        assert_eq!(
            links("TargetFilename", r"C:\inetpub\wwwroot\aspnet_client\Sample.aspx"),
            expected
        );
        assert_eq!(links("cs-uri-stem", "/aspnet_client/sample.aspx"), expected);
        assert_eq!(
            links("CMD", r"Set-X.FilePathName='\\127.0.0.1\c$\inetpub\sample.aspx'"),
            expected
        );
        assert_eq!(links("cs-uri-stem", "/owa/auth/logon.aspx"), []);
    }

    #[test]
    fn sessions_and_accounts_of_the_system_tie_nothing() {
        assert_eq!(links("SubjectLogonId", "0x3e7"), []);
        assert_eq!(links("LogonGuid", "{00000000-0000-0000-0000-000000000000}"), []);
        assert_eq!(links("TargetUserName", "EX01$"), []);
        assert_eq!(
            links("TargetUserName", r"CORP\svc-new"),
            [Link::Account("svc-new".into())]
        );
    }
}
