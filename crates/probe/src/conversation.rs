//! What is known of an address while it is being asked, and what that makes of it.

use std::collections::BTreeMap;

use vigie_event::Timestamp;
use vigie_exposure::{BuildSource, Said, Version, is_public};

use crate::answer::{export_tool_build, header_build, is_online, page_build, shown};
use crate::http::{self, Response};
use crate::report::{Answer, Asked, ChosenBuild, Outcome, ProbeReport, Publication, TargetReport};
use crate::tls::TlsDetails;
use crate::trouble::Trouble;
use crate::{Certificate, Target, Trust};

/// Headers that say what answered.
const TELLING: [&str; 6] = [
    "Server",
    "X-AspNet-Version",
    "X-FEServer",
    "X-BEServer",
    "X-DiagInfo",
    "X-OWA-Version",
];
/// Those that only Exchange sends.
const EXCHANGES: [&str; 3] = ["X-FEServer", "X-DiagInfo", "X-BEServer"];
/// Notes one address may have.
const MAX_NOTES: usize = 40;

/// What is known of an address while it is being asked.
pub(crate) struct Conversation<'a> {
    pub(crate) target: &'a Target,
    pub(crate) at: Option<Timestamp>,
    pub(crate) answers: Vec<Answer>,
    headers: BTreeMap<String, String>,
    tls: Option<TlsDetails>,
    notes: Vec<Said>,
    pub(crate) requests: Vec<Asked>,
    is_exchange: bool,
    pub(crate) trouble: Option<Trouble>,
}

