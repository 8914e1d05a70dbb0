//! Sigma rules over columns: parsed with `rsigma-parser`, compiled into expressions over tests that rules share.

mod correlation;
mod explain;
mod expr;
mod fields;
mod frame;
mod load;
mod logsource;
mod program;
mod test;
mod text;

use std::collections::BTreeMap;

use vigie_event::{BatchBuilder, EventBatch, EventType, RowRef, Source, Want};

pub use correlation::{CorrelationHit, Correlator, Member};
pub use explain::{FieldMatch, ItemTrace, SelectionTrace, Trace};
pub use load::{MAX_RULE_FILE_BYTES, Placeholders};
pub use rsigma_parser::Level;

use explain::View;
use program::{Program, Tests};

/// One YAML file of rules.
#[derive(Debug, Clone)]
pub struct RuleSource {
    /// Where it comes from, for messages.
    pub path: String,
    /// Its text; it may hold several documents.
    pub text: String,
    /// The pack it belongs to.
    pub pack: Option<String>,
}

/// What compiling gives.
#[derive(Debug)]
pub struct Loaded {
    /// The rules that work.
    pub rules: RuleSet,
    /// The rules that do not, and why.
    pub refused: Vec<Refused>,
    /// What is wrong with rules that work all the same.
    pub warnings: Vec<Refused>,
    /// The rules nobody asked for, see [`RuleSet::compile_chosen`].
    pub left_out: Vec<Rule>,
}

/// A rule that does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub path: String,
    /// 1-based line, when it is known.
    pub line: Option<usize>,
    /// Why.
    pub why: String,
}

/// A rule's log source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSource {
    /// `process_creation`, `webserver`, ...
    pub category: Option<String>,
    /// `windows`, `exchange`, ...
    pub product: Option<String>,
    /// `security`, `httpproxy`, ...
    pub service: Option<String>,
}

/// What a rule's top-level `vigie` mapping says; see `docs/packs.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VigieMeta {
    /// Stage of the attack chain.
    pub stage: String,
    /// `scan`, `attempt`, `success` or `post_exploitation`.
    pub outcome: String,
    /// `weak`, `strong` or `conclusive`.
    pub confidence: String,
    /// Fields that tie its events to others of the same story.
    pub join: Vec<String>,
    /// The statement, English, with `{Field}` placeholders.
    pub statement_en: String,
    /// The statement, French.
    pub statement_fr: String,
}

/// A rule, as people know it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its identifier; its path when it has none.
    pub id: String,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Author.
    pub author: Option<String>,
    /// Severity.
    pub level: Level,
    /// `stable`, `test`, ...
    pub status: Option<String>,
    /// Tags as written.
    pub tags: Vec<String>,
    /// ATT&CK techniques, `T1505.003`.
    pub attack: Vec<String>,
    /// ATT&CK tactics, `initial_access`.
    pub tactics: Vec<String>,
    /// Public pages.
    pub references: Vec<String>,
    /// Known false positives.
    pub false_positives: Vec<String>,
    /// Where its events are.
    pub logsource: LogSource,
    /// The pack it belongs to.
    pub pack: Option<String>,
    /// The file.
    pub path: String,
    /// 1-based line of the file on which the rule begins.
    pub line: usize,
    /// Whether it is a correlation.
    pub correlation: bool,
    /// Whether it only feeds a correlation.
    pub silent: bool,
    /// What Vigie needs to judge its hits.
    pub vigie: Option<VigieMeta>,
    /// What was understood differently than written, and why.
    pub notes: Vec<String>,
}

/// One rule matched one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Row of the batch.
    pub row: u32,
    /// Index into [`RuleSet::rules`].
    pub rule: u32,
}

/// Compiled rules: immutable, shared by threads.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    programs: Vec<Option<Program>>,
    /// By rule: which of `sources` its log source is.
    source_of: Vec<u32>,
    /// Log sources, each once, and whether the rules of it were not written for Vigie.
    sources: Vec<(LogSource, bool)>,
    tests: Tests,
    correlations: Vec<correlation::Correlation>,
    frame: frame::Frame,
}

impl RuleSet {
    /// Compiles rules. A rule that does not work is refused with the reason; the others load.
    pub fn compile(sources: &[RuleSource]) -> Loaded {
        load::compile(sources, &Placeholders::default(), &|_| true)
    }

