//! What one or more packs know, ready to judge many servers: answers that depend on a build alone are worked out once.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use vigie_event::Timestamp;
use vigie_pack::{Cve, Pack, Product};

use crate::status::{Builds, Judged};
use crate::{BuildSource, Said, Status, Version};

/// What a build says of a vulnerability, and why.
pub(crate) type Answer = (Status, Arc<Said>);

/// A pack, ready to judge.
pub(crate) struct Knowledge<'a> {
    pub(crate) pack: &'a Pack,
    pub(crate) builds: Builds<'a>,
    pub(crate) cves: Vec<Judged<'a>>,
    /// Vulnerabilities of the pack that nobody knew of by then.
    pub(crate) later: usize,
    answers: RefCell<HashMap<Key, Arc<[Answer]>, RandomState>>,
    /// Answers where no build is known, by the line that an inventory names.
    of_lines: RefCell<HashMap<Option<String>, Arc<[Answer]>, RandomState>>,
    said: RefCell<HashSet<Arc<Said>, RandomState>>,
}

/// What answers depend on.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    /// Index of the product's line; `None` where it has none of this name.
    line: Option<usize>,
    version: Version,
    source: BuildSource,
}

impl<'a> Knowledge<'a> {
    /// What was public or exploited by `as_of`; `only` keeps some of the pack's vulnerabilities, whenever they became
    /// public, and empty keeps all.
    pub(crate) fn new(pack: &'a Pack, only: &[String], as_of: Timestamp) -> Knowledge<'a> {
        let builds = Builds::new(&pack.product);
        let named = |cve: &Cve| only.iter().any(|id| id.eq_ignore_ascii_case(&cve.id));
        let judged = pack.cves.iter().filter(|cve| only.is_empty() || named(cve));
        let judged: Vec<Judged<'_>> = judged.map(|cve| Judged::new(cve, &builds)).collect();
        // Who asks about a day before the first of them was known knows of it all the same.
        let first = judged.iter().filter_map(Judged::known_from).min();
        let until = first.map_or(as_of, |first| first.max(as_of));
        let (cves, later): (Vec<Judged<'_>>, Vec<Judged<'_>>) = judged
            .into_iter()
            .partition(|judged| named(judged.cve) || judged.known_from().is_none_or(|from| from <= until));
        Knowledge {
            pack,
            builds,
            cves,
            later: later.len(),
            answers: RefCell::default(),
            of_lines: RefCell::default(),
            said: RefCell::default(),
        }
    }

    pub(crate) fn product(&self) -> &'a Product {
        &self.pack.product
    }

    /// One answer per vulnerability, in the pack's order. `declared` is the line an inventory names, for builds that
    /// say none.
    pub(crate) fn answers(
        &self,
        declared: Option<&str>,
        version: Version,
        source: BuildSource,
    ) -> Arc<[Answer]> {
        let line = self.builds.line(version).or(declared);
        let index = line.map(|line| self.product().lines.iter().position(|known| known.line == line));
        // Of a line that the product does not have nothing is kept: inventories may name any.
        let key = (index != Some(None)).then(|| Key {
            line: index.flatten(),
            version,
            source,
        });
        if let Some(known) = key
            .as_ref()
            .and_then(|key| self.answers.borrow().get(key).cloned())
        {
            return known;
        }
        let answers: Arc<[Answer]> = match line {
            Some(line) => {
                let of = |judged: &Judged<'_>| judged.status(&self.builds, line, version, source);
                self.cves.iter().map(of).map(shared).collect()
            }
            None => {
                let said = Said::new(
                    format!(
                        "{version} belongs to no known line of {}",
                        self.product().title.en
                    ),
                    format!(
                        "{version} n’appartient à aucune version connue de {}",
                        self.product().title.fr
                    ),
                );
                let answer = (Status::Unknown, Arc::new(said));
                vec![answer; self.cves.len()].into()
            }
        };
        if let Some(key) = key {
            self.answers.borrow_mut().insert(key, Arc::clone(&answers));
        }
        answers
    }

    /// One answer per vulnerability where nobody knows the build: what the line alone says.
    pub(crate) fn without_build(&self, declared: Option<&str>) -> Arc<[Answer]> {
        let line = declared.map(str::to_owned);
        if let Some(known) = self.of_lines.borrow().get(&line) {
            return Arc::clone(known);
        }
        let read = self.builds.read_from();
        let nobody = Arc::new(Said::new(
            format!("nobody knows the build: read {}", read.en),
            format!("build inconnu : lire {}", read.fr),
        ));
        let of = |judged: &Judged<'_>| match declared {
            Some(line) if !judged.cve.fixed.iter().any(|fixed| fixed.product == line) => {
                shared(judged.of_line(&self.builds, line))
            }
            _ => (Status::Unknown, Arc::clone(&nobody)),
        };
        let answers: Arc<[Answer]> = self.cves.iter().map(of).collect();
        self.of_lines.borrow_mut().insert(line, Arc::clone(&answers));
        answers
    }

    /// A sentence that is said of many servers, kept once.
    pub(crate) fn share(&self, said: Said) -> Arc<Said> {
        let mut known = self.said.borrow_mut();
        if let Some(known) = known.get(&said) {
            return Arc::clone(known);
        }
        let said = Arc::new(said);
        known.insert(Arc::clone(&said));
        said
    }

    /// The day a published build came out.
    pub(crate) fn released(&self, version: Version) -> Option<Timestamp> {
        vigie_event::parse_utc(&self.builds.exact(version)?.release_date)
    }
}

fn shared((status, said): (Status, Said)) -> Answer {
    (status, Arc::new(said))
}
