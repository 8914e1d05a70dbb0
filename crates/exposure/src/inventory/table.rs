//! From the rows of a table to observations.

use std::net::IpAddr;
use std::sync::Arc;

use super::words::{self, plain};
use super::{Column, InventoryError, Options, Reading, dates};
use crate::{BuildSource, Fact, Observation, Origin, ProductLine, Said, Subject, Version};

/// Values of a column that are shown in a preview.
const SAMPLES: usize = 3;

/// A table that was split into cells.
#[derive(Default)]
pub(super) struct Table {
    pub(super) format: &'static str,
    /// Whether its style says that it was written in French: dates begin with the day.
    pub(super) is_french_style: bool,
    /// The header first.
    pub(super) rows: Vec<Row>,
    /// Rows that could not be split.
    pub(super) problems: Vec<(String, Said)>,
}

/// A row, and where it stands.
pub(super) struct Row {
    pub(super) place: String,
    pub(super) cells: Vec<String>,
}

impl Row {
    fn is_empty(&self) -> bool {
        self.cells.iter().all(String::is_empty)
    }
}

/// A column as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Its header as written.
    pub header: String,
    /// What it is taken for; `None`: it is not used.
    pub meaning: Option<Column>,
    /// Its first values.
    pub samples: Vec<String>,
}

/// What reading the rows needs.
struct Reader<'o> {
    meanings: Vec<Option<Column>>,
    headers: Vec<String>,
    day_first: bool,
    options: &'o Options,
    origin: Origin,
    ambiguous_dates: u64,
    unsourced_builds: u64,
    reading: Reading,
}

impl Table {
    /// Finds the header and reads the rows below it.
    pub(super) fn read(mut self, file_name: &str, options: &Options) -> Result<Reading, InventoryError> {
        let meaning = |header: &String| {
            let mapped = options
                .mapping
                .iter()
                .find(|(name, _)| plain(name) == plain(header));
            mapped
                .map(|(_, column)| *column)
                .or_else(|| Column::of_header(header))
        };
        let names_servers = |row: &Row| {
            let mut known = row.cells.iter().filter_map(meaning);
            known.any(|column| matches!(column, Column::Server | Column::Fqdn | Column::Address))
        };
        // Titles and notes may stand above the header.
        let header = self.rows.iter().take(20).position(names_servers);
        let Some(header) = header else {
            let found = self.rows.iter().find(|row| !row.is_empty());
            return Err(match found {
                Some(row) => InventoryError::NoServers {
                    found: row.cells.join(", ").chars().take(300).collect(),
                },
                None => InventoryError::Empty,
            });
        };
        let rows = self.rows.split_off(header + 1);
        let headers = self.rows.pop().map(|row| row.cells).unwrap_or_default();
        let mut meanings: Vec<Option<Column>> = headers.iter().map(meaning).collect();
        let doubles = forget_doubles(&mut meanings);
        let is_french = self.is_french_style || headers.iter().any(|header| Column::is_french(header));
        let mut reader = Reader {
            day_first: options.day_first.unwrap_or(is_french),
            options,
            origin: Origin {
                reader: self.format,
                file: file_name.into(),
                place: None,
            },
            ambiguous_dates: 0,
            unsourced_builds: 0,
            reading: Reading {
                format: self.format,
                columns: preview(&headers, &meanings, &rows),
                ..Reading::default()
            },
            headers,
            meanings,
        };
        for (place, why) in self.problems {
            reader.reading.problem(place, why);
        }
        for index in doubles {
            let header = &reader.headers[index];
            let said = Said::new(
                format!("column {header:?} is not used: another one before it means the same"),
                format!("la colonne {header:?} n’est pas utilisée : une autre avant elle dit la même chose"),
            );
            reader.reading.notes.push(said);
        }
        for row in &rows {
            reader.row(row);
        }
        Ok(reader.finish())
    }
}

