//! The set as callers see it, on inert markers.

use proptest::prelude::*;

use super::*;

const COMPLETE: &str = r#"
rule inert_marker {
    meta:
        title = "Inert marker"
        severity = "critical"
        stage = "web_shell"
        outcome = "success"
        confidence = "strong"
        attack = "T1505.003, t1059"
        statement_en = "A marker was found."
        statement_fr = "Un marqueur a été trouvé."
    strings:
        $a = "VIGIE-INERT-MARKER"
        $b = { 00 01 ff }
    condition:
        ($a or $b) and filesize < 1KB
}
"#;

#[test]
fn a_match_carries_what_the_rule_says_and_where() {
    let (set, refused) = YaraSet::compile(&[("yara/a.yar", COMPLETE)]);
    assert_eq!(refused, []);
    let scan = set.scan(b"..VIGIE-INERT-MARKER..\x00\x01\xff..VIGIE-INERT-MARKER");
    assert!(!scan.timed_out);
    let [found] = scan.matches.as_slice() else {
        panic!("one match: {scan:?}");
    };
    assert_eq!(found.rule.title, "Inert marker");
    assert_eq!(found.rule.severity, Severity::Critical);
    assert_eq!(found.rule.stage.as_deref(), Some("web_shell"));
    assert_eq!(found.rule.confidence, Confidence::Strong);
    assert_eq!(found.rule.attack, ["T1505.003", "T1059"]);
    assert_eq!(found.rule.statement_fr, "Un marqueur a été trouvé.");
    assert_eq!(found.rule.gaps, Vec::<String>::new());
    let strings: Vec<(u64, &str, &str)> = found
        .strings
        .iter()
        .map(|string| (string.offset, string.name.as_str(), string.excerpt.as_str()))
        .collect();
    assert_eq!(
        strings,
        [
            (2, "a", "VIGIE-INERT-MARKER"),
            (22, "b", r"\x00\x01\xff"),
            (27, "a", "VIGIE-INERT-MARKER"),
        ]
    );
    assert_eq!(set.scan(b"nothing here"), YaraScan::default());
}

#[test]
fn a_rule_without_metadata_works_and_says_what_it_lacks() {
    let (set, _) = YaraSet::compile(&[("x.yar", "rule bare { condition: filesize > 2 }")]);
    let scan = set.scan(b"abc");
    let rule = &scan.matches[0].rule;
    assert_eq!(
        (&*rule.title, rule.severity, rule.confidence),
        ("bare", Severity::High, Confidence::Weak)
    );
    assert_eq!(
        rule.gaps,
        [
            "title",
            "severity",
            "outcome",
            "confidence",
            "stage",
            "attack",
            "statement_en",
            "statement_fr"
        ]
    );
}

#[test]
fn a_bad_file_is_refused_whole_and_the_others_work() {
    let (set, refused) = YaraSet::compile(&[
        (
            "bad.yar",
            "rule first { condition: true }\nrule second { condition: $missing }",
        ),
        (
            "include.yar",
            "include \"/etc/passwd\"\nrule third { condition: true }",
        ),
        ("one.yar", "rule same { condition: true }"),
        ("two.yar", "rule same { condition: true }"),
    ]);
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert_eq!((refused[0].path.as_str(), refused[0].line), ("bad.yar", Some(2)));
    assert!(refused[1].reason.contains("include"), "{refused:?}");
    let found: Vec<String> = set
        .scan(b"")
        .matches
        .iter()
        .map(|m| m.rule.path.to_string())
        .collect();
    assert_eq!(found, ["one.yar", "two.yar"]);
}

#[test]
fn a_long_scan_stops_and_says_so() {
    let slow = "rule slow { condition: for all i in (0..1000000000) : (uint8(i % 16) != 300) }";
    let (mut set, refused) = YaraSet::compile(&[("slow.yar", slow)]);
    assert_eq!(refused, []);
    set.set_time_limit(Duration::from_millis(20));
    let scan = set.scan(&[7; 4096]);
    assert!(scan.timed_out);
}

#[test]
fn many_occurrences_are_cut_and_escaped() {
    let rule = "rule many { strings: $a = /A{1,200}\\n/ condition: $a }";
    let (set, _) = YaraSet::compile(&[("many.yar", rule)]);
    let line = [vec![b'A'; 200], b"\n".to_vec()].concat();
    let scan = set.scan(&line.repeat(50));
    let strings = &scan.matches[0].strings;
    assert_eq!(strings.len(), SHOWN_STRINGS);
    assert_eq!(strings[0].excerpt, format!("{}...", "A".repeat(EXCERPT_BYTES)));
}

#[test]
fn executable_modules_are_there_and_process_ones_are_not() {
    let (_, refused) = YaraSet::compile(&[
        (
            "pe.yar",
            "import \"pe\"\nrule a { condition: pe.number_of_sections > 3 }",
        ),
        (
            "hash.yar",
            "import \"hash\"\nrule a { condition: hash.md5(0, filesize) == \"\" }",
        ),
        (
            "console.yar",
            "import \"console\"\nrule a { condition: console.log(\"x\") }",
        ),
        ("cuckoo.yar", "import \"cuckoo\"\nrule a { condition: true }"),
    ]);
    let paths: Vec<&str> = refused.iter().map(|refused| refused.path.as_str()).collect();
    assert_eq!(paths, ["console.yar", "cuckoo.yar"]);
}

proptest! {
    #[test]
    fn no_rule_text_and_no_file_panics(text in "\\PC{0,120}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (set, _) = YaraSet::compile(&[("a.yar", COMPLETE), ("fuzz.yar", &text)]);
        let _ = set.scan(&bytes);
    }
}
