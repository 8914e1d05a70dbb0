//! What checks of others said: Test-ProxyLogon, HealthChecker, CompareExchangeHashes, EOMT, Safety Scanner.
//!
//! A check that reports something gives rows that rules judge. A check that reports nothing only says that somebody
//! looked: the fact `check_run`. It never means that the server is clean.
//!
//! Every row has `Check` (the tool), `Result` (what it said, in one word) and `Cve` where the tool names one:
//!
//! | `Result` | |
//! |---|---|
//! | `hit` | the check reports a trace of an attack |
//! | `threat` | a scanner found malware |
//! | `vulnerable`, `not_vulnerable`, `mitigated` | the state of the server |
//! | `log_age` | how far back the logs went that the check read |
//! | `run`, `failed`, `info` | the check itself |

pub(super) mod compare_hashes;
pub(super) mod eomt;
pub(super) mod health_checker;
pub(super) mod msert;
pub(super) mod test_proxylogon;

/// The CVEs a text names, in its order, each once.
fn cves(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for (at, _) in text.match_indices("CVE-") {
        let rest = text.get(at + 4..).unwrap_or_default();
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let year = digits(rest);
        let number = rest
            .get(year..)
            .and_then(|rest| rest.strip_prefix('-'))
            .map_or(0, digits);
        if year != 4 || !(4..=7).contains(&number) {
            continue;
        }
        let cve = text.get(at..at + 4 + year + 1 + number).unwrap_or_default();
        if !found.contains(&cve) {
            found.push(cve);
        }
    }
    found
}

/// Whether a text may be the name of a machine.
fn is_host(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::cves;

    #[test]
    fn cves_are_found_in_prose() {
        let text = "CVE-2021-26855, see CVE-2021-26855 and CVE-2020-1; CVE-20210-1234 CVE-2022-41040.";
        assert_eq!(cves(text), ["CVE-2021-26855", "CVE-2022-41040"]);
        assert!(cves("CVE-é CVE-").is_empty());
    }
}