    /// Adds a rule; `None` for the program of a correlation.
    fn push(&mut self, rule: Rule, program: Option<Program>) {
        let public = rule.vigie.is_none();
        let is_same =
            |(known, known_public): &(LogSource, bool)| *known == rule.logsource && *known_public == public;
        let known = self.sources.iter().position(is_same);
        let source = known.unwrap_or_else(|| {
            self.sources.push((rule.logsource.clone(), public));
            self.sources.len() - 1
        });
        self.source_of.push(source as u32);
        self.rules.push(rule);
        self.programs.push(program);
    }

    /// Compiles rules whose values may name placeholders.
    pub fn compile_with(sources: &[RuleSource], placeholders: &Placeholders) -> Loaded {
        load::compile(sources, placeholders, &|_| true)
    }

    /// Compiles the rules that are `wanted`, and the rules that correlations among them count, which then match
    /// silently. A rule that only feeds correlations goes with them.
    pub fn compile_chosen(
        sources: &[RuleSource],
        placeholders: &Placeholders,
        wanted: &dyn Fn(&Rule) -> bool,
    ) -> Loaded {
        load::compile(sources, placeholders, wanted)
    }

    /// All rules, correlations included.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Appends the matches of all detection rules in a batch, by row, then rule.
    pub fn evaluate(&self, batch: &EventBatch, hits: &mut Vec<Hit>) {
        self.frame.evaluate(self, batch, hits);
    }

    /// Whether any rule or correlation looks at a column of events of this kind. Rules are indifferent to columns they
    /// do not want: without them a batch gives the same hits.
    pub fn wants(&self, source: Source, table: &str, event: Option<&EventType>, column: &str) -> Want {
        self.frame.wants(self, source, table, event, column)
    }

    /// Which values of a row made a rule match.
    pub fn explain(&self, rule: u32, row: RowRef<'_>) -> Vec<FieldMatch> {
        match self.programs.get(rule as usize) {
            Some(Some(program)) => View::new(&self.tests, row).explain(program),
            _ => Vec::new(),
        }
    }

    /// Whether what a rule detects is in a row, whatever log source the rule is about. `false` for a correlation.
    pub fn holds(&self, rule: u32, row: RowRef<'_>) -> bool {
        match self.programs.get(rule as usize) {
            Some(Some(program)) => View::new(&self.tests, row).matches(program),
            _ => false,
        }
    }

    /// How a rule judges a row, step by step, matched or not; `None` for a correlation, which no single event
    /// satisfies.
    pub fn trace(&self, rule: u32, row: RowRef<'_>) -> Option<Trace> {
        let described = self.rules.get(rule as usize)?;
        let program = self.programs.get(rule as usize)?.as_ref()?;
        let in_scope = logsource::matches(&described.logsource, described.vigie.is_none(), row.batch());
        Some(View::new(&self.tests, row).trace(program, in_scope))
    }

    /// The state that correlations need over a stream of hits.
    pub fn correlator(&self) -> Correlator {
        Correlator::new(&self.correlations)
    }
}

/// A batch of one row in the table a rule's log source maps to: what fixtures are made of. `Channel` and `EventID`
/// come from the fields, or from the log source when it says them.
pub fn batch_of(rule: &Rule, fields: &BTreeMap<String, String>) -> EventBatch {
    let source = logsource::typical_source(&rule.logsource);
    let mut builder = BatchBuilder::new(source);
    if source == vigie_event::Source::WindowsEvent {
        let typical = logsource::typical_event(&rule.logsource);
        let get = |name: &str| fields.get(name).cloned();
        let channel = get("Channel")
            .or_else(|| typical.map(|(channel, _)| channel.to_owned()))
            .unwrap_or_default();
        let event_id = get("EventID")
            .and_then(|text| text.parse().ok())
            .or_else(|| typical.and_then(|(_, id)| id))
            .unwrap_or_default();
        let provider = get("Provider_Name").unwrap_or_default();
        if channel == "Security" {
            builder = builder.table("SecurityEvent");
        }
        builder = builder.event_type(EventType {
            channel: channel.as_str().into(),
            provider: provider.as_str().into(),
            event_id,
        });
        builder.begin_row(Some(0), 1, 0);
        let columns = [builder.column("Channel"), builder.column("EventID")];
        builder.set(columns[0], &channel);
        builder.set(columns[1], &event_id.to_string());
    } else {
        builder.begin_row(Some(0), 1, 0);
    }
    for (name, value) in fields {
        let column = builder.column(name);
        builder.set(column, value);
    }
    builder.end_row();
    builder
        .finish()
        .unwrap_or_else(|error| unreachable!("columns of one row have one length: {error}"))
}

#[cfg(test)]
mod tests;
