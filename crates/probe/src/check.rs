//! The conversation with one address.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vigie_exposure::{BuildSource, Said, Version};

use crate::answer::{export_tool_build, header_build, is_online, page_build, shown};
use crate::http::{self, Bounded, Response};
use crate::journal::Ended;
use crate::plan::PAGES;
use crate::report::{Answer, Asked, ChosenBuild, Outcome, ProbeReport, Publication, TargetReport, is_public};
use crate::run::ProbeError;
use crate::tls::{Tls, TlsDetails};
use crate::trouble::Trouble;
use crate::{Certificate, Journal, Place, Scope, Target, Throttle, Trust, now};

/// Redirects followed from one page.
const MAX_REDIRECTS: usize = 3;
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

/// What all conversations share.
pub(crate) struct Context<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) user_agent: String,
    pub(crate) tls: &'a Tls,
    pub(crate) throttle: &'a Throttle<'a>,
    pub(crate) journal: &'a Journal,
    pub(crate) stop: &'a AtomicBool,
    /// Set when the log cannot be written: nothing is sent any more.
    pub(crate) halt: &'a AtomicBool,
    /// Ask for both pages even when the first one said the full build.
    pub(crate) all: bool,
}

impl Context<'_> {
    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst) || self.halt.load(Ordering::SeqCst) || self.is_expired()
    }

    fn is_expired(&self) -> bool {
        self.scope.ends.is_some_and(|ends| ends <= now())
    }

    /// Asks one address for its build.
    pub(crate) fn check(&self, target: &Target) -> Result<TargetReport, ProbeError> {
        let mut seen = Conversation::with(target);
        for page in PAGES {
            self.ask_page(&mut seen, page)?;
            let full = seen
                .answers
                .iter()
                .any(|answer| answer.value.revision.is_some() && answer.source != BuildSource::Path);
            if seen.trouble.is_some() || (full && !self.all) {
                break;
            }
        }
        Ok(seen.report())
    }

    /// Asks for a page, and for those of the same server it leads to.
    fn ask_page(&self, seen: &mut Conversation<'_>, page: &str) -> Result<(), ProbeError> {
        let mut path = page.to_owned();
        for hop in 0..=MAX_REDIRECTS {
            let Some(response) = self.ask(seen, &path)? else {
                return Ok(());
            };
            let location = match response.head.status {
                301 | 302 | 303 | 307 | 308 => response.head.header("location"),
                _ => None,
            };
            let Some(location) = location else {
                return Ok(());
            };
            match self.follow(seen.target, &path, location) {
                Ok(next) if seen.requests.iter().any(|asked| asked.path == next) => return Ok(()),
                Ok(_) if hop == MAX_REDIRECTS => {
                    seen.note(Said::new(
                        format!("{page}: more than {MAX_REDIRECTS} redirects, not followed further"),
                        format!("{page} : plus de {MAX_REDIRECTS} redirections, non suivies au-delà"),
                    ));
                }
                Ok(next) => path = next,
                Err(note) => {
                    seen.note(note);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Sends one request. `None` when nothing came back, which the conversation then knows.
    fn ask(&self, seen: &mut Conversation<'_>, path: &str) -> Result<Option<Response>, ProbeError> {
        let target = seen.target;
        if !self.throttle.wait(target.address, &|| self.is_over()) {
            seen.trouble = Some(if self.is_expired() {
                Trouble::Expired
            } else {
                Trouble::Stopped
            });
            return Ok(None);
        }
        let id = self.journal.begin(target, path)?;
        let begun = Instant::now();
        seen.at.get_or_insert_with(now);
        let (tls, outcome) = self.request(target, path);
        let before = seen.answers.len();
        let mut ended = Ended {
            ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..Ended::default()
        };
        if let Some(tls) = tls {
            seen.learn_tls(tls);
        }
        let response = match outcome {
            Ok(response) => {
                ended.status = Some(response.head.status);
                ended.bytes = response.bytes;
                ended.error = response.broken.as_ref().map(Trouble::id);
                seen.learn(path, &response);
                Some(response)
            }
            Err(trouble) => {
                ended.error = Some(trouble.id());
                seen.trouble = Some(trouble);
                None
            }
        };
        let builds: Vec<String> = seen.answers[before..]
            .iter()
            .map(|answer| format!("{} {}", answer.source, answer.value))
            .collect();
        ended.build = (!builds.is_empty()).then(|| builds.join(", "));
        self.journal.end(id, target, path, &ended)?;
        seen.requests.push(Asked {
            path: path.to_owned(),
            status: ended.status,
            bytes: ended.bytes,
            ms: ended.ms,
            error: ended.error,
        });
        Ok(response)
    }

    fn request(&self, target: &Target, path: &str) -> (Option<TlsDetails>, Result<Response, Trouble>) {
        let deadline = Instant::now() + self.scope.timeout;
        let address = SocketAddr::new(target.address, target.port);
        let stream = match TcpStream::connect_timeout(&address, self.scope.timeout) {
            Ok(stream) => stream,
            Err(error) => return (None, Err(Trouble::connecting(&error))),
        };
        let socket = Bounded {
            stream,
            // A connection made at the last moment still gets a moment.
            deadline: deadline.max(Instant::now() + Duration::from_millis(50)),
            stop: self.stop,
        };
        match self.tls.connect(socket, target.host.as_deref(), target.address) {
            Err(trouble) => (None, Err(trouble)),
            Ok((mut stream, details)) => {
                let request = http::request(&target.authority(), path, &self.user_agent);
                (Some(details), http::exchange(&mut stream, &request))
            }
        }
    }

    /// The path that a redirect leads to, when it is one of the same server's pages; else why it is not followed.
    fn follow(&self, target: &Target, from: &str, location: &str) -> Result<String, Said> {
        let to = shown(location, 300);
        let refuse = |en: &str, fr: &str| {
            Err(Said::new(
                format!("{from} leads to {to}: not followed, {en}"),
                format!("{from} mène à {to} : non suivi, {fr}"),
            ))
        };
        if location.len() > 2_048 || !location.bytes().all(|b| b.is_ascii_graphic()) {
            return refuse("that is no address", "ce n’est pas une adresse");
        }
        let Some((place, path)) = split(location, from) else {
            return refuse("it is not encrypted", "sans chiffrement");
        };
        if let Some((host, port)) = place {
            let same_host = target
                .host
                .as_deref()
                .is_some_and(|own| own.eq_ignore_ascii_case(host));
            let ip = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
            if port != Some(target.port) || !(same_host || ip == Some(target.address)) {
                let known = port.is_some_and(|port| self.allows(host, ip, port));
                return if known {
                    refuse(
                        "it is another server of the scope and is asked for itself",
                        "autre serveur du périmètre, interrogé pour lui-même",
                    )
                } else {
                    refuse("it is out of scope", "hors périmètre")
                };
            }
        }
        let path = path.split('#').next().unwrap_or_default();
        let folder = path.get(..5).unwrap_or_default().to_ascii_lowercase();
        if path.contains("..") || !matches!(folder.as_str(), "/owa/" | "/ecp/") {
            return refuse(
                "it is not a page that is asked for",
                "cette page n’est pas de celles demandées",
            );
        }
        Ok(path.to_owned())
    }

    fn allows(&self, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
        match ip {
            Some(ip) => self.scope.entries.iter().any(|entry| {
                entry.port == port && matches!(&entry.place, Place::Block(block) if block.contains(ip))
            }),
            None => self.scope.has_name(host, port),
        }
    }
}

/// Host and port of an address; the port is missing when it cannot be read.
type HostAndPort<'a> = (&'a str, Option<u16>);

/// Host and port, when a redirect names them, and the path; `None` when it leads away from HTTPS.
fn split<'a>(location: &'a str, from: &str) -> Option<(Option<HostAndPort<'a>>, String)> {
    let scheme = |scheme: &str| {
        let head = location.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme)
            .then(|| &location[scheme.len()..])
    };
    let Some(rest) = scheme("https://").or_else(|| scheme("//")) else {
        let first = location.split(['/', '?', '#']).next().unwrap_or_default();
        if first.contains(':') {
            return None;
        }
        if location.starts_with('/') {
            return Some((None, location.to_owned()));
        }
        let path = from.split('?').next().unwrap_or_default();
        let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
        return Some((None, format!("{folder}{location}")));
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // Behind an `@` or a backslash, programs disagree on which host is meant: no host of ours has either.
    let place = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, Some(443)),
    };
    Some((Some(place), path.to_owned()))
}

