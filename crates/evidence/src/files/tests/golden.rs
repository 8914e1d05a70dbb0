//! One golden file beside each sample: what it is recognised as, and everything read from it.

use super::*;

#[test]
fn every_sample_reads_as_its_golden_file_says() {
    let mut covered = std::collections::BTreeSet::new();
    let mut folders: Vec<_> = std::fs::read_dir(samples())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for folder in folders {
        let expected = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|file| file.extension().is_none_or(|extension| extension != "snap"))
            .collect();
        files.sort();
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap();
            let bytes = std::fs::read(&file).unwrap();
            let (format, confidence) =
                recognise(name, &bytes).unwrap_or_else(|| panic!("{name} is not recognised"));
            assert_eq!(format.name, expected, "{name}");
            covered.insert(format.name);
            let text = format!(
                "{} ({confidence:?})\n{}",
                format.name,
                render(&read(name, &bytes))
            );
            insta::with_settings!({
                snapshot_path => &folder,
                prepend_module_to_snapshot => false,
                omit_expression => true,
            }, {
                insta::assert_snapshot!(name.replace('.', "_"), text);
            });
        }
    }
    let missing: Vec<_> = FORMATS
        .iter()
        .map(|format| format.name)
        .filter(|name| !covered.contains(name))
        .collect();
    assert!(missing.is_empty(), "no sample for {missing:?}");
}

#[test]
fn every_sample_reads_the_same_as_utf16() {
    for folder in std::fs::read_dir(samples()).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "snap") {
                continue;
            }
            let name = file.file_name().unwrap().to_str().unwrap();
            let bytes = std::fs::read(&file).unwrap();
            let Ok(text) = String::from_utf8(bytes.clone()) else {
                continue;
            };
            let values = |reading: &Reading| -> Vec<Vec<String>> {
                let rows = reading
                    .batches
                    .iter()
                    .flat_map(|batch| (0..batch.rows()).map(|row| batch.row(row)));
                rows.map(|row| {
                    row.fields()
                        .filter(|(name, _)| *name != "FileSize")
                        .map(|(name, value)| format!("{} {name}={value}", row.record()))
                        .collect()
                })
                .collect()
            };
            let wide = utf16(text.trim_start_matches('\u{feff}'));
            assert_eq!(values(&read(name, &bytes)), values(&read(name, &wide)), "{name}");
        }
    }
}
