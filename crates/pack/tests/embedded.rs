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
