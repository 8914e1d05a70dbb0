//! From the rows of a table to observations: the header is looked for, then every row below it is read as it comes.

mod kind;
mod row;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::words::{self, Named, plain};
use super::{
    Column, ColumnView, Format, InventoryError, MAX_ROWS, Options, Reading, TableMapping, TableView,
};
use crate::{BuildSource, Origin, Place, Said};

/// Values of a column that are shown in a preview.
const SAMPLES: usize = 3;
/// Characters of a header that are looked at.
const LONGEST_HEADER: usize = 300;
/// Words of cells whose meaning is remembered: rows repeat them.
const MAX_REMEMBERED: usize = 10_000;
/// Rows among which the header is looked for: titles and notes may stand above it.
const ABOVE: usize = 20;

/// A row, and where it stands.
pub(super) struct Row {
    pub(super) place: Place,
    pub(super) cells: Vec<String>,
    /// Cells that were left out because there were too many.
    pub(super) left_out: usize,
}

impl Row {
    fn is_empty(&self) -> bool {
        self.cells.iter().all(String::is_empty)
    }
}

/// A table that is being read.
pub(super) struct Table<'o> {
    /// What it is when it is nobody's export.
    base: Format,
    sheet: Option<Arc<str>>,
    /// Whether its style says that it was written in French: dates begin with the day.
    is_french_style: bool,
    file: Arc<str>,
    options: &'o Options,
    /// Rows in which no header was found yet.
    above: Vec<Row>,
    head: Option<Head<'o>>,
    products: HashMap<String, Option<Named>, RandomState>,
    build_sources: HashMap<String, Option<BuildSource>, RandomState>,
    reading: Reading,
}

/// What the header said.
struct Head<'o> {
    view: TableView,
    /// By [`Column`]: where its cell stands.
    indices: Vec<Option<usize>>,
    /// What rows say that have no such cell.
    values: &'o [(Column, String)],
    day_first: bool,
    origin: Origin,
    ambiguous_dates: u64,
    unsourced_builds: u64,
    undated_programs: u64,
    /// Rows that name a machine and nothing of what is looked for.
    others: u64,
    /// Machines that were named, where many rows speak of one.
    named: HashSet<String, RandomState>,
    has_entities: bool,
}

