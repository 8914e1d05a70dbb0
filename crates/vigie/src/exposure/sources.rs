//! What is known of servers: the files an assessment and its preview are made of.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use vigie_exposure::inventory::{self, Column, Format, InventoryError, Mappings, Reading, Vantage};
use vigie_exposure::{Decisions, FileError, Said};
use vigie_pack::Product;
use vigie_report::{Lang, visible};

use crate::tell;

/// Bytes of a mapping or a file of decisions.
const LARGEST_SETTINGS: u64 = 1 << 20;

/// How files are read.
#[derive(Args)]
pub(crate) struct Sources {
    /// An nmap scan (XML) that was made from the Internet: what it found open on 443 is published, what it found closed
    /// is not. A scan given otherwise says nothing of publication; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) outside_scan: Vec<PathBuf>,
    /// What tables of one's own hold and whose files are, as `vigie exposure inventory --save-mapping` writes it; may be
    /// repeated
    #[arg(long, value_name = "FILE")]
    mapping: Vec<PathBuf>,
    /// Which names are one server and which are not (YAML, see docs/inventory.md); may be repeated
    #[arg(long, value_name = "FILE")]
    decisions: Vec<PathBuf>,
    /// What a column of another name holds, such as Kiste=server; may be repeated
    #[arg(long, value_name = "HEADER=COLUMN", value_parser = column)]
    map: Vec<(String, Column)>,
    /// Read 03/04/2021 as the 3rd of April
    #[arg(long, conflicts_with = "month_first")]
    day_first: bool,
    /// Read 03/04/2021 as the 4th of March
    #[arg(long)]
    month_first: bool,
}

fn column(text: &str) -> Result<(String, Column), String> {
    let ids = || {
        let ids: Vec<&str> = Column::ALL.iter().map(|column| column.id()).collect();
        ids.join(", ")
    };
    let (header, column) = text.rsplit_once('=').ok_or("write it as HEADER=COLUMN")?;
    let column = Column::from_id(column).ok_or_else(|| format!("the columns are {}", ids()))?;
    Ok((header.to_owned(), column))
}

/// A file that was read, or why it was not.
pub(crate) struct Source {
    /// As the command line names it.
    pub(crate) shown: String,
    pub(crate) read: Result<Reading, InventoryError>,
}

/// All files, and what people decided about the names in them.
pub(crate) struct Gathered {
    pub(crate) sources: Vec<Source>,
    pub(crate) decisions: Decisions,
    /// What was written down and fits no file.
    pub(crate) unused: Vec<Said>,
}

impl Sources {
    /// All files that are read: none of them is written to.
    pub(crate) fn files(&self, inventories: &[PathBuf]) -> Vec<PathBuf> {
        let lists = [inventories, &self.outside_scan, &self.mapping, &self.decisions];
        lists.concat()
    }

    /// Reads files, and the scans that were made from outside.
    pub(crate) fn read(&self, inventories: &[PathBuf], lang: Lang) -> Result<Gathered> {
        let mut mappings = Mappings::default();
        for path in &self.mapping {
            let (shown, text) = settings(path, lang)?;
            mappings.add(Mappings::read(&shown, &text).map_err(|error| refused(&error, lang))?);
        }
        let mut decisions = Decisions::default();
        for path in &self.decisions {
            let (shown, text) = settings(path, lang)?;
            decisions.add(Decisions::read(&shown, &text).map_err(|error| refused(&error, lang))?);
        }
        let mut options = self.options(mappings, lang)?;
        let mut sources = Vec::new();
        for path in inventories {
            sources.push(read(path, &options, lang)?);
        }
        options.vantage = Some(Vantage::Outside);
        let mut unused = Vec::new();
        for path in &self.outside_scan {
            let source = read(path, &options, lang)?;
            if source
                .read
                .as_ref()
                .is_ok_and(|reading| reading.format != Format::Nmap)
            {
                unused.push(Said::new(
                    format!(
                        "{}: it is no scan, so --outside-scan says nothing of it",
                        source.shown
                    ),
                    format!(
                        "{} : ce n’est pas un balayage, donc --outside-scan n’en dit rien",
                        source.shown
                    ),
                ));
            }
            sources.push(source);
        }
        unused.extend(unfit(&options.mappings, &sources));
        Ok(Gathered {
            sources,
            decisions,
            unused,
        })
    }

