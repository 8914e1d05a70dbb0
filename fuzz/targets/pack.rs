//! Packs: one file of the built-in pack replaced. The first byte chooses the file.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use vigie_pack::Pack;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in vigie_fuzz::PACK_FILES {
        let to = folder.path().join("hafnium-2021").join(name);
        fs::create_dir_all(to.parent().expect("a folder above")).expect("a folder");
        fs::copy(vigie_fuzz::pack_file(name), to).expect("a copy");
    }
    folder
});

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("pack"), |data: &[u8]| {
    let Some((choice, content)) = data.split_first() else {
        return;
    };
    let name = vigie_fuzz::PACK_FILES[usize::from(*choice) % vigie_fuzz::PACK_FILES.len()];
    let folder = FOLDER.path().join("hafnium-2021");
    fs::write(folder.join(name), content).expect("the file is written");
    match Pack::load_dir(&folder) {
        Ok(pack) => {
            std::hint::black_box(vigie_pack::check(&pack));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    fs::copy(vigie_fuzz::pack_file(name), folder.join(name)).expect("the file is restored");
});