impl<'o> Table<'o> {
    pub(super) fn new(
        base: Format,
        file: &str,
        sheet: Option<Arc<str>>,
        is_french_style: bool,
        options: &'o Options,
    ) -> Table<'o> {
        Table {
            base,
            sheet,
            is_french_style,
            file: file.into(),
            options,
            above: Vec::new(),
            head: None,
            products: HashMap::default(),
            build_sources: HashMap::default(),
            reading: Reading::new(base),
        }
    }

    /// The next row.
    pub(super) fn push(&mut self, mut row: Row) -> Result<(), InventoryError> {
        if self.head.is_some() {
            if self.reading.rows + self.reading.empty_rows >= MAX_ROWS {
                return Err(InventoryError::TooManyRows);
            }
            self.row(&row);
            return Ok(());
        }
        if self.above.len() >= ABOVE {
            return Ok(());
        }
        for cell in &mut row.cells {
            if let Some((end, _)) = cell.char_indices().nth(LONGEST_HEADER) {
                cell.truncate(end);
            }
        }
        if kind::is_without_machines(&row.cells) {
            return Err(InventoryError::NoMachines);
        }
        let mapping = self.options.mappings.table_for(&row.cells);
        if mapping.is_some() || self.names_servers(&row.cells) {
            self.head = Some(self.understand(row.place, row.cells, mapping));
        } else {
            self.above.push(row);
        }
        Ok(())
    }

    pub(super) fn problem(&mut self, place: Said, why: Said) {
        self.reading.problem(place, why);
    }

    /// The product that a text names.
    fn product(&mut self, text: &str) -> Option<Named> {
        let products = &self.options.products;
        remember(&mut self.products, text, |text| words::product(text, products))
    }

    /// The source of builds that a text names.
    fn build_source(&mut self, text: &str) -> Option<BuildSource> {
        remember(&mut self.build_sources, text, words::build_source)
    }

    fn names_servers(&self, cells: &[String]) -> bool {
        let by_hand = |header: &String| self.by_hand(header).or_else(|| Column::of_header(header));
        let mut known = cells.iter().filter_map(by_hand);
        known.any(|column| matches!(column, Column::Server | Column::Fqdn | Column::Address))
    }

    /// What the command line says of a header.
    fn by_hand(&self, header: &str) -> Option<Column> {
        let mut mapping = self.options.mapping.iter();
        let found = mapping.find(|(name, _)| plain(name) == plain(header));
        found.map(|(_, column)| *column)
    }

    fn understand(
        &mut self,
        place: Place,
        headers: Vec<String>,
        mapping: Option<&'o TableMapping>,
    ) -> Head<'o> {
        let kind = kind::of(&headers, self.base);
        let mut meanings: Vec<Option<Column>> = headers
            .iter()
            .map(|header| {
                let written = || match mapping {
                    Some(mapping) => mapping.meaning(header),
                    None => kind::meaning(kind, header).or_else(|| Column::of_header(header)),
                };
                self.by_hand(header).or_else(written)
            })
            .collect();
        for index in forget_doubles(kind, &headers, &mut meanings) {
            let header = &headers[index];
            self.reading.notes.push(Said::new(
                format!("column {header:?} is not used: another one means the same"),
                format!("la colonne {header:?} n’est pas utilisée : une autre dit la même chose"),
            ));
        }
        let mut indices = vec![None; Column::ALL.len()];
        for (index, meaning) in meanings.iter().enumerate() {
            if let Some(column) = meaning {
                indices[*column as usize].get_or_insert(index);
            }
        }
        let is_french = self.is_french_style || headers.iter().any(|header| Column::is_french(header));
        let said = self
            .options
            .day_first
            .or(mapping.and_then(|mapping| mapping.day_first));
        let columns = headers.into_iter().zip(meanings);
        Head {
            view: TableView {
                sheet: self.sheet.clone(),
                kind,
                header: place,
                columns: columns
                    .map(|(header, meaning)| ColumnView {
                        header,
                        meaning,
                        samples: Vec::new(),
                    })
                    .collect(),
                mapped_by: mapping.map(|mapping| mapping.origin.clone()),
            },
            indices,
            values: mapping.map_or(&[], |mapping| &mapping.values),
            day_first: said.unwrap_or(is_french),
            origin: Origin {
                reader: kind.id(),
                file: Arc::clone(&self.file),
                place: None,
            },
            ambiguous_dates: 0,
            unsourced_builds: 0,
            undated_programs: 0,
            others: 0,
            named: HashSet::default(),
            has_entities: false,
        }
    }

    /// What the table said.
    pub(super) fn finish(mut self) -> Result<Reading, InventoryError> {
        let Some(head) = self.head.take() else {
            return Err(self.without_servers());
        };
        self.tell_decisions(&head);
        self.reading.tables.push(head.view);
        Ok(self.reading)
    }

    /// No row names servers: the fullest one is most likely the header.
    fn without_servers(self) -> InventoryError {
        let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.is_empty()).count();
        let best =
            (0..self.above.len()).max_by_key(|index| (filled(&self.above[*index]), usize::MAX - index));
        let Some(best) = best.filter(|index| !self.above[*index].is_empty()) else {
            return InventoryError::Empty;
        };
        let header = &self.above[best];
        let below = &self.above[best + 1..];
        let columns = header.cells.iter().enumerate().map(|(index, name)| {
            let values = below.iter().filter_map(|row| row.cells.get(index));
            ColumnView {
                header: name.clone(),
                meaning: self.by_hand(name).or_else(|| Column::of_header(name)),
                samples: values
                    .filter(|value| !value.is_empty())
                    .take(SAMPLES)
                    .cloned()
                    .collect(),
            }
        });
        let named: Vec<&str> = header
            .cells
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        InventoryError::NoServers {
            found: named.join(", ").chars().take(300).collect(),
            tables: vec![TableView {
                sheet: self.sheet.clone(),
                kind: self.base,
                header: header.place.clone(),
                columns: columns.collect(),
                mapped_by: None,
            }],
        }
    }

    /// What was decided for all rows, once.
    fn tell_decisions(&mut self, head: &Head<'_>) {
        let mut note = |en: String, fr: String| self.reading.notes.push(Said::new(en, fr));
        if head.ambiguous_dates > 0 {
            let dates = head.ambiguous_dates;
            match head.day_first {
                true => note(
                    format!(
                        "dates such as 03/04/2021, read with the day first: {dates}; --month-first reads them otherwise"
                    ),
                    format!(
                        "dates comme 03/04/2021, lues jour d’abord : {dates} ; --month-first les lit autrement"
                    ),
                ),
                false => note(
                    format!(
                        "dates such as 03/04/2021, read with the month first: {dates}; --day-first reads them otherwise"
                    ),
                    format!(
                        "dates comme 03/04/2021, lues mois d’abord : {dates} ; --day-first les lit autrement"
                    ),
                ),
            }
        }
        if head.unsourced_builds > 0 {
            let builds = head.unsourced_builds;
            note(
                format!(
                    "builds without their source (build_source): {builds}; they are taken for AdminDisplayVersion, which does not show security updates"
                ),
                format!(
                    "builds sans source (build_source) : {builds} ; ils sont pris pour AdminDisplayVersion, qui ne montre pas les mises à jour de sécurité"
                ),
            );
        }
        if head.undated_programs > 0 {
            let rows = head.undated_programs;
            note(
                format!(
                    "rows that say what is installed and not when that was seen: {rows}; nobody knows how old they are"
                ),
                format!(
                    "lignes qui disent ce qui est installé, mais pas quand on l’a vu : {rows} ; leur âge est inconnu"
                ),
            );
        }
        if head.others > 0 {
            let (others, rows) = (head.others, self.reading.rows);
            note(
                format!(
                    "rows that name a machine and nothing of Exchange: {others} of {rows}; such a machine counts only where another source knows it as a server"
                ),
                format!(
                    "lignes qui nomment une machine et rien d’Exchange : {others} sur {rows} ; une telle machine ne compte que si une autre source la connaît comme serveur"
                ),
            );
        }
        let dated = head.indices[Column::ObservedAt as usize].map(|index| &head.view.columns[index].header);
        if let Some(header) = dated.filter(|header| kind::says_when_changed(head.view.kind, header)) {
            note(
                format!(
                    "{header:?} says when the record was changed, perhaps by hand: what it says may be older; show the date of the last inventory before exporting"
                ),
                format!(
                    "{header:?} dit quand la fiche a été modifiée, peut-être à la main : ce qu’elle dit peut être plus ancien ; afficher la date du dernier inventaire avant d’exporter"
                ),
            );
        }
        if head.has_entities {
            note(
                "the tenant is the entity below the root; a mapping file says it otherwise".to_owned(),
                "le client est l’entité sous la racine ; un fichier de correspondance peut en décider autrement".to_owned(),
            );
        }
        if head.view.kind == Format::Ocs && head.indices[Column::Tenant as usize].is_some() {
            note(
                "the TAG is taken for the tenant; a mapping file says it otherwise".to_owned(),
                "le TAG est pris pour le client ; un fichier de correspondance peut en décider autrement"
                    .to_owned(),
            );
        }
    }
}

/// What a word means, worked out once.
fn remember<T: Clone>(
    known: &mut HashMap<String, Option<T>, RandomState>,
    text: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    if let Some(meaning) = known.get(text) {
        return meaning.clone();
    }
    let meaning = read(text);
    if known.len() < MAX_REMEMBERED {
        known.insert(text.to_owned(), meaning.clone());
    }
    meaning
}

/// Of several columns with one meaning, the best stands, else the first. Says which others there were.
fn forget_doubles(kind: Format, headers: &[String], meanings: &mut [Option<Column>]) -> Vec<usize> {
    let mut doubles = Vec::new();
    for index in 0..meanings.len() {
        let Some(column) = meanings[index].filter(|column| *column != Column::Ignore) else {
            continue;
        };
        let Some(before) = meanings[..index]
            .iter()
            .position(|meaning| *meaning == Some(column))
        else {
            continue;
        };
        let is_better = kind::says_when_better(kind, &headers[before], &headers[index]);
        let loser = if column == Column::ObservedAt && is_better {
            before
        } else {
            index
        };
        meanings[loser] = if kind.lists_all_machines() {
            Some(Column::Ignore)
        } else {
            doubles.push(loser);
            None
        };
    }
    doubles
}
