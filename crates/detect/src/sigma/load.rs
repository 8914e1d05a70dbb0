//! From YAML to programs.

use std::collections::{BTreeMap, HashMap};

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::{Regex, RegexBuilder};
use rsigma_parser::{
    CorrelationRule, Detection, DetectionItem, Level, Modifier, SigmaRule, SigmaString, SigmaValue,
    SpecialChar, StringPart, parse_sigma_yaml,
};

use super::correlation::Correlation;
use super::program::{Item, Node, Order, Program, Test};
use super::{Loaded, LogSource, Refused, Rule, RuleSet, RuleSource, VigieMeta};

/// A compiled regular expression may not be larger than this.
const PATTERN_BYTES: usize = 1 << 20;

pub(super) fn compile(sources: &[RuleSource]) -> Loaded {
    let mut loaded = Loaded {
        rules: RuleSet::default(),
        refused: Vec::new(),
    };
    let mut correlations: Vec<(CorrelationRule, &RuleSource)> = Vec::new();
    let mut names: HashMap<String, u32> = HashMap::new();
    for source in sources {
        let refuse = |line, why: String| Refused {
            path: source.path.clone(),
            line,
            why,
        };
        match parse_sigma_yaml(&source.text) {
            Err(error) => {
                let line = error.location().map(|location| location.line as usize);
                loaded.refused.push(refuse(line, error.to_string()));
            }
            Ok(collection) => {
                loaded
                    .refused
                    .extend(collection.errors.iter().map(|error| refuse(None, error.clone())));
                for filter in &collection.filters {
                    loaded.refused.push(refuse(
                        None,
                        format!("rule filters are not supported: {}", filter.title),
                    ));
                }
                for rule in &collection.rules {
                    if let Err(why) = add_rule(rule, source, &mut loaded.rules, &mut names) {
                        loaded.refused.push(refuse(None, why));
                    }
                }
                correlations.extend(collection.correlations.into_iter().map(|rule| (rule, source)));
            }
        }
    }
    for (rule, source) in correlations {
        if let Err(why) = add_correlation(&rule, source, &mut loaded.rules, &names) {
            loaded.refused.push(Refused {
                path: source.path.clone(),
                line: None,
                why,
            });
        }
    }
    loaded
}

fn add_rule(
    rule: &SigmaRule,
    source: &RuleSource,
    set: &mut RuleSet,
    names: &mut HashMap<String, u32>,
) -> Result<(), String> {
    let mut selections = BTreeMap::new();
    for (name, detection) in &rule.detection.named {
        selections.insert(
            name.clone(),
            detection_node(detection).map_err(|why| format!("selection {name}: {why}"))?,
        );
    }
    let index = set.rules.len() as u32;
    let id = rule.id.clone().unwrap_or_else(|| source.path.clone());
    if names.contains_key(&id) {
        return Err(format!("the id {id} is already taken by another rule"));
    }
    let described = describe(&Head::of_rule(rule), &id, source)?;
    names.insert(id, index);
    names.extend(rule.name.clone().map(|name| (name, index)));
    set.rules.push(described);
    set.programs.push(Some(Program {
        selections,
        conditions: rule.detection.conditions.clone(),
    }));
    Ok(())
}

fn add_correlation(
    rule: &CorrelationRule,
    source: &RuleSource,
    set: &mut RuleSet,
    names: &HashMap<String, u32>,
) -> Result<(), String> {
    let id = rule.id.clone().unwrap_or_else(|| source.path.clone());
    let mut described = describe(&Head::of_correlation(rule), &id, source)?;
    described.correlation = true;
    let members: Vec<u32> = rule
        .rules
        .iter()
        .map(|name| {
            names
                .get(name)
                .copied()
                .ok_or_else(|| format!("the rule {name} it counts is not loaded"))
        })
        .collect::<Result<_, _>>()?;
    let correlation = Correlation::new(rule, set.rules.len() as u32, members.clone())?;
    if !rule.generate {
        // Vigie's own rules say what they prove; a rule with that judgement is shown beside the correlation.
        for member in members {
            if let Some(member) = set.rules.get_mut(member as usize) {
                member.silent = member.vigie.is_none();
            }
        }
    }
    set.rules.push(described);
    set.programs.push(None);
    set.correlations.push(correlation);
    Ok(())
}

/// What detection rules and correlations have in common.
struct Head<'a> {
    title: &'a str,
    description: Option<&'a str>,
    author: Option<&'a str>,
    level: Option<Level>,
    status: Option<String>,
    tags: &'a [String],
    references: &'a [String],
    false_positives: &'a [String],
    logsource: LogSource,
    custom: &'a HashMap<String, yaml_serde::Value>,
}

