//! Every public rule loads.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use vigie_detect::sigma::{Placeholders, RuleSet};

#[test]
fn every_public_rule_loads() {
    let Some(root) = common::corpus("sigma") else {
        return;
    };
    let sources = common::rules(
        &root,
        &["rules", "rules-emerging-threats", "rules-threat-hunting"],
    );
    let mut placeholders = Placeholders::default();
    placeholders.insert("known_cdcs", vec!["dc01".to_owned()]);
    let loaded = RuleSet::compile_with(&sources, &placeholders);
    for refused in &loaded.refused {
        println!("{}:{}: {}", refused.path, refused.line.unwrap_or(0), refused.why);
    }
    for warning in &loaded.warnings {
        println!(
            "warning: {}:{}: {}",
            warning.path,
            warning.line.unwrap_or(0),
            warning.why
        );
    }
    println!("{} files, {} rules", sources.len(), loaded.rules.rules().len());
    assert_eq!(loaded.refused, []);
    assert_eq!(loaded.rules.rules().len(), sources.len());
    let unreachable: std::collections::BTreeMap<&String, usize> =
        loaded.rules.rules().iter().flat_map(|rule| &rule.notes).fold(
            Default::default(),
            |mut counts, note| {
                *counts.entry(note).or_default() += 1;
                counts
            },
        );
    for (note, count) in unreachable {
        println!("{count:5} {note}");
    }
    // Without the placeholder file, the rules that need it are refused by its name.
    let refused = RuleSet::compile(&sources).refused;
    assert!(!refused.is_empty() && refused.iter().all(|refused| refused.why.contains("%known_cdcs%")));
}
