//! `vigie audit`: the log nobody can change, taken out, and checked without a server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use vigie_desk::Time;
use vigie_desk::audit::{ExportReport, Leaves, verify_export};
use vigie_report::{Lang, visible};

use super::Remote;
use super::session::{Format, Query, Session, print_json};
use super::show::{Column, Shown, column};
use crate::french::phrases;
use crate::numbers::counted;
use crate::{REACHED, tell};

/// The chain of the provider itself, which holds the roots.
const PROVIDER: &str = "provider";

/// Arguments of `vigie audit`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Check exports record by record, without a server or a key; status 3 when one is not as it was written
    Verify(Verify),
    /// Take a chain out, to be checked elsewhere; the export itself is recorded
    Export {
        /// The chain of this tenant, by name or identifier; without it the provider's own
        #[arg(long)]
        tenant: Option<String>,
        /// The file to make
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// The roots that were published; keep them where nobody can change them
    Roots,
    /// Bind all chains as they are now into a root
    Publish,
}

/// What is checked.
#[derive(Args)]
struct Verify {
    /// Exports of chains. With the provider's among them, it is also checked that its roots bind the others
    #[arg(required = true, value_name = "EXPORT")]
    exports: Vec<PathBuf>,
    /// A root that was published, as RECORD:ROOT; may be repeated
    #[arg(long, value_name = "RECORD:ROOT")]
    root: Vec<String>,
    /// Roots that were published, as `vigie audit roots --format json` prints them
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
    /// When the exports were made, as you know it (RFC 3339): roots of --roots published later need not be in them. What an
    /// export says of that itself is not believed
    #[arg(long, value_name = "T", requires = "roots")]
    exported_at: Option<String>,
}

const ROOTS: &[Column] = &[
    column("record", "enregistrement", "/seq", Shown::Text),
    column("published (UTC)", "publiée (UTC)", "/at", Shown::Time),
    column("chains", "chaînes", "/chains", Shown::Text),
    column("root", "racine", "/root", Shown::Text),
];

/// Runs `vigie audit`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    match &arguments.verb {
        Verb::Verify(verify) => return verify.run(arguments.remote.format(), lang),
        Verb::Export { tenant, output } => {
            export(&arguments.remote.open(lang)?, tenant.as_deref(), output)?;
        }
        Verb::Roots => {
            let desk = arguments.remote.open(lang)?;
            desk.items(&all_roots(&desk)?, ROOTS)?;
        }
        Verb::Publish => {
            let desk = arguments.remote.open(lang)?;
            desk.item(&desk.client.post("/audit/roots", &Value::Null)?, ROOTS)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// All roots, newest first: the server gives so many at once.
fn all_roots(desk: &Session) -> Result<Vec<Value>> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let before = all.last().and_then(|root| root["seq"].as_i64());
        let path = Query::default()
            .and("before", before.map(|seq| seq.to_string()))
            .on("/audit/roots");
        let Value::Array(mut more) = desk.client.get(&path)? else {
            return Ok(all);
        };
        // A server of an older version gives the newest again.
        more.retain(|root| before.is_none_or(|before| root["seq"].as_i64().is_some_and(|seq| seq < before)));
        if more.is_empty() {
            return Ok(all);
        }
        all.extend(more);
    }
}

fn export(desk: &Session, tenant: Option<&str>, output: &Path) -> Result<()> {
    let cannot = || {
        format!(
            "{} {}",
            tell(desk.lang, "cannot write", "impossible d’écrire"),
            output.display()
        )
    };
    let folder = output
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let tenant = tenant.map(|given| desk.tenant(given)).transpose()?;
    let path = Query::default().and("tenant", tenant).on("/audit/export");
    let mut draft = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    let mut input = desk.client.download(&path, &Value::Null)?;
    std::io::copy(&mut input, &mut draft)
        .with_context(|| tell(desk.lang, "the export broke off", "l’export s’est interrompu"))?;
    // A file that was cut off must not stand for a whole one.
    let file = draft.reopen().with_context(cannot)?;
    verify_export(BufReader::new(file))?;
    draft.as_file().sync_all().with_context(cannot)?;
    draft.persist_noclobber(output).with_context(cannot)?;
    Ok(())
}

