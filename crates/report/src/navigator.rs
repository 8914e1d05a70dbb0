//! The techniques seen, as a layer for the ATT&CK Navigator.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde_json::{Value, json};
use vigie_hunt::{Finding, HostResult, HuntResult, Severity};

use crate::i18n::fill;
use crate::lang::Lang;
use crate::text::visible;

/// The version of the layer format.
pub const LAYER_VERSION: &str = "4.5";
/// Titles named in a comment.
const MAX_TITLES: usize = 5;

/// What was seen of one technique.
struct Seen<'a> {
    worst: Severity,
    findings: u64,
    events: u64,
    hosts: BTreeSet<(Option<&'a str>, &'a str)>,
    titles: BTreeSet<&'a str>,
}

/// Writes a layer of the ATT&CK Navigator: version 4.5 of the layer file format (`LAYERFORMATv4_5.md` of
/// mitre-attack/attack-navigator), domain `enterprise-attack`. Each technique of a finding is scored by the worst
/// severity it was seen with (informational 20, low 40, medium 60, high 80, critical 100); its comment names servers,
/// counts and rules. Texts follow `lang`.
///
/// # Errors
/// Only those of `out`.
pub fn navigator(result: &HuntResult, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let seen = techniques(result);
    let t = lang.texts();
    let packs: Vec<&str> = result
        .pack
        .iter()
        .map(|pack| pack.title.get(lang.code()))
        .collect();
    let hosts = lang.plural(result.hosts.len() as u64, t.n_servers);
    let techniques: Vec<Value> = seen.iter().map(|(id, seen)| technique(id, seen, lang)).collect();
    let layer = json!({
        "name": match packs.is_empty() {
            true => "Vigie".to_owned(),
            false => format!("Vigie – {}", visible(&packs.join(", "))),
        },
        "versions": { "navigator": "5.0.0", "layer": LAYER_VERSION },
        "domain": "enterprise-attack",
        "description": fill(t.layer_description, &[("servers", &hosts), ("fingerprint", &result.manifest_sha256)]),
        "sorting": 3,
        "layout": { "layout": "side", "showName": true, "showID": true, "expandedSubtechniques": "annotated" },
        "hideDisabled": false,
        "techniques": techniques,
        "gradient": { "colors": ["#fff7bc", "#fe9929", "#cc0000"], "minValue": 0, "maxValue": 100 },
        "legendItems": LEGEND.map(|(severity, color)| json!({ "label": name(severity, lang), "color": color })),
        "selectTechniquesAcrossTactics": true,
        "selectSubtechniquesWithParent": false,
    });
    serde_json::to_writer_pretty(&mut *out, &layer)?;
    out.write_all(b"\n")
}

/// The gradient at the scores that occur.
const LEGEND: [(Severity, &str); 5] = [
    (Severity::Critical, "#cc0000"),
    (Severity::High, "#e05c19"),
    (Severity::Medium, "#f4862c"),
    (Severity::Low, "#fead53"),
    (Severity::Informational, "#ffd182"),
];

fn techniques(result: &HuntResult) -> BTreeMap<&str, Seen<'_>> {
    let mut seen: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
    for host in &result.hosts {
        for finding in &host.findings {
            for id in finding.attack.iter().filter(|id| is_technique(id)) {
                seen.entry(id)
                    .or_insert_with(|| Seen {
                        worst: finding.severity,
                        findings: 0,
                        events: 0,
                        hosts: BTreeSet::new(),
                        titles: BTreeSet::new(),
                    })
                    .add(host, finding);
            }
        }
    }
    seen
}

impl<'a> Seen<'a> {
    fn add(&mut self, host: &'a HostResult, finding: &'a Finding) {
        self.worst = self.worst.max(finding.severity);
        self.findings += 1;
        self.events += finding.count;
        self.hosts.insert((host.tenant.as_deref(), &host.host));
        self.titles.insert(&finding.title);
    }
}

/// `T1505` or `T1505.003`: the Navigator refuses a layer with anything else.
fn is_technique(id: &str) -> bool {
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(number) = id.strip_prefix('T') else {
        return false;
    };
    match number.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(number, 4),
    }
}

fn technique(id: &str, seen: &Seen<'_>, lang: Lang) -> Value {
    let t = lang.texts();
    let hosts: Vec<String> = seen
        .hosts
        .iter()
        .map(|(tenant, host)| match tenant {
            Some(tenant) => format!("{tenant} / {host}"),
            None => (*host).to_owned(),
        })
        .collect();
    let mut titles: Vec<&str> = seen.titles.iter().copied().take(MAX_TITLES).collect();
    let more = seen.titles.len().saturating_sub(MAX_TITLES) as u64;
    let more = lang.plural(more, t.n_others);
    if seen.titles.len() > MAX_TITLES {
        titles.push(&more);
    }
    let comment = fill(
        t.layer_comment,
        &[
            ("severity", name(seen.worst, lang)),
            ("findings", &lang.plural(seen.findings, t.n_findings)),
            ("events", &lang.plural(seen.events, t.n_events)),
            ("hosts", &hosts.join(", ")),
            ("titles", &titles.join("; ")),
        ],
    );
    json!({
        "techniqueID": id,
        "score": score(seen.worst),
        "comment": visible(&comment),
        "enabled": true,
        "metadata": [
            { "name": t.layer_servers, "value": hosts.len().to_string() },
            { "name": t.head_findings, "value": seen.findings.to_string() },
            { "name": t.layer_events, "value": seen.events.to_string() },
        ],
        "showSubtechniques": !id.contains('.'),
    })
}

fn score(severity: Severity) -> u32 {
    match severity {
        Severity::Informational => 20,
        Severity::Low => 40,
        Severity::Medium => 60,
        Severity::High => 80,
        Severity::Critical => 100,
    }
}

fn name(severity: Severity, lang: Lang) -> &'static str {
    let t = lang.texts();
    match severity {
        Severity::Informational => t.severity_informational,
        Severity::Low => t.severity_low,
        Severity::Medium => t.severity_medium,
        Severity::High => t.severity_high,
        Severity::Critical => t.severity_critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_techniques_are_techniques() {
        for (id, is) in [
            ("T1505", true),
            ("T1505.003", true),
            ("T15050", false),
            ("T1505.03", false),
            ("TA0003", false),
            ("G0125", false),
            ("", false),
        ] {
            assert_eq!(is_technique(id), is, "{id}");
        }
    }
}
