//! Reading a scope file: strictly, because what it allows is done.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use vigie_event::{MICROS_PER_DAY, Timestamp, parse_utc};

use super::{Cidr, Entry, LARGEST_BLOCK, LARGEST_SCOPE, MAX_ADDRESSES, Place, Rate, Scope};

/// Blocks in one `only`.
const MAX_ONLY: usize = 64;
/// Servers asked at the same time.
const MOST_AT_ONCE: usize = 64;
/// Requests a second, to one address and to all, that a file may ask for.
const FASTEST: Rate = Rate {
    per_host: 5.0,
    total: 100.0,
};

/// Why a scope is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {why}", .line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct ScopeError {
    /// The file.
    pub path: String,
    /// 1-based line, when it is known.
    pub line: Option<usize>,
    /// Why, and what to write instead.
    pub why: String,
}

impl Scope {
    /// Reads a scope file. `path` is for messages; `now` decides whether the scope holds.
    ///
    /// # Errors
    /// When the text is no scope file, when it is not signed off, or does not hold at `now`.
    pub fn read(path: &str, text: &str, now: Timestamp) -> Result<Scope, ScopeError> {
        let refuse = |line, why: String| ScopeError {
            path: path.to_owned(),
            line,
            why,
        };
        if text.len() as u64 > LARGEST_SCOPE {
            let why = format!("a scope has at most {} KiB", LARGEST_SCOPE >> 10);
            return Err(refuse(None, why));
        }
        let written: Written = yaml_serde::from_str(text).map_err(|error| {
            let line = error.location().map(|place| place.line());
            refuse(line, without_place(&error.to_string()))
        })?;
        Scope::of(written, now).map_err(|(key, why)| refuse(line_of(text, key), why))
    }

    fn of(written: Written, now: Timestamp) -> Result<Scope, Wrong> {
        let signed = day("date", written.date)?;
        if signed.instant > now {
            let why = format!("it is dated {}, which is not there yet (UTC)", signed.text);
            return Err(("date", why));
        }
        let expires = written.expires.map(|text| day("expires", text)).transpose()?;
        let ends = expires.as_ref().map(Day::end);
        if let (Some(ends), Some(day)) = (ends, &expires) {
            if ends <= now {
                let why = format!("it expired ({}, UTC); have it signed again", day.text);
                return Err(("expires", why));
            }
            if ends <= signed.instant {
                return Err((
                    "expires",
                    format!("it expires ({}) before it is signed", day.text),
                ));
            }
        }
        let entries: Vec<Entry> = written.addresses.into_iter().map(|entry| entry.0).collect();
        check_entries(&entries).map_err(|why| ("addresses", why))?;
        Ok(Scope {
            owner: text("owner", &written.owner)?,
            signed_by: text("signed_by", &written.signed_by)?,
            contact: written
                .contact
                .map(|contact| text("contact", &contact))
                .transpose()?,
            date: signed.text,
            reason: text("reason", &written.reason)?,
            expires: expires.map(|day| day.text),
            ends,
            entries,
            rate: rate(written.rate)?,
            timeout: timeout(written.timeout)?,
            concurrency: concurrency(written.concurrency)?,
        })
    }
}

