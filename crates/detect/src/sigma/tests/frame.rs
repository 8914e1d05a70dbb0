//! The fast engine against the plain one, on random rules and random events.

use proptest::prelude::*;

use super::*;
use crate::sigma::explain::View;

/// Each rule on each row, one after the other.
fn plainly(set: &RuleSet, batch: &EventBatch) -> Vec<Hit> {
    let mut hits = Vec::new();
    for row in 0..batch.rows() {
        for (index, (rule, program)) in set.rules.iter().zip(&set.programs).enumerate() {
            let Some(program) = program else { continue };
            let in_scope = logsource::matches(&rule.logsource, rule.vigie.is_none(), batch);
            if in_scope && View::new(&set.tests, batch.row(row)).matches(program) {
                hits.push(Hit {
                    row: row as u32,
                    rule: index as u32,
                });
            }
        }
    }
    hits
}

fn item() -> BoxedStrategy<String> {
    let field = prop_oneof![Just("a"), Just("b"), Just("c"), Just("EventID"), Just("missing")];
    let text = "[aAbBéÉk*?\\\\ ./-]{0,4}|[aAbB]{4,8}";
    let texts = prop::collection::vec(text, 1..4).prop_map(|texts| {
        let quoted: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
        format!("[{}]", quoted.join(", "))
    });
    let modifiers = prop_oneof![
        Just(""),
        Just("|contains"),
        Just("|contains"),
        Just("|startswith"),
        Just("|endswith"),
        Just("|contains|all"),
        Just("|cased"),
        Just("|contains|cased"),
        Just("|windash|contains"),
        Just("|neq"),
    ];
    let other = prop_oneof![
        Just("a: null".to_owned()),
        Just("b: ''".to_owned()),
        Just("c|exists: true".to_owned()),
        Just("a|fieldref: b".to_owned()),
        Just("a|re: '[aA]+b'".to_owned()),
        Just("b|re|i: 'abb|baa'".to_owned()),
        Just("EventID: 1".to_owned()),
        Just("EventID|gt: 1".to_owned()),
        Just("Channel: System".to_owned()),
        Just("'|all': [a, b]".to_owned()),
        Just("'|all': ['b,a', 'k']".to_owned()),
        Just("'|re': '[ab]{3}k?'".to_owned()),
    ];
    prop_oneof![
        4 => (field, modifiers, texts).prop_map(|(field, modifiers, texts)| format!("{field}{modifiers}: {texts}")),
        1 => other,
    ]
    .boxed()
}

/// What rules ask about requests, much of it of values that are put together.
fn item_of_requests() -> BoxedStrategy<String> {
    let field = prop_oneof![
        Just("cs-method"),
        Just("cs-uri-stem"),
        Just("cs-uri-query"),
        Just("c-uri"),
        Just("c-uri"),
        Just("c-uri-extension"),
        Just("c-useragent"),
    ];
    let texts = prop::collection::vec("[abAB?+ /.]{1,3}|[abAB/]{4,9}", 1..4).prop_map(|texts| {
        let quoted: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
        format!("[{}]", quoted.join(", "))
    });
    let modifiers = prop_oneof![
        Just("|contains"),
        Just("|contains"),
        Just("|startswith"),
        Just("|endswith"),
        Just("|contains|all"),
        Just("|cased"),
    ];
    prop_oneof![
        9 => (field, modifiers, texts).prop_map(|(field, modifiers, texts)| format!("{field}{modifiers}: {texts}")),
        1 => Just("'|all': ['a', 'b/']".to_owned()),
        1 => Just("c-uri|re: '[ab]{3}/?a'".to_owned()),
        1 => Just("c-useragent: ''".to_owned()),
        1 => Just("c-useragent: null".to_owned()),
        1 => Just("c-useragent|exists: true".to_owned()),
    ]
    .boxed()
}

/// What rules look for in addresses.
fn item_of_addresses() -> BoxedStrategy<String> {
    let texts =
        prop::collection::vec("[abAB?]{2,3}|[abAB/?=.]{3,7}|[ab]{6}|[ab]%6[12]", 1..4).prop_map(|texts| {
            let quoted: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
            format!("[{}]", quoted.join(", "))
        });
    let modifiers = prop_oneof![
        Just("|contains"),
        Just("|startswith"),
        Just("|endswith"),
        Just("")
    ];
    prop_oneof![
        5 => (modifiers, texts).prop_map(|(modifiers, texts)| format!("c-uri{modifiers}: {texts}")),
        1 => Just("'|all': ['ab', 'b/']".to_owned()),
    ]
    .boxed()
}

fn rule() -> impl Strategy<Value = String> {
    let logsource = prop_oneof![
        Just("{ product: windows }"),
        Just("{ product: windows, service: system }"),
        Just("{ product: windows, service: security }"),
    ];
    rule_of(logsource, item())
}

