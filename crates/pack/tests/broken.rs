//! What is wrong with a pack is said, with its place, and all of it.

#![allow(clippy::unwrap_used)] // helpers of tests
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vigie_pack::{Pack, PackError, check};

const RULE_ID: &str = "0c1f6a52-6d0e-4a55-9d8e-3f9f0f1f2a01";

const MANIFEST: &str = r#"
name: demo
version: 1.0.0
title: { en: "Demo", fr: "Démo" }
summary: { en: "A threat", fr: "Une menace" }
references: ["https://example.org/"]
window: { from: 2021-01-03T00:00:00Z, to: null }
stages:
  - { id: ssrf, title: { en: "Forged request", fr: "Requête forgée" } }
  - { id: web_shell, title: { en: "Web shell", fr: "Web shell" } }
log_sources:
  - { source: iis, title: { en: "IIS", fr: "IIS" }, required: true, silence_hours: 6, stages: [ssrf] }
  - { source: windows_event/Security, title: { en: "Security", fr: "Sécurité" }, stages: [web_shell] }
sigma_tactics: { initial_access: ssrf }
"#;

const RULE: &str = r#"
title: A request for one page
id: 0c1f6a52-6d0e-4a55-9d8e-3f9f0f1f2a01
status: stable
description: A page of the tests.
author: Vigie
date: 2026-11-24
tags: [attack.initial-access]
logsource: { product: windows, service: iis }
detection:
  selection: { cs-uri-stem: /demo.aspx }
  condition: selection
level: high
vigie:
  stage: ssrf
  outcome: attempt
  confidence: weak
  statement: { en: "{c-ip} asked for a page.", fr: "{c-ip} a demandé une page." }
"#;

const FIXTURES: &str = r#"
- rule: 0c1f6a52-6d0e-4a55-9d8e-3f9f0f1f2a01
  match: [{ cs-uri-stem: /demo.aspx }]
  no_match: [{ cs-uri-stem: /other.aspx }]
"#;

const YARA: &str = r#"rule demo {
    meta:
        title = "Marker"
        severity = "high"
        stage = "web_shell"
        outcome = "success"
        confidence = "strong"
        attack = "T1505.003"
        statement_en = "A marker."
        statement_fr = "Un marqueur."
    strings:
        $a = "VIGIE-INERT-MARKER"
    condition:
        $a
}
"#;

const CVES: &str = r#"
- id: CVE-2021-26855
  title: { en: "Flaw", fr: "Faille" }
  allows: { en: "Entry", fr: "Entrée" }
  without_account: true
  exploited: mass
  fixed: [{ product: "2016", cumulative_update: CU19, build: 15.1.2176.9 }]
"#;

const RUNBOOK: &str = r#"
steps:
  - id: isolate
    title: { en: "Isolate", fr: "Isoler" }
    do: { en: "Close the port.", fr: "Fermer le port." }
    gate: { en: "It is closed.", fr: "Il est fermé." }
"#;

/// A sound pack in a folder of its own, to be broken.
struct Folder {
    _keep: TempDir,
    path: PathBuf,
}