/// A root as it was published.
#[derive(Debug, Clone, Deserialize)]
struct Published {
    seq: i64,
    root: String,
    /// When, where that is known.
    at: Option<Time>,
}

/// An export, and what is wrong with it.
struct Checked {
    file: String,
    report: ExportReport,
    problems: Vec<String>,
    /// What the published roots do not prove, though nothing shows that it is otherwise.
    doubts: Vec<String>,
    /// Roots that the provider's export proves to be over this chain, as the file has it.
    proven: BTreeSet<i64>,
    /// The last record that is under such a root: one that was published, where some were given.
    proven_records: i64,
    /// Published roots that are newer than whoever checks knows the export to be.
    newer: usize,
}

impl Verify {
    fn run(&self, format: Format, lang: Lang) -> Result<ExitCode> {
        let published = self.published(lang)?;
        let exported_at = self.exported_at(lang)?;
        let (mut checked, mut unreadable) = (Vec::new(), 0);
        for file in &self.exports {
            match read(file) {
                Ok(report) => checked.push(Checked::new(file, report)),
                Err(error) => {
                    crate::complain(&error, lang);
                    unreadable += 1;
                }
            }
        }
        let leaves: BTreeMap<i64, (String, Leaves)> = checked
            .iter_mut()
            .filter(|one| one.report.chain.chain == PROVIDER)
            .flat_map(|one| &mut one.report.bindings)
            .map(|one| (one.seq, (one.root.clone(), std::mem::take(&mut one.leaves))))
            .collect();
        for one in &mut checked {
            one.bind(&leaves, lang);
            one.compare(&published, exported_at, lang);
        }
        match format {
            Format::Json => print_json(&json!({
                "sound": unreadable == 0 && checked.iter().all(Checked::is_sound),
                "unreadable": unreadable,
                "exports": checked.iter().map(Checked::json).collect::<Vec<Value>>(),
            }))?,
            Format::Table => {
                let mut out = std::io::stdout().lock();
                for one in &checked {
                    one.write(!leaves.is_empty(), !published.is_empty(), lang, &mut out)?;
                }
            }
        }
        Ok(match (unreadable, checked.iter().all(Checked::is_sound)) {
            (_, false) => ExitCode::from(REACHED),
            (0, true) => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }

    fn exported_at(&self, lang: Lang) -> Result<Option<Time>> {
        let Some(given) = &self.exported_at else {
            return Ok(None);
        };
        let parsed = Time::parse(given).ok_or_else(|| {
            let why = tell(
                lang,
                "write it as 2021-03-03T08:00:00Z",
                "écrivez 2021-03-03T08:00:00Z, par exemple",
            );
            anyhow!("--exported-at {}: {why}", visible(given))
        })?;
        Ok(Some(parsed))
    }

    /// The roots that were given, by record.
    fn published(&self, lang: Lang) -> Result<Vec<Published>> {
        let mut all: Vec<Published> = Vec::new();
        if let Some(file) = &self.roots {
            let cannot = || {
                format!(
                    "{} {}",
                    tell(lang, "cannot read", "impossible de lire"),
                    file.display()
                )
            };
            let text = std::fs::read(file).with_context(cannot)?;
            all = serde_json::from_slice(&text).with_context(cannot)?;
        }
        for given in &self.root {
            let (seq, root) = given
                .split_once(':')
                .and_then(|(seq, root)| Some((seq.parse().ok()?, root.trim().to_lowercase())))
                .ok_or_else(|| {
                    anyhow!(
                        "--root {}: {}",
                        visible(given),
                        tell(lang, "write it as RECORD:ROOT", "écrivez ENREGISTREMENT:RACINE")
                    )
                })?;
            all.push(Published { seq, root, at: None });
        }
        if (self.roots.is_some() || !self.root.is_empty()) && all.is_empty() {
            bail!(tell(lang, "no root was given", "aucune racine n’a été donnée"));
        }
        Ok(all)
    }
}

fn read(file: &Path) -> Result<ExportReport> {
    let input = File::open(file).with_context(|| file.display().to_string())?;
    verify_export(BufReader::with_capacity(1 << 16, input)).with_context(|| file.display().to_string())
}

impl Checked {
    fn new(file: &Path, report: ExportReport) -> Checked {
        Checked {
            file: file.display().to_string(),
            problems: Vec::new(),
            doubts: Vec::new(),
            proven: BTreeSet::new(),
            proven_records: 0,
            newer: 0,
            report,
        }
    }

    fn is_sound(&self) -> bool {
        self.is_as_written() && self.doubts.is_empty()
    }

    fn is_as_written(&self) -> bool {
        self.report.sound && self.problems.is_empty()
    }

    /// Whether the provider's roots are over this chain as it is here.
    fn bind(&mut self, leaves: &BTreeMap<i64, (String, Leaves)>, lang: Lang) {
        for binding in &self.report.bindings {
            let Some((root, leaves)) = leaves.get(&binding.seq) else {
                continue;
            };
            if *root == binding.root && leaves.contains(&binding.leaf) {
                self.proven.insert(binding.seq);
                self.proven_records = self.proven_records.max(binding.head_seq);
                continue;
            }
            let seq = binding.seq;
            self.problems.push(match lang {
                Lang::En => format!("root {seq} of the provider does not bind this chain as it is here"),
                Lang::Fr => format!(
                    "la racine {seq} du prestataire ne porte pas sur cette chaîne telle qu’elle est ici"
                ),
            });
        }
    }

    /// Whether the roots are those that were published. What the export says of itself, when it was made and which roots it
    /// has, decides nothing here: whoever cut its end off can say that it is older.
    fn compare(&mut self, published: &[Published], exported_at: Option<Time>, lang: Lang) {
        if published.is_empty() {
            return;
        }
        let before = self.problems.len();
        let mut unproven = 0;
        self.proven_records = 0;
        let first = self.report.bindings.iter().map(|one| one.seq).min();
        for one in published {
            let seq = one.seq;
            match self.report.bindings.iter().find(|binding| binding.seq == seq) {
                Some(binding) if binding.root != one.root => self.problems.push(match lang {
                    Lang::En => format!("root {seq} is not the one that was published"),
                    Lang::Fr => format!("la racine {seq} n’est pas celle qui a été publiée"),
                }),
                Some(binding) if self.proven.contains(&seq) => {
                    self.proven_records = self.proven_records.max(binding.head_seq);
                }
                Some(_) => unproven += 1,
                None if one.at.zip(exported_at).is_some_and(|(at, made)| at > made) => self.newer += 1,
                // A tenant that came later is not under roots from before.
                None if self.report.chain.chain != PROVIDER && first.is_none_or(|first| seq < first) => {}
                None => self.doubts.push(match lang {
                    Lang::En => format!(
                        "root {seq} was published and is not in the export: records were cut off, unless it was made before; \
                         then say when with --exported-at"
                    ),
                    Lang::Fr => format!(
                        "la racine {seq} a été publiée et ne figure pas dans l’export\u{a0}: des enregistrements ont été coupés, à \
                         moins qu’il ne soit antérieur\u{202f}; dans ce cas, dites de quand il date avec --exported-at"
                    ),
                }),
            }
        }
        if self.proven_records > 0 || self.problems.len() > before || !self.doubts.is_empty() {
            return;
        }
        let nothing = match unproven {
            0 => tell(
                lang,
                "none of the published roots is in the export: nothing proves that it is whole",
                "aucune des racines publiées ne figure dans l’export\u{a0}: rien ne prouve qu’il soit entier",
            ),
            _ => tell(
                lang,
                "it names roots that were published, and only the provider’s export proves that they are over this chain: give \
                 it too",
                "il annonce des racines publiées, et seul l’export du prestataire prouve qu’elles portent sur cette \
                 chaîne\u{a0}: donnez-le aussi",
            ),
        };
        self.doubts.push(nothing.to_owned());
    }

    fn json(&self) -> Value {
        json!({
            "file": self.file, "sound": self.is_sound(), "chain": self.report.chain,
            "problems": self.problems, "doubts": self.doubts,
            "roots": self.report.roots.len(), "proven_roots": self.proven.len(), "proven_records": self.proven_records,
            "newer_roots": self.newer, "says_exported_at": self.report.exported_at,
        })
    }

    fn write(&self, has_provider: bool, is_compared: bool, lang: Lang, out: &mut dyn Write) -> Result<()> {
        let chain = &self.report.chain;
        let colon = tell(lang, ":", "\u{a0}:");
        let verdict = match (self.is_as_written(), self.doubts.is_empty()) {
            (true, true) => tell(lang, "as it was written", "telle qu’écrite"),
            (true, false) => tell(lang, "NOT PROVEN", "NON PROUVÉE"),
            (false, _) => tell(lang, "NOT AS IT WAS WRITTEN", "N’EST PAS TELLE QU’ÉCRITE"),
        };
        writeln!(out, "{}{colon} {verdict}", visible(&self.file))?;
        let records = counted(
            u64::try_from(chain.entries).unwrap_or(0),
            lang,
            ("record", "records"),
            ("enregistrement", "enregistrements"),
        );
        writeln!(
            out,
            "  {} {}, {records}",
            tell(lang, "chain", "chaîne"),
            visible(&chain.chain)
        )?;
        let head = tell(lang, "last hash", "dernière empreinte");
        writeln!(out, "  {head} {}", visible(&chain.head))?;
        let roots = counted(
            self.report.roots.len() as u64,
            lang,
            ("root", "roots"),
            ("racine", "racines"),
        );
        let proven = match (self.report.chain.chain == PROVIDER || has_provider, lang) {
            (true, Lang::En) => format!("{} proven", self.proven.len()),
            (true, Lang::Fr) => format!("dont {} prouvées", self.proven.len()),
            (false, Lang::En) => "named, not proven: give the provider’s export too".into(),
            (false, Lang::Fr) => "annoncées, non prouvées\u{a0}: donnez aussi l’export du prestataire".into(),
        };
        if !self.report.roots.is_empty() {
            writeln!(out, "  {roots}, {proven}")?;
        }
        if self.proven_records > 0 {
            let (proven, all) = (self.proven_records, chain.entries);
            let of = match lang {
                Lang::En => format!("proven up to record {proven} of {all}"),
                Lang::Fr => format!("prouvée jusqu’à l’enregistrement {proven} sur {all}"),
            };
            let by = match is_compared {
                true => String::new(),
                false => tell(
                    lang,
                    ", by roots that these files name: whoever wrote them anew could have written those too; compare with \
                     published ones (--roots)",
                    ", par des racines que ces fichiers annoncent\u{a0}: qui les aurait réécrits aurait pu les réécrire \
                     aussi\u{202f}; comparez avec celles qui ont été publiées (--roots)",
                )
                .to_owned(),
            };
            writeln!(out, "  {of}{by}")?;
        }
        if self.newer > 0 {
            let newer = tell(
                lang,
                "published roots are newer than you say the export is",
                "racines publiées sont postérieures à la date que vous donnez à l’export",
            );
            writeln!(out, "  {} {newer}", self.newer)?;
        }
        for (index, problem) in chain.problems.iter().enumerate() {
            let which = match index {
                0 => tell(
                    lang,
                    "first broken at record",
                    "première rupture à l’enregistrement",
                ),
                _ => tell(lang, "record", "enregistrement"),
            };
            let said = match lang {
                Lang::En => problem.why.clone(),
                Lang::Fr => phrases::say(&problem.why),
            };
            writeln!(out, "  {which} {}{colon} {}", problem.seq, visible(&said))?;
        }
        if chain.more_problems > 0 {
            writeln!(out, "  {} {}", chain.more_problems, tell(lang, "more", "autres"))?;
        }
        for problem in self.problems.iter().chain(&self.doubts) {
            writeln!(out, "  {problem}")?;
        }
        Ok(())
    }
}
