//! Requests to the API of a server.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};
use vigie_desk::world::{Entropy, SystemEntropy};
use vigie_report::Lang;

use super::address::{Address, encoded};
use super::fault::Fault;
use crate::tell;

/// How long a server that asks to wait is waited for, in all.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long it is asked for an answer that was lost on its way.
const LOST_ANSWER: Duration = Duration::from_secs(20);
/// The longest wait between two tries, when the server does not say.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(15);
/// How long the other side may be silent.
const SILENCE: Duration = Duration::from_secs(300);
/// The same after a POST: long work, such as reading evidence whole, is done before the answer begins.
const LONG_WORK: Duration = Duration::from_secs(30 * 60);
/// Bytes of an answer that is kept in memory, at most.
const LONGEST: u64 = 128 << 20;
/// Items asked for at once.
const PAGE: usize = 500;

/// A server, and the key one asks it with.
pub(crate) struct Client {
    agent: Agent,
    address: Address,
    key: String,
    pub(super) lang: Lang,
    entropy: SystemEntropy,
    /// How long a server that cannot be reached is asked again.
    insistence: Duration,
    /// How long a server that asks to wait is waited for.
    patience: Duration,
    /// How long an answer that was lost is asked for.
    lost_answer: Duration,
    /// Whether it says that it waits.
    is_quiet: bool,
}

/// How long the same is tried.
pub(crate) struct Tries {
    /// When the line broke first: an answer that is lost after long work is asked for as long as any.
    broke: Option<Instant>,
    /// When the server first asked to wait.
    waits: Option<Instant>,
    pause: Duration,
}

