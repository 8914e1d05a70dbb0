//! What goes wrong between here and a server, and what to do about it.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use serde::Deserialize;
use vigie_report::{Lang, visible};

use crate::tell;

/// Why an answer did not come, or was no.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The server says no, and why.
    Refused(Problem),
    /// There was no answer.
    Broken(Broken),
}

/// What a server says is wrong (RFC 9457).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: String,
    field: Option<String>,
    detail: String,
    what_to_do: String,
    retry_after: Option<u64>,
    #[serde(skip)]
    lang: Lang,
}

/// No answer, or none of Vigie's.
#[derive(Debug)]
pub(crate) struct Broken {
    text: String,
    /// Whether it may be there again in a moment.
    may_pass: bool,
    /// Whether somebody was there, and the request may have been done.
    may_be_done: bool,
}

impl Fault {
    /// The kind of problem, such as `conflict`; empty when there was no answer.
    pub(crate) fn kind(&self) -> &str {
        match self {
            Fault::Refused(problem) => problem.kind.rsplit(':').next().unwrap_or_default(),
            Fault::Broken(_) => "",
        }
    }

    /// Whether a value of this name was refused.
    pub(crate) fn is_about(&self, field: &str) -> bool {
        matches!(self, Fault::Refused(problem) if problem.field.as_deref() == Some(field))
    }

    /// How long the server asks to wait before the same is asked again, when that is all it takes. Such requests were not
    /// done, or are told apart from others by their `Idempotency-Key`.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match (self, self.kind()) {
            (
                Fault::Refused(problem),
                "too-many-requests" | "unavailable" | "uncertain" | "running" | "locked",
            ) => Some(Duration::from_secs(
                problem.retry_after.unwrap_or(1).clamp(1, 900),
            )),
            _ => None,
        }
    }

    /// Whether the line broke, or the server is away, and may be back in a moment.
    pub(crate) fn is_broken_line(&self) -> bool {
        matches!(self, Fault::Broken(broken) if broken.may_pass)
    }

    /// Whether the line broke when the server had been reached already: it may have done what was asked.
    pub(crate) fn is_lost_answer(&self) -> bool {
        matches!(self, Fault::Broken(broken) if broken.may_pass && broken.may_be_done)
    }

    pub(super) fn of_transport(url: &str, error: &ureq::Error, lang: Lang) -> Fault {
        // A certificate that is not believed will not be in a minute.
        let is_certificate = match error {
            ureq::Error::Io(error) => error.kind() == ErrorKind::InvalidData,
            ureq::Error::Tls(_) | ureq::Error::Pem(_) | ureq::Error::Rustls(_) => true,
            _ => false,
        };
        let hint = match is_certificate {
            true => tell(
                lang,
                "if its certificate is of an authority of your own, name it with --ca-cert",
                "si son certificat vient de votre propre autorité, indiquez celle-ci avec --ca-cert",
            ),
            false => tell(
                lang,
                "look whether the server runs and whether the address is right",
                "vérifiez que le serveur fonctionne et que l’adresse est la bonne",
            ),
        };
        let text = match lang {
            Lang::En => format!("cannot reach {url}: {error}; {hint}"),
            Lang::Fr => format!("{url} est injoignable\u{a0}: {error}\u{202f}; {hint}"),
        };
        let may_pass = !is_certificate && !matches!(error, ureq::Error::BadUri(_) | ureq::Error::Http(_));
        let was_reached = match error {
            ureq::Error::Io(error) => is_of_a_connection(error.kind()),
            ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => false,
            ureq::Error::Timeout(_) | ureq::Error::Protocol(_) => true,
            _ => false,
        };
        Fault::Broken(Broken {
            text,
            may_pass,
            may_be_done: may_pass && was_reached,
        })
    }

    pub(super) fn of_answer(url: &str, status: u16, body: &[u8], lang: Lang) -> Fault {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) if problem.kind.starts_with("urn:vigie:problem:") => {
                Fault::Refused(Problem { lang, ..problem })
            }
            _ => Fault::Broken(Broken {
                text: match lang {
                    Lang::En => format!(
                        "{url} answers {status}, and not as Vigie does: is this the address of its server?"
                    ),
                    Lang::Fr => format!(
                        "{url} répond {status}, et pas comme Vigie le ferait\u{a0}: est-ce bien l’adresse de son serveur\u{202f}?"
                    ),
                },
                // What a proxy says while the server behind it starts again.
                may_pass: matches!(status, 502..=504),
                may_be_done: false,
            }),
        }
    }

    pub(super) fn strange(url: &str, why: &str, lang: Lang) -> Fault {
        let text = match lang {
            Lang::En => format!("{url} gave an answer that cannot be read: {why}"),
            Lang::Fr => format!("{url} a donné une réponse illisible\u{a0}: {why}"),
        };
        Fault::Broken(Broken {
            text,
            may_pass: false,
            may_be_done: false,
        })
    }
}

