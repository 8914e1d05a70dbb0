//! One upload, from where it is to its end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};
use vigie_report::{Lang, visible};

use super::source::{Hashing, Source};
use crate::progress::Bar;
use crate::remote::client::{Client, Tries};
use crate::remote::session::Query;
use crate::tell;

/// Bytes sent at once. What was sent of a piece when the connection broke is not sent again.
const PIECE: usize = 8 << 20;
/// How long an upload may be held by another request: one that is dead, which the server notices after 60 s, or one that
/// hashes anew what came before the server was started.
const STALE: Duration = Duration::from_secs(600);
/// Times an upload is begun anew because its beginning is of other bytes.
const ANEW: usize = 2;

/// What everything that is sent now has in common.
pub(super) struct Sender<'a> {
    pub(super) client: &'a Client,
    pub(super) lang: Lang,
    /// Who sends, as the desk knows them.
    pub(super) me: String,
    /// An upload without its name and size.
    pub(super) draft: Value,
    pub(super) quiet: bool,
}

/// How something came to be at the desk.
pub(super) struct Sent {
    pub(super) evidence: Value,
    /// `sent`, `resumed`, `known`.
    pub(super) how: &'static str,
}

/// Where the bytes of an upload have to go on, when it is not where they are now.
enum Next {
    /// Here.
    On(usize),
    /// Elsewhere: read from the beginning again.
    Back,
    /// Nowhere: it was given up.
    Gone,
}

