//! Takes the built pages (`ui/dist`) into the program, when they are there: each file as it is, and packed where that is
//! smaller.

use std::io::Write;
use std::path::Path;
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    let missing = |name: &str| io::Error::other(format!("{name} is not set: this is run by cargo"));
    let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| missing("CARGO_MANIFEST_DIR"))?;
    let out = env::var_os("OUT_DIR").ok_or_else(|| missing("OUT_DIR"))?;
    let from = Path::new(&manifest).join("../../ui/dist");
    let to = Path::new(&out).join("ui");
    println!("cargo::rerun-if-changed={}", from.display());
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::create_dir_all(&to)?;
    match from.is_dir() {
        true => copy(&from, &to),
        false => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => {
                fs::create_dir_all(&target)?;
                copy(&entry.path(), &target)?;
            }
            false => {
                fs::copy(entry.path(), &target)?;
                pack(&target)?;
            }
        }
    }
    Ok(())
}

/// Puts `name.gz` beside a text that gains by it.
fn pack(file: &Path) -> io::Result<()> {
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
        return Ok(());
    };
    if ![".js", ".css", ".html", ".svg", ".json"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        return Ok(());
    }
    let whole = fs::read(file)?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&whole)?;
    let packed = packed.finish()?;
    match packed.len() < whole.len() {
        true => fs::write(file.with_file_name(format!("{name}.gz")), packed),
        false => Ok(()),
    }
}
