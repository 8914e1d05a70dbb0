//! One spelling for values that are written in many ways.

use std::borrow::Cow;
use std::net::IpAddr;

use super::IndicatorKind;

/// Undoes the ways reports make indicators harmless to click on. Expressions and user agents stay as they are:
/// brackets mean something there.
pub(super) fn refang(kind: IndicatorKind, value: &str) -> String {
    let value = value.trim();
    if !matches!(
        kind,
        IndicatorKind::Ip | IndicatorKind::Cidr | IndicatorKind::Domain | IndicatorKind::Url
    ) {
        return value.to_owned();
    }
    let mut text = value.to_owned();
    for (defanged, plain) in [
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("[://]", "://"),
        ("[:]", ":"),
        ("[/]", "/"),
        ("\\.", "."),
    ] {
        if text.contains(defanged) {
            text = text.replace(defanged, plain);
        }
    }
    let scheme_len = text.find("://").unwrap_or(0);
    let scheme = match text.get(..scheme_len).unwrap_or("").to_ascii_lowercase().as_str() {
        "hxxp" | "meow" | "h**p" => "http",
        "hxxps" | "h**ps" => "https",
        "fxp" => "ftp",
        _ => return text,
    };
    format!("{scheme}{}", text.get(scheme_len..).unwrap_or(""))
}

/// An address as logs write it: with a port, a zone, brackets or quotes; IPv4 in IPv6 is IPv4.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '"');
    let first = *text.as_bytes().first()?;
    if text.len() > 64 || !(first.is_ascii_hexdigit() || matches!(first, b':' | b'[')) {
        return None;
    }
    let bare = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None if text.bytes().filter(|&b| b == b':').count() == 1 => text.split(':').next()?,
        None => text,
    };
    let bare = bare.split('%').next()?;
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// `203.0.113.0/24` as its first address and prefix length.
pub(super) fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (first, prefix) = text.trim().split_once('/')?;
    let first: IpAddr = first.parse().ok()?;
    let prefix: u8 = prefix.parse().ok()?;
    match first {
        IpAddr::V4(_) if prefix <= 32 => Some((first, prefix)),
        // A network inside ::ffff:0:0/96 is an IPv4 network.
        IpAddr::V6(_) if prefix <= 128 => match first.to_canonical() {
            IpAddr::V4(v4) => (prefix >= 96).then(|| (IpAddr::V4(v4), prefix - 96)),
            IpAddr::V6(_) => Some((first, prefix)),
        },
        _ => None,
    }
}

/// The address with everything after `prefix` bits set to zero.
pub(super) fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            IpAddr::V4((u32::from(v4) & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(prefix.min(128)))
                .unwrap_or(0);
            IpAddr::V6((u128::from(v6) & mask).into())
        }
    }
}

/// A DNS name in lower case without port and final dot. `None` for addresses and for what is no name of at least
/// two labels.
pub(super) fn host(text: &str) -> Option<String> {
    let mut key = String::new();
    host_key(text, &mut key).then_some(key)
}

/// [`host`], written to `key`; `false`, and nothing written, when it is none.
pub(super) fn host_key(text: &str, key: &mut String) -> bool {
    key.clear();
    let text = text.trim();
    let text = match memchr::memchr(b':', text.as_bytes()) {
        Some(port) => text.get(..port).unwrap_or(text),
        None => text,
    };
    let text = text.strip_suffix('.').unwrap_or(text);
    // Only an address ends in a digit, or something odd enough to be asked.
    let may_be_address = text.as_bytes().last().is_some_and(u8::is_ascii_digit);
    if text.len() > 253 || !text.contains('.') || (may_be_address && text.parse::<IpAddr>().is_ok()) {
        return false;
    }
    let is_name = !text.starts_with('.')
        && !text.ends_with('.')
        && !text.contains("..")
        && if text.is_ascii() {
            let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            text.bytes().all(fits)
        } else {
            text.chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
    if is_name {
        lower(text, key);
    }
    is_name
}

/// Adds a text in lower case.
pub(super) fn lower(text: &str, key: &mut String) {
    if text.is_ascii() {
        let from = key.len();
        key.push_str(text);
        if let Some(added) = key.get_mut(from..) {
            added.make_ascii_lowercase();
        }
    } else {
        key.extend(text.chars().flat_map(char::to_lowercase));
    }
}

/// What follows the last backslash.
pub(super) fn last_part(path: &str) -> &str {
    match memchr::memrchr(b'\\', path.as_bytes()) {
        Some(at) => path.get(at + 1..).unwrap_or(""),
        None => path,
    }
}

/// The parts of a URL that are compared; a missing scheme is fine.
pub(super) struct UrlParts<'a> {
    /// Host and port.
    pub(super) authority: &'a str,
    /// From the first slash to the query or fragment; empty when there is none.
    pub(super) path: &'a str,
    /// From the authority to the fragment, without trailing slash.
    pub(super) whole: &'a str,
}