fn rule_of(
    logsource: impl Strategy<Value = &'static str>,
    item: BoxedStrategy<String>,
) -> impl Strategy<Value = String> {
    let selection = prop::collection::vec(item, 1..3).prop_map(|items| {
        let mut seen = std::collections::BTreeSet::new();
        items
            .into_iter()
            .filter(|item| seen.insert(item.split(": ").next().unwrap_or_default().to_owned()))
            .map(|item| format!("    {item}\n"))
            .collect::<String>()
    });
    let condition = prop_oneof![
        Just("s0"),
        Just("s0 and s1"),
        Just("s0 or s1"),
        Just("s0 and not s1"),
        Just("not s0"),
        Just("1 of s*"),
        Just("2 of s*"),
        Just("all of them"),
        Just("s0 and not 1 of s1*"),
        Just("(s0 or s2) and not (s1 and s2)"),
    ];
    (logsource, prop::collection::vec(selection, 3), condition).prop_map(
        |(logsource, selections, condition)| {
            let selections: Vec<String> = selections
                .iter()
                .enumerate()
                .map(|(index, text)| format!("  s{index}:\n{text}"))
                .collect();
            format!(
                "title: t\nlogsource: {logsource}\ndetection:\n{}  condition: {condition}\n",
                selections.concat()
            )
        },
    )
}

type Values = Vec<[Option<String>; 3]>;

fn events() -> impl Strategy<Value = Values> {
    let value = prop::option::weighted(0.8, "[aAbBéÉk /.-]{0,6}|[aAbB]{0,40}");
    let row = [value.clone(), value.clone(), value];
    prop::collection::vec(row, 1..300)
}

/// The same rows with the text of their records, which some rows lack.
fn lined(values: &Values, event_id: u32) -> EventBatch {
    rows(values, event_id, true)
}

fn batch(values: &Values, event_id: u32) -> EventBatch {
    rows(values, event_id, false)
}

fn rows(values: &Values, event_id: u32, lines: bool) -> EventBatch {
    let mut builder = BatchBuilder::new(vigie_event::Source::WindowsEvent).event_type(EventType {
        channel: "System".into(),
        provider: "p".into(),
        event_id,
    });
    let names = ["Channel", "EventID", "Provider_Name", "a", "b", "c"];
    let columns = names.map(|name| builder.column(name));
    for (index, row) in values.iter().enumerate() {
        builder.begin_row(Some(0), index as u64, 0);
        builder.set(columns[0], "System");
        builder.set(columns[1], &event_id.to_string());
        builder.set(columns[2], "p");
        for (column, value) in columns[3..].iter().zip(row) {
            if let Some(value) = value {
                builder.set(*column, value);
            }
        }
        if lines && index % 3 != 0 {
            let own = row.iter().map(|value| value.as_deref().unwrap_or_default());
            let line: Vec<&str> = ["System", "p"].into_iter().chain(own).collect();
            builder.set_line(&format!("{},{event_id}", line.join(",")));
        }
        builder.end_row();
    }
    builder.finish().unwrap()
}

/// Method, path, query and user agent.
type Requests = Vec<[Option<String>; 4]>;

fn requests() -> impl Strategy<Value = Requests> {
    let method = prop::option::weighted(0.9, "a|b|AB");
    let path = prop::option::weighted(0.9, "(/[abAB]{0,5}){1,3}([.][ab]{1,3})?");
    let query = prop::option::weighted(0.5, "[abAB/.]{0,6}(%25?6[12]|%%36[12]|%6%3[12])?[abAB]{0,40}");
    let agent = prop::option::weighted(0.8, "[abAB+/.]{0,20}");
    prop::collection::vec((method, path, query, agent), 1..300).prop_map(|rows| {
        let rows = rows.into_iter();
        rows.map(|(method, path, query, agent)| [method, path, query, agent])
            .collect()
    })
}

