//! How far the evidence can see: which hours of the threat's window each log source really covers.

use std::collections::BTreeMap;

use vigie_event::{EventBatch, MICROS_PER_SECOND, Source, Timestamp, format_utc};
use vigie_pack::{LogSource, Pack};

use crate::{Coverage, Gap, Span, Text};

const MICROS_PER_HOUR: i64 = 3_600 * MICROS_PER_SECOND;

/// Part of the window that a required source must cover before silence means something.
const ENOUGH: f64 = 0.98;

/// Hours with at least one record, and how many records.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hours {
    hours: BTreeMap<i64, u64>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    records: u64,
}

impl Hours {
    /// Counts `count` records that all happened between `first` and `last`, within one hour.
    pub(crate) fn add(&mut self, first: Timestamp, last: Timestamp, count: u64) {
        *self.hours.entry(first.div_euclid(MICROS_PER_HOUR)).or_default() += count;
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        self.last = Some(self.last.map_or(last, |known| known.max(last)));
        self.records += count;
    }

    /// Counts records without a readable time.
    pub(crate) fn add_untimed(&mut self, count: u64) {
        self.records += count;
    }

    pub(crate) fn merge(&mut self, other: &Hours) {
        for (&hour, &count) in &other.hours {
            *self.hours.entry(hour).or_default() += count;
        }
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
        self.records += other.records;
    }

    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    pub(crate) fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// The stretches covered inside the window: hours with records, joined where the silence between them is no
    /// longer than this source's usual one.
    fn covered(&self, window: Window, silence: Option<i64>) -> Vec<(Timestamp, Timestamp)> {
        let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
        for &hour in self.hours.keys() {
            let from = (hour * MICROS_PER_HOUR).max(window.from);
            let to = ((hour + 1) * MICROS_PER_HOUR).min(window.to);
            if from >= to {
                continue;
            }
            match spans.last_mut() {
                Some(last) if silence.is_none_or(|silence| from - last.1 <= silence) => {
                    last.1 = last.1.max(to)
                }
                _ => spans.push((from, to)),
            }
        }
        // Where silence means nothing, it means nothing at the edges either: only what lies between records is seen.
        let Some(silence) = silence else { return spans };
        if let Some(first) = spans.first_mut()
            && first.0 - window.from <= silence
        {
            first.0 = window.from;
        }
        if let Some(last) = spans.last_mut()
            && window.to - last.1 <= silence
        {
            last.1 = window.to;
        }
        spans
    }
}

/// The part of time in which the threat could have struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// The key coverage is counted under: `httpproxy`, `windows_event/Security`, `advanced_hunting/DeviceProcessEvents`.
pub(crate) fn source_key(batch: &EventBatch) -> String {
    let source = batch.source();
    match batch.event_type() {
        Some(event_type) if source == Source::WindowsEvent => format!("{source}/{}", event_type.channel),
        _ if source == Source::AdvancedHunting => format!("{source}/{}", batch.table()),
        _ => source.id().to_owned(),
    }
}

/// Sources whose rows have no place on the time axis: they are there or they are not.
pub(crate) fn is_timeless(key: &str) -> bool {
    [Source::FileInventory, Source::IisConfig, Source::CheckResult]
        .iter()
        .any(|source| source.id() == key)
}

/// The log sources that matter to the packs that run, each once.
pub(crate) fn sources_that_matter(packs: &[Pack]) -> Vec<LogSource> {
    let mut sources: Vec<LogSource> = Vec::new();
    for source in packs.iter().flat_map(|pack| &pack.log_sources) {
        match sources.iter_mut().find(|known| known.source == source.source) {
            Some(known) => known.required |= source.required,
            None => sources.push(source.clone()),
        }
    }
    sources
}

/// Measures every source that matters against the window.
pub(crate) fn measure(
    seen: &BTreeMap<String, Hours>,
    sources: &[LogSource],
    window: Option<Window>,
) -> Vec<Coverage> {
    let nothing = Hours::default();
    sources
        .iter()
        .map(|source| {
            let hours = seen.get(&source.source).unwrap_or(&nothing);
            measure_source(source, hours, window)
        })
        .collect()
}

