//! What a reader of French sees of broken evidence, broken rules and broken lists: the real binary.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn vigie(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vigie"))
        .current_dir(folder)
        .args(arguments)
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env("LANG", "fr_FR.UTF-8")
        .env("COLUMNS", "160")
        .output()
        .unwrap()
}

/// What was printed, its lines put together again: they are wrapped where they are long.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let words: Vec<&str> = text.split([' ', '\n']).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn broken(folder: &Path) {
    let machine = folder.join("evidence/ACME/EX01");
    fs::create_dir_all(machine.join("W3SVC1")).unwrap();
    let head = "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time cs-method cs-uri-stem c-ip sc-status\n";
    // What a file is, its first 64 KiB say.
    let rows = "2021-03-02 00:00:01 GET /owa/ 198.51.100.7 200\n".repeat(2_000);
    let mut log = [head, &rows].concat().into_bytes();
    log.extend([0; 40]);
    log.extend(b"rubbish\n");
    log.extend(vec![b'x'; 2_000_000]);
    fs::write(machine.join("W3SVC1/u_ex210302.log"), log).unwrap();
    fs::write(machine.join("old.7z"), b"7z\xbc\xaf\x27\x1cand so on").unwrap();
    fs::write(machine.join("cut.zip"), b"PK\x03\x04 and no more").unwrap();
    fs::write(machine.join("short.evtx"), b"ElfFile\0").unwrap();
    fs::create_dir(folder.join("rules")).unwrap();
    let rule = "title: t\nlogsource: {category: webserver}\ndetection: {a: {b|nosuch: 1}, condition: a}\n";
    fs::write(folder.join("rules/bad.yml"), rule).unwrap();
    fs::write(
        folder.join("list.csv"),
        "type,value\nipv4,999.1.1.1\nipv4,203.0.113.9\n",
    )
    .unwrap();
    let known = "- {rule: nothing, reason: r, author: a, expires: 2020-01-01}\n- {rule: y}\n";
    fs::write(folder.join("known.yaml"), known).unwrap();
}

#[test]
fn broken_evidence_is_told_in_french_on_the_terminal_and_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    broken(folder.path());
    let asked = "hunt evidence --rules rules --indicators list.csv --suppress known.yaml --exclude product=nosuch --report r.html";
    let arguments: Vec<&str> = asked.split(' ').collect();
    let output = vigie(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "rapport\u{a0}: r.html");
    let table = text(&output.stdout);
    let page = fs::read_to_string(folder.path().join("r.html")).unwrap();
    let said = [
        "remplissage d’octets nuls",
        "ligne de plus de 1\u{202f}048\u{202f}576 octets",
        "ligne qui n’est ni une donnée, ni un en-tête, ni une directive",
        "non lu, archive 7-Zip\u{a0}: à décompresser, puis donnez le dossier",
        "l’archive est endommagée ou tronquée (elle n’a pas de répertoire central)",
        "règle refusée\u{a0}: rules/bad.yml:3\u{a0}: «\u{a0}unknown modifier nosuch\u{a0}»",
        "exclusion expirée\u{a0}: known.yaml:1",
        "exclusion refusée\u{a0}: known.yaml:2\u{a0}: expires manque\u{a0}: dites jusqu’à quand",
        "1 indicateur sert, 1 entrée est refusée",
        "aucune règle n’a l’identifiant, l’étiquette ou la source product=nosuch",
    ];
    for french in said {
        assert!(table.contains(french), "{french}: {table}");
        assert!(page.contains(french), "{french}");
    }
    for english in [
        "NUL padding",
        "longer than",
        "is not read",
        "rule refused",
        " line ",
        "expired",
        "are used",
    ] {
        assert!(!table.contains(english), "{english}: {table}");
    }

    let manifest = text(&vigie(folder.path(), &["manifest", "evidence"]).stdout);
    assert!(
        manifest.contains("laissé de côté\u{a0}: remplissage d’octets nuls"),
        "{manifest}"
    );
    assert!(manifest.contains(", d’abord\u{a0}: ligne "), "{manifest}");
    assert!(
        manifest.contains("avertissement\u{a0}: evidence/ACME/EX01/old.7z\u{a0}: non lu"),
        "{manifest}"
    );
}

#[test]
fn errors_are_told_in_french() {
    let folder = tempfile::tempdir().unwrap();
    broken(folder.path());
    let not_there = "ce fichier ou ce dossier n’existe pas (erreur système 2)";
    for (command, french) in [
        (
            "hunt nowhere",
            format!(
                "impossible d’ouvrir nowhere\u{202f}; vérifiez le chemin et ses droits\u{a0}: {not_there}"
            ),
        ),
        (
            "hunt evidence --output evidence/x",
            "evidence/x se trouve dans les preuves, où rien n’est jamais écrit".to_owned(),
        ),
        (
            "hunt evidence --output no/x",
            "impossible d’écrire no/x\u{a0}: il n’y a pas de dossier no".to_owned(),
        ),
        (
            "hunt evidence --no-pack --rules rules",
            "aucune règle n’a pu être chargée".to_owned(),
        ),
        (
            "pack show nosuch",
            "il n’y a pas de pack nommé «\u{a0}nosuch\u{a0}»".to_owned(),
        ),
        (
            "indicators check nowhere.csv",
            format!("impossible de lire nowhere.csv\u{a0}: {not_there}"),
        ),
        (
            "exposure assess --inventory nowhere.csv --pack hafnium-2021",
            "impossible de lire nowhere.csv".to_owned(),
        ),
        (
            "exposure probe --scope nowhere",
            "impossible de lire le périmètre nowhere".to_owned(),
        ),
        (
            "simulate --out s --days 1",
            "le nombre de jours doit être entre 7 et 3650".to_owned(),
        ),
        (
            "backup --data nowhere out",
            "il n’y a pas de serveur Vigie dans nowhere".to_owned(),
        ),
        (
            "restore nowhere --data d",
            format!("nowhere/backup.json\u{a0}: {not_there}"),
        ),
        (
            "audit verify list.csv",
            "ligne 1\u{a0}: ce n’est pas une ligne d’un export d’audit".to_owned(),
        ),
        ("push nowhere --tenant t", "impossible de lire nowhere".to_owned()),
        ("tenant list", "quel serveur\u{202f}?".to_owned()),
    ] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let output = vigie(folder.path(), &arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(
            said.starts_with("vigie\u{a0}: ") && said.contains(&french),
            "{command}: {said}"
        );
        for english in ["cannot", "there is", "No such file", " is "] {
            assert!(!said.contains(english), "{command}: {said}");
        }
    }
}