    fn options(&self, mappings: Mappings, lang: Lang) -> Result<inventory::Options> {
        let products = Product::embedded().map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let said = tell(
                lang,
                "the products of this program cannot be read",
                "les produits de ce programme sont illisibles",
            );
            anyhow!("{said}: {}", problems.join("; "))
        })?;
        Ok(inventory::Options {
            products,
            day_first: match (self.day_first, self.month_first) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
            mapping: self.map.clone(),
            mappings,
            vantage: None,
        })
    }
}

fn read(path: &Path, options: &inventory::Options, lang: Lang) -> Result<Source> {
    let shown = path.display().to_string();
    let cannot = || format!("{} {shown}", tell(lang, "cannot read", "impossible de lire"));
    let mut bytes = Vec::new();
    // One byte more than may be read says that there is more.
    let most = inventory::MAX_BYTES as u64 + 1;
    let file = File::open(path).with_context(cannot)?;
    file.take(most).read_to_end(&mut bytes).with_context(cannot)?;
    let read = inventory::read(&shown, &bytes, options);
    Ok(Source { shown, read })
}

/// The text of a mapping or a file of decisions.
fn settings(path: &Path, lang: Lang) -> Result<(String, String)> {
    let shown = path.display().to_string();
    let cannot = || format!("{} {shown}", tell(lang, "cannot read", "impossible de lire"));
    if fs::metadata(path).with_context(cannot)?.len() > LARGEST_SETTINGS {
        let kib = LARGEST_SETTINGS >> 10;
        match lang {
            Lang::En => bail!("{shown}: it has more than {kib} KiB"),
            Lang::Fr => bail!("{shown}\u{a0}: il dépasse {kib} Kio"),
        }
    }
    let text = fs::read_to_string(path).with_context(cannot)?;
    Ok((shown, text.trim_start_matches('\u{feff}').to_owned()))
}

fn refused(error: &FileError, lang: Lang) -> anyhow::Error {
    anyhow!("{}", lang.typeset(error.said().get(lang.code())))
}

/// Mappings that fit no table, and words about files that were not read: out of date, or misspelt.
fn unfit(mappings: &Mappings, sources: &[Source]) -> Vec<Said> {
    let mut unused = Vec::new();
    for table in &mappings.tables {
        let is_used = sources
            .iter()
            .filter_map(|source| source.read.as_ref().ok())
            .any(|reading| {
                let mut tables = reading.tables.iter();
                tables.any(|view| view.mapped_by.as_deref() == Some(&table.origin))
            });
        if !is_used {
            unused.push(Said::new(
                format!("{}: no table has exactly these headers", table.origin),
                format!("{} : aucun tableau n’a exactement ces en-têtes", table.origin),
            ));
        }
    }
    for word in &mappings.sources {
        let is_used = sources.iter().any(|source| {
            mappings
                .source(&source.shown)
                .is_some_and(|found| found.origin == word.origin)
        });
        if !is_used {
            unused.push(Said::new(
                format!("{}: no file is called {}", word.origin, word.file),
                format!("{} : aucun fichier ne s’appelle {}", word.origin, word.file),
            ));
        }
    }
    unused
}

/// A sentence as the language sets it, without what would move a terminal's cursor.
pub(super) fn said(said: &Said, lang: Lang) -> String {
    visible(&lang.typeset(said.get(lang.code()))).into_owned()
}

/// What was made of a file, and what was not understood, on standard error.
pub(super) fn tell_reading(shown: &str, reading: &Reading, lang: Lang) {
    let colon = tell(lang, ":", "\u{a0}:");
    let unused = reading
        .tables
        .iter()
        .flat_map(|table| &table.columns)
        .filter(|column| column.meaning.is_none() && !column.header.is_empty());
    for column in unused {
        let why = tell(lang, "column not understood:", "colonne non comprise\u{a0}:");
        eprintln!(
            "{shown}{colon} {why} {} ({})",
            visible(&column.header),
            visible(&column.samples.join(", "))
        );
    }
    for note in &reading.notes {
        eprintln!("{shown}{colon} {}", said(note, lang));
    }
    for problem in reading.problems.iter().take(SHOWN_PROBLEMS) {
        eprintln!(
            "{shown}, {}{colon} {}",
            said(&problem.place, lang),
            said(&problem.why, lang)
        );
    }
    let more = reading.problems.len().saturating_sub(SHOWN_PROBLEMS) as u64 + reading.more_problems;
    if more > 0 {
        eprintln!(
            "{shown}{colon} {more} {}",
            tell(lang, "more problems", "autres problèmes")
        );
    }
}

/// Problems of one file that are shown.
const SHOWN_PROBLEMS: usize = 50;