/// What a request carries.
#[derive(Clone, Copy)]
enum Sent<'a> {
    Nothing,
    Json(&'a str),
    Bytes(&'a [u8]),
}

impl Client {
    /// Nothing is sent yet. `authorities` is a PEM file of those to believe instead of Mozilla's.
    pub(super) fn new(
        address: Address,
        key: String,
        authorities: Option<&Path>,
        lang: Lang,
    ) -> Result<Client> {
        let mut tls = TlsConfig::builder();
        if let Some(file) = authorities {
            tls = tls.root_certs(read_authorities(file, lang)?);
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // An address that sends one elsewhere is not where the key is meant to go.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("vigie/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_per_write(Some(CONNECT.saturating_mul(4)))
            .tls_config(tls.build());
        if address.is_here {
            config = config.proxy(None);
        }
        Ok(Client {
            agent: config.build().into(),
            address,
            key,
            lang,
            entropy: SystemEntropy::default(),
            insistence: Duration::ZERO,
            patience: PATIENCE,
            lost_answer: LOST_ANSWER,
            is_quiet: false,
        })
    }

    /// Goes on asking for so long when the line is broken, and says so unless it is to be quiet.
    pub(crate) fn insist(&mut self, insistence: Duration, is_quiet: bool) {
        self.insistence = insistence;
        self.is_quiet = is_quiet;
    }

    /// Reads a resource.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Fault> {
        self.patiently(|| self.json("GET", path, &[], Sent::Nothing))
    }

    /// Items of a list, at most so many; and whether there are more.
    pub(crate) fn list(&self, path: &str, most: usize) -> Result<(Vec<Value>, bool), Fault> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let limit = PAGE.min(most - items.len());
            let join = if path.contains('?') { '&' } else { '?' };
            let mut page = format!("{path}{join}limit={limit}");
            if let Some(cursor) = &cursor {
                page.push_str(&format!("&cursor={}", encoded(cursor)));
            }
            let mut answer = self.get(&page)?;
            match answer.get_mut("items").and_then(Value::as_array_mut) {
                Some(new) => items.append(new),
                None => return Err(Fault::strange(&self.address.url, "it holds no items", self.lang)),
            }
            cursor = answer["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() || items.len() >= most {
                return Ok((items, cursor.is_some()));
            }
        }
    }

    /// Does something, once, however often it has to be sent.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        self.post_at(path, None, body)
    }

    /// Does something to what is at a revision; `None` where it has none.
    pub(crate) fn post_at(&self, path: &str, revision: Option<i64>, body: &Value) -> Result<Value, Fault> {
        self.once("POST", path, revision, body)
    }

    /// Puts something in the place of what is at a revision.
    pub(crate) fn put(&self, path: &str, revision: i64, body: &Value) -> Result<Value, Fault> {
        self.once("PUT", path, Some(revision), body)
    }

    /// Deletes something.
    pub(crate) fn delete(&self, path: &str) -> Result<Value, Fault> {
        self.once("DELETE", path, None, &Value::Null)
    }

    /// Changes something, once, however often it has to be sent: sent again under the same key it gets the answer that was
    /// missed, and not that it is gone or at another revision by now.
    fn once(&self, method: &str, path: &str, revision: Option<i64>, body: &Value) -> Result<Value, Fault> {
        let mut headers = vec![("Idempotency-Key", self.chance())];
        headers.extend(revision.map(|revision| ("If-Match", etag(revision))));
        let text = body.to_string();
        let sent = if body.is_null() {
            Sent::Nothing
        } else {
            Sent::Json(&text)
        };
        self.patiently(|| self.json(method, path, &headers, sent))
    }

    /// Sends bytes that belong at an offset. Asked once: the caller knows how to go on.
    pub(crate) fn patch(&self, path: &str, offset: u64, bytes: &[u8]) -> Result<Value, Fault> {
        let headers = [("Upload-Offset", offset.to_string())];
        self.json("PATCH", path, &headers, Sent::Bytes(bytes))
    }

    /// Asks for bytes, to be read in a stream.
    pub(crate) fn download(&self, path: &str, body: &Value) -> Result<impl Read + use<>, Fault> {
        let text = body.to_string();
        let sent = if body.is_null() {
            Sent::Nothing
        } else {
            Sent::Json(&text)
        };
        let answer = self.patiently(|| self.send("POST", path, &[], sent))?;
        Ok(answer.into_body().into_with_config().limit(u64::MAX).reader())
    }

    /// Asks again as long as the server only asks to wait, and while the line is broken as long as was said.
    fn patiently<T>(&self, mut ask: impl FnMut() -> Result<T, Fault>) -> Result<T, Fault> {
        let mut tries = Tries::default();
        loop {
            match ask() {
                Ok(answer) => return Ok(answer),
                Err(fault) => self.wait(fault, &mut tries)?,
            }
        }
    }

    /// Waits until the same may be asked again.
    ///
    /// # Errors
    /// The fault, when it is none that passes or it took too long.
    pub(crate) fn wait(&self, fault: Fault, tries: &mut Tries) -> Result<(), Fault> {
        let (wait, most, since) = match fault.wait() {
            Some(wait) => (wait.max(tries.pause), self.patience, &mut tries.waits),
            // What changes something is done once, however often it is sent: to ask again is how to learn whether it was.
            None if fault.is_lost_answer() => (tries.pause, self.lost_answer, &mut tries.broke),
            None if fault.is_broken_line() => (tries.pause, Duration::ZERO, &mut tries.broke),
            None => return Err(fault),
        };
        let since = since.get_or_insert_with(Instant::now);
        if since.elapsed() + wait > most.max(self.insistence) {
            return Err(fault);
        }
        if !self.is_quiet {
            let (text, seconds) = (fault.to_string(), wait.as_secs());
            let why = text.lines().next().unwrap_or_default();
            match self.lang {
                Lang::En => eprintln!("{why}; trying again in {seconds} s"),
                Lang::Fr => eprintln!("{why}\u{202f}; nouvel essai dans {seconds}\u{a0}s"),
            }
        }
        std::thread::sleep(wait);
        tries.pause = (tries.pause * 2).min(LONGEST_WAIT);
        Ok(())
    }

    fn json(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, String)],
        sent: Sent<'_>,
    ) -> Result<Value, Fault> {
        let answer = self.send(method, path, headers, sent)?;
        let status = answer.status().as_u16();
        let bytes = answer
            .into_body()
            .into_with_config()
            .limit(LONGEST)
            .read_to_vec()
            .map_err(|error| Fault::of_transport(&self.address.url, &error, self.lang))?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        // A page, most likely.
        serde_json::from_slice(&bytes)
            .map_err(|_| Fault::of_answer(&self.address.url, status, &bytes, self.lang))
    }

    /// Sends one request; an answer that is no success is a fault.
    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, String)],
        sent: Sent<'_>,
    ) -> Result<Response<Body>, Fault> {
        let url = &self.address.url;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{url}/api/v1{path}"))
            .header("Authorization", format!("Bearer {}", self.key))
            .header("Accept-Language", self.lang.code());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let broken = |error: ureq::Error| Fault::of_transport(url, &error, self.lang);
        let silence = if method == "POST" { LONG_WORK } else { SILENCE };
        let run = match sent {
            Sent::Nothing => request.body(()).map(|request| self.run(request, silence)),
            Sent::Json(text) => request
                .header("Content-Type", "application/json")
                .body(text)
                .map(|request| self.run(request, silence)),
            Sent::Bytes(bytes) => request
                .header("Content-Type", "application/octet-stream")
                .body(bytes)
                .map(|request| self.run(request, silence)),
        };
        let mut answer = run
            .map_err(ureq::Error::from)
            .and_then(|answer| answer)
            .map_err(broken)?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let body = answer
            .body_mut()
            .with_config()
            .limit(1 << 20)
            .read_to_vec()
            .unwrap_or_default();
        Err(Fault::of_answer(url, status, &body, self.lang))
    }

    fn run<S: ureq::AsSendBody>(
        &self,
        request: Request<S>,
        silence: Duration,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self
            .agent
            .configure_request(request)
            .timeout_per_read(Some(silence))
            .build();
        self.agent.run(request)
    }

    /// A text that nobody sent before.
    fn chance(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.entropy.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Default for Tries {
    fn default() -> Tries {
        Tries {
            broke: None,
            waits: None,
            pause: Duration::from_secs(1),
        }
    }
}

fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

fn read_authorities(file: &Path, lang: Lang) -> Result<RootCerts> {
    let pem = std::fs::read(file).with_context(|| {
        format!(
            "{} {}",
            tell(lang, "cannot read", "impossible de lire"),
            file.display()
        )
    })?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.with_context(|| file.display().to_string())? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        bail!(
            "{}{}",
            file.display(),
            tell(
                lang,
                ": there is no certificate in it; it must be a PEM file",
                "\u{a0}: il ne contient aucun certificat\u{202f}; il faut un fichier PEM"
            )
        );
    }
    Ok(RootCerts::new_with_certs(&found))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// A server that answers one connection after the other, each as is said; and who asks it.
    fn answered(answers: Vec<fn(TcpStream)>) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for answer in answers {
                let (mut asking, _) = listener.accept().unwrap();
                let mut asked = [0; 4_096];
                assert!(asking.read(&mut asked).unwrap() > 0);
                answer(asking);
            }
        });
        let address = Address::read(&url).unwrap();
        Client::new(address, "key".into(), None, Lang::En).unwrap()
    }

    fn say(mut asking: TcpStream, status: &str, body: &str) {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        asking.write_all(format!("{head}{body}").as_bytes()).unwrap();
    }

    fn works_long_and_is_lost(asking: TcpStream) {
        std::thread::sleep(Duration::from_millis(1_200));
        drop(asking);
    }

    fn works_long_and_asks_to_wait(asking: TcpStream) {
        std::thread::sleep(Duration::from_millis(1_200));
        say(
            asking,
            "409 Conflict",
            r#"{"type": "urn:vigie:problem:running", "retry_after": 1}"#,
        );
    }

    fn says_yes(asking: TcpStream) {
        say(asking, "200 OK", "{\"done\": true}");
    }

    #[test]
    fn what_is_lost_after_long_work_is_asked_for_as_long_as_any() {
        for lost in [works_long_and_is_lost, works_long_and_asks_to_wait] {
            let mut client = answered(vec![lost, says_yes]);
            // Less than the work and the first pause.
            client.lost_answer = Duration::from_millis(2_000);
            client.patience = client.lost_answer;
            let answer = client.post("/x", &Value::Null).unwrap();
            assert_eq!(answer["done"], true);
        }
    }

    #[test]
    fn a_lost_answer_is_asked_for_no_longer_than_was_said() {
        let mut client = answered(vec![drop, drop, drop, drop]);
        client.lost_answer = Duration::from_millis(1_500);
        assert!(client.post("/x", &Value::Null).unwrap_err().is_lost_answer());
    }

    #[test]
    fn nobody_is_asked_again_under_a_name_that_leads_nowhere() {
        // No proxy is asked: the name is looked up here.
        let address = Address {
            is_here: true,
            ..Address::read("http://nowhere.invalid").unwrap()
        };
        let client = Client::new(address, "key".into(), None, Lang::En).unwrap();
        let fault = client.json("POST", "/x", &[], Sent::Nothing).unwrap_err();
        assert!(fault.is_broken_line() && !fault.is_lost_answer(), "{fault}");
    }
}
