//! One row.

use std::net::IpAddr;
use std::sync::Arc;

use super::super::reading::not_understood;
use super::super::words::{self, plain};
use super::super::{Column, Format, dates, software};
use super::{Row, SAMPLES, Table};
use crate::{BuildSource, Fact, Observation, Origin, ProductLine, Said, Subject, Version};

impl Table<'_> {
    pub(super) fn row(&mut self, row: &Row) {
        if row.is_empty() {
            self.reading.empty_rows += 1;
            return;
        }
        self.reading.rows += 1;
        let problems = self.reading.problem_count();
        self.sample(row);
        self.tell_width(row);
        let Some(subject) = self.subject(row) else {
            let said = Said::new(
                "no server is named: nothing of the row is used",
                "aucun serveur n’est nommé : rien de la ligne n’est utilisé",
            );
            return self.reading.problem(row.place.said(), said);
        };
        let at = self.date(row);
        let mut facts = self.facts(row, at.is_some());
        if facts.is_empty() {
            let has_problems = self.reading.problem_count() > problems;
            match self.bare(&subject, has_problems) {
                Some(fact) => facts.push(fact),
                None => return,
            }
        }
        let Some(head) = &self.head else {
            return;
        };
        let subject = Arc::new(subject);
        let origin = Origin {
            place: Some(row.place.clone()),
            ..head.origin.clone()
        };
        self.reading
            .observations
            .extend(facts.into_iter().map(|fact| Observation {
                subject: Arc::clone(&subject),
                fact,
                at,
                origin: origin.clone(),
            }));
    }

    /// What a row says that names a machine and nothing else. `None` when other rows said as much.
    fn bare(&mut self, subject: &Subject, has_problems: bool) -> Option<Fact> {
        let head = self.head.as_mut()?;
        let lists_all =
            head.view.kind.lists_all_machines() || head.indices[Column::Software as usize].is_some();
        if !lists_all {
            // A server of which nothing is said is a server all the same.
            return Some(Fact::Listed);
        }
        head.others += 1;
        // One row per program: the machine is named once.
        if head.indices[Column::Software as usize].is_some() && head.view.kind != Format::Glpi {
            let key = format!("{:?} {:?} {:?}", subject.tenant, subject.name, subject.fqdn).to_lowercase();
            if !head.named.insert(key) {
                self.reading.other_rows += u64::from(!has_problems);
                return None;
            }
        }
        Some(Fact::Machine)
    }

    fn sample(&mut self, row: &Row) {
        let Some(head) = &mut self.head else {
            return;
        };
        for (column, value) in head.view.columns.iter_mut().zip(&row.cells) {
            if column.samples.len() < SAMPLES && !value.is_empty() {
                column.samples.push(value.chars().take(200).collect());
            }
        }
    }

    /// Cells that no column holds.
    fn tell_width(&mut self, row: &Row) {
        let columns = self.head.as_ref().map_or(0, |head| head.view.columns.len());
        let last = row.cells.iter().rposition(|cell| !cell.is_empty());
        let cells = last.map_or(0, |last| last + 1) + row.left_out;
        if cells > columns {
            let said = Said::new(
                format!("the row has {cells} cells, the header {columns}: the rest is not read"),
                format!("la ligne a {cells} cellules, l’en-tête {columns} : le reste n’est pas lu"),
            );
            self.reading.problem(row.place.said(), said);
        }
    }

    fn cell<'r>(&'r self, row: &'r Row, column: Column) -> Option<&'r str> {
        let head = self.head.as_ref()?;
        let cell = head.indices[column as usize].and_then(|index| row.cells.get(index));
        let written = cell.map(String::as_str).filter(|cell| !cell.is_empty());
        written.or_else(|| {
            let value = head.values.iter().find(|(known, _)| *known == column)?;
            Some(value.1.as_str())
        })
    }

    fn problem_in(&mut self, row: &Row, column: Column, why: Said) {
        let index = self.head.as_ref().and_then(|head| head.indices[column as usize]);
        let view = self.head.as_ref().map(|head| &head.view);
        let header = index.and_then(|index| view?.columns.get(index));
        let place = match (index, header) {
            (Some(index), Some(header)) => row.place.column(index, &header.header),
            _ => row.place.said(),
        };
        self.reading.problem(place, why);
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
        if let (Some(name), None, Some(domain)) = (&name, &fqdn, text(Column::Domain))
            && domain.contains('.')
            && name.parse::<IpAddr>().is_err()
        {
            fqdn = Some(format!("{name}.{}", domain.trim_matches('.')));
        }
        let mut addresses: Vec<IpAddr> = Vec::new();
        let listed = text(Column::Address).unwrap_or_default();
        let parts =
            listed.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '/' | '"' | '[' | ']'));
        for address in parts.filter(|part| !part.is_empty()) {
            match address.parse() {
                Ok(address) => addresses.push(address),
                Err(_) => self.problem_in(
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
        let tenant = self.tenant(row);
        let is_named = name.is_some() || fqdn.is_some() || !addresses.is_empty();
        is_named.then_some(Subject {
            tenant,
            name,
            fqdn,
            addresses,
            ..Subject::default()
        })
    }

    fn tenant(&mut self, row: &Row) -> Option<String> {
        let text = self.cell(row, Column::Tenant)?.to_owned();
        let head = self.head.as_mut()?;
        match head.view.kind {
            // `Root entity > Client > Site`: the root is the provider itself.
            Format::Glpi => {
                let mut parts = text.split('>').map(str::trim).filter(|part| !part.is_empty());
                let first = parts.next()?.to_owned();
                head.has_entities = true;
                match parts.next() {
                    Some(client) => Some(client.to_owned()),
                    None => {
                        (!["entiteracine", "rootentity"].contains(&plain(&first).as_str())).then_some(first)
                    }
                }
            }
            // What OCS Inventory writes where nobody gave a tag.
            Format::Ocs if text == "NA" => None,
            _ => Some(text),
        }
    }

    fn date(&mut self, row: &Row) -> Option<i64> {
        let text = self.cell(row, Column::ObservedAt)?.to_owned();
        let head = self.head.as_mut()?;
        match dates::read(&text, head.day_first) {
            Some(dated) => {
                head.ambiguous_dates += u64::from(dated.ambiguous);
                Some(dated.at)
            }
            None => {
                let said = not_understood(
                    &text,
                    "a date such as 2021-03-02 or 02/03/2021",
                    "une date comme 02/03/2021 ou 2021-03-02",
                );
                self.problem_in(row, Column::ObservedAt, said);
                None
            }
        }
    }

    fn facts(&mut self, row: &Row, is_dated: bool) -> Vec<Fact> {
        let mut facts = Vec::new();
        self.programs(row, is_dated, &mut facts);
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
        self.word(
            row,
            Column::Topology,
            topology,
            "on_prem, hybrid, hybrid_management_only or online",
            "on_prem, hybrid, hybrid_management_only ou online",
            |found| {
                facts.extend(found.map(Fact::Topology));
            },
        );
        self.word(
            row,
            Column::MissionImpact,
            words::mission_impact,
            "degraded, mef_support_crippled, mef_failure or mission_failure",
            "degraded, mef_support_crippled, mef_failure ou mission_failure",
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
                self.problem_in(row, column, said);
            }
        }
    }

    /// What the names of installed programs say.
    fn programs(&mut self, row: &Row, is_dated: bool, facts: &mut Vec<Fact>) {
        let Some(names) = self.cell(row, Column::Software) else {
            return;
        };
        let names: Vec<&str> = names
            .lines()
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        let versions = self.cell(row, Column::SoftwareVersion).unwrap_or_default();
        let versions: Vec<&str> = versions
            .lines()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect();
        // Where a cell lists several programs, nobody knows which version is whose.
        let version = match (names.as_slice(), versions.as_slice()) {
            ([_], [version]) => Some(*version),
            _ => None,
        };
        let paths = self.cell(row, Column::SoftwarePaths).unwrap_or_default();
        let source = software::source_of(paths);
        let products = &self.options.products;
        let mut wrong = None;
        for name in names {
            match software::facts(name, version, source, products) {
                Ok(found) => facts.extend(found),
                Err(text) => wrong = Some(text),
            }
        }
        facts.dedup();
        if !facts.is_empty()
            && !is_dated
            && let Some(head) = &mut self.head
        {
            head.undated_programs += 1;
        }
        if let Some(text) = wrong {
            let said = not_understood(&text, "a build such as 15.1.2176.9", "un build comme 15.1.2176.9");
            self.problem_in(row, Column::SoftwareVersion, said);
        }
    }

    fn product_and_build(&mut self, row: &Row, facts: &mut Vec<Fact>) {
        let product = self.cell(row, Column::Product).map(str::to_owned);
        let mut named = product.as_deref().and_then(|text| self.product(text));
        if named.is_none()
            && let Some(product) = product
        {
            // Somebody else's product: said as written, so that it is not taken for one that is known.
            facts.push(Fact::Product(ProductLine { product, line: None }));
        }
        let mut version = None;
        if let Some(text) = self.cell(row, Column::Build).map(str::to_owned) {
            match text.parse::<Version>() {
                Ok(found) => version = Some(found),
                // `2016 CU19` in the column of builds.
                Err(_) => match self.product(&format!("Exchange {text}")) {
                    Some(found) if found.version.is_some() => named = Some(found),
                    _ => {
                        let said = not_understood(
                            &text,
                            "a build such as 15.1.2176.9",
                            "un build comme 15.1.2176.9",
                        );
                        self.problem_in(row, Column::Build, said);
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
        let Some(text) = self.cell(row, Column::BuildSource).map(str::to_owned) else {
            if let Some(head) = &mut self.head {
                head.unsourced_builds += 1;
            }
            return BuildSource::AdminDisplayVersion;
        };
        if let Some(source) = self.build_source(&text) {
            return source;
        }
        let ids: Vec<&str> = BuildSource::ALL.iter().map(|source| source.id()).collect();
        let said = not_understood(
            &text,
            &format!("one of {}", ids.join(", ")),
            &format!("l’un de {}", ids.join(", ")),
        );
        self.problem_in(row, Column::BuildSource, said);
        BuildSource::AdminDisplayVersion
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