impl<'a> Conversation<'a> {
    pub(crate) fn with(target: &'a Target) -> Conversation<'a> {
        Conversation {
            target,
            at: None,
            answers: Vec::new(),
            headers: BTreeMap::new(),
            tls: None,
            notes: Vec::new(),
            requests: Vec::new(),
            is_exchange: false,
            trouble: None,
        }
    }

    pub(crate) fn note(&mut self, note: Said) {
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(crate) fn learn_tls(&mut self, tls: TlsDetails) {
        if let Some(note) = certificate_note(&tls) {
            self.note(note);
        }
        let fingerprint = |tls: &TlsDetails| tls.certificate.as_ref().map(|known| known.sha256.clone());
        if self
            .tls
            .as_ref()
            .is_some_and(|known| fingerprint(known) != fingerprint(&tls))
        {
            self.note(Said::new(
                "two requests met two certificates: several servers answer at this address",
                "deux requêtes ont vu deux certificats : plusieurs serveurs répondent à cette adresse",
            ));
        }
        self.tls.get_or_insert(tls);
    }

    pub(crate) fn learn(&mut self, path: &str, response: &Response) {
        for name in TELLING {
            if let Some(value) = response.head.header(name) {
                let value = shown(value, 200);
                match self.headers.get(name) {
                    Some(known) if *known != value && name != "X-DiagInfo" => {
                        let known = known.clone();
                        self.note(Said::new(
                            format!("{name} is {known} and then {value}: several servers answer at this address"),
                            format!("{name} vaut {known} puis {value} : plusieurs serveurs répondent à cette adresse"),
                        ));
                    }
                    Some(_) => {}
                    None => {
                        self.headers.insert(name.to_owned(), value);
                    }
                }
            }
        }
        self.is_exchange |= EXCHANGES.iter().any(|name| response.head.header(name).is_some());
        self.learn_builds(path, response);
        if response
            .head
            .header("content-encoding")
            .is_some_and(|coding| coding != "identity")
        {
            self.note(Said::new(
                format!("{path}: the page came compressed, unasked, and was not read"),
                format!("{path} : page compressée sans qu’on l’ait demandé, non lue"),
            ));
        }
        if response.cut {
            let most = http::MAX_BODY >> 10;
            self.note(Said::new(
                format!("{path}: longer than {most} KiB, the rest was not read"),
                format!("{path} : plus de {most} Kio, la suite n’a pas été lue"),
            ));
        }
        if let Some(broken) = &response.broken {
            self.note(Said::new(
                format!("{path}: the page is not whole ({})", broken.id()),
                format!("{path} : page incomplète ({})", broken.id()),
            ));
        }
    }

    fn learn_builds(&mut self, path: &str, response: &Response) {
        if let Some(value) = response.head.header("x-owa-version") {
            match header_build(value) {
                Some(version) => self.answer(BuildSource::XOwaVersion, version, path),
                None => self.note(Said::new(
                    format!(
                        "{path}: X-OWA-Version is no build of Exchange: {}",
                        shown(value, 60)
                    ),
                    format!(
                        "{path} : X-OWA-Version n’est pas une version d’Exchange : {}",
                        shown(value, 60)
                    ),
                )),
            }
        }
        if response.head.status == 200
            && let Some(version) = export_tool_build(&response.body)
        {
            self.answer(BuildSource::ExportTool, version, path);
        }
        if let Some(version) = page_build(&response.body) {
            self.answer(BuildSource::Path, version, path);
        }
    }

    fn answer(&mut self, source: BuildSource, value: Version, path: &str) {
        self.is_exchange = true;
        if is_online(value) {
            self.note(Said::new(
                "15.20 is Exchange Online: this address is Microsoft’s, not a server of the tenant",
                "15.20 est Exchange Online : cette adresse est celle de Microsoft, pas un serveur du client",
            ));
        }
        if self
            .answers
            .iter()
            .any(|known| known.source == source && known.value == value)
        {
            return;
        }
        self.answers.push(Answer {
            source,
            value,
            path: path.to_owned(),
            trap: source.trap(),
        });
    }

    fn outcome(&self) -> Outcome {
        let answered = self.requests.iter().any(|asked| asked.status.is_some());
        match &self.trouble {
            _ if self.is_exchange => Outcome::Exchange,
            _ if answered => Outcome::NotExchange,
            Some(Trouble::Refused) => Outcome::Refused,
            Some(Trouble::Silent | Trouble::Unreachable(_)) => Outcome::NoAnswer,
            Some(Trouble::TimedOut | Trouble::Closed | Trouble::Other(_)) => Outcome::CutOff,
            Some(Trouble::NotTls) => Outcome::NotTls,
            Some(Trouble::Tls(_)) => Outcome::TlsFailed,
            Some(Trouble::NotHttp(_)) => Outcome::NotHttp,
            Some(Trouble::Stopped | Trouble::Expired) | None => Outcome::NotAsked,
        }
    }

    pub(crate) fn report(mut self) -> TargetReport {
        let outcome = self.outcome();
        let build = ChosenBuild::of(&self.answers);
        if build.as_ref().is_some_and(|build| !build.conflicts.is_empty()) {
            self.note(Said::new(
                "the answers contradict each other: several servers behind one address, or a stale page",
                "les réponses se contredisent : plusieurs serveurs derrière une adresse, ou une page périmée",
            ));
        }
        let online = self.answers.iter().any(|answer| is_online(answer.value));
        let public = self.target.port == 443 && is_public(self.target.address);
        if outcome == Outcome::Exchange && !public {
            self.note(Said::new(
                "reached at an address inside or at another port: says nothing of TCP/443 from the Internet",
                "atteint à une adresse interne ou sur un autre port : ne dit rien du TCP/443 vu d’Internet",
            ));
        }
        let reason = self.reason(outcome, build.is_some());
        TargetReport {
            address: Some(self.target.address),
            host: self.target.host.clone(),
            port: self.target.port,
            tenant: self.target.tenant.clone(),
            server: self.target.server.clone(),
            observed_at: self.at.map(ProbeReport::time),
            outcome,
            reason,
            build,
            publication: if outcome == Outcome::Exchange && public && !online {
                Publication::Yes
            } else {
                Publication::Unknown
            },
            answers: self.answers,
            headers: self.headers,
            tls: self.tls,
            notes: self.notes,
            requests: self.requests,
            at: self.at,
        }
    }

    /// What the outcome means, in one sentence.
    fn reason(&self, outcome: Outcome, has_build: bool) -> Said {
        let port = self.target.port;
        let detail = match &self.trouble {
            Some(
                Trouble::Unreachable(why) | Trouble::Tls(why) | Trouble::NotHttp(why) | Trouble::Other(why),
            ) => format!(" ({why})"),
            _ => String::new(),
        };
        match outcome {
            Outcome::Exchange if has_build => Said::new("Exchange answered", "Exchange a répondu"),
            Outcome::Exchange => Said::new(
                "Exchange answered and shows no build: headers removed, or something stands before it",
                "Exchange a répondu sans montrer sa version : en-têtes retirés, ou un relais devant lui",
            ),
            Outcome::NotExchange => self.not_exchange(),
            Outcome::NotHttp => Said::new(
                format!("TCP/{port} is open and speaks TLS, not HTTP{detail}"),
                format!("TCP/{port} est ouvert et parle TLS, pas HTTP{detail}"),
            ),
            Outcome::NotTls => Said::new(
                format!("TCP/{port} is open and does not speak TLS; nothing is asked unencrypted"),
                format!("TCP/{port} est ouvert et ne parle pas TLS ; rien n’est demandé sans chiffrement"),
            ),
            Outcome::TlsFailed => Said::new(
                format!(
                    "TCP/{port} is open, TLS failed{detail}; servers that know only TLS 1.0 and 1.1 cannot be asked"
                ),
                format!(
                    "TCP/{port} est ouvert, TLS a échoué{detail} ; un serveur limité à TLS 1.0 et 1.1 ne peut être interrogé"
                ),
            ),
            Outcome::CutOff => Said::new(
                format!("TCP/{port} is open, no whole answer came in time{detail}"),
                format!("TCP/{port} est ouvert, aucune réponse complète à temps{detail}"),
            ),
            Outcome::Refused => Said::new(
                format!("nothing listens on TCP/{port}, seen from here; from elsewhere it may be open"),
                format!("rien n’écoute sur TCP/{port}, vu d’ici ; d’ailleurs, le port peut être ouvert"),
            ),
            Outcome::NoAnswer => Said::new(
                format!("nothing came back{detail}: filtered, switched off, or only hidden from here"),
                format!("rien n’est revenu{detail} : filtré, éteint, ou seulement caché vu d’ici"),
            ),
            Outcome::NotAsked if self.trouble == Some(Trouble::Expired) => Said::new(
                "no answer before the scope expired",
                "pas de réponse avant l’expiration du périmètre",
            ),
            Outcome::NotAsked | Outcome::Unresolved | Outcome::OutOfScope => Said::new(
                "no answer before the run was stopped",
                "pas de réponse avant l’arrêt",
            ),
        }
    }

    fn not_exchange(&self) -> Said {
        let port = self.target.port;
        let first = self
            .requests
            .iter()
            .find_map(|asked| asked.status)
            .unwrap_or_default();
        let server = self
            .headers
            .get("Server")
            .map(|server| format!(", Server {server}"))
            .unwrap_or_default();
        let (en, fr) = match first {
            401 | 403 => (
                "; it wants credentials first, Exchange may stand behind it",
                " ; il exige d’abord une identification, Exchange peut se trouver derrière",
            ),
            300..=399 => (
                "; it leads elsewhere, Exchange may stand behind it",
                " ; il renvoie ailleurs, Exchange peut se trouver derrière",
            ),
            _ => ("", ""),
        };
        Said::new(
            format!("TCP/{port} open, not Exchange: HTTP {first}{server}{en}"),
            format!("TCP/{port} ouvert, pas Exchange : HTTP {first}{server}{fr}"),
        )
    }
}

fn certificate_note(tls: &TlsDetails) -> Option<Said> {
    let until = |certificate: &Option<Certificate>| {
        certificate
            .as_ref()
            .map(|certificate| certificate.not_after.clone())
            .unwrap_or_default()
    };
    Some(match &tls.trust {
        Trust::Valid => return None,
        Trust::Expired => Said::new(
            format!("the certificate expired on {}", until(&tls.certificate)),
            format!("le certificat a expiré le {}", until(&tls.certificate)),
        ),
        Trust::NotYetValid => Said::new(
            "the certificate does not hold yet",
            "le certificat n’est pas encore valable",
        ),
        Trust::UnknownIssuer => Said::new(
            "the certificate is the server’s own, or of an unknown authority",
            "certificat autosigné, ou d’une autorité inconnue",
        ),
        Trust::WrongName => Said::new(
            "the certificate is for other names",
            "le certificat porte d’autres noms",
        ),
        Trust::Invalid(why) => Said::new(
            format!("the certificate is not valid: {why}"),
            format!("certificat non valable : {why}"),
        ),
    })
}

#[cfg(test)]
mod tests {
    use vigie_exposure::Fact;

    use super::*;
    use crate::report::observations;

    fn asked(address: &str, port: u16, answer: &str) -> TargetReport {
        let target = Target {
            address: address.parse().unwrap(),
            port,
            host: None,
            tenant: "Client".into(),
            server: None,
        };
        let response = http::read_response(&mut answer.as_bytes()).unwrap();
        let mut conversation = Conversation::with(&target);
        conversation.at = Some(0);
        conversation.learn("/owa/", &response);
        conversation.requests.push(Asked {
            path: "/owa/".into(),
            status: Some(response.head.status),
            bytes: response.bytes,
            ms: 1,
            error: None,
        });
        conversation.report()
    }

    const FULL: &str = "HTTP/1.1 200 OK\r\nX-OWA-Version: 15.1.2176.9\r\n\r\n";

    #[test]
    fn only_a_public_address_on_443_is_published() {
        let published = |report: &TargetReport| {
            let mut facts = observations(report);
            facts.any(|one| one.fact == Fact::Published(true))
        };
        let public = asked("8.8.8.8", 443, FULL);
        assert_eq!(public.publication, Publication::Yes);
        assert!(published(&public));
        for (address, port) in [("8.8.8.8", 8443), ("10.0.0.5", 443), ("fd00::5", 443)] {
            let other = asked(address, port, FULL);
            assert_eq!(other.publication, Publication::Unknown, "{address}");
            assert!(!published(&other) && other.build.is_some());
            assert!(
                other
                    .notes
                    .iter()
                    .any(|note| note.en.contains("from the Internet"))
            );
        }
    }

    #[test]
    fn exchange_online_is_no_server_of_the_tenant() {
        let online = asked("8.8.8.8", 443, &FULL.replace("15.1.2176.9", "15.20.3912.30"));
        assert_eq!(
            (online.outcome, online.publication),
            (Outcome::Exchange, Publication::Unknown)
        );
        assert_eq!(observations(&online).count(), 0);
        assert!(online.notes[0].en.contains("Exchange Online"));
    }

    #[test]
    fn two_servers_behind_one_address_are_noticed() {
        let first = "HTTP/1.1 200 OK\r\nX-FEServer: EX01\r\nX-OWA-Version: 15.1.2176.9\r\n\r\n";
        let target = Target {
            address: "8.8.8.8".parse().unwrap(),
            port: 443,
            host: None,
            tenant: "Client".into(),
            server: None,
        };
        let mut conversation = Conversation::with(&target);
        for answer in [
            first.to_owned(),
            first.replace("EX01", "EX02").replace("2176.9", "2176.2"),
        ] {
            let response = http::read_response(&mut answer.as_bytes()).unwrap();
            conversation.learn("/owa/", &response);
        }
        let report = conversation.report();
        assert!(
            report
                .notes
                .iter()
                .any(|note| note.en.contains("X-FEServer is EX01 and then EX02"))
        );
        assert_eq!(report.build.unwrap().conflicts.len(), 1);
    }
}
