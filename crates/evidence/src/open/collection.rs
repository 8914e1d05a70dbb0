//! What collectors say about the machine they ran on.

use serde_json::Value;

/// The machine's name in a collector's own file, if this is one: the name and the file it stands in.
///
/// - Velociraptor: `client_info.json` with `Hostname` and `Fqdn` (offline collector) or `os_info.hostname` (server
///   export).
/// - KAPE: `*_ConsoleLog.txt` with `System info: Machine name: EX01, 64-bit: True, ...`.
pub(crate) fn host(name: &str, head: &[u8]) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let found = if lower == "client_info.json" || lower == "collection_context.json" {
        let value: Value = serde_json::from_slice(head)
            .or_else(|_| serde_json::from_slice(head.split(|&byte| byte == b'\n').next().unwrap_or_default()))
            .ok()?;
        named(&value).or_else(|| named(value.get("os_info")?))
    } else if lower.ends_with("_consolelog.txt") {
        let text = text(head);
        let at = text.find("Machine name: ")? + "Machine name: ".len();
        text[at..].split([',', '\r', '\n']).next().map(str::to_owned)
    } else {
        None
    };
    found
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty() && name.len() <= 255)
}

/// `Fqdn` says more than `Hostname`; servers and offline collectors spell them differently.
fn named(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    ["fqdn", "hostname"].iter().find_map(|wanted| {
        let (_, value) = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted))?;
        value.as_str().filter(|name| !name.is_empty()).map(str::to_owned)
    })
}

/// PowerShell and .NET write UTF-8 or UTF-16.
fn text(bytes: &[u8]) -> String {
    let (text, _, _) = encoding_rs::UTF_8.decode(bytes);
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn collectors_name_their_machine() {
        for (name, content, expected) in [
            (
                "client_info.json",
                "{\"Hostname\":\"FS02\",\"Fqdn\":\"FS02.corp.example\"}",
                Some("FS02.corp.example"),
            ),
            (
                "client_info.json",
                "{\"client_id\":\"C.1\",\"os_info\":{\"system\":\"windows\",\"hostname\":\"EX01\"}}",
                Some("EX01"),
            ),
            (
                "20210305T101010_ConsoleLog.txt",
                "KAPE version 1.3.0.2\r\n\r\nSystem info: Machine name: EX01, 64-bit: True, User: admin\r\n",
                Some("EX01"),
            ),
            ("client_info.json", "{\"Hostname\":", None),
            ("other.json", "{\"Hostname\":\"FS02\"}", None),
            ("x_ConsoleLog.txt", "nothing here", None),
        ] {
            assert_eq!(host(name, content.as_bytes()).as_deref(), expected, "{content}");
        }
    }
}
