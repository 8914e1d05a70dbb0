//! Files of other formats and other programs are left alone, and the room's own are not taken by others.

use super::*;

#[test]
fn no_other_format_claims_a_sample_as_surely() {
    for folder in std::fs::read_dir(samples()).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "snap") {
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let head = Head {
                bytes: &bytes,
                name,
                path: name,
            };
            let (mine, sure) = recognise(name, &bytes).unwrap();
            for other in crate::text::FORMATS.iter().chain(crate::windows::FORMATS) {
                let claim = (other.recognise)(&head);
                assert!(
                    claim < Some(sure),
                    "{name}: {} or {}, {claim:?}",
                    mine.name,
                    other.name
                );
            }
        }
    }
}

#[test]
fn samples_of_other_formats_are_not_claimed() {
    for room in ["text", "windows"] {
        let mut folders = vec![samples().parent().unwrap().join(room)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                if path.extension().is_some_and(|extension| extension == "snap") {
                    continue;
                }
                let name = path.file_name().unwrap().to_str().unwrap();
                let bytes = std::fs::read(&path).unwrap();
                let claim = recognise(name, &bytes);
                assert!(claim.is_none(), "{name}: {}", claim.unwrap().0.name);
            }
        }
    }
}

#[test]
fn ordinary_files_are_left_to_the_inventory() {
    for (name, text) in [
        ("x.aspx", "<%@ Page %><html></html>"),
        ("app.exe.config", "<configuration><runtime/></configuration>"),
        ("data.xml", "<Objs Version='1.1.0.1'><S>text</S></Objs>"),
        ("list.csv", "Name,Path,Type\na,b,c"),
        ("any.csv", "a|b|c|d|e|f|g|h|i|j|k"),
        ("any.json", r#"{"Path":"x","Size":1}"#),
        ("EX01-Cve-2021-27065.log", "nothing like a path"),
        ("EX01-other.csv", "a,b\n1,2"),
        (
            "notes.txt",
            "We ran EOMT and the Exchange Health Checker yesterday.",
        ),
        ("empty", ""),
    ] {
        let claim = recognise(name, text.as_bytes());
        assert!(claim.is_none(), "{name}: {}", claim.unwrap().0.name);
    }
}

#[test]
fn the_documentation_names_every_format() {
    let page = include_str!("../../../../../docs/files.md");
    for format in FORMATS {
        assert!(page.contains(&format!("`{}`", format.name)), "{}", format.name);
    }
}
