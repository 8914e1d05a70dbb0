//! What scripts of nmap say of Exchange. Read are `http-*` (headers, titles and where pages lead), `smtp-commands`,
//! `*-ntlm-info`, `ssl-cert`, and `ms-exchange-version` of righel. Scripts that try a hole are not read.

use super::host::{Host, Name};
use super::{MAX_PIECES, clipped};
use crate::{BuildSource, Version};

/// Lines of one output that are looked at.
const MAX_LINES: usize = 500;

/// The output of a script, as text.
pub(super) fn output(id: &str, output: &str, port: Option<u32>, host: &mut Host) {
    match id {
        "smtp-commands" => smtp(output, port, host),
        "ms-exchange-version" => {}
        id if id.starts_with("http-") && !id.starts_with("http-vuln") => http(output, port, host),
        _ => {}
    }
}

/// A table of a script's output begins.
pub(super) fn table(id: &str, key: &str, port: Option<u32>, host: &mut Host) {
    if id == "ms-exchange-version"
        && let Ok(version) = key.parse::<Version>()
        && host.offered.len() < MAX_PIECES
    {
        host.offered.push((version, port));
        host.exchange(port);
    }
}

/// An element of a script's output, with the key of its table and its own.
pub(super) fn element(id: &str, keys: (&str, &str), text: &str, port: Option<u32>, host: &mut Host) {
    match (id, keys) {
        (id, (_, "DNS_Computer_Name" | "NetBIOS_Computer_Name")) if id.ends_with("-ntlm-info") => {
            host.name(Name::Own, &clipped(text));
        }
        ("ssl-cert", ("subject", "commonName")) => host.name(Name::Certificate, &clipped(text)),
        (id, (_, "redirect_url")) if id.starts_with("http-") => http(text, port, host),
        _ => {}
    }
}

/// `EX01.contoso.example Hello [192.0.2.1], SIZE ..., X-EXPS GSSAPI NTLM, ...`: verbs that only Exchange has.
fn smtp(output: &str, port: Option<u32>, host: &mut Host) {
    let has = |verb: &str| output.split([',', ' ', '\n']).any(|word| word == verb);
    if !has("X-EXPS") && !has("X-ANONYMOUSTLS") {
        return;
    }
    host.exchange(port);
    let mut words = output.split_whitespace();
    if let (Some(name), Some("Hello")) = (words.next(), words.next()) {
        host.name(Name::Own, name);
    }
}

/// Headers and pages of Outlook on the web.
fn http(output: &str, port: Option<u32>, host: &mut Host) {
    for line in output.lines().take(MAX_LINES) {
        let line = line.trim().trim_start_matches(['|', '_', ' ']);
        if let Some((name, value)) = line.split_once(':') {
            let value = value.trim();
            if name.eq_ignore_ascii_case("X-OWA-Version") {
                match value.parse::<Version>() {
                    Ok(version) => host.build(version, BuildSource::XOwaVersion, port),
                    Err(_) => host.exchange(port),
                }
            } else if name.eq_ignore_ascii_case("X-FEServer") {
                host.exchange(port);
                host.name(Name::Own, value);
            }
        }
        page(line, port, host);
    }
}

/// A page below `/owa/auth/`, whose path may hold the build.
fn page(line: &str, port: Option<u32>, host: &mut Host) {
    let Some(at) = line.find("/owa/auth") else {
        return;
    };
    host.exchange(port);
    let rest = line[at..].trim_start_matches("/owa/auth").trim_start_matches('/');
    let build: String = rest
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .take(30)
        .collect();
    if let Ok(version) = build.trim_end_matches('.').parse::<Version>() {
        host.build(version, BuildSource::Path, port);
    }
}
