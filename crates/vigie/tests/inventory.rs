//! What files say of servers, before anything is made of it: the real binary, run as a person runs it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../exposure/tests/samples");

fn vigie(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vigie"))
        .arg("exposure")
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

/// An office's table, a list of all machines, two scans.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let office = "Société;Serveur;FQDN;Adresse IP;Build;Source;Date du relevé;Qui\n\
                  Hôtel Été;EX01;mail.hotel.example;203.0.113.5;15.1.2176.2;exsetup;03/03/2021;Bob\n\
                  Hôtel Été;EX09;;203.0.113.6;15.1.2176.x;exsetup;03/03/2021;\n";
    fs::write(folder.path().join("parc.csv"), office).unwrap();
    for (from, to) in [
        ("glpi/computers_fr.csv", "glpi.csv"),
        ("nmap/outside.xml", "scan.xml"),
    ] {
        fs::copy(Path::new(SAMPLES).join(from), folder.path().join(to)).unwrap();
    }
    folder
}

#[test]
fn the_preview_says_how_files_were_understood_in_both_languages() {
    let world = world();
    let files = ["inventory", "parc.csv", "glpi.csv", "--outside-scan", "scan.xml"];
    let french = vigie(world.path(), &[&files[..], &["--lang", "fr"]].concat());
    assert!(french.status.success(), "{}", text(&french.stderr));
    let page = text(&french.stdout);
    for words in [
        "parc.csv\u{a0}: tableau (CSV), `;`, UTF-8\u{a0}: 2 lignes",
        "Qui             non comprise      \"Bob\"",
        "! ligne 3, colonne Build\u{a0}: \"15.1.2176.x\" n’est pas un build",
        "glpi.csv",
        "GLPI, liste des ordinateurs",
        "balayage nmap (XML), nmap 7.91",
        "publié\u{a0}: oui",
        "vus de l’extérieur, inconnus des inventaires",
        "même adresse (scan.xml, 203.0.113.6)",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains(" line ") && !page.contains("column"), "{page}");
    let english = text(&vigie(world.path(), &[&files[..], &["--lang", "en"]].concat()).stdout);
    assert!(
        english.contains("! line 3, column Build: ") && english.contains("same address"),
        "{english}"
    );
}

#[test]
fn the_preview_for_programs_has_files_servers_merges_and_decisions() {
    let world = world();
    let decisions = "- apart: [EX01, EX01.hotel.local]\n  tenant: Hôtel Été\n  who: N. Martin\n  when: 2021-03-08\n  why: another machine answers there\n";
    fs::write(world.path().join("decisions.yaml"), decisions).unwrap();
    let preview = json(&vigie(
        world.path(),
        &[
            "inventory",
            "parc.csv",
            "glpi.csv",
            "--outside-scan",
            "scan.xml",
            "--format",
            "json",
            "--rows",
            "1",
        ],
    ));
    let file = &preview["files"][0];
    assert_eq!((&file["format"], &file["rows"]), (&"csv".into(), &2.into()));
    assert_eq!(file["tables"][0]["columns"][7]["meaning"], Value::Null);
    assert_eq!(file["first_rows"][0]["facts"][0]["kind"], "build");
    assert_eq!(file["problems"][0]["place"]["fr"], "ligne 3, colonne Build");
    let merges = preview["merges"].as_array().unwrap();
    assert!(
        merges
            .iter()
            .any(|merge| merge["rule"] == "address" && merge["joined"] == "203.0.113.6"),
        "{merges:#?}"
    );
    let observed = |preview: &Value| {
        let servers = preview["servers"].as_array().unwrap();
        servers
            .iter()
            .map(|server| server["observations"].as_u64().unwrap())
            .sum::<u64>()
    };
    let read: u64 = preview["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["observations"].as_u64().unwrap())
        .sum();
    assert_eq!(observed(&preview), read);
    // Undone by a decision: nothing is lost, and what was done is counted.
    let undone = json(&vigie(
        world.path(),
        &[
            "inventory",
            "parc.csv",
            "glpi.csv",
            "--outside-scan",
            "scan.xml",
            "--format",
            "json",
            "--decisions",
            "decisions.yaml",
        ],
    ));
    assert_eq!(observed(&undone), read);
    assert_eq!(
        (
            &undone["decisions"][0]["kind"],
            &undone["decisions"][0]["unmatched"]
        ),
        (&"apart".into(), &serde_json::json!([]))
    );
}

#[test]
fn a_mapping_is_saved_completed_and_used() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("kisten.csv"),
        "Kiste;Stand\nEX01;15.1.2176.2\n",
    )
    .unwrap();
    let refused = vigie(folder.path(), &["inventory", "kisten.csv", "--lang", "fr"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stdout).contains("aucune colonne ne nomme de serveurs"),
        "{}",
        text(&refused.stdout)
    );
    let saved = vigie(
        folder.path(),
        &["inventory", "kisten.csv", "--save-mapping", "m.yaml"],
    );
    assert!(saved.status.success(), "{}", text(&saved.stderr));
    let again = vigie(
        folder.path(),
        &["inventory", "kisten.csv", "--save-mapping", "m.yaml"],
    );
    assert_eq!(again.status.code(), Some(1));
    let mapping = fs::read_to_string(folder.path().join("m.yaml")).unwrap();
    let completed = mapping
        .replace("Kiste: '?'", "Kiste: server")
        .replace("Stand: '?'", "Stand: build");
    fs::write(
        folder.path().join("m.yaml"),
        format!("{completed}  values: {{build_source: exsetup}}\n"),
    )
    .unwrap();
    let assessed = vigie(
        folder.path(),
        &[
            "assess",
            "--inventory",
            "kisten.csv",
            "--mapping",
            "m.yaml",
            "--pack",
            "hafnium-2021",
            "--as-of",
            "2021-03-08",
            "--format",
            "json",
        ],
    );
    let result = json(&assessed);
    assert_eq!(
        (&result["servers"][0]["server"], &result["servers"][0]["status"]),
        (&"EX01".into(), &"vulnerable".into())
    );
    // One that is wrong says where, in the language asked for; one that fits nothing is said too.
    fs::write(
        folder.path().join("wrong.yaml"),
        "tables:\n- columns:\n    Kiste: box\n",
    )
    .unwrap();
    let wrong = vigie(
        folder.path(),
        &[
            "inventory",
            "kisten.csv",
            "--mapping",
            "wrong.yaml",
            "--lang",
            "fr",
        ],
    );
    assert_eq!(wrong.status.code(), Some(1));
    let said = text(&wrong.stderr);
    assert!(
        said.contains("wrong.yaml:3") && said.contains("n’est pas une colonne"),
        "{said}"
    );
    fs::write(
        folder.path().join("stale.yaml"),
        "tables:\n- columns: {Caisse: server}\nsources:\n- {file: none.xml, tenant: A}\n",
    )
    .unwrap();
    let stale = json(&vigie(
        folder.path(),
        &[
            "inventory",
            "kisten.csv",
            "--mapping",
            "m.yaml",
            "--mapping",
            "stale.yaml",
            "--format",
            "json",
        ],
    ));
    let warnings = stale["warnings"].to_string();
    assert!(
        warnings.contains("stale.yaml:2: no table has")
            && warnings.contains("stale.yaml:4: no file is called none.xml"),
        "{warnings}"
    );
}