impl<'a> Head<'a> {
    fn of_rule(rule: &'a SigmaRule) -> Head<'a> {
        Head {
            title: &rule.title,
            description: rule.description.as_deref(),
            author: rule.author.as_deref(),
            level: rule.level,
            status: rule.status.map(|status| format!("{status:?}").to_lowercase()),
            tags: &rule.tags,
            references: &rule.references,
            false_positives: &rule.falsepositives,
            logsource: LogSource {
                category: rule.logsource.category.clone(),
                product: rule.logsource.product.clone(),
                service: rule.logsource.service.clone(),
            },
            custom: &rule.custom_attributes,
        }
    }

    fn of_correlation(rule: &'a CorrelationRule) -> Head<'a> {
        Head {
            title: &rule.title,
            description: rule.description.as_deref(),
            author: rule.author.as_deref(),
            level: rule.level,
            status: rule.status.map(|status| format!("{status:?}").to_lowercase()),
            tags: &rule.tags,
            references: &rule.references,
            false_positives: &rule.falsepositives,
            logsource: LogSource::default(),
            custom: &rule.custom_attributes,
        }
    }
}

fn describe(head: &Head<'_>, id: &str, source: &RuleSource) -> Result<Rule, String> {
    let attack_tags = || head.tags.iter().filter_map(|tag| tag.strip_prefix("attack."));
    let is_technique = |tag: &str| tag.starts_with('t') && tag[1..].starts_with(|c: char| c.is_ascii_digit());
    Ok(Rule {
        id: id.to_owned(),
        title: head.title.to_owned(),
        description: head.description.unwrap_or_default().to_owned(),
        author: head.author.map(str::to_owned),
        level: head.level.unwrap_or(Level::Medium),
        status: head.status.clone(),
        tags: head.tags.to_vec(),
        attack: attack_tags()
            .filter(|tag| is_technique(tag))
            .map(str::to_uppercase)
            .collect(),
        tactics: attack_tags()
            .filter(|tag| !is_technique(tag))
            .map(|tag| tag.replace('-', "_"))
            .collect(),
        references: head.references.to_vec(),
        false_positives: head.false_positives.to_vec(),
        logsource: head.logsource.clone(),
        pack: source.pack.clone(),
        path: source.path.clone(),
        correlation: false,
        silent: false,
        vigie: head.custom.get("vigie").map(vigie_meta).transpose()?,
        notes: Vec::new(),
    })
}

fn vigie_meta(value: &yaml_serde::Value) -> Result<VigieMeta, String> {
    let text = |value: &yaml_serde::Value, key: &str| {
        value
            .get(key)
            .and_then(|value| value.as_str())
            .map(str::to_owned)
            .ok_or_else(|| format!("vigie: {key} is missing"))
    };
    let statement = value
        .get("statement")
        .ok_or_else(|| "vigie: statement is missing".to_owned())?;
    let meta = VigieMeta {
        stage: text(value, "stage")?,
        outcome: text(value, "outcome")?,
        confidence: text(value, "confidence")?,
        join: value
            .get("join")
            .and_then(|join| join.as_sequence())
            .map(|join| {
                join.iter()
                    .filter_map(|name| name.as_str().map(str::to_owned))
                    .collect()
            })
            .unwrap_or_default(),
        statement_en: text(statement, "en")?,
        statement_fr: text(statement, "fr")?,
    };
    if !["scan", "attempt", "success", "post_exploitation"].contains(&meta.outcome.as_str()) {
        return Err(format!(
            "vigie: unknown outcome {}; use scan, attempt, success or post_exploitation",
            meta.outcome
        ));
    }
    if !["weak", "strong", "conclusive"].contains(&meta.confidence.as_str()) {
        return Err(format!(
            "vigie: unknown confidence {}; use weak, strong or conclusive",
            meta.confidence
        ));
    }
    Ok(meta)
}

fn detection_node(detection: &Detection) -> Result<Node, String> {
    Ok(match detection {
        Detection::AllOf(items) => Node::All(items.iter().map(item_node).collect::<Result<_, _>>()?),
        Detection::AnyOf(parts) => Node::Any(parts.iter().map(detection_node).collect::<Result<_, _>>()?),
        Detection::And(parts) => Node::All(parts.iter().map(detection_node).collect::<Result<_, _>>()?),
        Detection::Keywords(values) => Node::Keywords(keyword_tests(values)?, false),
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            return Err("matching of arrays is not part of Sigma 2.1".to_owned());
        }
    })
}

fn keyword_tests(values: &[SigmaValue]) -> Result<Vec<Test>, String> {
    let contains = [Modifier::Contains];
    values
        .iter()
        .map(|value| string_test(&text_of(value), &contains))
        .collect()
}

fn item_node(item: &DetectionItem) -> Result<Node, String> {
    let modifiers = &item.field.modifiers;
    let all = modifiers.contains(&Modifier::All);
    let Some(field) = &item.field.name else {
        return Ok(Node::Keywords(keyword_tests(&item.values)?, all));
    };
    let mut tests: Vec<Test> = Vec::new();
    for value in &item.values {
        tests.extend(value_tests(value, modifiers).map_err(|why| format!("{field}: {why}"))?);
    }
    if !all {
        merge_contains(&mut tests, &item.values, modifiers)?;
    }
    Ok(Node::Item(Item {
        field: field.clone(),
        tests,
        all,
    }))
}

/// Many words looked for in one field are one automaton.
fn merge_contains(
    tests: &mut Vec<Test>,
    values: &[SigmaValue],
    modifiers: &[Modifier],
) -> Result<(), String> {
    let only_contains = modifiers == [Modifier::Contains];
    let words: Vec<String> = values
        .iter()
        .filter_map(|value| text_of(value).as_plain())
        .collect();
    let plain = words.len() == values.len() && words.iter().all(|word| word.is_ascii() && !word.is_empty());
    if only_contains && plain && words.len() > 1 {
        *tests = vec![Test::ContainsAny(words_of(&words)?)];
    }
    Ok(())
}

fn words_of(words: &[String]) -> Result<AhoCorasick, String> {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(words)
        .map_err(|error| error.to_string())
}

fn text_of(value: &SigmaValue) -> SigmaString {
    match value {
        SigmaValue::String(text) => text.clone(),
        SigmaValue::Integer(number) => SigmaString::from_raw(&number.to_string()),
        SigmaValue::Float(number) => SigmaString::from_raw(&number.to_string()),
        SigmaValue::Bool(value) => SigmaString::from_raw(if *value { "true" } else { "false" }),
        SigmaValue::Null => SigmaString::from_raw(""),
    }
}

fn value_tests(value: &SigmaValue, modifiers: &[Modifier]) -> Result<Vec<Test>, String> {
    let has = |modifier| modifiers.contains(&modifier);
    if has(Modifier::Exists) {
        let wanted = text_of(value).original.eq_ignore_ascii_case("true");
        return Ok(vec![Test::Exists(wanted)]);
    }
    if matches!(value, SigmaValue::Null) {
        return Ok(vec![Test::Null]);
    }
    let text = text_of(value);
    for (modifier, order) in [
        (Modifier::Lt, Order::Less),
        (Modifier::Lte, Order::LessOrEqual),
        (Modifier::Gt, Order::Greater),
        (Modifier::Gte, Order::GreaterOrEqual),
    ] {
        if has(modifier) {
            let number = text
                .original
                .trim()
                .parse()
                .map_err(|_| format!("{} is not a number", text.original))?;
            return Ok(vec![Test::Compare(order, number)]);
        }
    }
    if has(Modifier::FieldRef) {
        return Ok(vec![Test::SameAs(text.original)]);
    }
    if has(Modifier::Neq) {
        return Ok(vec![Test::NotEquals(text.original)]);
    }
    if has(Modifier::Expand) {
        return Err(format!("the placeholder {} has no value here", text.original));
    }
    if let Some(part) = [
        Modifier::Minute,
        Modifier::Hour,
        Modifier::Day,
        Modifier::Week,
        Modifier::Month,
        Modifier::Year,
    ]
    .iter()
    .find(|modifier| has(**modifier))
    {
        return Err(format!("the modifier {part:?} is not supported"));
    }
    if has(Modifier::Cidr) {
        return cidr_test(&text.original).map(|test| vec![test]);
    }
    if has(Modifier::Re) {
        return Ok(vec![Test::Pattern(pattern(&text.original, modifiers)?)]);
    }
    let texts = encoded(text, modifiers)?;
    texts.iter().map(|text| string_test(text, modifiers)).collect()
}

fn cidr_test(text: &str) -> Result<Test, String> {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let address: std::net::IpAddr = address.parse().map_err(|_| format!("{text} is not a network"))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = if bits.is_empty() {
        most
    } else {
        bits.parse().map_err(|_| format!("{text} is not a network"))?
    };
    if bits > most {
        return Err(format!("{text} is not a network"));
    }
    Ok(Test::Cidr(address, bits))
}

/// In Sigma a regular expression is case-sensitive unless `i` is given.
fn pattern(text: &str, modifiers: &[Modifier]) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .case_insensitive(modifiers.contains(&Modifier::IgnoreCase))
        .multi_line(modifiers.contains(&Modifier::Multiline))
        .dot_matches_new_line(modifiers.contains(&Modifier::DotAll))
        .size_limit(PATTERN_BYTES)
        .build()
        .map_err(|error| format!("the regular expression does not work: {error}"))
}

