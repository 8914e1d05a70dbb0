//! What both the terminal and the page say about a result: names, sentences, sums.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use vigie_event::parse_utc;
use vigie_hunt::{
    Coverage, Finding, HostResult, HuntResult, Outcome, Severity, StageInfo, SuppressionEntry,
    SuppressionState, Text, Verdict,
};

use crate::i18n::{Texts, fill};
use crate::lang::Lang;
use crate::text::visible;

/// All verdicts, worst first: the order of every list.
pub(crate) const WORST_FIRST: [Verdict; 5] = [
    Verdict::Compromised,
    Verdict::Suspected,
    Verdict::Attempted,
    Verdict::Unknown,
    Verdict::NoEvidence,
];

/// A result in one language.
pub(crate) struct View<'a> {
    pub(crate) result: &'a HuntResult,
    pub(crate) lang: Lang,
    pub(crate) t: &'static Texts,
    /// The machines, worst verdict first.
    pub(crate) hosts: Vec<&'a HostResult>,
    stages: HashMap<&'a str, &'a StageInfo>,
}

/// Everything skipped for one reason.
pub(crate) struct Skipped<'a> {
    pub(crate) why: Cow<'a, str>,
    pub(crate) files: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    /// The first file concerned, and where in it.
    pub(crate) first: (&'a str, Option<&'a str>),
}

impl<'a> View<'a> {
    pub(crate) fn new(result: &'a HuntResult, lang: Lang) -> View<'a> {
        let mut hosts: Vec<&HostResult> = result.hosts.iter().collect();
        hosts.sort_by_key(|host| Reverse(host.verdict));
        let mut stages = HashMap::new();
        for stage in result.pack.iter().flat_map(|pack| &pack.stages) {
            stages.entry(stage.id.as_str()).or_insert(stage);
        }
        View {
            result,
            lang,
            t: lang.texts(),
            hosts,
            stages,
        }
    }

    /// A sentence of the result in the view's language, safe for a terminal.
    pub(crate) fn text(&self, text: &Text) -> String {
        let text = visible(text.get(self.lang.code()));
        self.lang.typeset(&text).into_owned()
    }

    /// A reason: the instant it begins with, if it begins with one, and the sentence.
    pub(crate) fn reason(&self, reason: &Text) -> (Option<String>, String) {
        time_apart(self.text(reason))
    }

    pub(crate) fn verdict(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Compromised => self.t.verdict_compromised,
            Verdict::Suspected => self.t.verdict_suspected,
            Verdict::Attempted => self.t.verdict_attempted,
            Verdict::Unknown => self.t.verdict_unknown,
            Verdict::NoEvidence => self.t.verdict_no_evidence,
        }
    }

