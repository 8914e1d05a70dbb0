use vigie_event::MICROS_PER_SECOND;

use super::*;

/// One rule per letter: it matches rows whose `kind` is that letter.
fn compile(kinds: &str, correlations: &str) -> Loaded {
    let rules: String = kinds
        .chars()
        .map(|kind| {
            format!(
                "title: {kind}\nname: rule_{kind}\nlogsource: {{ category: webserver }}\ndetection: {{ s: {{ kind: {kind} }}, condition: s }}\n---\n"
            )
        })
        .collect();
    RuleSet::compile(&[source("r.yml", &(rules + correlations))])
}

/// The titles of satisfied correlations, with their groups and counts. Events: second, kind, user, bytes.
fn found(loaded: &Loaded, events: &[(i64, &str, &str, &str)]) -> Vec<(String, Vec<String>, u64)> {
    let mut builder = BatchBuilder::new(vigie_event::Source::Iis);
    let columns = ["kind", "user", "bytes"].map(|name| builder.column(name));
    for (index, (second, kind, user, bytes)) in events.iter().enumerate() {
        builder.begin_row(Some(second * MICROS_PER_SECOND), index as u64, 0);
        for (column, value) in columns.iter().zip([kind, user, bytes]) {
            builder.set(*column, value);
        }
        builder.end_row();
    }
    let batch = builder.finish().unwrap();
    let mut hits = Vec::new();
    loaded.rules.evaluate(&batch, &mut hits);
    let mut correlator = loaded.rules.correlator();
    for hit in &hits {
        correlator.observe(&loaded.rules, hit, "host", batch.row(hit.row as usize));
    }
    assert_eq!(correlator.dropped(), 0);
    correlator
        .finish(&loaded.rules)
        .into_iter()
        .map(|hit| {
            let group = hit.group.into_iter().map(|(_, value)| value).collect();
            (
                loaded.rules.rules()[hit.rule as usize].title.clone(),
                group,
                hit.count,
            )
        })
        .collect()
}

fn correlation(kind: &str, rules: &str, rest: &str) -> String {
    format!(
        "title: c\nname: c\ncorrelation:\n  type: {kind}\n  rules: [{rules}]\n  group-by: [user]\n  timespan: 10s\n{rest}\n"
    )
}

fn counts(loaded: &Loaded, events: &[(i64, &str, &str, &str)]) -> Vec<u64> {
    assert_eq!(loaded.refused, []);
    found(loaded, events)
        .into_iter()
        .map(|(_, _, count)| count)
        .collect()
}

#[test]
fn events_and_values_are_counted_by_group() {
    let loaded = compile(
        "a",
        &correlation("event_count", "rule_a", "  condition: { gte: 3 }"),
    );
    assert_eq!(loaded.refused, []);
    let events = [
        (0, "a", "u", "1"),
        (5, "a", "u", "1"),
        (6, "a", "v", "1"),
        (10, "a", "u", "2"),
    ];
    assert_eq!(
        found(&loaded, &events),
        [("c".to_owned(), vec!["u".to_owned()], 3)]
    );
    assert_eq!(
        counts(
            &loaded,
            &[(0, "a", "u", "1"), (5, "a", "u", "1"), (11, "a", "u", "2")]
        )
        .len(),
        0
    );
    assert!(loaded.rules.rules()[0].silent);
    let values = compile(
        "a",
        &correlation(
            "value_count",
            "rule_a",
            "  condition: { field: bytes, gte: 2 }\ngenerate: true",
        ),
    );
    assert_eq!(counts(&values, &events), [3]);
    assert!(!values.rules.rules()[0].silent);
    let range = compile(
        "a",
        &correlation("event_count", "rule_a", "  condition: { gt: 1, lt: 3 }"),
    );
    assert_eq!(counts(&range, &[(0, "a", "u", ""), (1, "a", "u", "")]), [2]);
}

#[test]
fn numbers_are_added_up() {
    let events = [
        (0, "a", "u", "10"),
        (1, "a", "u", "20"),
        (2, "a", "u", "90"),
        (3, "a", "u", "-"),
    ];
    for (kind, bounds, expected) in [
        ("value_sum", "gte: 120", 1),
        ("value_sum", "gt: 120", 0),
        ("value_avg", "eq: 40", 1),
        ("value_median", "eq: 20", 1),
        ("value_percentile", "gt: 80, percentile: 95", 1),
        ("value_percentile", "gt: 90, percentile: 95", 0),
    ] {
        let loaded = compile(
            "a",
            &correlation(
                kind,
                "rule_a",
                &format!("  condition: {{ field: bytes, {bounds} }}"),
            ),
        );
        assert_eq!(counts(&loaded, &events).len(), expected, "{kind} {bounds}");
    }
}