impl Sender<'_> {
    /// Sends something, unless it is there already; goes on with an upload that broke off.
    pub(super) fn send(&self, source: &Source) -> Result<Sent> {
        if let Some(evidence) = self.known(source)? {
            return Ok(Sent {
                evidence,
                how: "known",
            });
        }
        let mut upload = self.open_upload(source)?;
        for _ in 0..=ANEW {
            let (begun, how) = match upload.take() {
                Some(found) => (found, "resumed"),
                None => (self.begin(source)?, "sent"),
            };
            if let Some(evidence) = self.stream(source, &begun)? {
                return Ok(Sent { evidence, how });
            }
            self.say(
                "what was sent earlier is of other bytes: beginning anew",
                "ce qui avait été envoyé ne correspond plus\u{a0}: l’envoi recommence",
            );
        }
        bail!(tell(
            self.lang,
            "it changes while it is read, time and again; copy it first, then send the copy",
            "le contenu change à chaque lecture\u{202f}; copiez-le d’abord, puis envoyez la copie",
        ))
    }

    /// The same bytes of the same server, when the desk has them: this command may have been cut off after its work was done.
    fn known(&self, source: &Source) -> Result<Option<Value>> {
        let query = Query::default()
            .and("tenant", self.draft["tenant_id"].as_str())
            .and("server", self.draft["server_id"].as_str())
            .and("campaign", self.draft["campaign_id"].as_str())
            .and("q", [source.name.as_str()]);
        let found = match self.client.list(&query.on("/evidence"), 1_000) {
            Ok((found, _)) => found,
            // Who may send need not be allowed to look.
            Err(fault) if fault.kind() == "forbidden" => return Ok(None),
            Err(fault) => return Err(fault.into()),
        };
        let mut hash = None;
        for evidence in found {
            let is_alike = evidence["name"] == source.name.trim()
                && source.exact_size().is_none_or(|size| evidence["size"] == size)
                && ["server_id", "campaign_id"]
                    .iter()
                    .all(|field| evidence[field] == self.draft[field]);
            if !is_alike {
                continue;
            }
            if hash.is_none() {
                let mut reader = source.open()?;
                std::io::copy(&mut reader, &mut std::io::sink())?;
                hash = Some(reader.sha256());
            }
            if evidence["sha256"].as_str() == hash.as_deref() {
                return Ok(Some(evidence));
            }
        }
        Ok(None)
    }

    /// The upload of this that somebody with our key began and did not end; the one that got furthest.
    fn open_upload(&self, source: &Source) -> Result<Option<Value>> {
        let query = Query::default().and("tenant", self.draft["tenant_id"].as_str());
        let open = self.client.get(&query.on("/uploads"))?;
        let found = open.as_array().into_iter().flatten().filter(|upload| {
            upload["name"] == source.name.trim()
                && upload["size"].as_u64() == source.exact_size()
                && upload["begun_by"]["id"] == self.me.as_str()
                && ["server_id", "campaign_id"]
                    .iter()
                    .all(|field| upload[field] == self.draft[field])
        });
        Ok(found.max_by_key(|upload| upload["received"].as_u64()).cloned())
    }

    fn begin(&self, source: &Source) -> Result<Value> {
        let mut new = self.draft.clone();
        new["name"] = json!(source.name);
        new["size"] = json!(source.exact_size());
        Ok(self.client.post("/uploads", &new)?)
    }

    /// Sends what is missing of an upload and ends it. `None`: it was of other bytes, and is given up.
    fn stream(&self, source: &Source, upload: &Value) -> Result<Option<Value>> {
        let path = format!("/uploads/{}", upload["id"].as_str().unwrap_or_default());
        let mut received = upload["received"].as_u64().unwrap_or(0);
        let bar = Bar::new(self.quiet, self.lang);
        let sha256 = loop {
            let mut reader = source.open()?;
            if !skip(&mut reader, received)? {
                self.client.delete(&path)?;
                return Ok(None);
            }
            match self.pieces(&path, &mut reader, source, bar.as_deref())? {
                Some(Next::Back) => received = self.client.get(&path)?["received"].as_u64().unwrap_or(0),
                Some(_) => return Ok(None),
                None => break reader.sha256(),
            }
        };
        if let Some(bar) = &bar {
            bar.finish();
        }
        self.finish(&path, &sha256)
    }

    /// Sends everything that is left of a reader.
    fn pieces(
        &self,
        path: &str,
        reader: &mut Hashing,
        source: &Source,
        bar: Option<&Bar>,
    ) -> Result<Option<Next>> {
        let mut piece = vec![0; PIECE];
        loop {
            let offset = reader.read_so_far();
            if let Some(bar) = bar {
                // What a folder will be as an archive is not known before.
                bar.at(offset, source.size.max(offset));
            }
            let length = reader.fill(&mut piece)?;
            if length == 0 {
                return Ok(None);
            }
            let mut sent = 0;
            while sent < length {
                match self.piece(path, offset, &piece[..length], sent)? {
                    Next::On(now) => sent = now,
                    elsewhere => return Ok(Some(elsewhere)),
                }
            }
        }
    }

    /// Sends the rest of a piece, as often as it takes.
    fn piece(&self, path: &str, offset: u64, piece: &[u8], sent: usize) -> Result<Next> {
        let place = |upload: &Value| {
            let received = upload["received"].as_u64().unwrap_or(0);
            match received
                .checked_sub(offset)
                .and_then(|within| usize::try_from(within).ok())
            {
                _ if upload["state"] != "open" => Next::Gone,
                Some(within) if within <= piece.len() => Next::On(within),
                _ => Next::Back,
            }
        };
        let (mut tries, mut told) = (Tries::default(), false);
        let stale = Instant::now() + STALE;
        loop {
            match self.client.patch(path, offset + sent as u64, &piece[sent..]) {
                Ok(upload) => match place(&upload) {
                    Next::On(within) if within <= sent => {
                        bail!(tell(
                            self.lang,
                            "the server says yes and takes nothing",
                            "le serveur accepte, mais ne reçoit rien",
                        ));
                    }
                    elsewhere => return Ok(elsewhere),
                },
                Err(fault) if fault.kind() == "offset" => {}
                Err(fault) if fault.kind() == "state" && Instant::now() < stale => {
                    if !told {
                        self.say(
                            "another request is sending this: waiting for its end",
                            "une autre requête envoie ce contenu\u{a0}: attente de sa fin",
                        );
                        told = true;
                    }
                    std::thread::sleep(Duration::from_secs(1));
                }
                Err(fault) => self.client.wait(fault, &mut tries)?,
            }
            let upload = self.client.get(path)?;
            match place(&upload) {
                // Nothing of it came: the same again.
                Next::On(within) if within == sent => {}
                elsewhere => return Ok(elsewhere),
            }
        }
    }

    /// Ends an upload. `None`: it is of other bytes than were sent now, and is given up.
    fn finish(&self, path: &str, sha256: &str) -> Result<Option<Value>> {
        let finishing = Query::default()
            .and("sha256", [sha256])
            .on(&format!("{path}/finish"));
        match self.client.post(&finishing, &Value::Null) {
            Ok(evidence) if evidence["sha256"] == sha256 => Ok(Some(evidence)),
            Ok(evidence) => bail!(
                "{}: {}",
                tell(
                    self.lang,
                    "the desk has other bytes than were sent",
                    "le poste n’a pas les octets envoyés"
                ),
                evidence["id"]
            ),
            Err(fault) if fault.is_about("sha256") => {
                self.client.delete(path)?;
                Ok(None)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    fn say(&self, english: &str, french: &str) {
        if !self.quiet {
            eprintln!("{}", visible(tell(self.lang, english, french)));
        }
    }
}

/// Reads over what the server has. False: there is less.
fn skip(reader: &mut Hashing, received: u64) -> Result<bool> {
    let mut start = std::io::Read::take(&mut *reader, received);
    Ok(std::io::copy(&mut start, &mut std::io::sink())? == received)
}