/// Splits a URL, or a bare `host/path`.
pub(super) fn url_parts(text: &str) -> UrlParts<'_> {
    let text = text.trim();
    let scheme = memchr::memchr_iter(b':', text.as_bytes())
        .find_map(|at| text.get(at..).and_then(|rest| rest.strip_prefix("://")));
    let text = scheme.unwrap_or(text);
    let text = text.split('#').next().unwrap_or("");
    let (authority, path) = match text.find(['/', '?']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    UrlParts {
        authority: authority.rsplit('@').next().unwrap_or(""),
        path: path.split('?').next().unwrap_or(""),
        whole: text.strip_suffix('/').unwrap_or(text),
    }
}

/// A request path in lower case, without query, percent signs decoded once, with a leading slash.
pub(super) fn url_path(text: &str, key: &mut String) {
    key.clear();
    let path = text.split(['?', '#']).next().unwrap_or("");
    if !path.starts_with('/') && !path.starts_with("%2F") && !path.starts_with("%2f") {
        key.push('/');
    }
    lower(&percent_decoded(path), key);
}

fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(hex_digit(*high) << 4 | hex_digit(*low));
                rest = after;
            }
            _ => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// The value of a hexadecimal digit; 0 for anything else.
fn hex_digit(digit: u8) -> u8 {
    char::from(digit).to_digit(16).unwrap_or(0) as u8
}

/// Adds the bytes written in hexadecimal; `false`, and nothing added, when the text is none.
pub(super) fn hex_key(text: &str, key: &mut Vec<u8>) -> bool {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let before = key.len();
    let mut wrong = !odd.is_empty();
    key.extend(pairs.iter().map(|&[high, low]| {
        let (high, low) = (HEX[usize::from(high)], HEX[usize::from(low)]);
        wrong |= (high | low) > 0xf;
        high << 4 | low
    }));
    if wrong {
        key.truncate(before);
    }
    !wrong
}

