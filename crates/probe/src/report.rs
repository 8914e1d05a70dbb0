//! What came of it, per address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;
use vigie_event::{Timestamp, format_utc};
use vigie_exposure::{BuildSource, Fact, Observation, Origin, Place, ProductLine, Said, Subject, Version};

use crate::answer::is_online;
use crate::tls::TlsDetails;

/// Version of the JSON form.
pub(crate) const SCHEMA_VERSION: &str = "1.0";

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub struct ProbeReport {
    /// Version of the JSON form.
    pub schema_version: &'static str,
    /// Under whose authority.
    pub scope: ScopeSummary,
    /// Begin, RFC 3339, UTC.
    pub started_at: String,
    /// End, RFC 3339, UTC.
    pub ended_at: String,
    /// Whether every address was asked.
    pub complete: bool,
    /// How many requests were sent.
    pub requests: u64,
    /// One per address, in the order of the scope.
    pub targets: Vec<TargetReport>,
    /// What the reader must know.
    pub warnings: Vec<Said>,
}

/// Who signed for it.
#[derive(Debug, Clone, Serialize)]
pub struct ScopeSummary {
    /// Who is responsible.
    pub owner: String,
    /// Who signed.
    pub signed_by: String,
    /// When.
    pub date: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires: Option<String>,
}

macro_rules! identifiers {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $id:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// The identifier used in files and in JSON.
            pub fn id(self) -> &'static str {
                match self {
                    $($name::$variant => $id),+
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.id())
            }
        }
    };
}
identifiers! {
    /// What answered.
    Outcome {
        /// Exchange.
        Exchange = "exchange",
        /// A web server that shows nothing of Exchange.
        NotExchange = "not_exchange",
        /// Something that is not HTTP.
        NotHttp = "not_http",
        /// Something that does not speak TLS.
        NotTls = "not_tls",
        /// TLS could not be agreed on.
        TlsFailed = "tls_failed",
        /// The port is open; no whole answer came.
        CutOff = "cut_off",
        /// Nothing listens there, seen from here.
        Refused = "refused",
        /// Nothing came back.
        NoAnswer = "no_answer",
        /// The name leads to no address that may be asked.
        Unresolved = "unresolved",
        /// The name leads only to addresses that the scope does not allow.
        OutOfScope = "out_of_scope",
        /// The run ended before its answer came.
        NotAsked = "not_asked",
    }
}

identifiers! {
    /// Whether Exchange can be reached from the Internet on TCP/443. Never `no`: silence proves nothing.
    Publication {
        /// It answered at a public address.
        Yes = "yes",
        /// Not known.
        Unknown = "unknown",
    }
}

/// One address.
#[derive(Debug, Clone, Serialize)]
pub struct TargetReport {
    /// The address; `None` when a name led to none.
    pub address: Option<IpAddr>,
    /// The name it was found by.
    pub host: Option<String>,
    /// TCP port.
    pub port: u16,
    /// Whose server it is.
    pub tenant: String,
    /// The server's name inside, from the scope.
    pub server: Option<String>,
    /// When it was asked, RFC 3339, UTC.
    pub observed_at: Option<String>,
    /// What answered.
    pub outcome: Outcome,
    /// What that means.
    pub reason: Said,
    /// The build, from the best source; `None` is unknown.
    pub build: Option<ChosenBuild>,
    /// Whether it is published.
    pub publication: Publication,
    /// All builds seen.
    pub answers: Vec<Answer>,
    /// Other headers that say what answered.
    pub headers: BTreeMap<String, String>,
    /// What TLS showed.
    pub tls: Option<TlsDetails>,
    /// What else was seen.
    pub notes: Vec<Said>,
    /// What was asked, and how it ended.
    pub requests: Vec<Asked>,
    /// When it was asked, UTC.
    #[serde(skip)]
    pub at: Option<Timestamp>,
}

/// The build a server most likely runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChosenBuild {
    /// The build.
    pub value: Version,
    /// How it was found out.
    pub source: BuildSource,
    /// What other answers said instead.
    pub conflicts: Vec<Answer>,
}

