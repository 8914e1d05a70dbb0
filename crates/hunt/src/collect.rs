//! Receives what the evidence holds, runs every detector over it and keeps only what matters: statements, hours
//! covered, and who was seen where. Called from several threads at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use vigie_detect::indicators::{IndicatorHit, IndicatorSet};
use vigie_detect::sigma::{Correlator, Hit, Rule, RuleSet};
use vigie_detect::yara::{YaraRule, YaraSet};
use vigie_event::{EventBatch, Projection, RowRef, Source, Timestamp};
use vigie_evidence::{FileRef, Sink, UnitId};

use crate::asked::Joined;
use crate::coverage::{Hours, source_key};
use crate::detector::Detector;
use crate::fields::Columns;
use crate::finding::{Detection, HostIndex, KeptEvent, Numbering, Origin, Statements};
use crate::links::{add_links, links_of};
use crate::suppress::Suppressor;
use vigie_evidence::message::{Code, Message};

/// Values longer than this are cut in what is kept of an event.
const KEPT_VALUE: usize = 4_096;
/// Different indicators whose hits are findings; a list of what every machine has hits without end.
const HIT_INDICATORS: usize = 10_000;
/// Addresses of its own that are remembered of a machine.
const KEPT_ADDRESSES: usize = 32;

/// What runs over the evidence.
pub(crate) struct Detectors {
    pub(crate) rules: RuleSet,
    pub(crate) indicators: IndicatorSet,
    pub(crate) yara: YaraSet,
    /// Descriptions of the rules; indicators and YARA rules are described when they hit, for there may be a million.
    pub(crate) described: Vec<Detector>,
    /// What is known to be harmless.
    pub(crate) suppressor: Suppressor,
    /// By rule: the suppressions that are about it.
    pub(crate) suppressed_by: Vec<Vec<u32>>,
    /// The rules the user left out.
    pub(crate) left_out: Vec<Rule>,
    /// Rules, indicators and suppressions that were refused.
    pub(crate) refused: u64,
    /// The columns that findings need.
    pub(crate) joined: Joined,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

/// A machine as one row or one unit names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct HostKey {
    pub(crate) unit: UnitId,
    /// The name a row gives, lower case without domain; `None` when only the unit is known.
    pub(crate) name: Option<String>,
}

/// What was seen of one machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) hours: BTreeMap<String, Hours>,
    pub(crate) addresses: BTreeSet<String>,
    /// The name as the rows spell it.
    pub(crate) spelled: Option<String>,
}

impl Detectors {
    /// How many rules and indicators run.
    pub(crate) fn count(&self) -> u64 {
        (self.described.len() + self.indicators.len()) as u64
    }
}

/// Everything collected.
pub(crate) struct Collected {
    pub(crate) statements: Statements,
    /// What suppressions may take, by the suppressions.
    pub(crate) set_aside: BTreeMap<Vec<u32>, Statements>,
    pub(crate) keys: Vec<HostKey>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) detectors: Vec<Detector>,
    pub(crate) correlator: Correlator,
    /// Files whose content scan was cut short.
    pub(crate) unscanned: Vec<String>,
    /// What indicators hit and was not kept.
    pub(crate) left_out: LeftOut,
    /// Rows evaluated.
    pub(crate) events: u64,
}

/// Hits of indicators that are no findings.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LeftOut {
    /// The event lies outside the time the indicator is valid for.
    pub(crate) not_valid: u64,
    /// [`HIT_INDICATORS`] others hit before.
    pub(crate) too_many: u64,
}

impl LeftOut {
    /// What the reader must know of it.
    pub(crate) fn warnings(self) -> Vec<Message> {
        let mut warnings = Vec::new();
        if self.not_valid > 0 {
            let count = self.not_valid.into();
            warnings.push(Message::new(Code::IndicatorsNotValid, [("count", count)]));
        }
        if self.too_many > 0 {
            let parameters = [("count", self.too_many.into()), ("most", HIT_INDICATORS.into())];
            warnings.push(Message::new(Code::IndicatorsTooMany, parameters));
        }
        warnings
    }
}

/// The sink.
pub(crate) struct Collector<'a> {
    detectors: &'a Detectors,
    state: Mutex<State>,
}