/// Whether it goes wrong only when there is a connection already: names that lead nowhere and networks that are away do not.
fn is_of_a_connection(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
            | ErrorKind::TimedOut
    )
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Broken(broken) => write!(out, "{}", visible(&broken.text)),
            Fault::Refused(problem) => {
                write!(out, "{}", visible(&problem.detail))?;
                let what_to_do = match self.kind() {
                    "unauthenticated" => tell(
                        problem.lang,
                        "Give a key that works, in VIGIE_KEY or with --key-file; keys are made in the settings of the desk.",
                        "Donnez une clé valable, dans VIGIE_KEY ou avec --key-file\u{202f}; les clés se créent dans les réglages du poste.",
                    ),
                    "forbidden" => tell(
                        problem.lang,
                        "The key must have this right, and so must whoever made it.",
                        "La clé doit avoir ce droit, et la personne qui l’a créée aussi.",
                    ),
                    _ => &problem.what_to_do,
                };
                write!(out, "\n{}", visible(what_to_do))
            }
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_and_what_to_do_and_moves_no_cursor() {
        let body = br#"{"type": "urn:vigie:problem:too-many-requests", "status": 429, "title": "x", "detail": "too \u001b[2Jmany",
            "what_to_do": "Wait.", "retry_after": 7}"#;
        let fault = Fault::of_answer("http://a", 429, body, Lang::En);
        assert_eq!(fault.wait(), Some(Duration::from_secs(7)));
        let said = fault.to_string();
        assert!(said.ends_with("\nWait.") && !said.contains('\u{1b}'), "{said:?}");
    }

    #[test]
    fn only_a_connection_that_broke_may_have_carried_the_request() {
        let is_lost = |kind: ErrorKind| {
            let error = ureq::Error::Io(std::io::Error::from(kind));
            Fault::of_transport("http://a", &error, Lang::En).is_lost_answer()
        };
        for kind in [
            ErrorKind::ConnectionReset,
            ErrorKind::BrokenPipe,
            ErrorKind::UnexpectedEof,
        ] {
            assert!(is_lost(kind), "{kind:?}");
        }
        for kind in [
            ErrorKind::ConnectionRefused,
            ErrorKind::HostUnreachable,
            ErrorKind::NetworkUnreachable,
            ErrorKind::AddrNotAvailable,
            ErrorKind::Other,
        ] {
            assert!(!is_lost(kind), "{kind:?}");
        }
    }

    #[test]
    fn the_answer_of_something_else_is_no_problem_of_ours() {
        let fault = Fault::of_answer("http://a", 502, b"<html>Bad Gateway", Lang::En);
        assert!(
            matches!(&fault, Fault::Broken(broken) if broken.may_pass),
            "{fault}"
        );
        let fault = Fault::of_answer("http://a", 404, br#"{"type": "about:blank"}"#, Lang::En);
        assert!(
            matches!(&fault, Fault::Broken(broken) if !broken.may_pass),
            "{fault}"
        );
    }
}
