//! Findings and storylines in words: titles, links, sentences with their blanks filled in.

use std::collections::{BTreeMap, BTreeSet};

use vigie_event::{Timestamp, format_utc};

use crate::detector::{Confidence, Detector};
use crate::finding::Statement;
use crate::links::shorten;
use crate::{Outcome, Text};

/// The story in one sentence: who, what at most, when.
pub(crate) fn title(
    mine: &[&Statement],
    detectors: &[&Detector],
    first: Option<Timestamp>,
    last: Option<Timestamp>,
) -> Text {
    let worst = detectors
        .iter()
        .map(|detector| detector.outcome)
        .max()
        .unwrap_or(Outcome::Scan);
    let addresses: BTreeSet<&str> = mine
        .iter()
        .flat_map(|statement| &statement.links)
        .filter_map(|link| match link {
            crate::links::Link::Address(address, _) => Some(address.as_str()),
            _ => None,
        })
        .collect();
    let shown: Vec<&str> = addresses.iter().take(3).copied().collect();
    let more = addresses.len().saturating_sub(shown.len());
    let who = |from: &str, and: &str| match (shown.len(), more) {
        (0, _) => String::new(),
        (_, 0) => format!(" {from} {}", shown.join(", ")),
        _ => format!(" {from} {} {and} {more}", shown.join(", ")),
    };
    let sure = detectors
        .iter()
        .any(|detector| detector.confidence > Confidence::Weak);
    let (en, fr) = match worst {
        Outcome::Scan => ("Scanning", "Balayage"),
        Outcome::Attempt => ("Attempted attack", "Tentative d’attaque"),
        // What administrators do too is no attack until something surer stands beside it.
        Outcome::Success | Outcome::PostExploitation if !sure => ("To be checked", "À vérifier"),
        Outcome::Success => ("Attack that worked", "Attaque réussie"),
        Outcome::PostExploitation => ("Intruder at work", "Intrus à l’œuvre"),
    };
    let when = |one: &str, from: &str, to: &str, day: fn(Timestamp) -> String| {
        let days = first.map(day).zip(last.map(day));
        days.map_or_else(String::new, |(first, last)| {
            if first == last {
                format!(", {one}{first}")
            } else {
                format!(", {from} {first} {to} {last}")
            }
        })
    };
    let iso = |time: Timestamp| format_utc(time).chars().take(10).collect::<String>();
    Text {
        en: format!("{en}{}{}", who("from", "and"), when("", "from", "to", iso)),
        fr: format!(
            "{fr}{}{}",
            who("depuis", "et"),
            when("le ", "du", "au", french_day)
        ),
    }
}

/// The months as French writes them.
pub const FRENCH_MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

/// `5 mars 2021`, `1er mars 2021`, UTC.
fn french_day(time: Timestamp) -> String {
    let iso = format_utc(time);
    let part = |range| iso.get(range).unwrap_or_default();
    let month = part(5..7)
        .parse::<usize>()
        .ok()
        .and_then(|month| FRENCH_MONTHS.get(month.checked_sub(1)?));
    let day = match part(8..10) {
        "01" => "1er",
        day => day.trim_start_matches('0'),
    };
    format!("{day} {} {}", month.copied().unwrap_or_default(), part(0..4))
}

/// What holds the story together: values more than one statement shares, or the only statement's.
pub(crate) fn common_links(mine: &[&Statement]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for statement in mine {
        for link in &statement.links {
            *counts.entry(link.describe()).or_default() += 1;
        }
    }
    let enough = if mine.len() > 1 { 2 } else { 1 };
    let mut shared: Vec<(String, usize)> = counts.into_iter().filter(|(_, count)| *count >= enough).collect();
    shared.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    shared.into_iter().take(12).map(|(name, _)| name).collect()
}

/// Replaces `{Field}` by the event's value; a value the event lacks becomes `—`.
pub(crate) fn fill(template: &str, fields: &BTreeMap<String, String>) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        let get = |name: &str| {
            fields
                .iter()
                .find(|(field, _)| field.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        };
        let value = crate::fields::find(get, name);
        filled.push_str(&shorten(value.unwrap_or("—"), 120));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use vigie_pack::Pack;

    use super::*;

    #[test]
    fn days_are_written_as_french_does() {
        let day = |text| french_day(vigie_event::parse_utc(text).unwrap());
        assert_eq!(day("2021-03-01T23:59:59Z"), "1er mars 2021");
        assert_eq!(day("2021-08-05T00:00:00Z"), "5 août 2021");
    }

    #[test]
    fn placeholders_are_filled_and_missing_ones_are_dashes() {
        let fields = BTreeMap::from([("c-ip".to_owned(), "203.0.113.45".to_owned())]);
        assert_eq!(
            fill("from {C-IP} to {UrlStem} {", &fields),
            "from 203.0.113.45 to — {"
        );
    }

    /// No sentence of the pack is left with a gap where its rule's own fixtures have matched.
    #[test]
    fn sentences_are_whole_in_both_languages() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/hafnium-2021");
        let pack = Pack::load_dir(&folder).unwrap();
        let sources: Vec<vigie_detect::sigma::RuleSource> = pack
            .rules
            .iter()
            .map(|rule| vigie_detect::sigma::RuleSource {
                path: rule.path.clone(),
                text: rule.text.clone(),
                pack: Some(pack.name.clone()),
            })
            .collect();
        let loaded = vigie_detect::sigma::RuleSet::compile(&sources);
        let mut gaps = Vec::new();
        for fixture in &pack.fixtures {
            let rule = loaded
                .rules
                .rules()
                .iter()
                .find(|rule| rule.id == fixture.rule)
                .unwrap();
            let told = Detector::of_rule(rule, std::slice::from_ref(&pack)).statement;
            for event in &fixture.match_ {
                let gap = |text: &str| fill(text, event).matches('—').count() > text.matches('—').count();
                if gap(&told.en) || gap(&told.fr) {
                    gaps.push(format!("{}: {} {event:?}", rule.path, told.en));
                }
                assert!(
                    !told.fr.contains('\''),
                    "{}: a straight apostrophe: {}",
                    rule.path,
                    told.fr
                );
            }
        }
        assert!(gaps.is_empty(), "{gaps:#?}");
    }
}