struct State {
    statements: Statements,
    set_aside: BTreeMap<Vec<u32>, Statements>,
    keys: Vec<HostKey>,
    index: HashMap<HostKey, HostIndex, RandomState>,
    /// The machine named last, as it was spelled: mostly the next one too.
    last: Option<(UnitId, Option<String>, HostIndex)>,
    seen: Vec<Seen>,
    /// Indicators and YARA rules that hit, in the order they did.
    described: Vec<Detector>,
    /// By position in `described`: the suppressions that are about it.
    suppressed_by: Vec<Vec<u32>>,
    by_hit: BTreeMap<Described, u32>,
    correlator: Correlator,
    unscanned: Vec<String>,
    left_out: LeftOut,
    events: u64,
}

/// What is described when it hits; in this order it is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Described {
    /// By its position in the set.
    Indicator(u32),
    /// By file and name.
    Yara(String),
}

impl<'a> Collector<'a> {
    pub(crate) fn new(detectors: &'a Detectors) -> Collector<'a> {
        Collector {
            detectors,
            state: Mutex::new(State {
                statements: Statements::default(),
                set_aside: BTreeMap::new(),
                keys: Vec::new(),
                index: HashMap::default(),
                last: None,
                seen: Vec::new(),
                described: Vec::new(),
                suppressed_by: Vec::new(),
                by_hit: BTreeMap::new(),
                correlator: detectors.rules.correlator(),
                unscanned: Vec::new(),
                left_out: LeftOut::default(),
                events: 0,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn finish(self) -> Collected {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut detectors = self.detectors.described.clone();
        // Which hit first depends on the workers; the answer must not.
        let mut numbers = vec![0; state.described.len()];
        for &index in state.by_hit.values() {
            let hit = index as usize - self.detectors.described.len();
            numbers[hit] = detectors.len() as u32;
            detectors.push(state.described[hit].clone());
        }
        let rules = self.detectors.described.len() as u32;
        let number = |detector: u32| match detector.checked_sub(rules) {
            Some(hit) => numbers[hit as usize],
            None => detector,
        };
        for statements in std::iter::once(&mut state.statements).chain(state.set_aside.values_mut()) {
            statements.renumber(number);
        }
        Collected {
            statements: state.statements,
            set_aside: state.set_aside,
            keys: state.keys,
            seen: state.seen,
            detectors,
            correlator: state.correlator,
            unscanned: state.unscanned,
            left_out: state.left_out,
            events: state.events,
        }
    }

    fn in_scope(&self, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return true };
        self.detectors.since.is_none_or(|since| time >= since)
            && self.detectors.until.is_none_or(|until| time < until)
    }

    /// Counts rows per machine and hour, in runs: neighbouring rows mostly share both.
    fn count_rows(&self, unit: UnitId, batch: &EventBatch) {
        let names = host_column(batch.source()).and_then(|name| batch.column(name));
        let key = source_key(batch);
        let mut runs: Vec<Run> = Vec::new();
        let mut last_view = None;
        for row in 0..batch.rows() {
            let names = names.filter(|names| !arrow_array::Array::is_null(names, row));
            let name = names.map(|names| names.value(row));
            // Rows of one machine mostly point to the same bytes, which need not be compared.
            let view = names.and_then(|names| names.views().get(row).copied());
            let same_bytes = std::mem::replace(&mut last_view, view) == view && view.is_some();
            let time = batch.time(row);
            match runs.last_mut() {
                Some(run) if run.takes(same_bytes, name, time) => run.add(time),
                _ => runs.push(Run::new(name, time)),
            }
        }
        let addresses = own_addresses(batch);
        let mut state = self.lock();
        state.events += batch.rows() as u64;
        let mut last_index = None;
        for run in &runs {
            let index = state.host(unit, run.name);
            last_index = Some(index);
            let Some(seen) = state.seen.get_mut(index as usize) else {
                continue;
            };
            let hours = seen.hours.entry(key.clone()).or_default();
            match run.span {
                Some((first, last)) => hours.add(first, last, run.count),
                None => hours.add_untimed(run.count),
            }
        }
        if let Some(seen) = last_index.and_then(|index| state.seen.get_mut(index as usize)) {
            for address in addresses {
                if seen.addresses.len() < KEPT_ADDRESSES {
                    seen.addresses.insert(address);
                }
            }
        }
    }

    fn count_hits(&self, file: &FileRef, batch: &EventBatch, hits: &[Hit]) {
        let source = source_key(batch);
        let rules = &self.detectors.rules;
        let mut columns = Columns::of(batch);
        let rows = hits.iter().map(|hit| (hit, batch.row(hit.row as usize)));
        let found: Vec<(&Hit, RowRef<'_>, Option<Detection<'_>>)> = rows
            .filter(|(_, row)| self.in_scope(row.time()))
            .map(|(hit, row)| {
                let is_told = rules
                    .rules()
                    .get(hit.rule as usize)
                    .is_some_and(|rule| !rule.silent);
                let detector = self.detectors.described.get(hit.rule as usize);
                let detector = detector.filter(|_| is_told);
                (
                    hit,
                    row,
                    detector.map(|by| detection(hit.rule, row, &mut columns, &by.join, &source)),
                )
            })
            .collect();
        let mut state = self.lock();
        for (hit, row, detection) in found {
            let host = state.host(file.unit, row_host(&row));
            state.correlator.observe(rules, hit, &host.to_string(), row);
            let Some(detection) = detection else { continue };
            let fitting = self.fitting(state.about(hit.rule, self.detectors), row);
            state.add(fitting, Detection { host, ..detection }, file, row, |row| {
                let matches = rules.explain(hit.rule, row);
                matches.into_iter().filter_map(|found| found.field).collect()
            });
        }
    }

    fn count_indicators(&self, file: &FileRef, batch: &EventBatch, hits: &[IndicatorHit], not_valid: u64) {
        let source = source_key(batch);
        let mut state = self.lock();
        state.left_out.not_valid += not_valid;
        for hit in hits {
            let row = batch.row(hit.row as usize);
            if !self.in_scope(row.time()) {
                continue;
            }
            let host = state.host(file.unit, row_host(&row));
            let Some((index, mut join)) = state.indicator_detector(hit.indicator, self.detectors) else {
                state.left_out.too_many += 1;
                continue;
            };
            join.push(hit.column.clone());
            let mut columns = Columns::of(batch);
            let detection = detection(index, row, &mut columns, &join, &source);
            let fitting = self.fitting(state.about(index, self.detectors), row);
            state.add(fitting, Detection { host, ..detection }, file, row, |_| {
                vec![hit.column.clone()]
            });
        }
    }

    /// Of these suppressions, those whose field values an event has, whether anybody else asks for the fields or not.
    fn fitting(&self, about: &[u32], row: RowRef<'_>) -> Vec<u32> {
        if about.is_empty() {
            return Vec::new();
        }
        whole(row, |row| self.detectors.suppressor.fitting(about, row))
    }
}

/// A detection on a machine that is to be named.
fn detection<'s, 'n>(
    detector: u32,
    row: RowRef<'_>,
    columns: &mut Columns<'_, 'n>,
    join: &'n [String],
    source: &'s str,
) -> Detection<'s> {
    Detection {
        detector,
        host: 0,
        time: row.time(),
        links: links_of(columns, row.index(), join),
        source,
        count: 1,
        until: None,
    }
}

/// What is made of a row with all its columns.
fn whole<T>(row: RowRef<'_>, make: impl FnOnce(RowRef<'_>) -> T) -> T {
    match row.batch().whole_row(row.index()) {
        Some(batch) => make(batch.row(0)),
        None => make(row),
    }
}

impl Sink for Collector<'_> {
    fn projection(&self) -> Option<&dyn Projection> {
        Some(self.detectors)
    }

    fn batch(&self, file: &FileRef, batch: EventBatch) {
        self.count_rows(file.unit, &batch);
        let mut hits = Vec::new();
        self.detectors.rules.evaluate(&batch, &mut hits);
        if !hits.is_empty() {
            self.count_hits(file, &batch, &hits);
        }
        let mut indicator_hits = Vec::new();
        let not_valid = self.detectors.indicators.evaluate(&batch, &mut indicator_hits);
        if not_valid > 0 || !indicator_hits.is_empty() {
            self.count_indicators(file, &batch, &indicator_hits, not_valid);
        }
    }

    fn content(&self, file: &FileRef, bytes: &[u8]) {
        if !self.in_scope(file.modified) {
            return;
        }
        let scan = self.detectors.yara.scan(bytes);
        if scan.timed_out {
            self.lock().unscanned.push(file.path.clone());
        }
        for found in scan.matches {
            let mut state = self.lock();
            let host = state.host(file.unit, None);
            let index = state.yara_detector(&found.rule, self.detectors);
            let mut links = BTreeSet::new();
            add_links(
                "TargetFilename",
                file.original_path.as_deref().unwrap_or(&file.path),
                &mut links,
            );
            let mut fields = BTreeMap::from([("File".to_owned(), file.path.clone())]);
            if let Some(original) = &file.original_path {
                fields.insert("TargetFilename".to_owned(), original.clone());
            }
            for string in &found.strings {
                fields.insert(format!("Offset {}", string.offset), string.excerpt.clone());
            }
            let detection = Detection {
                detector: index,
                host,
                time: file.modified,
                links,
                source: "file content",
                count: 1,
                until: None,
            };
            let about = state.about(index, self.detectors);
            let fitting = self.detectors.suppressor.fitting_fields(about, &fields);
            let origin = Origin {
                path: &file.path,
                record: 0,
                identity: &|| None,
            };
            state.place(fitting).add(detection, &origin, || KeptEvent {
                time: file.modified,
                path: file.path.clone(),
                record: 0,
                identity: None,
                numbered_by: Numbering::Whole,
                fields,
                matched: vec!["TargetFilename".to_owned()],
            });
        }
    }
}

impl State {
    /// The suppressions that are about a detector.
    fn about<'a>(&'a self, detector: u32, detectors: &'a Detectors) -> &'a [u32] {
        let by_rule = &detectors.suppressed_by;
        let of_hit = || self.suppressed_by.get(detector as usize - by_rule.len());
        let about = by_rule.get(detector as usize);
        about.or_else(of_hit).map_or(&[], Vec::as_slice)
    }

