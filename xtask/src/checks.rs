//! Every check of the project, in the order in which they fail fastest.

use anyhow::Result;

use crate::{cargo, run};

/// Runs them all and stops at the first that fails.
fn run_all(steps: &[&[&str]]) -> Result<()> {
    let cargo = cargo();
    for step in steps {
        run(&cargo, step)?;
    }
    Ok(())
}

/// `cargo xtask test`.
pub(crate) fn run_checks() -> Result<()> {
    run_all(&[
        &["fmt", "--all", "--check"],
        &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        &["test", "--workspace"],
        &["doc", "--workspace", "--no-deps"],
    ])
}