fn measure_source(source: &LogSource, hours: &Hours, window: Option<Window>) -> Coverage {
    let title = Text {
        en: source.title.en.clone(),
        fr: source.title.fr.clone(),
    };
    let mut coverage = Coverage {
        source: source.source.clone(),
        title,
        required: source.required,
        from: hours.first.map(format_utc),
        to: hours.last.map(format_utc),
        ratio: 0.0,
        covered: Vec::new(),
        gaps: Vec::new(),
        records: hours.records,
    };
    let Some(window) = window.filter(|window| window.to > window.from) else {
        return coverage;
    };
    if is_timeless(&source.source) {
        coverage.ratio = if hours.records > 0 { 1.0 } else { 0.0 };
        return coverage;
    }
    let covered = hours.covered(window, source.silence);
    let length: i64 = covered.iter().map(|(from, to)| to - from).sum();
    coverage.ratio = length as f64 / (window.to - window.from) as f64;
    coverage.gaps = gaps(&covered, window, hours.records);
    coverage.covered = covered
        .iter()
        .map(|&(from, to)| Span {
            from: format_utc(from),
            to: format_utc(to),
        })
        .collect();
    coverage
}

fn gaps(covered: &[(Timestamp, Timestamp)], window: Window, records: u64) -> Vec<Gap> {
    let gap = |from: Timestamp, to: Timestamp, kind: &str, why: Text| Gap {
        from: format_utc(from),
        to: format_utc(to),
        kind: kind.to_owned(),
        why,
    };
    let (Some(first), Some(last)) = (covered.first(), covered.last()) else {
        let (kind, why) = if records == 0 {
            (
                "missing",
                text(
                    "this log was not in the evidence",
                    "ce journal ne figure pas dans les éléments remis",
                ),
            )
        } else {
            (
                "missing",
                text(
                    "no record falls inside the window",
                    "aucun enregistrement ne tombe dans la fenêtre",
                ),
            )
        };
        return vec![gap(window.from, window.to, kind, why)];
    };
    let mut gaps = Vec::new();
    if first.0 > window.from {
        let why = text(
            "older records were overwritten, deleted or not collected",
            "les enregistrements plus anciens ont été écrasés, supprimés ou non collectés",
        );
        gaps.push(gap(window.from, first.0, "before_first_record", why));
    }
    for pair in covered.windows(2) {
        let why = text(
            "silence longer than usual: service stopped, log deleted or file missing",
            "silence plus long que d'ordinaire : service arrêté, journal effacé ou fichier manquant",
        );
        gaps.push(gap(pair[0].1, pair[1].0, "inside", why));
    }
    if last.1 < window.to {
        let why = text(
            "the log ends before the rest of the evidence",
            "le journal s'arrête avant le reste des éléments remis",
        );
        gaps.push(gap(last.1, window.to, "after_last_record", why));
    }
    gaps
}

/// Whether the logs that matter cover the window, so that finding nothing says something. Of sources that stand in
/// for each other (`one_of`) one is enough. Returns the titles of what is missing.
pub(crate) fn missing(coverage: &[Coverage], sources: &[LogSource]) -> Vec<Text> {
    let covered = |source: &LogSource| {
        coverage
            .iter()
            .any(|entry| entry.source == source.source && entry.ratio >= ENOUGH)
    };
    let mut missing = Vec::new();
    let mut groups_done: Vec<&str> = Vec::new();
    for source in sources.iter().filter(|source| source.required) {
        let Some(group) = source.one_of.as_deref() else {
            if !covered(source) {
                missing.push(Text {
                    en: source.title.en.clone(),
                    fr: source.title.fr.clone(),
                });
            }
            continue;
        };
        if groups_done.contains(&group) {
            continue;
        }
        groups_done.push(group);
        let members: Vec<&LogSource> = sources
            .iter()
            .filter(|other| other.one_of.as_deref() == Some(group))
            .collect();
        if !members.iter().any(|member| covered(member)) {
            missing.push(Text {
                en: members
                    .iter()
                    .map(|member| member.title.en.as_str())
                    .collect::<Vec<_>>()
                    .join(" or "),
                fr: members
                    .iter()
                    .map(|member| member.title.fr.as_str())
                    .collect::<Vec<_>>()
                    .join(" ou "),
            });
        }
    }
    missing
}