#[test]
fn a_scan_says_what_is_published_only_when_it_is_from_outside() {
    let world = world();
    let published = |option: &str| {
        let output = vigie(
            world.path(),
            &[
                "assess",
                "--inventory",
                "parc.csv",
                option,
                "scan.xml",
                "--pack",
                "hafnium-2021",
                "--as-of",
                "2021-03-09",
                "--format",
                "json",
            ],
        );
        let result = json(&output);
        let servers = result["servers"].as_array().unwrap().clone();
        let of = |name: &str| {
            let server = servers.iter().find(|server| server["server"] == name).unwrap();
            server["published"].as_str().unwrap().to_owned()
        };
        (
            of("EX01"),
            of("EX09"),
            result["unknown"].as_array().unwrap().len(),
            text(&output.stderr),
        )
    };
    let (ex01, ex09, outside, _) = published("--outside-scan");
    assert_eq!((ex01.as_str(), ex09.as_str(), outside), ("yes", "no", 2));
    let (ex01, ex09, _, said) = published("--inventory");
    assert_eq!((ex01.as_str(), ex09.as_str()), ("unknown", "unknown"));
    assert!(
        said.contains("give a scan from the Internet with --outside-scan"),
        "{said}"
    );
}

/// A port that a scan finds closed today says nothing of the days before.
#[test]
fn a_closed_port_does_not_rewrite_the_past() {
    let world = world();
    fs::write(
        world.path().join("one.csv"),
        "server;address;build;build_source;observed_at\nEX09;203.0.113.6;15.1.2176.2;exsetup;2021-03-08\n",
    )
    .unwrap();
    let result = json(&vigie(
        world.path(),
        &[
            "assess",
            "--inventory",
            "one.csv",
            "--outside-scan",
            "scan.xml",
            "--pack",
            "hafnium-2021",
            "--as-of",
            "2021-03-09",
            "--format",
            "json",
            "--quiet",
        ],
    ));
    let server = &result["servers"][0];
    assert_eq!(server["published"], "no");
    assert_eq!(server["window"]["from"], "2021-01-03T00:00:00Z");
    assert_eq!(server["window"]["to"], "2021-03-08T10:41:11Z");
}

#[test]
fn a_file_that_cannot_be_read_is_said_and_the_others_are_shown() {
    let world = world();
    fs::write(
        world.path().join("bomb.xml"),
        "<!DOCTYPE x [<!ENTITY a \"b\">]><Objs>&a;</Objs>",
    )
    .unwrap();
    let output = vigie(
        world.path(),
        &["inventory", "bomb.xml", "parc.csv", "--lang", "fr"],
    );
    assert_eq!(output.status.code(), Some(1));
    let page = text(&output.stdout);
    assert!(
        page.contains("bomb.xml\u{a0}: il ne peut pas être lu comme HealthChecker") && page.contains("EX01"),
        "{page}"
    );
    let assessed = vigie(
        world.path(),
        &[
            "assess",
            "--inventory",
            "bomb.xml",
            "--pack",
            "hafnium-2021",
            "--lang",
            "fr",
        ],
    );
    assert!(
        text(&assessed.stderr).contains("impossible d’utiliser bomb.xml\u{a0}: il ne peut pas"),
        "{}",
        text(&assessed.stderr)
    );
    let own = vigie(world.path(), &["inventory", "parc.csv", "--output", "parc.csv"]);
    assert_eq!(own.status.code(), Some(1), "an input is never written over");
    assert!(
        fs::read_to_string(world.path().join("parc.csv"))
            .unwrap()
            .contains("EX01")
    );
}
