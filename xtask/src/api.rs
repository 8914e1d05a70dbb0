//! `cargo xtask api`: lets schemathesis ask the real server everything its OpenAPI document allows.
//!
//! What is asked and how is in `xtask/schemathesis`; its packages come at the versions of `requirements.txt`, into the
//! build folder. Where they cannot be had, the check is skipped and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::skips::Skipped;
use crate::tools::PYTHON;
use crate::{bench, cargo, root, run, run_in};

/// Builds Vigie, serves the desk of the demo, and has it asked.
pub(crate) fn check() -> Result<()> {
    let place = bench::target().join("api");
    let python = install(&place.join("venv")).map_err(|error| Skipped::because(&error))?;
    run(&cargo(), &["build", "--release", "--package", "vigie"])?;
    let vigie = bench::release_binary("vigie")?.display().to_string();
    let script = folder().join("run.py").display().to_string();
    let desk = place.join("run").display().to_string();
    run_in(
        &root(),
        &python.display().to_string(),
        &[&script, &vigie, &desk],
        &[],
    )
}

/// The interpreter of an environment with the packages of `requirements.txt`.
fn install(venv: &Path) -> Result<PathBuf> {
    let wanted = folder().join("requirements.txt");
    let (installed, python) = (venv.join("requirements.txt"), venv.join("bin/python"));
    if python.is_file() && fs::read(&installed).ok() == fs::read(&wanted).ok() {
        return Ok(python);
    }
    let shown = |path: &Path| path.display().to_string();
    // Debian's interpreter comes without what makes an environment.
    let system = PYTHON.ensure_able(|python| imports(python, "venv, ensurepip"))?;
    run(&shown(&system), &["-m", "venv", "--clear", &shown(venv)])?;
    let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(
        &shown(&python),
        &[&arguments[..], &["--requirement", &shown(&wanted)]].concat(),
    )?;
    fs::copy(&wanted, &installed).with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(python)
}

fn imports(python: &Path, modules: &str) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", &format!("import {modules}")]);
    command
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn folder() -> PathBuf {
    root().join("xtask/schemathesis")
}