/// The span that was really looked at: what the required sources cover together, from the latest beginning to the
/// earliest end.
pub(crate) fn seen_window(coverage: &[Coverage], sources: &[LogSource]) -> Option<Span> {
    let best = |group: &[&LogSource]| -> Option<Span> {
        let mut entries: Vec<&Coverage> = coverage
            .iter()
            .filter(|entry| {
                group.iter().any(|source| source.source == entry.source) && !entry.covered.is_empty()
            })
            .collect();
        entries.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
        let entry = entries.first()?;
        Some(Span {
            from: entry.covered.first()?.from.clone(),
            to: entry.covered.last()?.to.clone(),
        })
    };
    let mut span: Option<Span> = None;
    let mut groups_done: Vec<&str> = Vec::new();
    for source in sources.iter().filter(|source| source.required) {
        let group: Vec<&LogSource> = match source.one_of.as_deref() {
            Some(name) if groups_done.contains(&name) => continue,
            Some(name) => {
                groups_done.push(name);
                sources
                    .iter()
                    .filter(|other| other.one_of.as_deref() == Some(name))
                    .collect()
            }
            None => vec![source],
        };
        let part = best(&group)?;
        span = Some(match span {
            None => part,
            Some(known) => Span {
                from: known.from.max(part.from),
                to: known.to.min(part.to),
            },
        });
    }
    span.filter(|span| span.from < span.to)
}

pub(crate) fn text(en: &str, fr: &str) -> Text {
    Text {
        en: en.to_owned(),
        fr: fr.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_event::parse_utc;

    fn at(time: &str) -> Timestamp {
        parse_utc(time).unwrap()
    }

    fn hourly(from: &str, to: &str) -> Hours {
        let mut hours = Hours::default();
        let mut time = at(from);
        while time < at(to) {
            hours.add(time, time, 1);
            time += MICROS_PER_HOUR;
        }
        hours
    }

    const WEEK: (&str, &str) = ("2021-03-01T00:00:00Z", "2021-03-08T00:00:00Z");

    fn week() -> Window {
        Window {
            from: at(WEEK.0),
            to: at(WEEK.1),
        }
    }

    #[test]
    fn short_silences_are_covered_and_long_ones_are_gaps() {
        let mut hours = hourly("2021-03-01T00:10:00Z", "2021-03-03T00:00:00Z");
        hours.merge(&hourly("2021-03-03T04:00:00Z", "2021-03-05T00:00:00Z"));
        hours.merge(&hourly("2021-03-06T00:00:00Z", "2021-03-08T00:00:00Z"));
        let covered = hours.covered(week(), Some(6 * MICROS_PER_HOUR));
        assert_eq!(
            covered,
            [
                (at(WEEK.0), at("2021-03-05T00:00:00Z")),
                (at("2021-03-06T00:00:00Z"), at(WEEK.1))
            ]
        );
        let gaps = gaps(&covered, week(), 1);
        assert_eq!(gaps.len(), 1);
        assert_eq!(
            (gaps[0].from.as_str(), gaps[0].kind.as_str()),
            ("2021-03-05T00:00:00Z", "inside")
        );
    }

    #[test]
    fn where_silence_means_nothing_the_edges_stay_unseen() {
        let mut hours = hourly("2021-03-03T00:00:00Z", "2021-03-03T01:00:00Z");
        hours.merge(&hourly("2021-03-06T00:00:00Z", "2021-03-06T01:00:00Z"));
        assert_eq!(
            hours.covered(week(), None),
            [(at("2021-03-03T00:00:00Z"), at("2021-03-06T01:00:00Z"))]
        );
    }

    #[test]
    fn a_rolled_log_is_named() {
        let hours = hourly("2021-03-06T00:00:00Z", "2021-03-08T00:00:00Z");
        let gaps = gaps(
            &hours.covered(week(), Some(MICROS_PER_HOUR)),
            week(),
            hours.records(),
        );
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].kind, "before_first_record");
        assert_eq!(gaps[0].to, "2021-03-06T00:00:00Z");
    }

    #[test]
    fn no_record_at_all_is_one_gap() {
        let gaps = gaps(
            &Hours::default().covered(week(), Some(MICROS_PER_HOUR)),
            week(),
            0,
        );
        assert_eq!((gaps.len(), gaps[0].kind.as_str()), (1, "missing"));
    }
}
