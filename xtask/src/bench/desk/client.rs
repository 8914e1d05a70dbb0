//! A server, and somebody who asks it over a connection that stays open, as a browser's does.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// A server that runs until it is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
}

impl Server {
    /// Starts one, and waits for its first answer.
    pub(super) fn start(vigie: &Path, data: &Path) -> Result<Server> {
        let mut child = Command::new(vigie)
            .args(["serve", "--lang", "en", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", vigie.display()))?;
        let said = child.stderr.take().context("the server says nothing")?;
        let mut server = Server {
            child,
            address: String::new(),
        };
        let mut lines = BufReader::new(said).lines();
        for line in lines.by_ref() {
            if let Some(address) = line?.strip_prefix("Vigie is at: http://") {
                server.address = address.to_owned();
                break;
            }
        }
        // Somebody must read what it goes on to say.
        std::thread::spawn(move || lines.for_each(drop));
        if server.address.is_empty() {
            bail!("the server did not start");
        }
        let ready = Client::of(&server.address)?.call("GET", "/readyz", &[], "")?;
        if ready.status != 200 {
            bail!("the server is not ready: {}", ready.text());
        }
        Ok(server)
    }

    /// What it holds in memory, as Linux counts it.
    pub(super) fn memory(&self) -> Result<Memory> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let mb = |what: &str| -> Result<f64> {
            let kib = text
                .lines()
                .find_map(|line| line.strip_prefix(what))
                .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
                .with_context(|| format!("{path} says nothing of {what}"))?;
            Ok((kib << 10) as f64 / 1e6)
        };
        Ok(Memory {
            all: mb("VmRSS:")?,
            own: mb("RssAnon:")?,
        })
    }

    /// Stops it as a service manager does.
    pub(super) fn stop(mut self) -> Result<()> {
        Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .context("cannot start kill")?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the server ended badly ({status})");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, or something failed and nobody needs it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Memory in MB.
pub(super) struct Memory {
    /// All of it.
    pub(super) all: f64,
    /// Without the pages of files, its own program's and the database's, which the system takes back when it needs them.
    pub(super) own: f64,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: String,
    cookie: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {}", self.text()))
    }
}

/// Somebody with a session.
pub(super) struct Client {
    connection: RefCell<BufReader<TcpStream>>,
    address: String,
    cookie: String,
    csrf: String,
}

impl Client {
    fn of(address: &str) -> Result<Client> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot reach {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Client {
            connection: RefCell::new(BufReader::new(stream)),
            address: address.to_owned(),
            cookie: String::new(),
            csrf: String::new(),
        })
    }

    pub(super) fn sign_in(address: &str, login: &str, password: &str) -> Result<Client> {
        let mut client = Client::of(address)?;
        let body = json!({"user": login, "password": password}).to_string();
        let answer = loop {
            let answer = client.send("POST", "/session", &[], &body)?;
            if answer.status != 429 {
                break answer;
            }
            // One address signs in only so often.
            std::thread::sleep(Duration::from_millis(300));
        };
        if answer.status != 200 {
            bail!("{login} cannot sign in: {} {}", answer.status, answer.text());
        }
        let csrf = answer.json()?["csrf"].as_str().unwrap_or_default().to_owned();
        client.cookie = answer.cookie.context("no cookie")?;
        client.csrf = csrf;
        Ok(client)
    }

    /// Reads something of the API.
    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let answer = self.send("GET", path, &[], "")?;
        if answer.status != 200 {
            bail!("GET {path}: {} {}", answer.status, answer.text());
        }
        answer.json()
    }

    /// A request to the API.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer> {
        self.call(method, &format!("/api/v1{path}"), headers, body)
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nX-CSRF-Token: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n",
            self.address,
            self.cookie,
            self.csrf,
            body.len()
        );
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let mut connection = self.connection.borrow_mut();
        connection
            .get_mut()
            .write_all(format!("{head}\r\n{body}").as_bytes())?;
        read_answer(&mut *connection).with_context(|| format!("{method} {path}"))
    }
}

/// Reads an answer whose length is told, whole or piece by piece.
fn read_answer(from: &mut impl BufRead) -> Result<Answer> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
    let mut answer = Answer {
        status: status.with_context(|| format!("no answer: {line:?}"))?,
        etag: String::new(),
        cookie: None,
        body: Vec::new(),
    };
    let (mut length, mut in_pieces) = (0, false);
    loop {
        line.clear();
        from.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse()?,
            "transfer-encoding" => in_pieces = value == "chunked",
            "etag" => answer.etag = value.to_owned(),
            "set-cookie" => answer.cookie = value.split(';').next().map(str::to_owned),
            _ => {}
        }
    }
    if !in_pieces {
        answer.body.resize(length, 0);
        from.read_exact(&mut answer.body)?;
        return Ok(answer);
    }
    loop {
        line.clear();
        from.read_line(&mut line)?;
        let size =
            usize::from_str_radix(line.trim_end(), 16).with_context(|| format!("no size: {line:?}"))?;
        let begin = answer.body.len();
        answer.body.resize(begin + size, 0);
        from.read_exact(&mut answer.body[begin..])?;
        from.read_line(&mut line)?;
        if size == 0 {
            return Ok(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole_and_in_pieces() {
        let text = "HTTP/1.1 200 OK\r\nETag: \"3\"\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 412 No\r\n\
                    transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        let mut from = text.as_bytes();
        let one = read_answer(&mut from).unwrap();
        assert_eq!(
            (one.status, one.etag.as_str(), one.text().as_str()),
            (200, "\"3\"", "{}")
        );
        let two = read_answer(&mut from).unwrap();
        assert_eq!((two.status, two.text().as_str()), (412, "abcd"));
        assert!(read_answer(&mut from).is_err(), "there is no third");
    }
}