/// What is wrong: the key to blame, and why.
type Wrong = (&'static str, String);

/// The line on which a key of the file stands.
fn line_of(file: &str, key: &str) -> Option<usize> {
    let is_key = |line: &str| {
        let rest = line.strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    file.lines().position(is_key).map(|index| index + 1)
}

fn check_entries(entries: &[Entry]) -> Result<(), String> {
    if entries.is_empty() {
        return Err("addresses is empty: name what may be asked".to_owned());
    }
    let all: u64 = entries
        .iter()
        .map(|entry| match &entry.place {
            Place::Name(_) => 1,
            Place::Block(block) => block.len(),
        })
        .sum();
    if all > MAX_ADDRESSES as u64 {
        return Err(format!(
            "the scope has {all} addresses; {MAX_ADDRESSES} are the most, split it"
        ));
    }
    Ok(())
}

/// The reader says the place a second time, behind its message.
fn without_place(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(at) => message[..at].to_owned(),
        None => message.to_owned(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    owner: String,
    signed_by: String,
    contact: Option<String>,
    date: String,
    reason: String,
    expires: Option<String>,
    addresses: Vec<WrittenEntry>,
    rate: Option<WrittenRate>,
    timeout: Option<f64>,
    concurrency: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRate {
    per_host: Option<f64>,
    total: Option<f64>,
}

/// A text that says something, on one line.
fn text(key: &'static str, written: &str) -> Result<String, Wrong> {
    let text = written.trim();
    if text.is_empty() || text == "~" || text == "null" {
        return Err((key, format!("{key} is empty: nothing is asked without it")));
    }
    if text.len() > 500 || text.chars().any(char::is_control) {
        return Err((key, format!("{key} is one line of at most 500 bytes")));
    }
    Ok(text.to_owned())
}

/// A day, or an instant, UTC.
struct Day {
    text: String,
    instant: Timestamp,
}

impl Day {
    /// A day counts to its end, an instant as it is.
    fn end(&self) -> Timestamp {
        if self.text.len() == "2021-03-03".len() {
            self.instant.saturating_add(MICROS_PER_DAY)
        } else {
            self.instant
        }
    }
}

fn day(key: &'static str, written: String) -> Result<Day, Wrong> {
    let text = written.trim().to_owned();
    match parse_utc(&text) {
        Some(instant) => Ok(Day { text, instant }),
        None => {
            let shown: String = text.chars().take(40).collect();
            let why =
                format!("{key}: {shown:?} is not a date; write 2021-03-03 or 2021-03-03T18:00:00Z (UTC)");
            Err((key, why))
        }
    }
}

fn timeout(written: Option<f64>) -> Result<Duration, Wrong> {
    match written {
        None => Ok(Duration::from_secs(20)),
        Some(seconds) if (1.0..=120.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        Some(_) => Err((
            "timeout",
            "timeout is a number of seconds from 1 to 120".to_owned(),
        )),
    }
}

fn concurrency(written: Option<f64>) -> Result<usize, Wrong> {
    match written {
        None => Ok(8),
        Some(number) => (1..=MOST_AT_ONCE)
            .find(|most| *most as f64 == number)
            .ok_or_else(|| {
                let why = format!("concurrency is a whole number from 1 to {MOST_AT_ONCE}");
                ("concurrency", why)
            }),
    }
}

fn rate(written: Option<WrittenRate>) -> Result<Rate, Wrong> {
    let within = |name, given: Option<f64>, usual: f64, most: f64| match given {
        None => Ok(usual),
        Some(rate) if rate >= 0.01 && rate <= most => Ok(rate),
        Some(_) => {
            let why = format!("rate: {name} is a number of requests a second from 0.01 to {most}");
            Err(("rate", why))
        }
    };
    let usual = Rate::default();
    let given = written.as_ref();
    let per_host = given.and_then(|rate| rate.per_host);
    let total = given.and_then(|rate| rate.total);
    Ok(Rate {
        per_host: within("per_host", per_host, usual.per_host, FASTEST.per_host)?,
        total: within("total", total, usual.total, FASTEST.total)?,
    })
}

struct WrittenEntry(Entry);

impl<'de> Deserialize<'de> for WrittenEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WrittenEntry, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename = "address")]
        struct Fields {
            host: Option<String>,
            ip: Option<String>,
            cidr: Option<String>,
            port: Option<u16>,
            tenant: String,
            server: Option<String>,
            #[serde(default)]
            only: Vec<String>,
        }
        let fields = Fields::deserialize(deserializer)?;
        let said = |key, written: &str| text(key, written).map_err(|(_, why)| D::Error::custom(why));
        let port = fields.port.unwrap_or(443);
        if port == 0 {
            return Err(D::Error::custom("port is a number from 1 to 65535"));
        }
        let place = match (fields.host, fields.ip, fields.cidr) {
            (Some(host), None, None) => name_or_address(&host),
            (None, Some(ip), None) => one_address(&ip),
            (None, None, Some(cidr)) => block(&cidr),
            _ => Err("an address has one of host, ip and cidr".to_owned()),
        };
        let place = place.map_err(D::Error::custom)?;
        if !fields.only.is_empty() && !matches!(place, Place::Name(_)) {
            return Err(D::Error::custom(
                "only goes with a host name: it says which of its addresses count",
            ));
        }
        if fields.only.len() > MAX_ONLY {
            return Err(D::Error::custom(format!("only has at most {MAX_ONLY} blocks")));
        }
        let only: Result<Vec<Cidr>, _> = fields.only.iter().map(|text| text.parse()).collect();
        Ok(WrittenEntry(Entry {
            place,
            port,
            tenant: said("tenant", &fields.tenant)?,
            server: fields.server.map(|server| said("server", &server)).transpose()?,
            only: only.map_err(D::Error::custom)?,
        }))
    }
}

fn one_address(text: &str) -> Result<Place, String> {
    let block: Cidr = text
        .parse()
        .map_err(|error: super::CidrError| error.to_string())?;
    match block.single() {
        Some(address) => usable(address).map(|()| Place::Block(block)),
        None => Err(format!("{text} is a block: write it as cidr")),
    }
}

fn block(text: &str) -> Result<Place, String> {
    let block: Cidr = text
        .parse()
        .map_err(|error: super::CidrError| error.to_string())?;
    if block.len() > LARGEST_BLOCK {
        return Err(format!(
            "{text} has more than {LARGEST_BLOCK} addresses: a scope names servers, not networks"
        ));
    }
    let mut addresses = block.addresses();
    addresses.try_for_each(usable)?;
    Ok(Place::Block(block))
}

/// Addresses that mean nobody or everybody are never asked.
fn usable(address: IpAddr) -> Result<(), String> {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_unspecified() || address.is_multicast() || broadcast {
        return Err(format!("{address} is not the address of one machine"));
    }
    Ok(())
}

fn name_or_address(text: &str) -> Result<Place, String> {
    let name = text.trim().trim_end_matches('.').to_ascii_lowercase();
    if name.parse::<IpAddr>().is_ok() {
        return one_address(&name);
    }
    let label = |label: &str| {
        let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=63).contains(&label.len())
            && label.bytes().all(inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A name of digits only would be read as an address by resolvers: 2130706433 is 127.0.0.1.
    let last_is_text = name
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().any(|b| b.is_ascii_alphabetic()));
    if name.len() <= 253 && name.split('.').all(label) && last_is_text && !name.starts_with("0x") {
        Ok(Place::Name(name))
    } else {
        let shown: String = text.chars().take(60).collect();
        Err(format!(
            "{shown:?} is not a name such as mail.client.example: no scheme, no path, no port; an international name in its xn-- form"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2021-03-05T10:00:00Z";

    fn read(text: &str) -> Result<Scope, ScopeError> {
        Scope::read("scope.yaml", text, parse_utc(NOW).unwrap())
    }

    fn scope_with(lines: &str) -> String {
        format!("owner: Clara Weber\nsigned_by: J. Martin\ndate: 2021-03-04\nreason: ProxyLogon\n{lines}")
    }

    fn said(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    const ONE: &str = "addresses:\n  - {host: mail.client.example, tenant: Client}\n";

    #[test]
    fn a_scope_is_read_with_its_usual_limits() {
        let scope = read(&scope_with(
            "contact: soc@msp.example\nexpires: 2021-03-05\naddresses:\n  - {host: Mail.Client.Example., tenant: A, server: EX01, only: [203.0.113.0/24]}\n  - {ip: 203.0.113.5, port: 8443, tenant: B}\n  - {cidr: 198.51.100.0/29, tenant: C}\n",
        ))
        .unwrap();
        assert_eq!(scope.entries[0].place, Place::Name("mail.client.example".into()));
        assert_eq!((scope.entries[0].port, scope.entries[1].port), (443, 8443));
        assert_eq!(scope.rate, Rate::default());
        assert_eq!(scope.timeout, Duration::from_secs(20));
        assert!(scope.user_agent().ends_with("(version check; +soc@msp.example)"));
        assert!(scope.has_name("MAIL.client.example", 443) && !scope.has_name("mail.client.example", 80));
    }

    #[test]
    fn the_example_of_the_documentation_holds() {
        let text = include_str!("../../../../docs/probe.scope.example.yaml");
        let scope = read(text).unwrap();
        assert_eq!(scope.rate, Rate::default());
        assert_eq!(scope.entries.len(), 3);
    }

    #[test]
    fn nobody_asks_without_a_name_a_date_a_reason_and_a_signature() {
        for key in ["owner", "signed_by", "date", "reason"] {
            let all = scope_with(ONE);
            let without: String = all
                .lines()
                .filter(|line| !line.starts_with(key))
                .map(|line| format!("{line}\n"))
                .collect();
            assert!(
                said(&without).contains(&format!("missing field `{key}`")),
                "{}",
                said(&without)
            );
            let empty: String = all
                .lines()
                .map(|line| {
                    if line.starts_with(key) {
                        format!("{key}: ''\n")
                    } else {
                        format!("{line}\n")
                    }
                })
                .collect();
            assert!(read(&empty).is_err(), "{key}");
            let nothing: String = all
                .lines()
                .map(|line| {
                    if line.starts_with(key) {
                        format!("{key}:\n")
                    } else {
                        format!("{line}\n")
                    }
                })
                .collect();
            assert!(read(&nothing).is_err(), "{key}");
        }
    }

    #[test]
    fn a_scope_holds_from_its_date_to_its_end() {
        let later = scope_with(ONE).replace("2021-03-04", "2021-03-06");
        assert!(
            said(&later).starts_with("scope.yaml:3: it is dated 2021-03-06"),
            "{}",
            said(&later)
        );
        let over = scope_with(&format!("expires: 2021-03-04\n{ONE}"));
        assert!(
            said(&over).starts_with("scope.yaml:5: it expired"),
            "{}",
            said(&over)
        );
        assert!(read(&scope_with(&format!("expires: 2021-03-05\n{ONE}"))).is_ok());
        assert!(read(&scope_with(&format!("expires: 2021-03-05T09:59:59Z\n{ONE}"))).is_err());
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let cases = [
            ("also: this\n", "scope.yaml:5: unknown field `also`"),
            (
                "addresses:\n  - {host: a.example, tenant: A, ports: 1}\n",
                "unknown field `ports`",
            ),
            (
                "addresses:\n  - {host: a.example, ip: 10.0.0.1, tenant: A}\n",
                "one of host, ip and cidr",
            ),
            ("addresses:\n  - {host: a.example}\n", "missing field `tenant`"),
            (
                "addresses:\n  - {host: 'https://a.example/owa', tenant: A}\n",
                "no scheme",
            ),
            ("addresses:\n  - {host: '2130706433', tenant: A}\n", "not a name"),
            (
                "addresses:\n  - {ip: 0.0.0.0, tenant: A}\n",
                "not the address of one machine",
            ),
            (
                "addresses:\n  - {cidr: 10.0.0.0/16, tenant: A}\n",
                "more than 256 addresses",
            ),
            (
                "addresses:\n  - {ip: 10.0.0.1, tenant: A, only: [10.0.0.0/8]}\n",
                "only goes with a host name",
            ),
            ("addresses: []\n", "addresses is empty"),
            (
                "rate: {per_host: 50}\naddresses: [{ip: 10.0.0.1, tenant: A}]\n",
                "per_host is a number",
            ),
            (
                "rate: {per_host: .nan}\naddresses: [{ip: 10.0.0.1, tenant: A}]\n",
                "per_host is a number",
            ),
            (
                "timeout: 0\naddresses: [{ip: 10.0.0.1, tenant: A}]\n",
                "timeout is a number",
            ),
            (
                "concurrency: 65\naddresses: [{ip: 10.0.0.1, tenant: A}]\n",
                "concurrency is a whole number",
            ),
            ("date2: x", "scope.yaml:5: unknown field `date2`"),
            (
                "timeout: 500\naddresses: [{ip: 10.0.0.1, tenant: A}]\n",
                "scope.yaml:5: timeout is",
            ),
            (
                "addresses:\n  - {ip: 10.0.0.1, tenant: ''}\n",
                "scope.yaml:6: addresses: tenant is empty",
            ),
            ("owner: again\n", "duplicate field `owner`"),
        ];
        for (lines, expected) in cases {
            let said = said(&scope_with(lines));
            assert!(said.contains(expected), "{lines}: {said}");
            assert!(said.starts_with("scope.yaml:"), "{said}");
        }
        let many = "  - {cidr: 10.0.0.0/24, tenant: A}\n".repeat(17);
        assert!(said(&scope_with(&format!("addresses:\n{many}"))).contains("4352 addresses"));
    }
}