    /// What to do about a verdict.
    pub(crate) fn next(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Compromised => self.t.next_compromised,
            Verdict::Suspected => self.t.next_suspected,
            Verdict::Attempted => self.t.next_attempted,
            Verdict::Unknown => self.t.next_unknown,
            Verdict::NoEvidence => self.t.next_no_evidence,
        }
    }

    pub(crate) fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Informational => self.t.severity_informational,
            Severity::Low => self.t.severity_low,
            Severity::Medium => self.t.severity_medium,
            Severity::High => self.t.severity_high,
            Severity::Critical => self.t.severity_critical,
        }
    }

    pub(crate) fn outcome(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Scan => self.t.outcome_scan,
            Outcome::Attempt => self.t.outcome_attempt,
            Outcome::Success => self.t.outcome_success,
            Outcome::PostExploitation => self.t.outcome_post_exploitation,
        }
    }

    /// The name of a stage for people; stages no pack knows keep their identifier.
    pub(crate) fn stage(&self, id: &str) -> String {
        match self.stages.get(id) {
            Some(stage) => self.text(&stage.title),
            None => visible(id).into_owned(),
        }
    }

    /// What holds a storyline together: `address 203.0.113.45`, its kind in the view's language.
    pub(crate) fn link(&self, link: &str) -> String {
        let (kind, value) = link.split_once(' ').unwrap_or((link, ""));
        let kind = match kind {
            "address" => self.t.link_address,
            "canary" => self.t.link_canary,
            "file" => self.t.link_file,
            "process" => self.t.link_process,
            "logon" => self.t.link_logon,
            "account" => self.t.link_account,
            other => other,
        };
        visible(&format!("{kind} {value}")).trim_end().to_owned()
    }

    /// How many machines have each verdict, worst first.
    pub(crate) fn tally(&self) -> Vec<(Verdict, u64)> {
        let count = |verdict| self.hosts.iter().filter(|host| host.verdict == verdict).count() as u64;
        WORST_FIRST
            .into_iter()
            .map(|verdict| (verdict, count(verdict)))
            .collect()
    }

    /// The answer in sentences, the one to read first at the front. A machine nobody can judge is told before one
    /// that was merely attacked.
    pub(crate) fn headline(&self) -> Vec<String> {
        let order = [
            (Verdict::Compromised, self.t.say_compromised),
            (Verdict::Suspected, self.t.say_suspected),
            (Verdict::Unknown, self.t.say_unknown),
            (Verdict::Attempted, self.t.say_attempted),
            (Verdict::NoEvidence, self.t.say_no_evidence),
        ];
        let tally = self.tally();
        let sentences: Vec<String> = order
            .into_iter()
            .filter_map(|(verdict, forms)| {
                let n = tally.iter().find(|entry| entry.0 == verdict)?.1;
                (n > 0).then(|| self.lang.plural(n, forms))
            })
            .collect();
        if sentences.is_empty() {
            return vec![self.t.say_no_server.to_owned()];
        }
        sentences
    }

    /// `ACME / EX01`.
    pub(crate) fn name(&self, host: &HostResult) -> String {
        match &host.tenant {
            Some(tenant) => format!("{} / {}", visible(tenant), visible(&host.host)),
            None => visible(&host.host).into_owned(),
        }
    }

    /// The name where everything is of one tenant, or the tenant with it.
    pub(crate) fn short_name(&self, host: &HostResult) -> String {
        let alone = self.hosts.iter().all(|other| other.tenant == host.tenant);
        if alone {
            visible(&host.host).into_owned()
        } else {
            self.name(host)
        }
    }

    /// The one reason to give when there is room for one, with its time.
    pub(crate) fn main_reason(&self, host: &HostResult) -> (Option<String>, String) {
        match host.reasons.first() {
            Some(reason) => self.reason(reason),
            None => (None, self.t.no_reason.to_owned()),
        }
    }

    /// What to say of a machine without a span looked at: how much of what is needed was there.
    pub(crate) fn no_window(&self, host: &HostResult) -> &'static str {
        let mut there = host.coverage.iter().filter(|coverage| coverage.records > 0);
        match there.clone().next() {
            None => self.t.window_nothing,
            Some(_) if there.any(|coverage| coverage.required) => self.t.window_incomplete,
            Some(_) => self.t.window_not_needed,
        }
    }

    /// What the span looked at was, in days.
    pub(crate) fn seen(&self, host: &HostResult) -> String {
        match &host.window {
            Some(span) => fill(
                self.t.from_to,
                &[
                    ("from", &self.lang.datetime(&span.from)),
                    ("to", &self.lang.datetime(&span.to)),
                ],
            ),
            None => self.no_window(host).to_owned(),
        }
    }

    /// `HttpProxy 82%`, or `HttpProxy missing`.
    pub(crate) fn covered(&self, coverage: &Coverage) -> String {
        if is_missing(coverage) {
            self.t.log_missing.to_owned()
        } else {
            self.lang.percent(coverage.ratio)
        }
    }

    /// `3 storylines, 12 findings`.
    pub(crate) fn counts(&self, host: &HostResult) -> String {
        format!(
            "{}, {}",
            self.lang.plural(host.findings.len() as u64, self.t.n_findings),
            self.lang
                .plural(host.storylines.len() as u64, self.t.n_storylines)
        )
    }

    /// Everything skipped, by reason, most files first. A file of no known format is skipped as a log.
    pub(crate) fn skipped(&self, only_host: Option<&str>) -> Vec<Skipped<'a>> {
        let mut reasons: Vec<Skipped<'a>> = Vec::new();
        let mut index: HashMap<Cow<'a, str>, usize> = HashMap::new();
        let mut add = |why: Cow<'a, str>, path: &'a str, at: Option<&'a str>, records: u64, bytes: u64| {
            let place = *index.entry(why.clone()).or_insert_with(|| {
                reasons.push(Skipped {
                    why,
                    files: 0,
                    records: 0,
                    bytes: 0,
                    first: (path, at),
                });
                reasons.len() - 1
            });
            if let Some(reason) = reasons.get_mut(place) {
                reason.files += 1;
                reason.records += records;
                reason.bytes += bytes;
            }
        };
        for file in &self.result.manifest {
            if only_host.is_some() && file.host.as_deref() != only_host {
                continue;
            }
            if file.source.is_none() && file.skipped.is_empty() {
                add(
                    Cow::Borrowed(self.t.skipped_foreign),
                    &file.path,
                    None,
                    0,
                    file.size,
                );
            }
            for skip in &file.skipped {
                let at = skip.first_at.as_deref();
                add(
                    self.lang.message(&skip.why),
                    &file.path,
                    at,
                    skip.records,
                    skip.bytes,
                );
            }
        }
        reasons.sort_by_key(|reason| Reverse((reason.files, reason.records, reason.bytes)));
        reasons
    }

    /// `in 3 files: 12 records, 1.2 MB; first in iis/u_ex.log at line 17`.
    pub(crate) fn skipped_where(&self, skipped: &Skipped<'_>) -> String {
        let mut out = self.lang.plural(skipped.files, self.t.in_n_files);
        if skipped.records > 0 {
            out.push_str(", ");
            out.push_str(&self.lang.plural(skipped.records, self.t.n_records));
        }
        if skipped.bytes > 0 {
            out.push_str(", ");
            out.push_str(&self.lang.bytes(skipped.bytes));
        }
        let (path, at) = skipped.first;
        let place = match at {
            Some(at) => format!("{}, {}", visible(path), visible(&self.lang.place(at))),
            None => visible(path).into_owned(),
        };
        out.push_str(&fill(self.t.first_in, &[("place", &place)]));
        out
    }

    /// Packs by title with their name and version.
    pub(crate) fn packs(&self) -> Vec<String> {
        let packs = self.result.pack.iter();
        packs
            .map(|pack| {
                format!(
                    "{} ({} {})",
                    self.text(&pack.title),
                    visible(&pack.name),
                    visible(&pack.version)
                )
            })
            .collect()
    }

    /// What a suppression is about: `rule, on host, of tenant, Field = values`.
    pub(crate) fn suppressed_what(&self, entry: &SuppressionEntry) -> String {
        let mut parts = vec![visible(&entry.rule).into_owned()];
        let named = |template: &str, name: &str, value: &Option<String>| {
            value
                .as_ref()
                .map(|value| fill(template, &[(name, &visible(value))]))
        };
        parts.extend(named(self.t.suppressed_on, "host", &entry.host));
        parts.extend(named(self.t.suppressed_of, "tenant", &entry.tenant));
        let fields = entry.fields.iter();
        parts.extend(fields.map(|(name, value)| format!("{} = {}", visible(name), visible(value))));
        parts.join(", ")
    }

    /// What a suppression did, and where.
    pub(crate) fn suppressed_effect(&self, entry: &SuppressionEntry) -> String {
        match entry.state {
            SuppressionState::Idle => self.t.suppressed_idle.to_owned(),
            SuppressionState::Expired => self.t.suppressed_expired.to_owned(),
            SuppressionState::Applied => {
                let hosts = entry.hosts.iter();
                let hosts: Vec<String> = hosts.map(|on| visible(&on.host).into_owned()).collect();
                fill(
                    self.t.suppressed_hid,
                    &[
                        ("events", &self.lang.plural(entry.events, self.t.n_events)),
                        ("findings", &self.lang.plural(entry.findings, self.t.n_findings)),
                        ("hosts", &hosts.join(", ")),
                    ],
                )
            }
        }
    }

    /// The file and line of a suppression.
    pub(crate) fn suppressed_place(&self, entry: &SuppressionEntry) -> String {
        let line = entry.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}", visible(&entry.path))
    }

    /// A suppression in one sentence.
    pub(crate) fn suppression(&self, entry: &SuppressionEntry) -> String {
        fill(
            self.t.suppressed_line,
            &[
                ("what", &self.suppressed_what(entry)),
                ("effect", &self.suppressed_effect(entry)),
                ("reason", &visible(&entry.reason)),
                ("author", &visible(&entry.author)),
                ("expires", &visible(&entry.expires)),
            ],
        )
    }

    /// `1,234`, and how many the user left out.
    pub(crate) fn rules(&self) -> String {
        let stats = &self.result.stats;
        let ran = self.lang.number(stats.rules);
        match stats.rules_left_out {
            0 => ran,
            n => format!("{ran}, {}", self.lang.plural(n, self.t.n_left_out)),
        }
    }

    /// `1,234 files, 1.2 GB, 4,567 records`.
    pub(crate) fn evidence(&self) -> String {
        let stats = &self.result.stats;
        format!(
            "{}, {}, {}",
            self.lang.plural(stats.files, self.t.n_files),
            self.lang.bytes(stats.bytes),
            self.lang.plural(stats.events, self.t.n_records)
        )
    }
}

