use super::*;

fn refusal(text: &str) -> (Option<usize>, String) {
    let loaded = RuleSet::compile(&[source("r.yml", text)]);
    assert_eq!(loaded.rules.rules().len(), 0, "{text}");
    assert_eq!(loaded.refused.len(), 1, "{:?}", loaded.refused);
    (loaded.refused[0].line, loaded.refused[0].why.clone())
}

#[test]
fn a_refusal_names_the_line_and_the_reason() {
    for (detection, line, why) in [
        (
            "  s: { a: b }\n  condition: s and t",
            5,
            "t, and there is no such selection",
        ),
        ("  s: { a: b }\n  condition: 1 of x_*", 5, "1 of x_*"),
        ("  s: { a: b }\n  condition: s and (", 5, "Condition"),
        (
            "  s:\n    a: b\n    c|unheard: d\n  condition: s",
            6,
            "unknown modifier unheard",
        ),
        (
            "  s:\n    a|contains|startswith: d\n  condition: s",
            5,
            "only one of",
        ),
        (
            "  s:\n    a|re|contains: d\n  condition: s",
            5,
            "cannot be combined",
        ),
        ("  s:\n    a|i: d\n  condition: s", 5, "needs re"),
        (
            "  s:\n    x: 1\n    a|cidr: 10.0.0.0/33\n  condition: s",
            6,
            "not a network",
        ),
        ("  s:\n    a|gt: many\n  condition: s", 5, "many is not a number"),
        ("  s:\n    a|exists: perhaps\n  condition: s", 5, "true or false"),
        (
            "  s:\n    a|re: '(a{1000}){1000}'\n  condition: s",
            5,
            "size limit",
        ),
        ("  s:\n    a|re: '(?=x)'\n  condition: s", 5, "look-around"),
        ("  s:\n    a|base64: 'a*b'\n  condition: s", 5, "wildcards"),
        ("  s: {}\n  condition: s", 4, "empty"),
    ] {
        let (at, said) = refusal(&public(detection));
        assert!(said.contains(why), "{detection}: {said}");
        assert_eq!(at, Some(line), "{detection}: {said}");
    }
    let (line, why) = refusal("title: t\nlogsource: { category: webserver }\n");
    assert!(line.is_some() && why.contains("detection"), "{why}");
    let (line, why) = refusal("title: t\na: [\nb: }\n");
    assert!(line.is_some_and(|line| line >= 2), "{line:?} {why}");
}

#[test]
fn of_rules_with_one_id_the_first_loads() {
    let rule = "title: t\nid: 4fd7ab2b-7d0d-4a9c-8a5e-0d6f4d2d0c11\nlogsource: { category: webserver }\ndetection: { s: { a: b }, condition: s }\n";
    let loaded = RuleSet::compile(&[source("a.yml", rule), source("b.yml", rule)]);
    assert_eq!(loaded.rules.rules().len(), 1);
    assert_eq!(
        (loaded.refused[0].path.as_str(), loaded.refused[0].line),
        ("b.yml", Some(2))
    );
    assert!(
        loaded.refused[0].why.contains("a.yml:1"),
        "{}",
        loaded.refused[0].why
    );
}

#[test]
fn a_file_may_hold_several_documents() {
    let text = format!(
        "{}---\n{}---\ntitle: x\n",
        public("  s: { a: b }\n  condition: s"),
        public("  s: { a: b }\n  condition: u")
    );
    let loaded = RuleSet::compile(&[source("r.yml", &text)]);
    assert_eq!(loaded.rules.rules().len(), 1);
    let lines: Vec<_> = loaded.refused.iter().map(|refused| refused.line).collect();
    assert_eq!(lines, [Some(11), Some(13)], "{:?}", loaded.refused);
}

#[test]
fn large_rules_load_or_are_refused_clearly() {
    let words: Vec<String> = (0..10_000).map(|n| format!("      - 'word{n}x'\n")).collect();
    let rule = public(&format!(
        "  s:\n    a|contains:\n{}  condition: s",
        words.concat()
    ));
    let loaded = RuleSet::compile(&[source("r.yml", &rule)]);
    assert_eq!(loaded.refused, []);
    let batch = batch_of(
        &loaded.rules.rules()[0],
        &BTreeMap::from([("a".to_owned(), "a WORD9999X b".to_owned())]),
    );
    let mut hits = Vec::new();
    loaded.rules.evaluate(&batch, &mut hits);
    assert_eq!(hits.len(), 1);
    let huge = public("  s: { a: b }\n  condition: s") + "description: '" + &"x".repeat(17 << 20) + "'\n";
    assert!(refusal(&huge).1.contains("bytes"));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n";
    refusal(bomb);
    refusal(&public(&format!(
        "  s: {}a{}\n  condition: s",
        "[".repeat(5_000),
        "]".repeat(5_000)
    )));
    refusal(&public(&format!(
        "  s: {{ a: b }}\n  condition: {}s{}",
        "(".repeat(5_000),
        ")".repeat(5_000)
    )));
}

