//! The compiled set and its evaluation on batches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{Array, StringViewArray};
use arrow_schema::SchemaRef;
use vigie_event::{EventBatch, Source, Timestamp};

use super::columns::{Reading, reading_of};
use super::index::{Index, Room};
use super::recent::Recent;
use super::{Indicator, IndicatorList};

/// Schemas remembered before starting over; evidence with more shapes than this is hostile or broken.
const REMEMBERED_SCHEMAS: usize = 4_096;

/// Indicators ready to be looked for.
#[derive(Debug, Default)]
pub struct IndicatorSet {
    index: Index,
    looked_for: usize,
    repeated: u64,
    bindings: Mutex<HashMap<(usize, Source), Binding>>,
}

/// The columns of one schema that are looked at. Holding the schema keeps its address from being used again.
#[derive(Debug)]
struct Binding {
    _schema: SchemaRef,
    columns: Arc<[(usize, Reading)]>,
}

/// One indicator found in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndicatorHit {
    /// The indicator: what [`IndicatorSet::get`] takes.
    pub indicator: u32,
    /// The row of the batch.
    pub row: u32,
    /// The column it was found in, by its name in the batch.
    pub column: String,
}

/// An indicator that cannot be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedIndicator {
    /// The indicator as it was given.
    pub indicator: Indicator,
    /// Why, in lower case without full stop.
    pub reason: String,
}

impl IndicatorSet {
    /// Compiles indicators. Those that are malformed, that would match nearly everything (an empty file's hash, the
    /// root folder, a network larger than /8) or that claim an address or a user agent proves something are refused;
    /// the others work.
    pub fn compile(indicators: Vec<Indicator>) -> (IndicatorSet, Vec<RefusedIndicator>) {
        IndicatorSet::of_lists(vec![Arc::new(indicators.into_iter().collect())])
    }

    /// Compiles lists of indicators as [`IndicatorSet::compile`] does. The lists are shared, not copied. What says the
    /// same of the same value twice is looked for once.
    pub fn of_lists(lists: Vec<Arc<IndicatorList>>) -> (IndicatorSet, Vec<RefusedIndicator>) {
        let given: usize = lists.iter().map(|list| list.len()).sum();
        let built = Index::build(lists);
        let set = IndicatorSet {
            index: built.index,
            looked_for: given.saturating_sub(built.refused.len() + built.repeated as usize),
            repeated: built.repeated,
            bindings: Mutex::default(),
        };
        let refused = built
            .refused
            .into_iter()
            .filter_map(|(position, reason)| {
                let indicator = set.get(position)?;
                Some(RefusedIndicator { indicator, reason })
            })
            .collect();
        (set, refused)
    }

    /// The indicator of a hit, made anew each time.
    pub fn get(&self, indicator: u32) -> Option<Indicator> {
        let (list, index) = self.index.lists().at(indicator)?;
        list.get(index)
    }

    /// How many indicators are looked for.
    pub fn len(&self) -> usize {
        self.looked_for
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.looked_for == 0
    }

    /// How many indicators say what another one says.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Whether any indicator could be found in this column.
    pub fn wants(&self, source: Source, column: &str) -> bool {
        reading_of(source, column).is_some_and(|reading| self.index.wants(reading))
    }

    /// Looks at every row of a batch and adds what it finds to `hits`, by row, then by indicator. An indicator is
    /// reported once per row, with the first column that has it.
    ///
    /// An event that happened before its indicator is valid or after is left out; gives how many were. Where a row
    /// tells what is on a disk rather than what happened, or when is not known, every indicator is valid.
    pub fn evaluate(&self, batch: &EventBatch, hits: &mut Vec<IndicatorHit>) -> u64 {
        let columns = self.bind(batch);
        let mut found = Vec::new();
        for &(index, reading) in columns.iter() {
            if let Some(column) = batch.text_column(index) {
                self.evaluate_column(column, index, reading, &mut found);
            }
        }
        if found.is_empty() {
            return 0;
        }
        found.sort_by_key(|&(row, indicator, _)| (row, indicator));
        found.dedup_by_key(|&mut (row, indicator, _)| (row, indicator));
        let before = found.len();
        if happens(batch.source()) {
            found.retain(|&(row, indicator, _)| self.is_valid(indicator, batch.time(row as usize)));
        }
        let left_out = before - found.len();
        let schema = batch.schema();
        hits.extend(found.into_iter().map(|(row, indicator, column)| {
            IndicatorHit {
                indicator,
                row,
                column: schema
                    .fields()
                    .get(column)
                    .map(|field| field.name().clone())
                    .unwrap_or_default(),
            }
        }));
        left_out as u64
    }

    fn is_valid(&self, indicator: u32, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return true };
        let validity = |(list, index): (&IndicatorList, usize)| list.validity(index);
        self.index
            .lists()
            .at(indicator)
            .map(validity)
            .is_none_or(|(from, until)| from <= time && time < until)
    }

    /// Logs repeat themselves: values seen lately are not looked up again.
    fn evaluate_column(
        &self,
        column: &StringViewArray,
        index: usize,
        reading: Reading,
        found: &mut Vec<(u32, u32, usize)>,
    ) {
        let mut recent = Recent::new(column.len());
        let mut room = Room::default();
        for (row, value) in column.iter().enumerate() {
            let Some(value) = value.filter(|value| value.len() > 1) else {
                continue;
            };
            let matched = recent.look_up(value, |positions| {
                self.index.look_up(reading, value, &mut room, positions);
            });
            found.extend(matched.iter().map(|&position| (row as u32, position, index)));
        }
    }

    fn bind(&self, batch: &EventBatch) -> Arc<[(usize, Reading)]> {
        let schema = batch.schema();
        let cache_key = (Arc::as_ptr(&schema) as usize, batch.source());
        let mut bindings = self.bindings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(binding) = bindings.get(&cache_key) {
            return Arc::clone(&binding.columns);
        }
        let columns: Arc<[(usize, Reading)]> = batch
            .text_columns()
            .filter_map(|(name, _)| {
                let reading = reading_of(batch.source(), name)?;
                self.index
                    .wants(reading)
                    .then_some((batch.column_index(name)?, reading))
            })
            .collect();
        if bindings.len() >= REMEMBERED_SCHEMAS {
            bindings.clear();
        }
        bindings.insert(
            cache_key,
            Binding {
                _schema: schema,
                columns: Arc::clone(&columns),
            },
        );
        columns
    }
}

/// Whether rows of this source tell what happened at their time. The time of a file on a disk is one it was given, by
/// an intruder perhaps; that it is there still is what counts.
fn happens(source: Source) -> bool {
    !matches!(
        source,
        Source::FileInventory | Source::IisConfig | Source::CheckResult
    )
}