    /// Where an event that these suppressions may take is kept.
    fn place(&mut self, suppressions: Vec<u32>) -> &mut Statements {
        if suppressions.is_empty() {
            &mut self.statements
        } else {
            self.set_aside.entry(suppressions).or_default()
        }
    }

    /// Counts the detection of a row; `matched` names the fields of the whole row that made it.
    fn add(
        &mut self,
        suppressions: Vec<u32>,
        detection: Detection<'_>,
        file: &FileRef,
        row: RowRef<'_>,
        matched: impl FnOnce(RowRef<'_>) -> Vec<String>,
    ) {
        let identity = || row.batch().row_identity(row.index());
        let origin = Origin {
            path: &file.path,
            record: row.record(),
            identity: &identity,
        };
        self.place(suppressions).add(detection, &origin, || {
            let event = whole(row, |row| keep_event(file, row, matched(row)));
            KeptEvent {
                identity: identity(),
                ..event
            }
        });
    }

    fn host(&mut self, unit: UnitId, name: Option<&str>) -> HostIndex {
        if let Some((last_unit, last, index)) = &self.last
            && *last_unit == unit
            && last.as_deref() == name
        {
            return *index;
        }
        let index = self.look_up_host(unit, name);
        self.last = Some((unit, name.map(str::to_owned), index));
        index
    }

    fn look_up_host(&mut self, unit: UnitId, name: Option<&str>) -> HostIndex {
        let spelled = name.map(str::trim).filter(|name| names_a_machine(name));
        let key = HostKey {
            unit,
            name: spelled.map(short_name),
        };
        if let Some(&index) = self.index.get(&key) {
            return index;
        }
        let index = self.keys.len() as HostIndex;
        self.keys.push(key.clone());
        self.index.insert(key, index);
        self.seen.push(Seen {
            spelled: spelled.map(str::to_owned),
            ..Seen::default()
        });
        index
    }

    /// The number and the joining fields of an indicator that hit; `None` when too many others did.
    fn indicator_detector(&mut self, indicator: u32, detectors: &Detectors) -> Option<(u32, Vec<String>)> {
        let hit = Described::Indicator(indicator);
        let rules = detectors.described.len() as u32;
        let index = match self.by_hit.get(&hit) {
            Some(&index) => index,
            None if self.by_hit.len() >= HIT_INDICATORS => return None,
            None => {
                let detector = Detector::of_indicator(&detectors.indicators.get(indicator)?);
                self.describe(hit, detector, detectors)
            }
        };
        let described = self.described.get((index - rules) as usize)?;
        Some((index, described.join.to_vec()))
    }

    fn yara_detector(&mut self, rule: &YaraRule, detectors: &Detectors) -> u32 {
        let hit = Described::Yara(format!("{}/{}", rule.path, rule.name));
        match self.by_hit.get(&hit) {
            Some(&index) => index,
            None => self.describe(hit, Detector::of_yara(rule), detectors),
        }
    }

    fn describe(&mut self, hit: Described, detector: Detector, detectors: &Detectors) -> u32 {
        let index = (detectors.described.len() + self.described.len()) as u32;
        self.suppressed_by.push(detectors.suppressor.about(&detector));
        self.described.push(detector);
        self.by_hit.insert(hit, index);
        index
    }
}

/// Rows in a row that share machine and hour.
struct Run<'a> {
    name: Option<&'a str>,
    span: Option<(Timestamp, Timestamp)>,
    count: u64,
}

impl<'a> Run<'a> {
    fn new(name: Option<&'a str>, time: Option<Timestamp>) -> Run<'a> {
        Run {
            name,
            span: time.map(|time| (time, time)),
            count: 1,
        }
    }

    /// `same_bytes`: the row's name is known to be that of the row before.
    fn takes(&self, same_bytes: bool, name: Option<&str>, time: Option<Timestamp>) -> bool {
        const HOUR: i64 = 3_600 * vigie_event::MICROS_PER_SECOND;
        let same_hour = match (self.span, time) {
            (Some((first, _)), Some(time)) => first.div_euclid(HOUR) == time.div_euclid(HOUR),
            (None, None) => true,
            _ => false,
        };
        same_hour && (same_bytes || self.name == name)
    }

    fn add(&mut self, time: Option<Timestamp>) {
        self.count += 1;
        if let (Some((first, last)), Some(time)) = (&mut self.span, time) {
            *first = (*first).min(time);
            *last = (*last).max(time);
        }
    }
}

/// The column in which a row names the machine that wrote it.
pub(crate) fn host_column(source: Source) -> Option<&'static str> {
    match source {
        Source::WindowsEvent => Some("Computer"),
        Source::AdvancedHunting => Some("DeviceName"),
        Source::HttpProxy | Source::CmdletInfra | Source::Ews | Source::MapiHttp => Some("ServerHostName"),
        Source::EcpServer | Source::EcpActivity => Some("ServerName"),
        Source::Iis => Some("s-computername"),
        Source::CheckResult => Some("Host"),
        _ => None,
    }
}

/// The column in which a row names the address that the machine was asked on.
pub(crate) fn address_column(source: Source) -> Option<&'static str> {
    (source == Source::Iis).then_some("s-ip")
}

