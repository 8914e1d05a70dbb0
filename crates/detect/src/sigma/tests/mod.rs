//! The engine from outside: rules in, matches out.

use super::*;

/// Whether a rule with this detection matches an IIS row with these fields.
fn matches(detection: &str, fields: &[(&str, &str)]) -> bool {
    let text = format!(
        "title: t\nid: 4fd7ab2b-7d0d-4a9c-8a5e-0d6f4d2d0c11\nlogsource: {{ category: webserver }}\ndetection:\n{detection}\nvigie: {{ stage: ssrf, outcome: attempt, confidence: weak, statement: {{ en: e, fr: f }} }}\nlevel: high\n"
    );
    let loaded = RuleSet::compile(&[RuleSource {
        path: "r.yml".into(),
        text,
        pack: None,
    }]);
    assert_eq!(loaded.refused, []);
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let batch = batch_of(&loaded.rules.rules()[0], &fields);
    let mut hits = Vec::new();
    loaded.rules.evaluate(&batch, &mut hits);
    !hits.is_empty()
}

fn field(test: &str, value: &str) -> bool {
    matches(&format!("  s:\n    f{test}\n  condition: s"), &[("f", value)])
}

#[test]
fn values_are_compared_without_case_and_with_wildcards() {
    assert!(field(": ABC", "abc") && !field(": ABC", "abcd"));
    assert!(field(": 'a*c'", "aXXc") && field(": 'a?c'", "aXc") && !field(": 'a?c'", "aXXc"));
    assert!(field(": 200", "200") && !field(": 200", "2000"));
    assert!(field(": 'été'", "ÉTÉ"));
    assert!(field("|cased: ABC", "ABC") && !field("|cased: ABC", "abc"));
}

#[test]
fn modifiers_do_what_the_specification_says() {
    assert!(
        field("|contains: ell", "Hello")
            && field("|startswith: he", "Hello")
            && field("|endswith: LO", "Hello")
    );
    assert!(field("|contains|all: [he, lo]", "Hello") && !field("|contains|all: [he, xx]", "Hello"));
    assert!(
        field("|re: '^H.l+o$'", "Hello")
            && !field("|re: '^h.l+o$'", "Hello")
            && field("|re|i: '^h.l+o$'", "Hello")
    );
    assert!(field("|cidr: 10.0.0.0/8", "10.9.8.7") && !field("|cidr: 10.0.0.0/8", "11.0.0.1"));
    assert!(field("|gt: 5", "6") && !field("|gt: 5", "5") && field("|lte: 5", "5"));
    assert!(field("|exists: true", "x") && !field("|exists: false", "x"));
    assert!(field("|windash|contains: ' -enc '", "powershell /enc AAAA"));
    assert!(field("|base64offset|contains: whoami", "xxIHdob2FtaSxx") && field("|base64: hello", "aGVsbG8="));
    assert!(field("|wide|base64offset|contains: whoami", "dwBoAG8AYQBtAGkA"));
    assert!(matches(
        "  s:\n    a|fieldref: b\n  condition: s",
        &[("a", "X"), ("b", "x")]
    ));
    assert!(matches("  s:\n    a: null\n  condition: s", &[("b", "x")]));
}

#[test]
fn conditions_of_all_forms() {
    let two = "  s_a: { a: '1' }\n  s_b: { b: '2' }\n  f: { c: '3' }\n  condition: ";
    let both = [("a", "1"), ("b", "2")];
    for (condition, expected) in [
        ("s_a and s_b", true),
        ("all of s_*", true),
        ("1 of s_* and not f", true),
        ("all of them", false),
        ("2 of s_*", true),
        ("(s_a or f) and not (f or not s_b)", true),
        ("not s_a", false),
    ] {
        assert_eq!(
            matches(&format!("{two}{condition}"), &both),
            expected,
            "{condition}"
        );
    }
    assert!(matches(
        "  k: [alpha, 'be?a']\n  condition: k",
        &[("x", "has beta in it")]
    ));
    assert!(matches(
        "  s:\n    - a: '1'\n    - a: '2'\n  condition: s",
        &[("a", "2")]
    ));
}

#[test]
fn web_paths_are_found_however_they_are_encoded() {
    let rule = "  s: { Url|contains: '/ecp/ddi?schema=reset' }\n  condition: s";
    assert!(matches(
        rule,
        &[("cs-uri-stem", "/ecp/%2564di"), ("cs-uri-query", "schema=Reset")]
    ));
}

#[test]
fn a_broken_rule_is_refused_and_the_others_load() {
    let good = "title: t\nlogsource: { category: webserver }\ndetection:\n  s: { a: b }\n  condition: s\n";
    let bad =
        "title: t\nlogsource: { category: webserver }\ndetection:\n  s: { a|re: '(' }\n  condition: s\n";
    let loaded = RuleSet::compile(&[
        source("good.yml", good),
        source("bad.yml", bad),
        source("worse.yml", "a: ["),
    ]);
    assert_eq!(loaded.rules.rules().len(), 1);
    let paths: Vec<&str> = loaded
        .refused
        .iter()
        .map(|refused| refused.path.as_str())
        .collect();
    assert_eq!(paths, ["bad.yml", "worse.yml"]);
}

mod choice;
mod correlations;
mod frame;
mod loading;
mod modifiers;

fn source(path: &str, text: &str) -> RuleSource {
    RuleSource {
        path: path.into(),
        text: text.into(),
        pack: None,
    }
}

/// A rule not written for Vigie on IIS rows, with this detection.
fn public(detection: &str) -> String {
    format!("title: t\nlogsource: {{ category: webserver }}\ndetection:\n{detection}\n")
}