/// `2021-03-03T06:49:46Z: it worked`: the instant and the sentence.
fn time_apart(text: String) -> (Option<String>, String) {
    if let Some((time, sentence)) = text.split_once([' ', '\u{a0}'])
        && let time = time.trim_end_matches(':')
        && time.len() > 10
        && parse_utc(time).is_some()
    {
        let sentence = sentence.trim_start_matches([':', ' ', '\u{a0}']);
        return (Some(time.to_owned()), sentence.to_owned());
    }
    (None, text)
}

/// Whether the evidence holds nothing at all of a source.
pub(crate) fn is_missing(coverage: &Coverage) -> bool {
    coverage.records == 0 && coverage.covered.is_empty()
}

/// At most `most` findings of a storyline, in its own order, and every stage among them: a story cut short must not end
/// before its worst. Identifiers that lead nowhere are left out.
pub(crate) fn steps<'a>(host: &'a HostResult, ids: &'a [String], most: usize) -> Vec<&'a Finding> {
    let by_id: HashMap<&str, &Finding> = host.findings.iter().map(|f| (f.id.as_str(), f)).collect();
    let all: Vec<&Finding> = ids
        .iter()
        .filter_map(|id| by_id.get(id.as_str()).copied())
        .collect();
    if all.len() <= most {
        return all;
    }
    let mut stages: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, finding) in all.iter().enumerate() {
        stages.entry(&finding.stage).or_default().push(at);
    }
    // The most serious of each stage first, then the second of each, and so on.
    let mut ranked: Vec<(usize, usize)> = Vec::with_capacity(all.len());
    for places in stages.into_values() {
        let mut places = places;
        places.sort_by_key(|at| (all.get(*at).map(|finding| Reverse(finding.severity)), *at));
        ranked.extend(places.into_iter().enumerate());
    }
    ranked.sort_unstable();
    let mut chosen: Vec<usize> = ranked.into_iter().take(most).map(|(_, at)| at).collect();
    chosen.sort_unstable();
    chosen.into_iter().filter_map(|at| all.get(at).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_gives_its_time_apart() {
        let time = Some("2021-03-03T06:49:46Z".to_owned());
        for said in [
            "2021-03-03T06:49:46Z: it worked",
            "2021-03-03T06:49:46Z\u{a0}: it worked",
        ] {
            assert_eq!(
                time_apart(said.to_owned()),
                (time.clone(), "it worked".to_owned())
            );
        }
        for plain in ["The logs cover it.", "2021-03-03 was a Wednesday", "one", ""] {
            assert_eq!(time_apart(plain.to_owned()), (None, plain.to_owned()));
        }
    }
}
