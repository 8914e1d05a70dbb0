//! As much of HTTP/1.1 as two polite requests need. Answers are bounded in bytes and time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::answer::shown;
use crate::trouble::{STOPPED, Trouble};

/// Bytes the head of an answer may have.
const MAX_HEAD: usize = 64 << 10;
/// Header lines an answer may have.
const MAX_HEADERS: usize = 100;
/// Bytes of a body that are read; the rest is left.
pub(crate) const MAX_BODY: usize = 512 << 10;
/// How often a waiting socket looks whether the run was stopped.
const LOOK: Duration = Duration::from_millis(200);

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str, part: &str) -> bool {
        self.header(name)
            .is_some_and(|value| value.to_ascii_lowercase().contains(part))
    }
}

/// An answer, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    /// Bytes received, head and body as they came.
    pub(crate) bytes: u64,
    /// The body is longer than what is read.
    pub(crate) cut: bool,
    /// Why the body is not whole, when it is not.
    pub(crate) broken: Option<Trouble>,
}

/// A request as it is sent. No cookie, no credentials, no body.
pub(crate) fn request(host: &str, path: &str, user_agent: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {user_agent}\r\nAccept: */*\r\n\
         Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    )
}

/// Sends a request and reads what comes back.
pub(crate) fn exchange(stream: &mut (impl Read + Write), request: &str) -> Result<Response, Trouble> {
    stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.flush())
        .map_err(|error| Trouble::talking(&error))?;
    read_response(stream)
}

/// Reads an answer: its head must be whole, its body is kept as far as it comes.
pub(crate) fn read_response(stream: &mut impl Read) -> Result<Response, Trouble> {
    let mut received = Vec::new();
    let mut interim = 0;
    let mut bytes = 0;
    let (head, begin) = loop {
        match parse_head(&received)? {
            // An interim answer (100 Continue) comes before the real one.
            Some((head, end)) if head.status < 200 => {
                interim += 1;
                if interim > 3 {
                    return Err(Trouble::NotHttp("nothing but interim answers".to_owned()));
                }
                received.drain(..end);
            }
            Some(whole) => break whole,
            None if received.len() >= MAX_HEAD => {
                return Err(Trouble::NotHttp("the head of the answer does not end".to_owned()));
            }
            None => match fill(stream, &mut received, MAX_HEAD) {
                Ok(0) if received.is_empty() => return Err(Trouble::Closed),
                Ok(0) => return Err(Trouble::NotHttp("the head of the answer is cut short".to_owned())),
                Ok(count) => bytes += count as u64,
                Err(error) => return Err(Trouble::talking(&error)),
            },
        }
    };
    let mut body = Body::of(&head, received.split_off(begin));
    let mut broken = None;
    let mut cut = false;
    loop {
        match body.is_whole() {
            Ok(true) => break,
            Ok(false) if body.raw.len() >= MAX_BODY => {
                cut = true;
                break;
            }
            Ok(false) => {}
            Err(trouble) => {
                broken = Some(trouble);
                break;
            }
        }
        match fill(stream, &mut body.raw, MAX_BODY) {
            Ok(0) => {
                broken = (!matches!(body.kind, Kind::ToTheEnd)).then_some(Trouble::Closed);
                break;
            }
            Ok(count) => bytes += count as u64,
            // Servers that close without TLS's farewell are many.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && matches!(body.kind, Kind::ToTheEnd) => {
                break;
            }
            Err(error) => {
                broken = Some(Trouble::talking(&error));
                break;
            }
        }
    }
    Ok(Response {
        head,
        body: body.decoded(),
        bytes,
        cut,
        broken,
    })
}

fn fill(stream: &mut impl Read, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    let mut block = [0; 8 << 10];
    let room = block.len().min(most.saturating_sub(buffer.len()).max(1));
    let count = stream.read(&mut block[..room])?;
    buffer.extend_from_slice(&block[..count]);
    Ok(count)
}

/// The head and where the body begins; `None` when more bytes are needed.
fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, Trouble> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(end)) => {
            let headers = response
                .headers
                .iter()
                .map(|header| {
                    let value = String::from_utf8_lossy(header.value).trim().to_owned();
                    (header.name.to_owned(), value)
                })
                .collect();
            let status = response.code.unwrap_or_default();
            Ok(Some((Head { status, headers }, end)))
        }
        Err(error) => Err(Trouble::NotHttp(format!(
            "{error}: {}",
            shown(&String::from_utf8_lossy(&bytes[..bytes.len().min(40)]), 40)
        ))),
    }
}

enum Kind {
    /// Status 204 and the like.
    Nothing,
    Length(u64),
    Chunked(Chunks),
    ToTheEnd,
}

#[derive(Default)]
struct Chunks {
    /// Where the next chunk's size stands.
    at: usize,
    decoded: Vec<u8>,
}

struct Body {
    kind: Kind,
    raw: Vec<u8>,
}

impl Body {
    fn of(head: &Head, raw: Vec<u8>) -> Body {
        let length = head.header("content-length").and_then(|value| value.parse().ok());
        let kind = match head.status {
            204 | 304 => Kind::Nothing,
            _ if head.has("transfer-encoding", "chunked") => Kind::Chunked(Chunks::default()),
            _ => length.map_or(Kind::ToTheEnd, Kind::Length),
        };
        Body { kind, raw }
    }

    fn is_whole(&mut self) -> Result<bool, Trouble> {
        match &mut self.kind {
            Kind::Nothing => Ok(true),
            Kind::Length(length) => Ok(self.raw.len() as u64 >= *length),
            Kind::Chunked(chunks) => chunks.advance(&self.raw),
            Kind::ToTheEnd => Ok(false),
        }
    }

    fn decoded(self) -> Vec<u8> {
        let mut raw = self.raw;
        match self.kind {
            Kind::Nothing => Vec::new(),
            Kind::Length(length) => {
                raw.truncate(usize::try_from(length).unwrap_or(usize::MAX));
                raw
            }
            Kind::Chunked(chunks) => chunks.decoded,
            Kind::ToTheEnd => raw,
        }
    }
}

impl Chunks {
    /// Takes the whole chunks there are; whether the last one was among them.
    fn advance(&mut self, raw: &[u8]) -> Result<bool, Trouble> {
        loop {
            let rest = raw.get(self.at..).unwrap_or_default();
            match httparse::parse_chunk_size(rest) {
                Ok(httparse::Status::Complete((_, 0))) => return Ok(true),
                Ok(httparse::Status::Complete((begin, size))) => {
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    let end = begin.saturating_add(size);
                    let Some(chunk) = rest.get(begin..end) else {
                        return Ok(false);
                    };
                    // The line end behind a chunk must be there before the next size is read.
                    if rest.len() < end + 2 {
                        return Ok(false);
                    }
                    self.decoded.extend_from_slice(chunk);
                    self.at += end + 2;
                }
                Ok(httparse::Status::Partial) => return Ok(false),
                Err(_) => return Err(Trouble::NotHttp("a chunk of the answer has no size".to_owned())),
            }
        }
    }
}

/// A socket that gives up at an instant, however slowly the other side drips, and when the run is stopped.
pub(crate) struct Bounded<'a> {
    pub(crate) stream: TcpStream,
    pub(crate) deadline: Instant,
    pub(crate) stop: &'a AtomicBool,
}

impl Bounded<'_> {
    fn wait<T>(
        &mut self,
        mut attempt: impl FnMut(&mut TcpStream, Duration) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            if self.stop.load(Ordering::SeqCst) {
                return Err(io::Error::from(STOPPED));
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::from(ErrorKind::TimedOut));
            }
            let patience = left.min(LOOK).max(Duration::from_millis(1));
            match attempt(&mut self.stream, patience) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                done => return done,
            }
        }
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(|stream, patience| {
            stream.set_read_timeout(Some(patience))?;
            stream.read(buffer)
        })
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.wait(|stream, patience| {
            stream.set_write_timeout(Some(patience))?;
            stream.write(buffer)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives its bytes in small pieces, then ends.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn read(text: &str) -> Result<Response, Trouble> {
        read_response(&mut Drip(text.as_bytes(), 3))
    }

    #[test]
    fn bodies_end_where_they_say() {
        let body = |text: &str| {
            let response = read(text).unwrap();
            (String::from_utf8(response.body).unwrap(), response.broken)
        };
        let whole = |text: &str| (text.to_owned(), None);
        assert_eq!(
            body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"),
            whole("abc")
        );
        assert_eq!(body("HTTP/1.1 200 OK\r\n\r\nabcdef"), whole("abcdef"));
        assert_eq!(
            body(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
            ),
            whole("abcde")
        );
        assert_eq!(
            body("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
            ("abc".to_owned(), Some(Trouble::Closed))
        );
        assert!(matches!(
            body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n"),
            (text, Some(Trouble::NotHttp(_))) if text == "a"
        ));
        assert_eq!(body("HTTP/1.1 204 No Content\r\n\r\nabc"), whole(""));
    }

    #[test]
    fn what_is_not_http_is_said_to_be() {
        assert!(matches!(read("SSH-2.0-OpenSSH_8.4\r\n"), Err(Trouble::NotHttp(why)) if why.contains("SSH")));
        assert_eq!(read(""), Err(Trouble::Closed));
        assert!(matches!(
            read("HTTP/1.1 200 OK\r\nServer: x"),
            Err(Trouble::NotHttp(_))
        ));
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(MAX_HEAD));
        assert!(matches!(
            read_response(&mut Drip(endless.as_bytes(), 4_096)),
            Err(Trouble::NotHttp(_))
        ));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS + 1));
        assert!(matches!(read(&many), Err(Trouble::NotHttp(_))));
    }

    #[test]
    fn an_endless_body_is_cut() {
        let endless = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &vec![b'a'; 2 * MAX_BODY]].concat();
        let response = read_response(&mut Drip(&endless, 8_192)).unwrap();
        assert!(response.cut);
        assert_eq!(response.body.len(), MAX_BODY);
    }

    #[test]
    fn a_request_has_no_cookie_and_a_name() {
        let sent = request("mail.client.example", "/owa/", "Vigie/0 (version check; +a@b)");
        assert!(sent.starts_with("GET /owa/ HTTP/1.1\r\nHost: mail.client.example\r\n"));
        assert!(sent.contains("User-Agent: Vigie/0 (version check; +a@b)\r\n"));
        assert!(!sent.to_ascii_lowercase().contains("cookie"));
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), step in 1_usize..50) {
            let _ = read_response(&mut Drip(&bytes, step));
            let begun = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice(), &bytes].concat();
            if let Ok(response) = read_response(&mut Drip(&begun, step)) {
                prop_assert!(response.body.len() <= bytes.len());
            }
        }

        #[test]
        fn chunks_give_back_what_was_cut_up(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
            step in 1_usize..50,
        ) {
            let mut sent = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for piece in &pieces {
                sent.extend(format!("{:x}\r\n", piece.len()).bytes());
                sent.extend(piece);
                sent.extend(b"\r\n");
            }
            sent.extend(b"0\r\n\r\n");
            let response = read_response(&mut Drip(&sent, step)).unwrap();
            prop_assert_eq!(response.body, pieces.concat());
            prop_assert_eq!(response.broken, None);
        }
    }
}
