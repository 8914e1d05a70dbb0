//! One golden file beside each sample: what it is recognised as, and everything read from it.

use vigie_event::ALL_SOURCES;

use super::*;

#[test]
fn every_sample_reads_as_its_golden_file_says() {
    let mut sources = std::collections::BTreeSet::new();
    let mut folders: Vec<_> = std::fs::read_dir(samples())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    for folder in folders {
        let format_name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.retain(|file| file.extension().is_none_or(|extension| extension != "snap"));
        files.sort();
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap();
            let bytes = std::fs::read(&file).unwrap();
            let (format, confidence) =
                recognise(name, &bytes).unwrap_or_else(|| panic!("{name} is not recognised"));
            assert_eq!(format.source.id(), format_name, "{name}");
            sources.insert(format.source);
            let reading = read(format.source, name, &bytes, &Limits::default());
            let text = format!("{} ({confidence:?})\n{}", format.name, render(&reading));
            insta::with_settings!({
                snapshot_path => &folder,
                prepend_module_to_snapshot => false,
                omit_expression => true,
            }, {
                insta::assert_snapshot!(name.replace('.', "_"), text);
            });
        }
    }
    let text_sources = ALL_SOURCES.into_iter().take(13);
    let missing: Vec<_> = text_sources.filter(|source| !sources.contains(source)).collect();
    assert!(missing.is_empty(), "no sample for {missing:?}");
}