/// Applies the encoding modifiers in the order written.
fn encoded(text: SigmaString, modifiers: &[Modifier]) -> Result<Vec<SigmaString>, String> {
    let mut bytes: Option<Vec<Vec<u8>>> = None;
    let mut texts = vec![text];
    for modifier in modifiers {
        let current = || -> Vec<Vec<u8>> {
            bytes.clone().unwrap_or_else(|| {
                texts
                    .iter()
                    .map(|text| text.original.clone().into_bytes())
                    .collect()
            })
        };
        match modifier {
            Modifier::WindAsh => texts = texts.iter().flat_map(dash_forms).collect(),
            Modifier::Wide | Modifier::Utf16 | Modifier::Utf16be => {
                let big = *modifier == Modifier::Utf16be;
                bytes = Some(current().iter().map(|text| utf16(text, big)).collect());
            }
            Modifier::Base64 => {
                let codes: Vec<String> = current().iter().map(|bytes| STANDARD.encode(bytes)).collect();
                texts = codes.iter().map(|code| SigmaString::from_raw(code)).collect();
                bytes = None;
            }
            Modifier::Base64Offset => {
                let codes: Vec<String> = current().iter().flat_map(|bytes| base64_offsets(bytes)).collect();
                texts = codes.iter().map(|code| SigmaString::from_raw(code)).collect();
                bytes = None;
            }
            _ => {}
        }
    }
    if let Some(bytes) = bytes {
        texts = bytes
            .iter()
            .map(|bytes| SigmaString::from_raw(&String::from_utf8_lossy(bytes)))
            .collect();
    }
    Ok(texts)
}

