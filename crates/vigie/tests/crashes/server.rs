//! The real binary as a server that can be killed, and somebody who asks it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PASSWORD: &str = "vertical-lantern-42-oyster";
/// How long anything may take; machines that build and test at once are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// A server that runs, and what it says.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    set_up: Option<String>,
    lines: mpsc::Receiver<String>,
    said: Vec<String>,
}

impl Server {
    pub(crate) fn start(data: &Path, database: Option<&str>) -> Server {
        let mut server = Server::spawn(data, database);
        server.wait_until_it_listens();
        server
    }

    /// Starts it and does not wait.
    pub(crate) fn spawn(data: &Path, database: Option<&str>) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        command
            .args(["serve", "--lang", "en", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stderr(Stdio::piped());
        if let Some(url) = database {
            command.args(["--database", url]);
        }
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Server {
            child,
            address: String::new(),
            set_up: None,
            lines,
            said: Vec::new(),
        }
    }

    fn wait_until_it_listens(&mut self) {
        while self.address.is_empty() {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("it does not start: {:?}", self.said));
            if let Some(address) = line.strip_prefix("Vigie is at: http://") {
                self.address = address.to_owned();
            }
            self.said.push(line);
        }
        if let Ok(line) = self.lines.recv_timeout(Duration::from_millis(500)) {
            self.set_up = line
                .split_once("/setup?token=")
                .map(|(_, token)| token.to_owned());
            self.said.push(line);
        }
    }

    /// All it said so far.
    pub(crate) fn said(&mut self) -> String {
        self.said.extend(self.lines.try_iter());
        self.said.join("\n")
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// As a power cut does it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Makes the first administrator, signed in.
    pub(crate) fn set_up(&self) -> Client {
        let mut alex = Client {
            address: self.address.clone(),
            ..Client::default()
        };
        let token = self.set_up.as_ref().expect("a link for the first administrator");
        alex.json(
            "POST",
            "/api/v1/setup",
            &json!({"token": token, "login": "alex", "name": "Alex", "password": PASSWORD, "locale": "fr"}),
        );
        let who = alex.json(
            "POST",
            "/api/v1/session",
            &json!({"user": "alex", "password": PASSWORD}),
        );
        alex.csrf = who["csrf"].as_str().unwrap().to_owned();
        alex
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody at a browser.
#[derive(Default, Clone)]
pub(crate) struct Client {
    pub(crate) address: String,
    pub(crate) cookie: String,
    csrf: String,
}

impl Client {
    /// The same person at another server.
    pub(crate) fn at(&self, server: &Server) -> Client {
        Client {
            address: server.address.clone(),
            ..self.clone()
        }
    }

    pub(crate) fn head(&self, method: &str, path: &str, headers: &str, length: usize) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {}\r\nX-CSRF-Token: {}\r\n\
             Content-Length: {length}\r\n{headers}\r\n",
            self.address, self.cookie, self.csrf,
        )
    }

    /// A request and its answer; `None` when the server is gone.
    pub(crate) fn try_send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(self.head(method, path, headers, body.len()).as_bytes())
            .ok()?;
        // Who is refused early may be hung up on before everything is sent; the answer is there all the same.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer);
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        if let Some(length) = field("content-length: ") {
            let length: usize = length.parse().unwrap();
            assert_eq!(
                body.len(),
                length,
                "{method} {path}: the answer is cut off: {end:?}"
            );
        }
        if let Some(cookie) = field("set-cookie: ") {
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let is_json = field("content-type: ").is_some_and(|kind| kind.contains("json"));
        let body = match body {
            "" => Value::Null,
            body if is_json => {
                serde_json::from_str(body).unwrap_or_else(|error| panic!("{method} {path}: {error}: {body}"))
            }
            body => Value::from(body),
        };
        Some((status, body))
    }

    #[track_caller]
    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, Value) {
        self.try_send(method, path, headers, body)
            .unwrap_or_else(|| panic!("{method} {path}: no answer"))
    }

    #[track_caller]
    pub(crate) fn json(&mut self, method: &str, path: &str, body: &Value) -> Value {
        // A body that nobody reads may cost the end of the answer: the connection is reset under it.
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (status, answer) = self.send(
            method,
            path,
            "Content-Type: application/json\r\n",
            body.as_bytes(),
        );
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Value {
        self.json("GET", path, &Value::Null)
    }

    /// Asks until the answer is as it should be.
    #[track_caller]
    pub(crate) fn wait(&mut self, path: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let (status, answer) = self.send("GET", path, "", b"");
            // Who asks too often waits.
            assert!(status == 200 || status == 429, "GET {path}: {status} {answer}");
            if status == 200 && is_it(&answer) {
                return answer;
            }
            assert!(Instant::now() < until, "never {what}: {answer}");
            std::thread::sleep(Duration::from_millis(15));
        }
    }