#[test]
fn rules_occur_together_or_in_order() {
    let ba = [(0, "b", "u", ""), (5, "a", "u", "")];
    let ab = [(0, "a", "u", ""), (5, "b", "u", "")];
    let apart = [(0, "a", "u", ""), (5, "b", "v", "")];
    let together = compile("ab", &correlation("temporal", "rule_a, rule_b", ""));
    let ordered = compile("ab", &correlation("temporal_ordered", "rule_a, rule_b", ""));
    assert_eq!(
        (counts(&together, &ba).len(), counts(&together, &apart).len()),
        (1, 0)
    );
    assert_eq!((counts(&ordered, &ba).len(), counts(&ordered, &ab).len()), (0, 1));
    let same_time = [(0, "b", "u", ""), (0, "a", "u", "")];
    assert_eq!(counts(&ordered, &same_time).len(), 1);
    let two_of = compile(
        "abc",
        &correlation("temporal", "rule_a, rule_b, rule_c", "  condition: { gte: 2 }"),
    );
    assert_eq!(counts(&two_of, &ab).len(), 1);
    let without = compile(
        "ab",
        &correlation("temporal", "rule_a, rule_b", "  condition: rule_a and not rule_b"),
    );
    assert_eq!(
        (counts(&without, &ab).len(), counts(&without, &ab[..1]).len()),
        (0, 1)
    );
}

#[test]
fn aliases_name_one_thing_in_different_events() {
    let text = "title: c\ncorrelation:\n  type: temporal\n  rules: [rule_a, rule_b]\n  group-by: [who]\n  timespan: 10s\n  aliases: { who: { rule_a: user, rule_b: bytes } }\n";
    let loaded = compile("ab", text);
    assert_eq!(
        counts(&loaded, &[(0, "a", "x", "-"), (1, "b", "-", "x")]).len(),
        1
    );
    assert_eq!(
        counts(&loaded, &[(0, "a", "x", "-"), (1, "b", "x", "-")]).len(),
        0
    );
}

#[test]
fn a_correlation_is_an_event_of_another() {
    // As in the specification: many failures, then a success, whatever the inner one groups by.
    for inner_group in ["user", "kind"] {
        let text = format!(
            "title: outer\ncorrelation: {{ type: temporal_ordered, rules: [many, rule_b], group-by: [user], timespan: 10s }}\n---\ntitle: inner\nname: many\ncorrelation: {{ type: event_count, rules: [rule_a], group-by: [{inner_group}], timespan: 10s, condition: {{ gte: 2 }} }}\n"
        );
        let loaded = compile("ab", &text);
        assert_eq!(loaded.refused, []);
        let events = [
            (0, "a", "u", ""),
            (1, "a", "u", ""),
            (2, "b", "u", ""),
            (3, "b", "v", ""),
        ];
        let titles: Vec<String> = found(&loaded, &events)
            .into_iter()
            .map(|(title, _, _)| title)
            .collect();
        assert_eq!(titles, ["inner", "outer"], "{inner_group}");
        let before = [(0, "b", "u", ""), (1, "a", "u", ""), (2, "a", "u", "")];
        assert_eq!(found(&loaded, &before).len(), 1);
    }
}

#[test]
fn correlations_that_cannot_work_are_refused() {
    for (text, why) in [
        (
            correlation("event_count", "c", "  condition: { gte: 1 }"),
            "counts itself",
        ),
        (
            correlation("event_count", "nobody", "  condition: { gte: 1 }"),
            "nobody",
        ),
        (
            correlation("value_sum", "rule_a", "  condition: { gte: 1 }"),
            "needs a field",
        ),
        (correlation("event_count", "rule_a", ""), "condition"),
        (correlation("imagined", "rule_a", ""), "imagined"),
        (
            correlation("temporal", "rule_a", "  condition: rule_a and rule_x"),
            "rule_x",
        ),
        (
            correlation("temporal", "rule_a", "  aliases: { x: { rule_x: f } }"),
            "rule_x",
        ),
    ] {
        let loaded = compile("a", &text);
        assert_eq!(loaded.rules.rules().len(), 1);
        let refused = &loaded.refused[0];
        assert!(refused.why.contains(why), "{why}: {}", refused.why);
        assert!(refused.line.is_some_and(|line| line >= 6), "{refused:?}");
    }
    let cycle = "title: x\nname: x\ncorrelation: { type: temporal, rules: [y], group-by: [a], timespan: 1m }\n---\ntitle: y\nname: y\ncorrelation: { type: temporal, rules: [x], group-by: [a], timespan: 1m }\n";
    let refused = compile("a", cycle).refused;
    assert!(
        refused.len() == 2 && refused.iter().all(|one| one.why.contains("counts itself")),
        "{refused:?}"
    );
}