fn utf16(text: &[u8], big: bool) -> Vec<u8> {
    String::from_utf8_lossy(text)
        .encode_utf16()
        .flat_map(|unit| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        })
        .collect()
}

/// The three forms bytes take inside base64, without the characters their neighbours change.
fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    const FIRST: [usize; 3] = [0, 2, 3];
    (0..3usize)
        .filter_map(|offset| {
            let mut padded = vec![b' '; offset];
            padded.extend_from_slice(bytes);
            let code = STANDARD.encode(&padded);
            let end = match padded.len() % 3 {
                0 => code.len(),
                1 => code.len() - 3,
                _ => code.len() - 2,
            };
            code.get(FIRST[offset]..end)
                .filter(|code| !code.is_empty())
                .map(str::to_owned)
        })
        .collect()
}

/// A dash and what Windows programs take for one.
fn dash_forms(text: &SigmaString) -> Vec<SigmaString> {
    ["-", "/", "–", "—", "―"]
        .iter()
        .map(|dash| {
            let mut out = String::new();
            let mut start = true;
            for c in text.original.chars() {
                if start && matches!(c, '-' | '/') {
                    out.push_str(dash)
                } else {
                    out.push(c)
                }
                start = c.is_whitespace();
            }
            SigmaString::new(&out)
        })
        .collect()
}

fn string_test(text: &SigmaString, modifiers: &[Modifier]) -> Result<Test, String> {
    let has = |modifier| modifiers.contains(&modifier);
    let cased = has(Modifier::Cased);
    let (open_start, open_end) = match () {
        () if has(Modifier::Contains) => (true, true),
        () if has(Modifier::StartsWith) => (false, true),
        () if has(Modifier::EndsWith) => (true, false),
        () => (false, false),
    };
    let base64 = has(Modifier::Base64) || has(Modifier::Base64Offset);
    if let Some(plain) = text
        .as_plain()
        .filter(|plain| plain.is_ascii() && !cased && !base64)
    {
        return Ok(match (open_start, open_end) {
            _ if plain.is_empty() && !open_start && !open_end => Test::Empty,
            (false, false) => Test::Equals(plain),
            (false, true) => Test::StartsWith(plain),
            (true, false) => Test::EndsWith(plain),
            (true, true) => Test::ContainsAny(words_of(&[plain])?),
        });
    }
    if let Some(plain) = text.as_plain().filter(|_| cased && !open_start && !open_end) {
        return Ok(Test::EqualsCased(plain));
    }
    let mut expression = String::from(if open_start { "" } else { "^" });
    for part in &text.parts {
        match part {
            StringPart::Plain(plain) => expression.push_str(&regex::escape(plain)),
            StringPart::Special(SpecialChar::WildcardMulti) => expression.push_str(".*"),
            StringPart::Special(SpecialChar::WildcardSingle) => expression.push('.'),
        }
    }
    if !open_end {
        expression.push('$');
    }
    RegexBuilder::new(&expression)
        .case_insensitive(!cased && !base64)
        .dot_matches_new_line(true)
        .size_limit(PATTERN_BYTES)
        .build()
        .map(Test::Pattern)
        .map_err(|error| format!("the value {} does not work: {error}", text.original))
}