/// One build seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// How it was found out.
    pub source: BuildSource,
    /// The build.
    pub value: Version,
    /// The page that said it.
    pub path: String,
    /// How the source is known to mislead.
    pub trap: Said,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// HTTP status, when there is an answer.
    pub status: Option<u16>,
    /// Bytes of the answer.
    pub bytes: u64,
    /// Milliseconds.
    pub ms: u64,
    /// Why there is no whole answer.
    pub error: Option<&'static str>,
}

impl ChosenBuild {
    /// The best of several answers; those that cannot be the same build are conflicts.
    pub(crate) fn of(answers: &[Answer]) -> Option<ChosenBuild> {
        let best = answers.iter().min_by_key(|answer| answer.source)?;
        let mut conflicts: Vec<Answer> = answers
            .iter()
            .filter(|answer| !answer.value.agrees_with(best.value))
            .cloned()
            .collect();
        conflicts.sort_by_key(|answer| answer.source);
        Some(ChosenBuild {
            value: best.value,
            source: best.source,
            conflicts,
        })
    }
}

impl TargetReport {
    /// `https://mail.client.example`, or with the address and the port.
    pub fn place(&self) -> String {
        let address = self.address.map(|address| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        });
        let host = match (&self.host, address) {
            (Some(host), Some(address)) => format!("{host} ({address})"),
            (Some(host), None) => host.clone(),
            (None, address) => address.unwrap_or_default(),
        };
        if self.port == 443 {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

/// What one address says, as observations.
pub(crate) fn observations(target: &TargetReport) -> impl Iterator<Item = Observation> {
    let subject = Arc::new(Subject {
        tenant: Some(target.tenant.clone()),
        name: target.server.clone(),
        fqdn: target.host.clone(),
        addresses: target.address.into_iter().collect(),
        ..Subject::default()
    });
    let file: Arc<str> = Arc::from(target.place());
    let at = target.at;
    // Microsoft's cloud answering says nothing of a server of the tenant's own.
    let online = target.answers.iter().any(|answer| is_online(answer.value));
    let own = target.outcome == Outcome::Exchange && !online;
    let product = own.then(|| {
        let product = "exchange".to_owned();
        (Fact::Product(ProductLine { product, line: None }), None)
    });
    let published = (own && target.publication == Publication::Yes).then_some((Fact::Published(true), None));
    let builds = target.answers.iter().filter(move |_| own).map(|answer| {
        let fact = Fact::Build {
            version: answer.value,
            source: answer.source,
        };
        (fact, Some(Place::Path(answer.path.clone().into_boxed_str())))
    });
    product
        .into_iter()
        .chain(published)
        .chain(builds)
        .map(move |(fact, place)| Observation {
            subject: Arc::clone(&subject),
            fact,
            at,
            origin: Origin {
                reader: "probe",
                file: Arc::clone(&file),
                place,
            },
        })
}

impl ProbeReport {
    /// What was seen, as observations. Silence is none: nothing is said of who did not answer.
    pub fn observations(&self) -> Vec<Observation> {
        self.targets.iter().flat_map(observations).collect()
    }

    pub(crate) fn time(instant: Timestamp) -> String {
        format_utc(instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(source: BuildSource, value: &str) -> Answer {
        Answer {
            source,
            value: value.parse().unwrap(),
            path: "/owa/".into(),
            trap: source.trap(),
        }
    }

    #[test]
    fn the_best_source_wins_and_contradictions_are_kept() {
        let answers = [
            answer(BuildSource::Path, "15.1.2176"),
            answer(BuildSource::XOwaVersion, "15.1.2176.2"),
            answer(BuildSource::ExportTool, "15.1.2176.9"),
        ];
        let chosen = ChosenBuild::of(&answers).unwrap();
        assert_eq!(chosen.source, BuildSource::ExportTool);
        assert_eq!(chosen.conflicts, answers[1..2]);
        assert_eq!(ChosenBuild::of(&[]), None);
    }
}