fn row_host<'a>(row: &RowRef<'a>) -> Option<&'a str> {
    row.get(host_column(row.batch().source())?)
}

fn names_a_machine(name: &str) -> bool {
    !name.is_empty() && name != "-" && !name.eq_ignore_ascii_case("localhost") && name.len() <= 255
}

/// The name without its domain, lower case; addresses stay whole.
pub(crate) fn short_name(name: &str) -> String {
    if crate::links::parse_address(name).is_some() {
        return name.to_owned();
    }
    name.split('.').next().unwrap_or(name).to_lowercase()
}

/// The addresses a machine answers on, from its own logs: they are not clients.
fn own_addresses(batch: &EventBatch) -> BTreeSet<String> {
    let mut addresses = BTreeSet::new();
    let Some(column) = address_column(batch.source()).and_then(|name| batch.column(name)) else {
        return addresses;
    };
    let mut last = "";
    for value in column.iter().flatten() {
        if value != last {
            last = value;
            if let Some(address) = crate::links::parse_address(value) {
                addresses.insert(address.to_string());
            }
        }
        if addresses.len() >= KEPT_ADDRESSES {
            break;
        }
    }
    addresses
}

fn keep_event(file: &FileRef, row: RowRef<'_>, matched: Vec<String>) -> KeptEvent {
    let batch = row.batch();
    let numbered_by = match batch.source() {
        Source::WindowsEvent if batch.event_type().is_some() => Numbering::Records,
        Source::FileInventory if row.get("ListedBy").is_none() => Numbering::Whole,
        _ => Numbering::Lines,
    };
    KeptEvent {
        time: row.time(),
        path: file.path.clone(),
        record: row.record(),
        identity: None,
        numbered_by,
        fields: row
            .fields()
            .map(|(name, value)| (name.to_owned(), crate::links::shorten(value, KEPT_VALUE)))
            .collect(),
        matched,
    }
}