fn request_rows(values: &Requests, lines: bool) -> EventBatch {
    let mut builder = BatchBuilder::new(vigie_event::Source::Iis);
    let names = ["cs-method", "cs-uri-stem", "cs-uri-query", "cs(User-Agent)"];
    let columns = names.map(|name| builder.column(name));
    for (index, row) in values.iter().enumerate() {
        builder.begin_row(Some(0), index as u64, 0);
        for (column, value) in columns.iter().zip(row) {
            if let Some(value) = value {
                builder.set(*column, value);
            }
        }
        if lines {
            let values: Vec<&str> = row.iter().map(|value| value.as_deref().unwrap_or("-")).collect();
            builder.set_line(&values.join(" "));
        }
        builder.end_row();
    }
    builder.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn the_fast_engine_finds_what_the_plain_one_finds(
        rules in prop::collection::vec(rule(), 1..12),
        values in events(),
        event_id in 1..3u32,
    ) {
        let sources: Vec<RuleSource> = rules
            .iter()
            .enumerate()
            .map(|(index, text)| source(&format!("{index}.yml"), text))
            .collect();
        let loaded = RuleSet::compile(&sources);
        prop_assert_eq!(&loaded.refused, &[]);
        let (batch, lined) = (batch(&values, event_id), lined(&values, event_id));
        let expected = plainly(&loaded.rules, &batch);
        // Twice: the second time with what the first one left behind.
        for batch in [&batch, &batch, &lined, &lined] {
            let mut hits = Vec::new();
            loaded.rules.evaluate(batch, &mut hits);
            prop_assert_eq!(&hits, &expected, "{:?}", rules);
        }
    }

    #[test]
    fn the_fast_engine_finds_in_requests_what_the_plain_one_finds(
        rules in prop_oneof![
            prop::collection::vec(rule_of(Just("{ category: webserver }"), item_of_requests()), 1..12),
            prop::collection::vec(rule_of(Just("{ category: webserver }"), item_of_addresses()), 1..4),
        ],
        values in requests(),
    ) {
        let sources: Vec<RuleSource> = rules
            .iter()
            .enumerate()
            .map(|(index, text)| source(&format!("{index}.yml"), text))
            .collect();
        let loaded = RuleSet::compile(&sources);
        prop_assert_eq!(&loaded.refused, &[]);
        let (batch, lined) = (request_rows(&values, false), request_rows(&values, true));
        let expected = plainly(&loaded.rules, &batch);
        for batch in [&batch, &lined, &lined] {
            let mut hits = Vec::new();
            loaded.rules.evaluate(batch, &mut hits);
            prop_assert_eq!(&hits, &expected, "{:?}", rules);
        }
    }
}

/// Addresses as servers write them, with what clients encode.
#[test]
fn literals_are_found_in_addresses_however_they_are_encoded() {
    for (literal, path, query) in [
        ("/owa/x.aspx", "/owa/x.aspx", None),
        ("/owa/x.aspx", "/OWA/X.aspx", None),
        ("/owa/x.aspx", "/%6fwa/x%2easpx", None),
        ("/owa/x.aspx", "/%256fwa/x.aspx", None),
        ("/owa/x.aspx", "/owa/%58.aspx", None),
        ("/owa/x.aspx", "/%%36fwa/x.aspx", None),
        ("/owa/x.aspx", "/%6%66wa/x.aspx", None),
        (r"\?d=", "/x", Some("d=1")),
        (r"\?d=", "/x", Some("a=1?d=")),
        (r"\?d=", "/x%3Fd%3d", None),
        (r"x\?", "/x", None),
        (r"xy\?a", "/xy", Some("a")),
        ("ipf", "/x", Some("IPF")),
        ("ipf", "/x", Some("i%70f")),
        ("..%2f", "/x", Some("..%25252F")),
        ("..%2f", "/x", Some("..%25%3252f")),
        ("..%2f", "/x", Some("..%%%332f")),
        ("100%", "/x", Some("100%")),
        ("100%", "/x", Some("100%&a")),
        ("{{x}}", "/x", Some("a=%7b%7Bx%7D}")),
        (r"{{x}}\?", "/a{{x}}", None),
    ] {
        let text = format!(
            "title: t\nlogsource: {{ category: webserver }}\ndetection:\n  s0:\n    c-uri|contains: '{literal}'\n  \
             condition: s0\n"
        );
        let loaded = RuleSet::compile(&[source("address.yml", &text)]);
        assert_eq!(loaded.refused, []);
        let row =
            |path: &str, query: Option<&str>| [None, Some(path.to_owned()), query.map(str::to_owned), None];
        let batch = request_rows(&vec![row("/", None), row(path, query)], true);
        let mut hits = Vec::new();
        loaded.rules.evaluate(&batch, &mut hits);
        let expected = plainly(&loaded.rules, &batch);
        assert_eq!(expected, [Hit { row: 1, rule: 0 }], "{literal} {path} {query:?}");
        assert_eq!(hits, expected, "{literal} {path} {query:?}");
    }
}

/// So many literals that differ in length alone would take an automaton too large to build.
#[test]
fn rules_with_a_crowd_of_literals_are_judged_without_looking_for_them() {
    let crowd: Vec<String> = (100..1_700).map(|length| "a".repeat(length)).collect();
    let text = format!(
        "title: t\nlogsource: {{ product: windows }}\ndetection:\n  s0:\n    a|contains: [{}]\n    b: x\n  condition: s0\n",
        crowd.join(", ")
    );
    let loaded = RuleSet::compile(&[source("crowd.yml", &text)]);
    assert_eq!(loaded.refused, []);
    let row = |a: &str, b: &str| [Some(a.to_owned()), Some(b.to_owned()), None];
    let long = "A".repeat(120);
    let batch = batch(&vec![row(&long, "x"), row(&long, "y"), row("aaaa", "x")], 1);
    let mut hits = Vec::new();
    loaded.rules.evaluate(&batch, &mut hits);
    assert_eq!(hits, [Hit { row: 0, rule: 0 }]);
}

#[test]
fn rules_are_shared_by_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<RuleSet>();
}
