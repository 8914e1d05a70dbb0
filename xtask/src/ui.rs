//! `cargo xtask ui`: builds the desk's pages into the program and plays a crisis in them, in a real browser.
//!
//! The checks themselves are in `ui/tests`; `ui/package.json` names the steps. Packages come at the versions of
//! `ui/package-lock.json`, into `ui/node_modules`.

use std::path::PathBuf;

use anyhow::Result;

use crate::tools::{BROWSER, NODE, NPM};
use crate::{bench, cargo, root, run, run_in};

/// Types, messages, build, the journeys of `ui/tests` against the program as users get it, and
/// signing in at a real identity provider, in a real browser.
pub(crate) fn check() -> Result<()> {
    let browser = BROWSER.ensure()?.display().to_string();
    install()?;
    npm(&["run", "check"], &[])?;
    npm(&["run", "build"], &[])?;
    // The program takes the pages in as it is built.
    run(&cargo(), &["build", "--release", "--package", "vigie"])?;
    let vigie = bench::release_binary("vigie")?.display().to_string();
    let shots = bench::target().join("ui").display().to_string();
    let variables = [("VIGIE", vigie.as_str()), ("CHROMIUM", browser.as_str())];
    npm(&["run", "browser", "--", &shots], &variables)?;
    npm(&["run", "browser:access", "--", &shots], &variables)
}

/// Builds the pages, so that the next build of the program holds them.
pub(crate) fn build() -> Result<()> {
    install()?;
    npm(&["run", "build"], &[])
}

fn install() -> Result<()> {
    NODE.ensure()?;
    npm(&["ci", "--no-audit", "--no-fund", "--ignore-scripts"], &[])
}

fn npm(arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    run_in(
        &folder(),
        &NPM.ensure()?.display().to_string(),
        arguments,
        variables,
    )
}

fn folder() -> PathBuf {
    root().join("ui")
}
