use super::*;

#[test]
fn dashes_are_found_in_every_form() {
    for dash in ["-", "/", "–", "—", "―"] {
        assert!(
            field("|windash|contains: ' -enc '", &format!("x {dash}enc AAA")),
            "{dash}"
        );
        let all = format!("a {dash}b {dash}c -d");
        assert!(field("|windash: 'a -b -c -d'", &all), "{all}");
    }
    assert!(field("|windash|contains: ' /c a-b'", "cmd -c a-b") && !field("|windash|contains: a-b", "a/b"));
}

#[test]
fn encodings_of_text() {
    assert!(field(
        "|utf16le|base64offset|contains: whoami",
        "dwBoAG8AYQBtAGkA"
    ));
    assert!(field(
        "|utf16be|base64offset|contains: whoami",
        "AHcAaABvAGEAbQBp"
    ));
    assert!(field("|utf16|base64|contains: cmd", "//5jAG0AZAA="));
    assert!(field("|base64: hello", "aGVsbG8=") && !field("|base64: hello", "aGVsbG8"));
    for text in ["whoami", " whoami", "  whoami"] {
        use base64::Engine;
        let code = base64::engine::general_purpose::STANDARD.encode(format!("{text} /all"));
        assert!(field("|base64offset|contains: whoami", &code), "{code}");
    }
}

#[test]
fn numbers_networks_and_dates() {
    assert!(
        field("|gt: 1.5", "2") && field("|gte: 2", "2") && !field("|lt: 2", "2") && !field("|lt: 2", "x")
    );
    assert!(field("|gt: 15", "0x10"));
    assert!(field("|cidr: 2001:db8::/32", "2001:db8::1") && !field("|cidr: 2001:db8::/32", "2001:db9::1"));
    assert!(field("|cidr: [10.0.0.0/8, 192.168.0.0/16]", "192.168.3.4"));
    assert!(field("|cidr: 10.0.0.0/8", "::ffff:10.1.2.3") && field("|cidr: 'fe80::/10'", "fe80::1%4"));
    let time = "2021-03-03 04:05:06.789";
    for (test, expected) in [
        ("|minute: 5", true),
        ("|hour: 4", true),
        ("|hour|lt: 6", true),
        ("|hour|gt: 6", false),
        ("|day: 3", true),
        ("|week: 9", true),
        ("|month: 3", true),
        ("|year: 2020", false),
    ] {
        assert_eq!(field(test, time), expected, "{test}");
        assert_eq!(field(test, "2021-03-03T04:05:06Z"), expected, "{test}");
    }
}

#[test]
fn absent_fields_match_only_what_asks_for_them() {
    let without = |detection: &str| matches(detection, &[("other", "x")]);
    for (test, expected) in [
        (": null", true),
        (": ''", true),
        ("|exists: false", true),
        ("|exists: true", false),
        (": '*'", false),
        ("|neq: x", false),
        ("|contains: ''", false),
        ("|re: '.*'", false),
        ("|lt: 5", false),
    ] {
        assert_eq!(
            without(&format!("  s: {{ f{test} }}\n  condition: s")),
            expected,
            "{test}"
        );
    }
    assert!(field("|neq: x", "y") && !field("|neq: [x, y]", "y") && !field("|contains|neq: y", "xyz"));
    assert!(field(": '*'", "y") && !field(": null", "y") && !field(": ''", "y"));
}

#[test]
fn other_fields_of_the_event() {
    let both = |modifiers: &str, a: &str, b: &str| {
        matches(
            &format!("  s: {{ a|fieldref{modifiers}: b }}\n  condition: s"),
            &[("a", a), ("b", b)],
        )
    };
    assert!(both("", "Bob", "bOB") && !both("", "Bob", "Bobby"));
    assert!(both("|startswith", "Bobby", "bob") && both("|endswith", "C:\\x.exe", "X.EXE"));
    assert!(both("|contains", "a Bob b", "bob") && !both("|neq", "a", "A") && both("|neq", "a", "b"));
    assert!(!matches("  s: { a|fieldref: b }\n  condition: s", &[("a", "x")]));
}

#[test]
fn regular_expressions_take_flags() {
    assert!(
        field("|re|i: 'HELLO'", "hello") && field("|re|m: '^b$'", "a\nb") && field("|re|s: 'a.b'", "a\nb")
    );
    assert!(!field("|re: 'a.b'", "a\nb"));
}

#[test]
fn keywords_can_be_asked_for_together() {
    let fields = [("a", "one two"), ("b", "three")];
    assert!(matches("  k:\n    '|all': [two, THREE]\n  condition: k", &fields));
    assert!(!matches("  k:\n    '|all': [two, four]\n  condition: k", &fields));
    assert!(matches("  k:\n    - 't?ree'\n    - x\n  condition: k", &fields));
}

#[test]
fn placeholders_are_replaced() {
    let rule = source(
        "r.yml",
        &public("  s: { a|contains|expand: 'x%dc%-%site%' }\n  condition: s"),
    );
    let refused = RuleSet::compile(std::slice::from_ref(&rule)).refused;
    assert!(refused[0].why.contains("%dc%"), "{refused:?}");
    assert_eq!(refused[0].line, Some(4));
    let placeholders = Placeholders::from_yaml("dc: [DC1, DC2]\nsite: paris\n").unwrap();
    let loaded = RuleSet::compile_with(&[rule], &placeholders);
    assert_eq!(loaded.refused, []);
    for (value, expected) in [("axdc2-PARIS", true), ("xdc3-paris", false)] {
        let fields = BTreeMap::from([("a".to_owned(), value.to_owned())]);
        let batch = batch_of(&loaded.rules.rules()[0], &fields);
        let mut hits = Vec::new();
        loaded.rules.evaluate(&batch, &mut hits);
        assert_eq!(!hits.is_empty(), expected, "{value}");
    }
}