/// Of several columns with one meaning, the first stands. Says which others there were.
fn forget_doubles(meanings: &mut [Option<Column>]) -> Vec<usize> {
    let mut doubles = Vec::new();
    for index in 0..meanings.len() {
        let (before, rest) = meanings.split_at_mut(index);
        if rest[0].is_some() && before.contains(&rest[0]) {
            rest[0] = None;
            doubles.push(index);
        }
    }
    doubles
}

fn preview(headers: &[String], meanings: &[Option<Column>], rows: &[Row]) -> Vec<Preview> {
    let samples = |index: usize| {
        let values = rows.iter().filter_map(move |row| row.cells.get(index));
        values
            .filter(|value| !value.is_empty())
            .take(SAMPLES)
            .cloned()
            .collect()
    };
    let columns = headers.iter().zip(meanings).enumerate();
    columns
        .map(|(index, (header, meaning))| Preview {
            header: header.clone(),
            meaning: *meaning,
            samples: samples(index),
        })
        .collect()
}

impl Reader<'_> {
    fn cell<'r>(&self, row: &'r Row, column: Column) -> Option<&'r str> {
        let index = self
            .meanings
            .iter()
            .position(|meaning| *meaning == Some(column))?;
        row.cells
            .get(index)
            .map(String::as_str)
            .filter(|cell| !cell.is_empty())
    }

    fn problem(&mut self, row: &Row, column: Column, why: Said) {
        let index = self.meanings.iter().position(|meaning| *meaning == Some(column));
        let header = index
            .and_then(|index| self.headers.get(index))
            .map_or(column.id(), String::as_str);
        let place = format!("{}, column {header}", row.place);
        self.reading.problem(place, why);
    }

    fn row(&mut self, row: &Row) {
        if row.is_empty() {
            self.reading.empty_rows += 1;
            return;
        }
        self.reading.rows += 1;
        if row.cells.len() > self.meanings.len() {
            let said = Said::new(
                format!(
                    "the row has {} cells, the header {}: the rest is not read",
                    row.cells.len(),
                    self.meanings.len()
                ),
                format!(
                    "la ligne a {} cellules, l’en-tête {} : le reste n’est pas lu",
                    row.cells.len(),
                    self.meanings.len()
                ),
            );
            self.reading.problem(row.place.clone(), said);
        }
        let Some(subject) = self.subject(row) else {
            let said = Said::new(
                "no server is named: nothing of the row is used",
                "aucun serveur n’est nommé : rien de la ligne n’est utilisé",
            );
            return self.reading.problem(row.place.clone(), said);
        };
        let subject = Arc::new(subject);
        let at = self.date(row);
        let origin = Origin {
            place: Some(row.place.as_str().into()),
            ..self.origin.clone()
        };
        let mut facts = self.facts(row);
        // A server of which nothing is said is a server all the same.
        if facts.is_empty() {
            facts.push(Fact::Listed);
        }
        self.reading
            .observations
            .extend(facts.into_iter().map(|fact| Observation {
                subject: Arc::clone(&subject),
                fact,
                at,
                origin: origin.clone(),
            }));
    }

    fn subject(&mut self, row: &Row) -> Option<Subject> {
        let text = |column| self.cell(row, column).map(str::to_owned);
        let (mut name, mut fqdn) = (text(Column::Server), text(Column::Fqdn));
        // A full name in the column of short names is both.
        if let Some(full) = name
            .clone()
            .filter(|name| name.contains('.') && name.parse::<IpAddr>().is_err())
        {
            name = full.split('.').next().map(str::to_owned);
            fqdn = fqdn.or(Some(full));
        }
        let tenant = text(Column::Tenant);
        let mut addresses: Vec<IpAddr> = Vec::new();
        let listed = text(Column::Address).unwrap_or_default();
        for address in listed.split([' ', ',', ';', '/']).filter(|part| !part.is_empty()) {
            match address.parse() {
                Ok(address) => addresses.push(address),
                Err(_) => self.problem(
                    row,
                    Column::Address,
                    not_understood(address, "an address", "une adresse"),
                ),
            }
        }
        if let Some(address) = name.as_ref().and_then(|name| name.parse().ok()) {
            addresses.push(address);
            name = None;
        }
        let is_named = name.is_some() || fqdn.is_some() || !addresses.is_empty();
        is_named.then_some(Subject {
            tenant,
            name,
            fqdn,
            addresses,
        })
    }

    fn date(&mut self, row: &Row) -> Option<i64> {
        let text = self.cell(row, Column::ObservedAt)?;
        match dates::read(text, self.day_first) {
            Some(dated) => {
                self.ambiguous_dates += u64::from(dated.ambiguous);
                Some(dated.at)
            }
            None => {
                let said = not_understood(
                    text,
                    "a date such as 2021-03-02 or 02/03/2021",
                    "une date comme 02/03/2021 ou 2021-03-02",
                );
                self.problem(row, Column::ObservedAt, said);
                None
            }
        }
    }

    fn facts(&mut self, row: &Row) -> Vec<Fact> {
        let mut facts = Vec::new();
        self.product_and_build(row, &mut facts);
        self.word(
            row,
            Column::Published,
            words::yes_or_no,
            "yes or no",
            "oui ou non",
            |answer| {
                facts.extend(answer.map(Fact::Published));
            },
        );
        let topologies = "on_prem, hybrid, hybrid_management_only or online";
        self.word(row, Column::Topology, topology, topologies, topologies, |found| {
            facts.extend(found.map(Fact::Topology));
        });
        let impacts = "degraded, mef_support_crippled, mef_failure or mission_failure";
        self.word(
            row,
            Column::MissionImpact,
            words::mission_impact,
            impacts,
            impacts,
            |found| {
                facts.push(Fact::MissionImpact(found));
            },
        );
        let release = |text: &str| text.parse::<u32>().ok();
        self.word(
            row,
            Column::DotNet,
            release,
            "a value of Release such as 528040",
            "une valeur de Release comme 528040",
            |found| {
                facts.push(Fact::DotNet(found));
            },
        );
        if let Some(dag) = self.cell(row, Column::Dag) {
            facts.push(Fact::Dag(dag.to_owned()));
        }
        let list = |text: &str| -> Vec<String> {
            let parts = text.split([',', ';', '+', '|']).map(str::trim);
            parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let cell = |column| self.cell(row, column).map(list).unwrap_or_default();
        facts.extend(cell(Column::Role).into_iter().map(Fact::Role));
        facts.extend(cell(Column::Updates).into_iter().map(Fact::Update));
        facts.extend(cell(Column::Mitigation).into_iter().filter_map(mitigation));
        facts
    }

    /// Reads one cell; what is not understood is a problem.
    fn word<T>(
        &mut self,
        row: &Row,
        column: Column,
        read: impl Fn(&str) -> Option<T>,
        en: &str,
        fr: &str,
        mut found: impl FnMut(T),
    ) {
        let Some(text) = self.cell(row, column) else {
            return;
        };
        match read(text) {
            Some(value) => found(value),
            None => {
                let said = not_understood(text, en, fr);
                self.problem(row, column, said);
            }
        }
    }

    fn product_and_build(&mut self, row: &Row, facts: &mut Vec<Fact>) {
        let products = &self.options.products;
        let mut named = self
            .cell(row, Column::Product)
            .and_then(|text| words::product(text, products));
        if named.is_none()
            && let Some(text) = self.cell(row, Column::Product)
        {
            // Somebody else's product: said as written, so that it is not taken for one that is known.
            let product = text.to_owned();
            facts.push(Fact::Product(ProductLine { product, line: None }));
        }
        let mut version = None;
        if let Some(text) = self.cell(row, Column::Build) {
            match text.parse::<Version>() {
                Ok(found) => version = Some(found),
                // `2016 CU19` in the column of builds.
                Err(_) => match words::product(&format!("Exchange {text}"), products) {
                    Some(found) if found.version.is_some() => named = Some(found),
                    _ => {
                        let said =
                            not_understood(text, "a build such as 15.1.2176.9", "un build comme 15.1.2176.9");
                        self.problem(row, Column::Build, said);
                    }
                },
            }
        }
        let by_name = named.as_ref().and_then(|named| named.version);
        facts.extend(named.map(|named| Fact::Product(named.product)));
        match version {
            Some(version) => {
                let source = self.source(row);
                facts.push(Fact::Build { version, source });
            }
            None => facts.extend(by_name.map(|version| Fact::Build {
                version,
                source: BuildSource::AdminDisplayVersion,
            })),
        }
    }

    /// How a build was found out. Without a word on it, it is taken for the source that says least.
    fn source(&mut self, row: &Row) -> BuildSource {
        let Some(text) = self.cell(row, Column::BuildSource) else {
            self.unsourced_builds += 1;
            return BuildSource::AdminDisplayVersion;
        };
        let word = plain(text);
        let found = BuildSource::ALL
            .iter()
            .copied()
            .find(|source| plain(source.id()) == word)
            .or(match () {
                () if word.contains("exsetup") => Some(BuildSource::ExSetup),
                () if word.contains("healthchecker") => Some(BuildSource::HealthChecker),
                () if word.contains("hash") || word.contains("empreinte") => Some(BuildSource::FileHash),
                () if word.contains("exporttool") => Some(BuildSource::ExportTool),
                () if word.contains("owa") => Some(BuildSource::XOwaVersion),
                () if word.contains("log") || word.contains("journal") => Some(BuildSource::Log),
                () if word.contains("path") || word.contains("chemin") => Some(BuildSource::Path),
                () if word.contains("display") || word.contains("regist") => {
                    Some(BuildSource::AdminDisplayVersion)
                }
                () => None,
            });
        found.unwrap_or_else(|| {
            let ids: Vec<&str> = BuildSource::ALL.iter().map(|source| source.id()).collect();
            let said = not_understood(
                text,
                &format!("one of {}", ids.join(", ")),
                &format!("l’un de {}", ids.join(", ")),
            );
            self.problem(row, Column::BuildSource, said);
            BuildSource::AdminDisplayVersion
        })
    }

    fn finish(mut self) -> Reading {
        if self.ambiguous_dates > 0 {
            let dates = self.ambiguous_dates;
            let said = if self.day_first {
                Said::new(
                    format!(
                        "{dates} dates such as 03/04/2021 are read with the day first; --month-first reads them otherwise"
                    ),
                    format!(
                        "{dates} dates comme 03/04/2021 sont lues jour d’abord ; --month-first les lit autrement"
                    ),
                )
            } else {
                Said::new(
                    format!(
                        "{dates} dates such as 03/04/2021 are read with the month first; --day-first reads them otherwise"
                    ),
                    format!(
                        "{dates} dates comme 03/04/2021 sont lues mois d’abord ; --day-first les lit autrement"
                    ),
                )
            };
            self.reading.notes.push(said);
        }
        if self.unsourced_builds > 0 {
            let builds = self.unsourced_builds;
            self.reading.notes.push(Said::new(
                format!("{builds} builds come without their source (build_source): taken for AdminDisplayVersion, which does not show security updates"),
                format!("{builds} builds sans source (build_source) : pris pour AdminDisplayVersion, qui ne montre pas les mises à jour de sécurité"),
            ));
        }
        self.reading
    }
}

/// A word that says nothing is no topology, and no problem.
fn topology(text: &str) -> Option<Option<crate::Topology>> {
    match words::topology(text) {
        Some(found) => Some(Some(found)),
        None => (words::yes_or_no(text) == Some(None)).then_some(None),
    }
}

/// `EOMT`, `EEMS M1.1`; `none` says that there is none.
fn mitigation(text: String) -> Option<Fact> {
    let says_none = ["none", "aucune", "non", "no"].contains(&plain(&text).as_str());
    (!says_none).then_some(Fact::Mitigation {
        id: text,
        cves: Vec::new(),
        active: true,
    })
}

fn not_understood(text: &str, en: &str, fr: &str) -> Said {
    let shown: String = text.chars().take(60).collect();
    Said::new(
        format!("{shown:?} is not {en}; the rest of the row is used"),
        format!("{shown:?} n’est pas {fr} ; le reste de la ligne est utilisé"),
    )
}
