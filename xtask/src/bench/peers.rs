//! The tools Vigie is measured beside, at one version each.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::target;
use crate::{cargo, run};

/// A tool that `cargo install` gives.
pub(super) struct Peer {
    /// The program.
    program: &'static str,
    /// The crate that has it.
    package: &'static str,
    version: &'static str,
}

pub(super) const EVTX_DUMP: Peer = Peer {
    program: "evtx_dump",
    package: "evtx",
    version: "0.15.1",
};

pub(super) const RIPGREP: Peer = Peer {
    program: "rg",
    package: "ripgrep",
    version: "15.2.0",
};

pub(super) const RSIGMA: Peer = Peer {
    program: "rsigma",
    package: "rsigma",
    version: "0.23.0",
};

impl Peer {
    /// Where the program is at this version: on the path, or installed into a folder of the build. `None` in a quick
    /// run that would have to build it first.
    pub(super) fn find(&self, quick: bool) -> Result<Option<PathBuf>> {
        let folder = target().join("tools");
        let own = folder
            .join("bin")
            .join(format!("{}{}", self.program, std::env::consts::EXE_SUFFIX));
        for path in [PathBuf::from(self.program), own.clone()] {
            if self.is_right(&path) {
                return Ok(Some(path));
            }
        }
        if quick {
            println!("{} {} is not installed: not measured", self.program, self.version);
            return Ok(None);
        }
        let place = folder.display().to_string();
        run(
            &cargo(),
            &[
                "install",
                self.package,
                "--version",
                self.version,
                "--locked",
                "--root",
                &place,
            ],
        )?;
        if !self.is_right(&own) {
            bail!(
                "{} was installed but does not say version {}",
                self.program,
                self.version
            );
        }
        Ok(Some(own))
    }

    /// Whether the program is there and says this version.
    fn is_right(&self, path: &Path) -> bool {
        let said = Command::new(path).arg("--version").stderr(Stdio::null()).output();
        said.is_ok_and(|output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let line = text.lines().next().unwrap_or_default().to_owned();
            line.split_whitespace().any(|word| word == self.version)
        })
    }
}
