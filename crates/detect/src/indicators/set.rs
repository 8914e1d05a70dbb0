//! The compiled set and its evaluation on batches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::StringViewArray;
use arrow_schema::SchemaRef;
use vigie_event::{EventBatch, Source};

use super::Indicator;
use super::columns::{Reading, reading_of};
use super::grade::Confidence;
use super::index::Index;

/// Schemas remembered before starting over; evidence with more shapes than this is hostile or broken.
const REMEMBERED_SCHEMAS: usize = 4_096;

/// Indicators ready to be looked for.
#[derive(Debug, Default)]
pub struct IndicatorSet {
    indicators: Vec<Indicator>,
    index: Index,
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
    /// The indicator's position in [`IndicatorSet::indicators`].
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
        let mut set = IndicatorSet::default();
        let mut refused = Vec::new();
        for indicator in indicators {
            let position = u32::try_from(set.indicators.len());
            let taken = match position {
                _ if indicator.kind.is_weak() && indicator.confidence > Confidence::Weak => Err(
                    "an address or a user agent alone is weak evidence: set the confidence to weak"
                        .to_owned(),
                ),
                Ok(position) => set.index.add(position, &indicator),
                Err(_) => Err("too many indicators".to_owned()),
            };
            match taken {
                Ok(()) => set.indicators.push(indicator),
                Err(reason) => refused.push(RefusedIndicator { indicator, reason }),
            }
        }
        for (position, reason) in set.index.finish() {
            if let Some(indicator) = set.indicators.get(position as usize) {
                refused.push(RefusedIndicator {
                    indicator: indicator.clone(),
                    reason,
                });
            }
        }
        (set, refused)
    }

    /// The indicators that are looked for; [`IndicatorHit::indicator`] is a position in this slice.
    pub fn indicators(&self) -> &[Indicator] {
        &self.indicators
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.indicators.is_empty()
    }

    /// Looks at every row of a batch and adds what it finds to `hits`, by row, then by indicator. An indicator is
    /// reported once per row, with the first column that has it.
    pub fn evaluate(&self, batch: &EventBatch, hits: &mut Vec<IndicatorHit>) {
        let columns = self.bind(batch);
        let mut found = Vec::new();
        for &(index, reading) in columns.iter() {
            if let Some(column) = batch.text_column(index) {
                self.evaluate_column(column, index, reading, &mut found);
            }
        }
        found.sort_by_key(|&(row, indicator, _)| (row, indicator));
        found.dedup_by_key(|&mut (row, indicator, _)| (row, indicator));
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
    }

    /// Logs repeat themselves: each distinct value of a column is looked up once.
    fn evaluate_column(
        &self,
        column: &StringViewArray,
        index: usize,
        reading: Reading,
        found: &mut Vec<(u32, u32, usize)>,
    ) {
        let mut known: HashMap<&str, Box<[u32]>> = HashMap::new();
        let mut key = String::new();
        let mut positions = Vec::new();
        for (row, value) in column.iter().enumerate() {
            let Some(value) = value.filter(|value| value.len() > 1) else {
                continue;
            };
            let matched = known.entry(value).or_insert_with(|| {
                positions.clear();
                self.index.look_up(reading, value, &mut key, &mut positions);
                positions.as_slice().into()
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
