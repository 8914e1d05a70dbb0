//! `cargo xtask browser`: opens the pages of a real hunt and a real assessment in a real browser, in both languages.
//!
//! The checks themselves are in `crates/report/browser/check.mjs`. Nothing is installed into the checkout: the two
//! npm packages and the pages are put under the build folder.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::tools::{BROWSER, NODE, NPM};
use crate::{bench, cargo, root, run, run_in};

/// What the check is made of.
const FILES: [&str; 3] = ["package.json", "package-lock.json", "check.mjs"];

/// Builds Vigie, hunts a simulated provider, assesses its servers, and looks at the pages.
pub(crate) fn check() -> Result<()> {
    let (node, npm, browser) = (NODE.ensure()?, NPM.ensure()?, BROWSER.ensure()?);
    let place = bench::target().join("browser");
    install(&place, &npm)?;
    let pages = pages(&place)?;
    let shown = [&place, &browser].map(|path| path.display().to_string());
    let script = place.join("check.mjs").display().to_string();
    let mut arguments = vec![script.as_str(), &shown[1]];
    arguments.extend(pages.iter().map(String::as_str));
    run_in(&place, &node.display().to_string(), &arguments, &[])?;
    println!("screenshots and PDFs: {}", shown[0]);
    Ok(())
}

/// The check and its packages, at the versions of its lock file.
fn install(place: &Path, npm: &Path) -> Result<()> {
    fs::create_dir_all(place).with_context(|| format!("cannot create {}", place.display()))?;
    let from = root().join("crates/report/browser");
    let lock = "package-lock.json";
    let installed = place.join("node_modules").is_dir()
        && fs::read(place.join(lock)).ok() == fs::read(from.join(lock)).ok();
    for file in FILES {
        fs::copy(from.join(file), place.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    if installed {
        return Ok(());
    }
    let arguments = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
    run_in(place, &npm.display().to_string(), &arguments, &[])
}

/// The results and the pages of one hunt and one assessment: JSON, English, French.
fn pages(place: &Path) -> Result<Vec<String>> {
    run(&cargo(), &["build", "--release", "--package", "vigie"])?;
    let vigie = bench::release_binary("vigie")?.display().to_string();
    let at = |name: &str| place.join(name).display().to_string();
    let (demo, evidence, inventory) = (at("demo"), at("demo/evidence"), at("demo/inventory.csv"));
    let (hunted, assessed) = (at("result.json"), at("exposure.json"));
    run(&vigie, &["demo", "--out", &demo, "--lang", "en"])?;
    let mut pages = vec![hunted.clone(), assessed.clone()];
    let mut exposures = Vec::new();
    for lang in ["en", "fr"] {
        let (report, exposure) = (
            at(&format!("report.{lang}.html")),
            at(&format!("exposure.{lang}.html")),
        );
        let output = ["--quiet", "--lang", lang, "--format", "json", "--output"];
        let hunt = [&["hunt", &evidence, "--report", &report], &output[..], &[&hunted]].concat();
        run(&vigie, &hunt)?;
        let inventories = [
            "--inventory",
            &inventory,
            &hunted,
            "--pack",
            "hafnium-2021",
            "--as-of",
            DAY,
        ];
        let assess = [
            &["exposure", "assess", "--report", &exposure],
            &inventories[..],
            &output,
            &[&assessed],
        ]
        .concat();
        run(&vigie, &assess)?;
        pages.push(report);
        exposures.push(exposure);
    }
    Ok([pages, exposures].concat())
}

/// A day on which much of the simulated provider is known and some of it is not.
const DAY: &str = "2021-03-12";
