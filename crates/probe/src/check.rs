//! The conversation with one address.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vigie_exposure::{BuildSource, Said};

use crate::conversation::Conversation;
use crate::http::{self, Bounded, Response};
use crate::journal::Ended;
use crate::plan::PAGES;
use crate::redirect;
use crate::report::{Asked, TargetReport};
use crate::run::ProbeError;
use crate::tls::{Tls, TlsDetails};
use crate::trouble::Trouble;
use crate::{Journal, Scope, Target, Throttle, now};

/// Redirects followed from one page.
const MAX_REDIRECTS: usize = 3;
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
            match redirect::follow(self.scope, seen.target, &path, location) {
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
}
