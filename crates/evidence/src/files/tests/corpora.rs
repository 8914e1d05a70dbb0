//! Real files, when they are there.

use super::*;

fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VIGIE_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if !folder.is_dir() {
        println!("skipped: no corpus {name}; set VIGIE_CORPORA");
        return None;
    }
    Some(folder)
}

#[test]
fn the_configuration_of_a_real_exchange_server_is_read_without_a_skip() {
    let Some(folder) = corpus("css-exchange-E16-iis-config") else {
        return;
    };
    let (mut files, mut native_modules, mut virtual_directories) = (0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        if !name.ends_with(".config") {
            assert!(recognise(name, &bytes).is_none(), "{name}");
            continue;
        }
        let (format, confidence) = recognise(name, &bytes).unwrap();
        assert_eq!(
            (format.name, confidence),
            ("iis_config", Confidence::Certain),
            "{name}"
        );
        let reading = read(name, &bytes);
        assert_eq!(reading.outcome.skipped, [], "{name}");
        files += 1;
        native_modules += column(&reading, "image").len();
        virtual_directories += column(&reading, "physicalPath").len();
        if name == "DefaultWebSite-OWA_web.config" {
            let hosts: Vec<_> = reading
                .outcome
                .hosts
                .iter()
                .map(|(name, _, _)| name.as_str())
                .collect();
            assert_eq!(hosts, ["SOLO-E16A"]);
        }
    }
    // Counted with grep: `<add name=... image=` and `<virtualDirectory path=`.
    assert_eq!((files, native_modules, virtual_directories), (24, 33, 34));
}