/// What is known of an address while it is being asked.
struct Conversation<'a> {
    target: &'a Target,
    at: Option<vigie_event::Timestamp>,
    answers: Vec<Answer>,
    headers: std::collections::BTreeMap<String, String>,
    tls: Option<TlsDetails>,
    notes: Vec<Said>,
    requests: Vec<Asked>,
    is_exchange: bool,
    trouble: Option<Trouble>,
}

impl<'a> Conversation<'a> {
    fn with(target: &'a Target) -> Conversation<'a> {
        Conversation {
            target,
            at: None,
            answers: Vec::new(),
            headers: std::collections::BTreeMap::new(),
            tls: None,
            notes: Vec::new(),
            requests: Vec::new(),
            is_exchange: false,
            trouble: None,
        }
    }

    fn note(&mut self, note: Said) {
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn learn_tls(&mut self, tls: TlsDetails) {
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

    fn learn(&mut self, path: &str, response: &Response) {
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

    fn report(mut self) -> TargetReport {
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
    use super::*;

    #[test]
    fn redirects_are_taken_apart() {
        let at = |location| {
            split(location, "/owa/auth/logon.aspx?a=/b").map(|(place, path)| {
                let place = place.map(|(host, port): HostAndPort<'_>| format!("{host} {port:?}"));
                (place.unwrap_or_default(), path)
            })
        };
        let is = |place: &str, path: &str| Some((place.to_owned(), path.to_owned()));
        assert_eq!(at("/owa/x"), is("", "/owa/x"));
        assert_eq!(at("x.aspx?u=https://a"), is("", "/owa/auth/x.aspx?u=https://a"));
        assert_eq!(at("HTTPS://A.example/owa/"), is("A.example Some(443)", "/owa/"));
        assert_eq!(at("//a.example:8443/owa/"), is("a.example Some(8443)", "/owa/"));
        assert_eq!(at("https://[::1]/owa/"), is("[::1] Some(443)", "/owa/"));
        assert_eq!(at("https://a.example:x/"), is("a.example None", "/"));
        assert_eq!(
            at("https://a.example@b.example/"),
            is("a.example@b.example Some(443)", "/")
        );
        assert_eq!(
            at("https://b.example\\a.example/"),
            is("b.example Some(443)", "\\a.example/")
        );
        assert_eq!(at("http://a.example/owa/"), None);
        assert_eq!(at("file:///etc/passwd"), None);
    }
}
