//! Programs the checks need beside cargo: found, installed where that is possible, or named with what to do.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// A program of the system.
pub(crate) struct Tool {
    /// Names it goes by, the best first.
    pub(crate) names: &'static [&'static str],
    /// An environment variable that names it instead.
    pub(crate) variable: &'static str,
    /// Its Debian package.
    pub(crate) package: &'static str,
    /// What for, to people.
    pub(crate) purpose: &'static str,
}

/// The browser that opens the reports.
pub(crate) const BROWSER: Tool = Tool {
    names: &[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ],
    variable: "VIGIE_BROWSER",
    package: "chromium",
    purpose: "opening the report in a real browser",
};

/// The compiler of libFuzzer's runtime.
pub(crate) const CXX: Tool = Tool {
    names: &["c++", "g++", "clang++"],
    variable: "CXX",
    package: "g++",
    purpose: "building the fuzz targets",
};

/// GNU time.
pub(crate) const TIME: Tool = Tool {
    names: &["time", "gtime"],
    variable: "VIGIE_TIME",
    package: "time",
    purpose: "measuring the processor time and memory of a program",
};

/// Counts instructions.
pub(crate) const VALGRIND: Tool = Tool {
    names: &["valgrind"],
    variable: "VIGIE_VALGRIND",
    package: "valgrind",
    purpose: "counting the instructions of a program",
};

/// Samples where a program spends its time.
pub(crate) const PERF: Tool = Tool {
    names: &["perf"],
    variable: "VIGIE_PERF",
    package: "linux-perf",
    purpose: "drawing flame graphs",
};

/// The database server the desk is tested on besides SQLite.
pub(crate) const POSTGRES: Tool = Tool {
    names: &["initdb"],
    variable: "VIGIE_INITDB",
    package: "postgresql",
    purpose: "testing the desk on PostgreSQL",
};

/// The interpreter of the API's check.
pub(crate) const PYTHON: Tool = Tool {
    names: &["python3", "python"],
    variable: "VIGIE_PYTHON",
    package: "python3-venv",
    purpose: "asking the API everything its document allows",
};

/// The interpreter of the browser check.
pub(crate) const NODE: Tool = Tool {
    names: &["node", "nodejs"],
    variable: "NODE",
    package: "nodejs",
    purpose: "driving the browser",
};

/// Node's package manager.
pub(crate) const NPM: Tool = Tool {
    names: &["npm"],
    variable: "NPM",
    package: "npm",
    purpose: "installing the browser check's two packages",
};

/// A program that is not there and cannot be installed.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

impl Tool {
    /// Where the program is; installs it on a Debian-like system when this runs as root.
    pub(crate) fn ensure(&self) -> Result<PathBuf> {
        self.ensure_able(|_| true)
    }

    /// The same, where the program may be there without all that its package brings.
    pub(crate) fn ensure_able(&self, is_able: impl Fn(&Path) -> bool) -> Result<PathBuf> {
        self.ensure_by(|package| can_install().then(|| install(package)), is_able)
    }

    /// `install` gives `None` where nothing can be installed.
    fn ensure_by(
        &self,
        install: impl Fn(&str) -> Option<Result<()>>,
        is_able: impl Fn(&Path) -> bool,
    ) -> Result<PathBuf> {
        let able = || self.find().filter(|path| is_able(path));
        if let Some(path) = able() {
            return Ok(path);
        }
        let is_there = self.find().is_some();
        if let Some(named) = self.named().filter(|_| !is_there) {
            bail!("{} names {}, which is not there", self.variable, named.display());
        }
        let package = self.package;
        let lacks = if is_there { "lacks a part" } else { "is missing" };
        eprintln!("{} {lacks}, which {package} brings", self.names[0]);
        let mut tried = String::new();
        if let Some(done) = install(package) {
            if let Err(error) = done {
                tried = format!(" ({error:#})");
            }
            if let Some(path) = able() {
                return Ok(path);
            }
        }
        Err(Missing(format!(
            "{} {lacks}, needed for {}, and cannot be installed here{tried}; install it (Debian, Ubuntu: sudo apt-get \
             install {package}) or set {} to its path",
            self.names[0], self.purpose, self.variable
        ))
        .into())
    }

    /// Where the program is, if it is there.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        match self.named() {
            Some(path) => in_path(&path),
            None => self.names.iter().find_map(|name| in_path(Path::new(name))),
        }
    }

    /// What the environment says.
    fn named(&self) -> Option<PathBuf> {
        env::var_os(self.variable)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    }
}

/// The program's full path: as given, or from the folders of `PATH`.
fn in_path(program: &Path) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let here = [PathBuf::new()];
    let folders: Vec<PathBuf> = if program.components().count() > 1 {
        here.to_vec()
    } else {
        env::split_paths(&folders).collect()
    };
    folders
        .into_iter()
        .map(|folder| folder.join(program))
        .flat_map(|path| {
            let windows = [path.with_extension("exe"), path.with_extension("cmd")];
            [path].into_iter().chain(windows)
        })
        .find(|path| path.is_file())
}

/// Whether packages can be installed without asking anybody: `apt-get` is there and we are root.
fn can_install() -> bool {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && in_path(Path::new("apt-get")).is_some()
}

fn install(package: &str) -> Result<()> {
    eprintln!("installing the package {package}");
    apt_get(&["update", "-qq"])?;
    apt_get(&["install", "-y", "-qq", "--no-install-recommends", package])
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("apt-get {} failed ({status})", arguments.join(" "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_program_is_found_by_name_and_by_path_and_a_missing_one_says_what_to_do() {
        let cargo = PathBuf::from(crate::cargo());
        assert_eq!(
            in_path(&cargo).is_some(),
            cargo.components().count() == 1 || cargo.is_file()
        );
        assert!(in_path(Path::new("no-such-program-anywhere")).is_none());
        assert!(in_path(Path::new("./no/such/program")).is_none());
    }

    #[test]
    fn a_program_that_lacks_a_part_gets_its_package_or_is_missing() {
        // There wherever this is built.
        let tool = Tool {
            names: &["rustc"],
            variable: "VIGIE_NO_SUCH_VARIABLE",
            package: "whole",
            purpose: "a test",
        };
        let has_part = Cell::new(false);
        let ensure = |brings: Option<bool>| {
            let install = |package: &str| {
                assert_eq!(package, "whole");
                has_part.set(brings?);
                Some(Ok(()))
            };
            tool.ensure_by(install, |_| has_part.get())
        };
        for brings in [None, Some(false)] {
            let error = ensure(brings).unwrap_err();
            assert!(
                error.is::<Missing>() && error.to_string().starts_with("rustc lacks a part"),
                "{error}"
            );
        }
        assert!(ensure(Some(true)).is_ok());
        // What is whole is not installed again.
        assert!(tool.ensure_by(|_| panic!("it is there"), |_| true).is_ok());
    }
}