impl Folder {
    fn sound() -> Folder {
        let keep = tempfile::tempdir().unwrap();
        let folder = Folder {
            path: keep.path().join("demo"),
            _keep: keep,
        };
        folder.write("pack.yaml", MANIFEST);
        folder.write("rules/ssrf/page.yml", RULE);
        folder.write("fixtures/ssrf.yaml", FIXTURES);
        folder.write("yara/demo.yar", YARA);
        folder.write("cves.yaml", CVES);
        folder.write("runbook.yaml", RUNBOOK);
        folder.write(
            "builds.csv",
            "product,name,cumulative_update,security_update,release_date,build,kb,note\n\
             2016,Exchange Server 2016 CU19 Mar21SU,CU19,Mar21SU,2021-03-02,15.1.2176.9,KB5000871,\n",
        );
        folder.write(
            "indicators.csv",
            "type,value,severity,confidence,outcome,stage,context,source\n\
             ip,203.0.113.7,,,,ssrf,a scanner,tests\n",
        );
        folder.write(
            "messages/en/attempted.md",
            "# About {server}\n\nFrom {from} to {to}.\n",
        );
        folder.write(
            "messages/fr/attempted.md",
            "# Au sujet de {server}\n\nDu {from} au {to}.\n",
        );
        folder
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces a text that must be there.
    fn change(&self, path: &str, from: &str, to: &str) -> &Folder {
        let text = fs::read_to_string(self.path.join(path)).unwrap();
        assert!(text.contains(from), "{path} has {from}");
        self.write(path, text.replacen(from, to, 1));
        self
    }

    /// Every problem loading or checking reports, one a line.
    fn problems(&self) -> String {
        let problems = match Pack::load_dir(&self.path) {
            Ok(pack) => check(&pack),
            Err(PackError::Invalid { problems, .. }) => problems,
            Err(error) => panic!("{error}"),
        };
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }
}

#[test]
fn a_sound_pack_has_no_problem() {
    assert_eq!(Folder::sound().problems(), "");
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let cases = [
        (
            "pack.yaml",
            "name: demo",
            "name: Demo",
            "pack.yaml: name \"Demo\": use lower-case letters",
        ),
        (
            "pack.yaml",
            "name: demo",
            "name: other",
            "name \"other\" is not the folder's name, \"demo\"",
        ),
        ("pack.yaml", "version: 1.0.0", "version: one", "version \"one\""),
        (
            "pack.yaml",
            "fr: \"Démo\"",
            "fr: \"\"",
            "title: the fr text is empty",
        ),
        (
            "pack.yaml",
            "version: 1.0.0",
            "version: 1.0.0\ncolour: red",
            "pack.yaml:4: unknown field `colour`",
        ),
        (
            "pack.yaml",
            "version: 1.0.0",
            "version: 1.0.0\nabout: [CVE-2021-99999]",
            "about: CVE-2021-99999 is not in cves.yaml",
        ),
        (
            "pack.yaml",
            "version: 1.0.0",
            "version: 1.0.0\npublished_curve: { title: { en: a, fr: b }, of: 10, points: [{ at: 2021-03-01, open: 10, \
             source: { en: x, fr: y }, url: \"https://e.org\" }, { at: 2021-02-01, open: 1, source: { en: \"x\", fr: y }, url: \"https://e.org\" }] }",
            "published_curve: 2021-02-01 does not come after the point before it",
        ),
        (
            "pack.yaml",
            "version: 1.0.0",
            "version: 1.0.0\npublished_curve: { title: { en: a, fr: b }, of: 10, points: [{ at: 2021-03-01, open: 10, \
             source: { en: x, fr: y }, url: \"https://e.org\" }, { at: 2021-03-02, open: 11, source: { en: \"x\", fr: y }, url: \"https://e.org\" }] }",
            "published_curve: 2021-03-02: 11 are open of 10",
        ),
        (
            "pack.yaml",
            "version: 1.0.0",
            "version: 1.0.0\npublished_curve: { title: { en: a, fr: b }, of: 10, points: [{ at: 2021-03-01, open: 10, \
             source: { en: x, fr: y }, url: \"https://e.org\" }, { at: 2021-03-02, open: 1, source: { en: \"\", fr: y }, url: \"https://e.org\" }] }",
            "published_curve: 2021-03-02: name who published it, and its page",
        ),
        (
            "pack.yaml",
            "version: 1.0.0",
            "version: 1.0.0\npublished_curve: { title: { en: a, fr: b }, of: 10, points: [{ at: 2021-03-01, open: 10, \
             source: { en: x, fr: y }, url: \"https://e.org\" }, { at: soon, open: 1, source: { en: \"x\", fr: y }, url: \"https://e.org\" }] }",
            "published_curve: \"soon\" is not a time",
        ),
        (
            "pack.yaml",
            "2021-01-03T00:00:00Z",
            "yesterday",
            "window.from: \"yesterday\" is not a time",
        ),
        (
            "pack.yaml",
            "to: null",
            "to: 2020-01-01",
            "window.to is not after window.from",
        ),
        (
            "pack.yaml",
            "id: web_shell",
            "id: ssrf",
            "stage ssrf is there twice",
        ),
        (
            "pack.yaml",
            "source: iis",
            "source: iiz",
            "log source iiz: there is no source \"iiz\"",
        ),
        (
            "pack.yaml",
            "source: iis",
            "source: iis/W3SVC1",
            "iis has no part \"W3SVC1\"",
        ),
        (
            "pack.yaml",
            "windows_event/Security",
            "windows_event",
            "name the channel or table: windows_event/...",
        ),
        (
            "pack.yaml",
            "stages: [ssrf]",
            "stages: [ssfr]",
            "the pack has no stage \"ssfr\"",
        ),
        (
            "pack.yaml",
            "silence_hours: 6",
            "silence_hours: -6",
            "silence_hours -6 is not between 0 and a year",
        ),
        (
            "pack.yaml",
            "required: true",
            "required: false",
            "no log source is required",
        ),
        (
            "pack.yaml",
            "silence_hours: 6",
            "one_of: front_end",
            "one_of front_end has a single source",
        ),
        (
            "pack.yaml",
            "initial_access: ssrf",
            "initial_access: x",
            "sigma_tactics initial_access: the pack has no stage",
        ),
        (
            "pack.yaml",
            "https://example.org/",
            "example.org",
            "does not start with https://",
        ),
        (
            "cves.yaml",
            "CVE-2021-26855",
            "CVE-21-1",
            "is not an identifier such as CVE-2021-26855",
        ),
        (
            "cves.yaml",
            "15.1.2176.9",
            "15.1.2176.8",
            "build 15.1.2176.8 of 2016 is not in builds.csv",
        ),
        (
            "cves.yaml",
            "15.1.2176.9",
            "fifteen",
            "\"fifteen\" is not a build number",
        ),
        (
            "cves.yaml",
            "exploited: mass",
            "exploited: much",
            "unknown variant `much`",
        ),
        (
            "builds.csv",
            "15.1.2176.9",
            "15.1",
            "builds.csv:2: \"15.1\" is not a build number",
        ),
        (
            "indicators.csv",
            "ip,203",
            "ipp,203",
            "indicators.csv:2: unknown indicator type \"ipp\"",
        ),
        (
            "indicators.csv",
            "203.0.113.7",
            "127.0.0.1",
            "indicators.csv:2: ip 127.0.0.1: loopback",
        ),
        (
            "indicators.csv",
            "7,,,",
            "7,,strong,",
            "indicators.csv:2: ip 203.0.113.7: an address or a user agent",
        ),
        (
            "indicators.csv",
            "ssrf",
            "x",
            "indicators.csv:2: ip 203.0.113.7: the pack has no stage \"x\"",
        ),
        (
            "rules/ssrf/page.yml",
            "stage: ssrf",
            "stage: x",
            "rules/ssrf/page.yml: vigie.stage: the pack has no stage \"x\"",
        ),
        (
            "rules/ssrf/page.yml",
            "outcome: attempt",
            "outcome: maybe",
            "vigie.outcome \"maybe\": use one of scan, attempt",
        ),
        (
            "rules/ssrf/page.yml",
            "confidence: weak",
            "confidence: high",
            "vigie.confidence \"high\"",
        ),
        (
            "rules/ssrf/page.yml",
            "fr: \"{c-ip} a demandé une page.\"",
            "fr: \"\"",
            "vigie.statement: the fr text is empty",
        ),
        (
            "rules/ssrf/page.yml",
            "\"{c-ip} a demandé",
            "\"Une adresse a demandé",
            "vigie.statement: only one language fills in {c-ip}",
        ),
        (
            "rules/ssrf/page.yml",
            "\"{c-ip} a demandé",
            "\"{c-ip a demandé",
            "vigie.statement: a brace is opened and not closed",
        ),
        (
            "rules/ssrf/page.yml",
            "confidence:",
            "confidense:",
            "unknown field `confidense`",
        ),
        (
            "rules/ssrf/page.yml",
            "vigie:",
            "vigie_:",
            "the rule has no vigie mapping",
        ),
        (
            "fixtures/ssrf.yaml",
            RULE_ID,
            "other",
            "fixtures/ssrf.yaml: the pack has no rule other",
        ),
        (
            "fixtures/ssrf.yaml",
            "{ cs-uri-stem: /demo.aspx }",
            "",
            "no fixture has an event that rule",
        ),
        (
            "fixtures/ssrf.yaml",
            "{ cs-uri-stem: /other.aspx }",
            "{}",
            "an event without fields proves nothing",
        ),
        (
            "fixtures/ssrf.yaml",
            "/demo.aspx",
            "/quite.aspx",
            "match event 1: the rule does not match it and must",
        ),
        (
            "fixtures/ssrf.yaml",
            "/other.aspx",
            "/demo.aspx",
            "no_match event 1: the rule matches it and must not",
        ),
        (
            "rules/ssrf/page.yml",
            "condition: selection",
            "condition: (selection and",
            "rules/ssrf/page.yml",
        ),
        (
            "yara/demo.yar",
            "\"VIGIE-INERT-MARKER\"",
            "\"",
            "yara/demo.yar:12:",
        ),
        (
            "yara/demo.yar",
            "title =",
            "titel =",
            "rule demo: meta lacks a known title",
        ),
        (
            "yara/demo.yar",
            "stage = \"web_shell\"",
            "stage = \"x\"",
            "rule demo: the pack has no stage \"x\"",
        ),
        (
            "runbook.yaml",
            "fr: \"Isoler\"",
            "fr: \" \"",
            "step isolate title: the fr text is empty",
        ),
        (
            "messages/en/attempted.md",
            "# About {server}",
            "About",
            "messages/en/attempted.md:1: the first line is the subject",
        ),
        (
            "messages/fr/attempted.md",
            "{to}",
            "{client}",
            "messages/fr/attempted.md:3: unknown placeholder {client}",
        ),
        (
            "messages/fr/attempted.md",
            "{to}",
            "{to",
            "messages/fr/attempted.md:3: a brace is opened and not closed",
        ),
    ];
    for (file, from, to, expected) in cases {
        let folder = Folder::sound();
        let said = folder.change(file, from, to).problems();
        assert!(
            said.contains(expected),
            "{file}: {from} -> {to}\nexpected: {expected}\nsaid: {said}"
        );
    }
}

#[test]
fn problems_of_all_files_are_reported_at_once() {
    let folder = Folder::sound();
    folder.change("pack.yaml", "version: 1.0.0", "versoin: 1.0.0");
    folder.change("runbook.yaml", "gate:", "gait:");
    folder.change("builds.csv", "15.1.2176.9", "x");
    folder.write("fixtures/bad.yaml", "- rule: [");
    let said = folder.problems();
    for file in ["pack.yaml:", "runbook.yaml:", "builds.csv:", "fixtures/bad.yaml:"] {
        assert!(
            said.lines().any(|line| line.starts_with(file)),
            "{file} in\n{said}"
        );
    }
}

#[test]
fn a_missing_translation_and_a_stray_file_are_found() {
    let folder = Folder::sound();
    folder.write("messages/en/unknown.md", "# Subject\n\nText.\n");
    folder.write("messages/de/attempted.md", "# Betreff\n\nText.\n");
    folder.write("rules/notes.txt", "notes");
    folder.write("README.md", "about this pack");
    let said = folder.problems();
    assert!(said.contains("messages/fr/unknown.md: missing"), "{said}");
    assert!(said.contains("messages/de: not a language"), "{said}");
    assert!(
        said.contains("rules/notes.txt: belongs to no part of a pack"),
        "{said}"
    );
    assert!(!said.contains("README"), "{said}");
}

#[test]
fn a_rule_twice_is_found_whatever_the_case_of_its_identifier() {
    let folder = Folder::sound();
    folder.write("rules/copy.yml", RULE.replace(RULE_ID, &RULE_ID.to_uppercase()));
    assert!(folder.problems().contains("is also in"), "{}", folder.problems());
}

#[test]
fn a_folder_without_pack_yaml_or_without_folder_is_an_error() {
    let folder = Folder::sound();
    fs::remove_file(folder.path.join("pack.yaml")).unwrap();
    assert!(folder.problems().contains("pack.yaml: missing"));
    let error = Pack::load_dir(&folder.path.join("nowhere")).unwrap_err();
    assert!(matches!(error, PackError::Io { .. }));
    assert!(error.to_string().contains("nowhere"));
}

#[test]
fn foreign_bytes_and_large_files_are_refused() {
    let folder = Folder::sound();
    folder.write("messages/en/attempted.md", b"# \xff\xfe\n");
    folder.write("rules/large.yml", vec![b'#'; (4 << 20) + 1]);
    let said = folder.problems();
    assert!(
        said.contains("messages/en/attempted.md: not UTF-8 text"),
        "{said}"
    );
    assert!(said.contains("rules/large.yml: larger than 4 MiB"), "{said}");
}

#[test]
fn a_document_that_refers_to_itself_without_end_is_refused() {
    let folder = Folder::sound();
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (name, of) in "bcdefghij".chars().zip("abcdefghi".chars()) {
        bomb.push_str(&format!(
            "{name}: &{name} [{}]\n",
            vec![format!("*{of}"); 9].join(", ")
        ));
    }
    folder.write("cves.yaml", format!("{bomb}steps: *j\n"));
    folder.write("runbook.yaml", "[".repeat(100_000));
    let said = folder.problems();
    assert!(
        said.contains("cves.yaml:") && said.contains("runbook.yaml:"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_not_followed() {
    let folder = Folder::sound();
    let secret = folder.path.parent().unwrap().join("secret.yml");
    fs::write(&secret, "title: secret").unwrap();
    std::os::unix::fs::symlink(&secret, folder.path.join("rules/link.yml")).unwrap();
    std::os::unix::fs::symlink(Path::new("/etc"), folder.path.join("yara/etc")).unwrap();
    let said = folder.problems();
    assert!(said.contains("rules/link.yml: a link"), "{said}");
    assert!(said.contains("yara/etc: a link"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn folders_nested_without_end_are_refused() {
    let folder = Folder::sound();
    folder.write(&format!("rules/{}/x.yml", ["a"; 12].join("/")), RULE);
    assert!(
        folder.problems().contains("nested deeper than 8"),
        "{}",
        folder.problems()
    );
}