/// The value of each hexadecimal digit; more than 15 for every other byte.
const HEX: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut digit = 0;
    while digit < 16 {
        values[b"0123456789abcdef"[digit] as usize] = digit as u8;
        values[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

/// One spelling for a user agent: IIS writes `+` for a space and HttpProxy a space for a comma, so all three are a
/// space and several are one.
pub(super) fn user_agent(text: &str, key: &mut String) {
    key.clear();
    for word in text
        .split(|c: char| c.is_whitespace() || matches!(c, '+' | ','))
        .filter(|word| !word.is_empty())
    {
        if !key.is_empty() {
            key.push(' ');
        }
        key.push_str(word);
    }
}

/// One spelling for a Windows path: lower case, single backslashes, a leading backslash, no drive, device, server or
/// quotes. `\\ex01\c$\temp\a.exe`, `D:/Temp/A.exe` and `C\Temp\a.exe` (a collected tree) are all `\temp\a.exe`.
pub(super) fn path(text: &str, key: &mut String) {
    spell(text, key);
    let root = key.len() - without_root(key).len();
    key.drain(..root);
    for (variable, folder) in [
        ("%windir%\\", "\\windows\\"),
        ("%systemroot%\\", "\\windows\\"),
        ("\\systemroot\\", "\\windows\\"),
    ] {
        if key.starts_with(variable) {
            key.replace_range(..variable.len(), folder);
        }
    }
    if !key.starts_with('\\') {
        key.insert(0, '\\');
    }
}

/// The same spelling for the end of a path: nothing at its beginning is taken for a drive.
pub(super) fn path_ending(text: &str, key: &mut String) {
    spell(text, key);
    if !key.starts_with('\\') {
        key.insert(0, '\\');
    }
}

/// Lower case and single backslashes, except the two that begin a server's name.
fn spell(text: &str, key: &mut String) {
    key.clear();
    let text = text.trim().trim_matches('"');
    let mut from = 0;
    for at in memchr::memchr2_iter(b'/', b'\\', text.as_bytes()) {
        lower(text.get(from..at).unwrap_or(""), key);
        if !key.ends_with('\\') || key.len() == 1 {
            key.push('\\');
        }
        from = at + 1;
    }
    lower(text.get(from..).unwrap_or(""), key);
}

/// A lower-case path without what names the drive, device or server rather than the place on it.
fn without_root(path: &str) -> &str {
    for prefix in ["\\\\?\\unc\\", "\\??\\unc\\"] {
        if let Some(server) = path.strip_prefix(prefix) {
            return without_server(server);
        }
    }
    let rest = ["\\\\?\\", "\\\\.\\", "\\??\\"]
        .iter()
        .find_map(|prefix| path.strip_prefix(prefix))
        .unwrap_or(path);
    if let Some(server) = rest.strip_prefix("\\\\") {
        return without_server(server);
    }
    if let Some(volume) = rest.strip_prefix("\\device\\harddiskvolume") {
        return volume.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let root = match rest.as_bytes() {
        [letter, b':', ..] if letter.is_ascii_alphabetic() => 2,
        // A collected tree keeps drives as folders: `C\Windows`, `\C\Windows`.
        [letter, b'\\', ..] if letter.is_ascii_alphabetic() => 1,
        [b'\\', letter, b'\\', ..] if letter.is_ascii_alphabetic() => 2,
        _ => 0,
    };
    rest.get(root..).unwrap_or(rest)
}

/// `\temp` of `ex01\c$\temp`; an ordinary share stays, for nobody knows where it is.
fn without_server(path: &str) -> &str {
    let share = path.find('\\').and_then(|at| path.get(at..)).unwrap_or("");
    match share.as_bytes() {
        [b'\\', letter, b'$', ..] if letter.is_ascii_alphabetic() => share.get(3..).unwrap_or(""),
        _ => share,
    }
}

/// A path for expressions: backslashes only, otherwise as it is.
pub(super) fn backslashed(text: &str) -> Cow<'_, str> {
    let text = text.trim().trim_matches('"');
    if text.contains('/') {
        Cow::Owned(text.replace('/', "\\"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path_key(text: &str) -> String {
        let mut key = String::new();
        path(text, &mut key);
        key
    }

    #[test]
    fn one_address_whatever_its_dress() {
        let expected = "203.0.113.7".parse().ok();
        for text in [
            "203.0.113.7",
            "203.0.113.7:51022",
            "::ffff:203.0.113.7",
            "[::ffff:203.0.113.7]:443",
            " 203.0.113.7 ",
            "\"203.0.113.7\"",
        ] {
            assert_eq!(address(text), expected, "{text}");
        }
        assert_eq!(address("fe80::1%12"), "fe80::1".parse().ok());
        for text in ["", "-", "localhost", "203.0.113", "1.2.3.4.5", "[", "1:2:3"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn one_path_whatever_its_root() {
        for text in [
            r"C:\Inetpub\wwwroot\A.aspx",
            r"d:/inetpub//wwwroot/a.aspx",
            r"\\ex01\c$\inetpub\wwwroot\a.aspx",
            r"\\?\C:\inetpub\wwwroot\a.aspx",
            r"\??\C:\inetpub\wwwroot\a.aspx",
            r"\\?\UNC\ex01\c$\inetpub\wwwroot\a.aspx",
            r"\Device\HarddiskVolume3\inetpub\wwwroot\a.aspx",
            r"C\inetpub\wwwroot\a.aspx",
            "/C/inetpub/wwwroot/a.aspx",
            r#""C:\inetpub\wwwroot\a.aspx""#,
            r"\inetpub\wwwroot\a.aspx",
        ] {
            assert_eq!(path_key(text), r"\inetpub\wwwroot\a.aspx", "{text}");
        }
        assert_eq!(path_key(r"\\ex01\share\a.exe"), r"\share\a.exe");
        assert_eq!(path_key(r"%WINDIR%\Temp\a"), r"\windows\temp\a");
        assert_eq!(path_key(r"\SystemRoot\Temp\a"), r"\windows\temp\a");
        assert_eq!(path_key(""), r"\");
    }

    #[test]
    fn defanged_forms_are_undone() {
        let kind = IndicatorKind::Url;
        assert_eq!(
            refang(kind, "hxxps://evil[.]example[.]net/a"),
            "https://evil.example.net/a"
        );
        assert_eq!(refang(kind, "hXXp[:]//evil(dot)example"), "http://evil.example");
        assert_eq!(refang(IndicatorKind::Ip, " 203[.]0.113[.]7 "), "203.0.113.7");
        assert_eq!(refang(IndicatorKind::UserAgent, "a[.]b"), "a[.]b");
    }

    #[test]
    fn user_agents_of_iis_and_httpproxy_are_one() {
        let mut iis = String::new();
        let mut proxy = String::new();
        user_agent("Mozilla/5.0+(X11;+Linux)+(KHTML,+like+Gecko)", &mut iis);
        user_agent("Mozilla/5.0 (X11; Linux) (KHTML  like Gecko)", &mut proxy);
        assert_eq!(iis, proxy);
    }

    #[test]
    fn networks_are_masked() {
        assert_eq!(
            network("203.0.113.77/24").map(|(a, p)| masked(a, p)),
            "203.0.113.0".parse().ok()
        );
        assert_eq!(
            network("::ffff:203.0.113.77/120").map(|(a, p)| masked(a, p)),
            "203.0.113.0".parse().ok()
        );
        assert_eq!(network("203.0.113.0/33"), None);
        assert_eq!(network("203.0.113.0"), None);
    }

    #[test]
    fn url_parts_stand_apart() {
        let parts = url_parts("https://user@evil.example:8443/a/b?c=d#e");
        assert_eq!((parts.authority, parts.path), ("evil.example:8443", "/a/b"));
        assert_eq!(url_parts("evil.example").path, "");
        let mut key = String::new();
        url_path("/OWA/auth/%78.js?x=1", &mut key);
        assert_eq!(key, "/owa/auth/x.js");
        url_path("%2Fa", &mut key);
        assert_eq!(key, "/a");
    }

    proptest! {
        #[test]
        fn spelling_in_parts_is_spelling_by_letter(text in "[\\\\/a-cA-CÉéİΣ \\\"]{0,20}") {
            let mut expected = String::new();
            for character in text.trim().trim_matches('"').chars() {
                match character {
                    '/' | '\\' if expected.ends_with('\\') && expected.len() > 1 => {}
                    '/' => expected.push('\\'),
                    _ => expected.extend(character.to_lowercase()),
                }
            }
            let mut key = String::new();
            spell(&text, &mut key);
            prop_assert_eq!(key, expected);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            let mut key = String::new();
            path(&text, &mut key);
            prop_assert!(key.starts_with('\\'));
            user_agent(&text, &mut key);
            url_path(&text, &mut key);
            prop_assert!(key.starts_with('/'));
            let _ = (address(&text), network(&text), host(&text));
            let _ = url_parts(&text).whole;
        }

        #[test]
        fn windows_like_paths_never_panic(text in "[\\\\/?.a-cA-C:$%1-2]{0,30}") {
            let mut once = String::new();
            path(&text, &mut once);
            prop_assert!(once.starts_with('\\'));
        }

        #[test]
        fn hexadecimal_round_trips(bytes in prop::array::uniform20(0u8..)) {
            let text: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
            let mut key = Vec::new();
            prop_assert!(hex_key(&text, &mut key));
            prop_assert_eq!(key, bytes);
        }
    }
}