    /// Sends a piece of an upload.
    pub(crate) fn patch(&mut self, upload: &str, offset: usize, piece: &[u8]) -> (u16, Value) {
        let offset = format!("Upload-Offset: {offset}\r\n");
        self.send("PATCH", &format!("/api/v1/uploads/{upload}"), &offset, piece)
    }
}

/// A tenant with a server named EX01, in a campaign.
pub(crate) struct Scene {
    pub(crate) tenant: String,
    pub(crate) server: String,
    pub(crate) campaign: String,
}

pub(crate) fn id(value: &Value) -> String {
    value["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {value}"))
        .to_owned()
}

pub(crate) fn scene(who: &mut Client) -> Scene {
    let tenant = id(&who.json(
        "POST",
        "/api/v1/tenants",
        &json!({"name": "Brest", "contract": "soc", "locale": "fr"}),
    ));
    let server = id(&who.json(
        "POST",
        "/api/v1/servers",
        &json!({"tenant_id": tenant, "fields": {"name": "EX01"}}),
    ));
    let pack = who.get("/api/v1/packs/hafnium-2021");
    let new = json!({"title": "Exchange", "pack": "hafnium-2021", "pack_version": pack["version"], "tenants": [tenant]});
    let campaign = id(&who.json("POST", "/api/v1/campaigns", &new));
    Scene {
        tenant,
        server,
        campaign,
    }
}

impl Scene {
    /// Begins an upload.
    pub(crate) fn upload(&self, who: &mut Client, name: &str) -> String {
        let new = json!({
            "tenant_id": self.tenant, "server_id": self.server, "campaign_id": self.campaign, "name": name,
        });
        id(&who.json("POST", "/api/v1/uploads", &new))
    }

    /// Evidence of one name, received whole.
    pub(crate) fn evidence(&self, who: &mut Client, name: &str, bytes: &[u8]) -> String {
        let upload = self.upload(who, name);
        let mut offset = 0;
        for piece in bytes.chunks(4 << 20) {
            let (status, answer) = who.patch(&upload, offset, piece);
            assert_eq!(status, 200, "{answer}");
            offset += piece.len();
        }
        id(&who.json("POST", &format!("/api/v1/uploads/{upload}/finish"), &json!({})))
    }

    /// Asks for a hunt; its job.
    pub(crate) fn hunt(&self, who: &mut Client, evidence: &str) -> String {
        let new = json!({"campaign_id": self.campaign, "evidence": [evidence]});
        id(&who.json("POST", "/api/v1/hunts", &new))
    }
}

/// A log of HttpProxy of so many lines, one of them as ProxyLogon leaves it.
pub(crate) fn log(lines: usize) -> Vec<u8> {
    let mut text = String::from(
        "#Software: Microsoft Exchange Server\n#Version: 15.01.2176.002\n#Log-type: HttpProxy Logs\n\
         DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,ClientRequestId,Protocol,UrlHost,UrlStem,\
         ProtocolAction,AuthenticationType,IsAuthenticated,AuthenticatedUser,Organization,AnchorMailbox,UserAgent,\
         ClientIpAddress,ServerHostName,HttpStatus,BackEndStatus,ErrorCode,Method\n",
    );
    for line in 0..lines {
        let (hour, minute, second) = (line / 3600 % 24, line / 60 % 60, line % 60);
        text.push_str(&format!(
            "2021-03-02T{hour:02}:{minute:02}:{second:02}.000Z,r{line},15,1,2176,2,,Owa,mail.client.example,/owa/{line},,Basic,True,\
             user{line}@client.example,,Sid~x,Mozilla,198.51.100.{},EX01,200,200,,GET\n",
            line % 250
        ));
    }
    text.push_str(
        "2021-03-02T23:59:59.000Z,ra,15,1,2176,2,,Ecp,mail.client.example,/ecp/y.js,,,False,,,\
         ServerInfo~a]@ex01.client.example:444/autodiscover/autodiscover.xml?#,python-requests/2.25,203.0.113.45,EX01,\
         200,200,,POST\n",
    );
    text.into_bytes()
}

/// Bytes that do not get smaller when they are packed.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        })
        .collect()
}
