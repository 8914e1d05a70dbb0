//! What a hunt is given to know: packs and rules, found by name or folder.

use std::fs;
use std::io::{self, Read};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use vigie_detect::sigma::{MAX_RULE_FILE_BYTES, Placeholders, Refused, RuleSource};
use vigie_hunt::SuppressionFile;
use vigie_pack::{Pack, PackError};

/// Problems of a pack that are listed at once.
const SHOWN_PROBLEMS: usize = 20;
/// Bytes of one list of suppressions.
const SUPPRESSION_BYTES: u64 = 4 << 20;
/// Files of rules one thread opens at least.
const FILES_PER_THREAD: usize = 64;
/// How deep folders of rules may be nested.
const DEEPEST: usize = 32;

/// The values a file gives to placeholders; none without a file.
pub(crate) fn read_placeholders(path: Option<&Path>) -> Result<Placeholders> {
    let Some(path) = path else {
        return Ok(Placeholders::default());
    };
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Placeholders::from_yaml(&text)
        .map_err(|why| anyhow::anyhow!("{} gives no placeholders: {why}", path.display()))
}

/// The packs named, or all that are built in and have something to look for: packs at the level of exposure have no
/// rules and would only ask for logs.
pub(crate) fn load_packs(named: &[String]) -> Result<Vec<Pack>> {
    if !named.is_empty() {
        return named.iter().map(|name| load_pack(name)).collect();
    }
    let mut packs = Vec::new();
    for name in vigie_pack::embedded_names() {
        let pack = load_pack(&name)?;
        if !(pack.rules.is_empty() && pack.yara.is_empty() && pack.indicators.is_empty()) {
            packs.push(pack);
        }
    }
    Ok(packs)
}

/// A pack by name, or from a folder.
pub(crate) fn load_pack(name: &str) -> Result<Pack> {
    let path = Path::new(name);
    if !path.is_dir() {
        if path.exists() {
            bail!("{name} is a file; a pack is a folder with a pack.yaml in it");
        }
        return Pack::load_embedded(name).map_err(readable);
    }
    if !path.join("pack.yaml").is_file() {
        bail!("{name} is not a pack: there is no pack.yaml in it");
    }
    Pack::load_dir(path).map_err(readable)
}

/// The problems of a pack one below the other, not all of them at once.
fn readable(error: PackError) -> anyhow::Error {
    let PackError::Invalid { pack, problems } = error else {
        // Its text names the cause already.
        return anyhow::Error::msg(error.to_string());
    };
    let mut text = format!("pack {pack} cannot be used:");
    for problem in problems.iter().take(SHOWN_PROBLEMS) {
        text += &format!("\n  {problem}");
    }
    if problems.len() > SHOWN_PROBLEMS {
        text += &format!("\n  and {} more", problems.len() - SHOWN_PROBLEMS);
    }
    anyhow::Error::msg(text)
}

/// Lists of suppressions, unread.
pub(crate) fn read_suppressions(paths: &[PathBuf]) -> Result<Vec<SuppressionFile>> {
    let read = |path: &PathBuf| {
        let shown = path.display().to_string();
        let too_large = fs::metadata(path).is_ok_and(|meta| meta.len() > SUPPRESSION_BYTES);
        if too_large {
            bail!(
                "{shown} is larger than {} MiB: no list of suppressions",
                SUPPRESSION_BYTES >> 20
            );
        }
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read suppressions from {shown}"))?;
        Ok(SuppressionFile { path: shown, text })
    };
    paths.iter().map(read).collect()
}

/// Files of rules, and what could not be read of them.
pub(crate) struct RuleFiles {
    pub(crate) sources: Vec<RuleSource>,
    pub(crate) unread: Vec<Refused>,
}

/// Reads all Sigma rules of files and folders, sorted by path. A file that cannot be read does not keep the others from
/// being used; a path that does not exist or holds no rules is an error.
pub(crate) fn read_rules(paths: &[PathBuf]) -> Result<RuleFiles> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        collect_rules(path, &mut files, 0)
            .with_context(|| format!("cannot read rules from {}", path.display()))?;
        if files.len() == before {
            bail!("there are no Sigma rules (.yml, .yaml) in {}", path.display());
        }
    }
    files.sort();
    let mut read = RuleFiles {
        sources: Vec::with_capacity(files.len()),
        unread: Vec::new(),
    };
    for (path, rule) in files.iter().zip(read_each(&files)) {
        match rule {
            Ok(source) => read.sources.push(source),
            Err(error) => read.unread.push(Refused {
                path: path.display().to_string(),
                line: None,
                why: format!("cannot be read: {error}"),
            }),
        }
    }
    Ok(read)
}

/// Opening thousands of files takes as long as parsing them does: all cores open some.
fn read_each(files: &[PathBuf]) -> Vec<io::Result<RuleSource>> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let some = files.len().div_ceil(cores).max(FILES_PER_THREAD);
    let read = |some: &[PathBuf]| -> Vec<_> { some.iter().map(|path| read_rule(path)).collect() };
    let mut parts = files.chunks(some);
    let first = parts.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let others: Vec<_> = parts
            .map(|some| (some, scope.spawn(move || read(some))))
            .collect();
        let mut all = read(first);
        for (some, other) in others {
            // Reading does not panic; should it, it is done again where that is seen.
            all.extend(other.join().unwrap_or_else(|_| read(some)));
        }
        all
    })
}

/// The engine refuses what is too long, so no more of it is read than shows that it is.
fn read_rule(path: &Path) -> io::Result<RuleSource> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(MAX_RULE_FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(RuleSource {
        path: path.display().to_string(),
        // What is not UTF-8 either stands in a comment or makes the rule be refused with its line.
        text: String::from_utf8_lossy(&bytes).into_owned(),
        pack: None,
    })
}

fn collect_rules(path: &Path, files: &mut Vec<PathBuf>, depth: usize) -> io::Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let is_rule = entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml");
        if kind.is_dir() && depth < DEEPEST {
            collect_rules(&entry.path(), files, depth + 1)?;
        } else if kind.is_file() && is_rule {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pack_and_holds_no_rules_is_said_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_str().unwrap();
        let said = load_pack(place).err().unwrap().to_string();
        assert!(
            said.ends_with("is not a pack: there is no pack.yaml in it"),
            "{said}"
        );
        let said = load_pack("nowhere").err().unwrap().to_string();
        assert!(said.contains("hafnium-2021"), "{said}");
        let said = read_rules(&[folder.path().to_owned()]).err().unwrap().to_string();
        assert!(said.contains("no Sigma rules"), "{said}");
        for number in 0..30 {
            fs::write(folder.path().join(format!("{number}.bin")), [0xff]).unwrap();
        }
        fs::write(folder.path().join("pack.yaml"), "x: y").unwrap();
        let said = load_pack(place).err().unwrap().to_string();
        assert!(said.lines().count() <= SHOWN_PROBLEMS + 2, "{said}");
    }
}
