//! The same evidence gives the same verdicts, whatever it is handed over in.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;
use vigie_hunt::{HuntOptions, HuntResult, hunt};
use vigie_pack::Pack;
use vigie_simulate::{Plan, demo_plan, simulate};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A small provider, simulated once: files by path below the tenant's folder.
static WORLD: LazyLock<(TempDir, Vec<(String, PathBuf)>)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        tenants: 2,
        days: 7,
        ..demo_plan(3)
    };
    simulate(folder.path(), &plan).unwrap();
    let mut files = Vec::new();
    list(folder.path(), "", &mut files);
    files.retain(|(path, _)| path.contains('/'));
    (folder, files)
});

fn list(folder: &Path, below: &str, files: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let below = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if entry.path().is_dir() {
            list(&entry.path(), &below, files);
        } else {
            files.push((below, entry.path()));
        }
    }
}

/// Zips files under other names.
fn zip(path: &Path, files: impl Iterator<Item = (String, PathBuf)>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = ZipWriter::new(File::create(path).unwrap());
    for (name, file) in files {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(&fs::read(file).unwrap()).unwrap();
    }
    writer.finish().unwrap();
}

/// All servers as `TENANT/SERVER`, each with its files by path below it.
fn servers() -> BTreeMap<String, Vec<(String, PathBuf)>> {
    let mut servers: BTreeMap<String, Vec<(String, PathBuf)>> = BTreeMap::new();
    for (path, file) in &WORLD.1 {
        let (tenant, rest) = path.split_once('/').unwrap();
        let (server, below) = rest.split_once('/').unwrap();
        let files = servers.entry(format!("{tenant}/{server}")).or_default();
        files.push((below.to_owned(), file.clone()));
    }
    servers
}

fn judged(path: &Path) -> HuntResult {
    let options = HuntOptions {
        packs: vec![Pack::load_embedded("hafnium-2021").unwrap()],
        ..HuntOptions::default()
    };
    hunt(&[path.to_owned()], &options).unwrap()
}

/// Tenant, host, verdict and how many findings.
fn verdicts(path: &Path) -> Vec<(String, String, String, usize)> {
    let result = judged(path);
    let mut verdicts: Vec<_> = result
        .hosts
        .iter()
        .map(|host| {
            let name = host.host.split('.').next().unwrap_or_default().to_uppercase();
            let verdict = serde_json::to_value(host.verdict).unwrap();
            (
                host.tenant.clone().unwrap_or_default(),
                name,
                verdict.as_str().unwrap().to_owned(),
                host.findings.len(),
            )
        })
        .collect();
    verdicts.sort();
    verdicts
}

#[test]
fn folders_and_archives_give_the_same_verdicts() {
    let truth = verdicts(WORLD.0.path());
    assert_eq!(
        truth.len(),
        4,
        "the ground truth beside the servers is no server: {truth:?}"
    );
    let there = tempfile::tempdir().unwrap();

    let all = there.path().join("one/all.zip");
    zip(&all, WORLD.1.iter().cloned());
    assert_eq!(verdicts(&all), truth, "everything in one archive");

    for (server, files) in servers() {
        let path = there.path().join(format!("each/{server}.zip"));
        zip(&path, files.into_iter());
    }
    assert_eq!(
        verdicts(&there.path().join("each")),
        truth,
        "one archive per server"
    );

    for (server, files) in servers() {
        let (tenant, name) = server.split_once('/').unwrap();
        let path = format!("velociraptor/{tenant}/Collection-{name}-2021-03-05T10_10_10Z.zip");
        let encoded = files.into_iter().map(|(path, file)| {
            let path = path
                .strip_prefix("C/")
                .unwrap()
                .replace('%', "%25")
                .replace(':', "%3A");
            (format!("uploads/auto/C%3A/{path}"), file)
        });
        zip(&there.path().join(path), encoded);
    }
    assert_eq!(
        verdicts(&there.path().join("velociraptor")),
        truth,
        "Velociraptor collections"
    );
}

/// Files of several machines in one place belong to the machine their rows name.
#[test]
fn several_machines_in_one_folder_are_told_apart() {
    let there = tempfile::tempdir().unwrap();
    let logs = servers()
        .into_iter()
        .filter(|(server, _)| server.ends_with("/DC01") || server.ends_with("/EX01"))
        .take(2);
    for (number, (server, files)) in logs.enumerate() {
        for (index, (path, file)) in files.iter().enumerate() {
            let name = path.rsplit('/').next().unwrap();
            if server.ends_with("/DC01") && !name.ends_with(".evtx") {
                continue;
            }
            fs::copy(file, there.path().join(format!("{number}-{index}-{name}"))).unwrap();
        }
    }
    let result = judged(there.path());
    let names: Vec<String> = result
        .hosts
        .iter()
        .map(|host| host.host.split('.').next().unwrap_or_default().to_uppercase())
        .collect();
    assert!(
        names.contains(&"DC01".to_owned()) && names.contains(&"EX01".to_owned()) && names.len() == 2,
        "{names:?}"
    );
    for host in &result.hosts {
        let verdict = serde_json::to_value(host.verdict).unwrap();
        assert_eq!(verdict, "compromised", "{}", host.host);
    }
}
