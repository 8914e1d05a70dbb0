//! A desk that is served, somebody with a key, and the command line.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const PASSWORD: &str = "vertical-lantern-42-oyster";

/// A server that runs. It goes with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(data: &Path, port: u16, more: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["serve", "--lang", "en", "--data"])
            .arg(data)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, kept) = (
            BufReader::new(child.stderr.take().unwrap()).lines(),
            Arc::clone(&log),
        );
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let mut server = Server {
            child,
            url: String::new(),
            log,
        };
        server.url = server.wait_for("Vigie is at: ");
        server
    }

    /// The rest of the first line that begins so.
    pub(crate) fn wait_for(&mut self, start: &str) -> String {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let log = self.log();
            if let Some(rest) = log.lines().find_map(|line| line.strip_prefix(start)) {
                return rest.to_owned();
            }
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {log}");
            assert!(Instant::now() < until, "{start} never came: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// As when the power goes.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free, for servers that come back where they were.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < end, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A request without the command line.
pub(crate) fn call(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> (u16, String, Vec<u8>) {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.header("Content-Type", "application/json");
    let body = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let mut answer = ureq::Agent::from(config.build())
        .run(request.body(&body[..]).unwrap())
        .unwrap();
    let cookie = answer.headers().get("set-cookie");
    let cookie = cookie.map_or(String::new(), |value| value.to_str().unwrap().to_owned());
    (
        answer.status().as_u16(),
        cookie,
        answer.body_mut().read_to_vec().unwrap(),
    )
}

/// A desk with an administrator and his key.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) data: PathBuf,
    pub(crate) port: u16,
    pub(crate) server: Option<Server>,
    pub(crate) url: String,
    pub(crate) key: String,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene::with(&[])
    }

    pub(crate) fn with(more: &[&str]) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let (data, port) = (folder.path().join("data"), free_port());
        let mut server = Server::start(&data, port, more);
        let link = server.wait_for("create the first administrator here (works once, for a day): ");
        let token = link.split_once("token=").unwrap().1.to_owned();
        let url = server.url.clone();
        let api = format!("{url}/api/v1");
        let person =
            json!({"token": token, "login": "alex", "name": "Alex", "password": PASSWORD, "locale": "fr"});
        assert_eq!(call("POST", &format!("{api}/setup"), &[], &person).0, 201);
        let mut scene = Scene {
            folder,
            data,
            port,
            server: Some(server),
            url,
            key: String::new(),
        };
        scene.key = scene.new_key(&json!("all"), &ALL_VERBS);
        scene
    }

    /// A key for some tenants and some rights.
    pub(crate) fn new_key(&self, tenants: &Value, verbs: &[&str]) -> String {
        let api = format!("{}/api/v1", self.url);
        let signing = json!({"user": "alex", "password": PASSWORD});
        let (status, cookie, who) = call("POST", &format!("{api}/session"), &[], &signing);
        assert_eq!(status, 200);
        let who: Value = serde_json::from_slice(&who).unwrap();
        let headers = [
            ("Cookie", cookie.split(';').next().unwrap()),
            ("X-CSRF-Token", who["csrf"].as_str().unwrap()),
        ];
        let soon = vigie_desk::world::Clock::now(&vigie_desk::world::SystemClock).plus_days(1);
        let new = json!({"name": "command line", "tenants": tenants, "verbs": verbs, "expires_at": soon});
        let (status, _, made) = call("POST", &format!("{api}/api-keys"), &headers, &new);
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&made));
        let made: Value = serde_json::from_slice(&made).unwrap();
        made["secret"].as_str().unwrap().to_owned()
    }

    /// A request with the administrator's key.
    #[track_caller]
    pub(crate) fn api(&self, method: &str, path: &str, body: &Value) -> Value {
        let bearer = format!("Bearer {}", self.key);
        let url = format!("{}/api/v1{path}", self.url);
        let (status, _, answer) = call(method, &url, &[("Authorization", &bearer)], body);
        let answer = String::from_utf8(answer).unwrap();
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap_or(Value::Null)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.api("GET", path, &Value::Null)
    }

    pub(crate) fn tenant(&self, name: &str) -> String {
        let new = json!({"name": name, "contract": "soc", "locale": "fr"});
        self.api("POST", "/tenants", &new)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) fn server_of(&self, tenant: &str, name: &str) -> String {
        let new = json!({"tenant_id": tenant, "fields": {"name": name}});
        self.api("POST", "/servers", &new)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The command line, with the server and the key in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        command
            .args(arguments)
            .env("LC_ALL", "C")
            .env("VIGIE_SERVER", &self.url)
            .env("VIGIE_KEY", &self.key)
            .current_dir(self.folder.path());
        command
    }

    /// Runs it, and gives standard output; it must end well.
    #[track_caller]
    pub(crate) fn vigie(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let said = both(&output);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same as JSON.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json"]);
        let said = self.vigie(&all);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// Runs it, and gives what it says on standard error; it must fail with this status.
    #[track_caller]
    pub(crate) fn fails(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}: {}",
            both(&output)
        );
        String::from_utf8(output.stderr).unwrap()
    }

    /// Runs it, and gives what it prints; it must end with this status.
    #[track_caller]
    pub(crate) fn fails_with_output(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}: {}",
            both(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

pub(crate) const ALL_VERBS: [&str; 13] = [
    "read",
    "read_internal",
    "inventory",
    "campaign",
    "evidence",
    "evidence_read",
    "hold",
    "hunt",
    "judge",
    "case",
    "say",
    "audit",
    "administer",
];

fn both(output: &Output) -> String {
    format!(
        "{:?}\n{}{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Bytes that do not repeat, so that nothing about them can be guessed.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
