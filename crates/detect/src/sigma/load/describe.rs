//! What people want to know about a rule.

use std::collections::HashMap;

use rsigma_parser::{CorrelationRule, Level, SigmaRule};

use crate::sigma::{LogSource, Rule, RuleSource, VigieMeta};

/// What detection rules and correlations have in common.
pub(super) struct Head<'a> {
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
    pub(super) fn of_rule(rule: &'a SigmaRule) -> Head<'a> {
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

    pub(super) fn of_correlation(rule: &'a CorrelationRule) -> Head<'a> {
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

pub(super) fn describe(head: &Head<'_>, id: &str, source: &RuleSource, line: usize) -> Result<Rule, String> {
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
        line,
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