#[test]
fn filters_leave_events_out() {
    let rule = "title: t\nid: one\nname: by_name\nlogsource: { category: webserver }\ndetection: { s: { a: b }, condition: s }\n";
    for condition in ["s", "not s"] {
        let filter = format!(
            "title: no admins\nlogsource: {{ category: webserver }}\nfilter:\n  rules: [one]\n  s: {{ user|startswith: adm_ }}\n  condition: {condition}\n"
        );
        let loaded = RuleSet::compile(&[source("f.yml", &filter), source("r.yml", rule)]);
        assert_eq!(loaded.refused, []);
        assert!(
            loaded.rules.rules()[0]
                .notes
                .iter()
                .any(|note| note.contains("no admins"))
        );
        let hits = |user: &str| {
            let fields =
                [("a", "b"), ("user", user)].map(|(name, value)| (name.to_owned(), value.to_owned()));
            let batch = batch_of(&loaded.rules.rules()[0], &BTreeMap::from(fields));
            let mut hits = Vec::new();
            loaded.rules.evaluate(&batch, &mut hits);
            hits.len()
        };
        assert_eq!((hits("adm_x"), hits("bob")), (0, 1), "{condition}");
    }
    let lost = "title: f\nfilter: { rules: [nobody], s: { a: b }, condition: s }\n";
    let loaded = RuleSet::compile(&[source("f.yml", lost), source("r.yml", rule)]);
    assert!(loaded.refused[0].why.contains("nobody"));
    let elsewhere = "title: f\nlogsource: { product: windows }\nfilter: { rules: [by_name], s: { a: b }, condition: s }\n";
    let loaded = RuleSet::compile(&[source("f.yml", elsewhere), source("r.yml", rule)]);
    assert!(loaded.refused[0].why.contains("another log source"));
}

#[test]
fn sources_without_a_table_load_and_say_so() {
    let rule = |logsource: &str| {
        format!("title: t\nlogsource: {logsource}\ndetection: {{ s: {{ a: b }}, condition: s }}\n")
    };
    for (logsource, reachable) in [
        ("{ product: linux, category: process_creation }", false),
        ("{ product: aws, service: cloudtrail }", false),
        ("{ product: windows, service: imaginary }", false),
        ("{ product: windows, category: process_creation }", true),
        ("{ product: windows, service: security }", true),
        ("{ category: antivirus }", true),
        ("{ product: exchange, service: httpproxy }", true),
    ] {
        let loaded = RuleSet::compile(&[source("r.yml", &rule(logsource))]);
        assert_eq!(loaded.rules.rules()[0].notes.is_empty(), reachable, "{logsource}");
    }
}

#[test]
fn a_trace_says_what_was_asked_and_what_was_there() {
    let rule = public("  s: { a|contains: [x, y], b: null }\n  f: { c|gt: 5 }\n  condition: s and not f");
    let loaded = RuleSet::compile(&[source("r.yml", &rule)]);
    let fields = [("a", "xyz"), ("c", "9")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let batch = batch_of(&loaded.rules.rules()[0], &BTreeMap::from(fields));
    let trace = loaded.rules.trace(0, batch.row(0)).unwrap();
    assert!(trace.in_scope && !trace.matched);
    let selections: Vec<_> = trace
        .selections
        .iter()
        .map(|s| (s.name.as_str(), s.matched))
        .collect();
    assert_eq!(selections, [("f", true), ("s", true)]);
    let a = &trace.selections[1].items[0];
    assert_eq!((a.field.as_deref(), a.value.as_deref()), (Some("a"), Some("xyz")));
    assert_eq!(
        a.tests,
        [
            ("contains 'x'".to_owned(), true),
            ("contains 'y'".to_owned(), true)
        ]
    );
    assert_eq!(trace.selections[0].items[0].tests, [("> 5".to_owned(), true)]);
}
