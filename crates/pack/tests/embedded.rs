//! The packs of this repository, as the program carries them.

use std::collections::BTreeSet;
use std::path::Path;

use vigie_pack::{Pack, PackError, check, embedded_names};

#[test]
fn every_embedded_pack_loads_and_is_sound() {
    let names = embedded_names();
    assert!(names.contains(&"hafnium-2021".to_owned()), "{names:?}");
    for name in names {
        let pack = Pack::load_embedded(&name).unwrap();
        let problems: Vec<String> = check(&pack).iter().map(ToString::to_string).collect();
        assert_eq!(problems, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_folder_and_the_embedded_pack_are_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/hafnium-2021");
    let from_folder = Pack::load_dir(&folder).unwrap();
    let embedded = Pack::load_embedded("hafnium-2021").unwrap();
    assert_eq!(format!("{from_folder:?}"), format!("{embedded:?}"));
}

#[test]
fn an_unknown_name_says_which_there_are() {
    let error = Pack::load_embedded("hafnium-1848").unwrap_err();
    assert!(matches!(error, PackError::Unknown { .. }));
    assert!(error.to_string().contains("hafnium-2021"), "{error}");
}

#[test]
fn hafnium_2021_has_its_window_its_chain_and_its_fixes() {
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    assert_eq!(vigie_event::format_utc(pack.window.from), "2021-01-03T00:00:00Z");
    assert_eq!(pack.window.to, None);
    assert!(pack.stage_index("ssrf") < pack.stage_index("web_shell"));
    assert_eq!(pack.stage_of_tactic("attack.initial-access"), Some("ssrf"));
    let front_end: BTreeSet<&str> = pack
        .log_sources
        .iter()
        .filter(|source| source.one_of.as_deref() == Some("front_end"))
        .map(|source| source.source.as_str())
        .collect();
    assert_eq!(front_end, BTreeSet::from(["httpproxy", "iis"]));
    let fixed = pack
        .product
        .builds
        .iter()
        .find(|build| {
            build.product == "2016"
                && build.security_update.as_deref() == Some("Mar21SU")
                && build.cumulative_update == "CU19"
        })
        .unwrap();
    assert_eq!(fixed.build.to_string(), "15.1.2176.9");
    assert!(pack.indicators.len() > 400);
}

/// What every pack together must know.
const VULNERABILITIES: [&str; 36] = [
    "CVE-2018-8581",
    "CVE-2020-0688",
    "CVE-2020-1472",
    "CVE-2020-16875",
    "CVE-2020-17144",
    "CVE-2021-26412",
    "CVE-2021-26854",
    "CVE-2021-26855",
    "CVE-2021-26857",
    "CVE-2021-26858",
    "CVE-2021-27065",
    "CVE-2021-27078",
    "CVE-2021-28480",
    "CVE-2021-31207",
    "CVE-2021-33766",
    "CVE-2021-34473",
    "CVE-2021-34523",
    "CVE-2021-42321",
    "CVE-2022-41040",
    "CVE-2022-41080",
    "CVE-2022-41082",
    "CVE-2023-21529",
    "CVE-2023-23397",
    "CVE-2024-21410",
    "CVE-2024-49040",
    "CVE-2025-53770",
    "CVE-2025-53771",
    "CVE-2025-53786",
    "CVE-2026-42897",
    "CVE-2026-45583",
    "CVE-2026-45659",
    "CVE-2026-62913",
    "CVE-2026-69355",
    "CVE-2026-69641",
    "CVE-2026-70571",
    "CVE-2026-96940",
];

#[test]
fn every_known_vulnerability_is_in_a_pack() {
    let packs: Vec<Pack> = embedded_names()
        .iter()
        .map(|name| Pack::load_embedded(name).unwrap())
        .collect();
    let known: BTreeSet<&str> = packs
        .iter()
        .flat_map(|pack| &pack.cves)
        .map(|cve| cve.id.as_str())
        .collect();
    let missing: Vec<&str> = VULNERABILITIES
        .into_iter()
        .filter(|id| !known.contains(id))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
