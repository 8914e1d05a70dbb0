//! `vigie simulate`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;
use vigie_report::Lang;
use vigie_simulate::{Plan, Truth};

use crate::tell;

/// Arguments of `vigie simulate`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many tenants
    #[arg(long, default_value_t = 4)]
    tenants: u32,
    /// How many days of logs
    #[arg(long, default_value_t = 14)]
    days: u32,
    /// Where to write: TENANT/SERVER/... and truth.json
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Bytes of logs per server, about: 500M, 5G
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    size: Option<u64>,
}

/// `1500`, `500K`, `20M`, `5G`.
fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "write it as 1500, 500K, 20M or 5G".to_owned();
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1_000),
        Some((at, 'm' | 'M')) => (&text[..at], 1_000_000),
        Some((at, 'g' | 'G')) => (&text[..at], 1_000_000_000),
        _ => (text, 1),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(wrong)
}

/// Runs `vigie simulate`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let plan = Plan {
        seed: arguments.seed,
        tenants: arguments.tenants,
        days: arguments.days,
        size: arguments.size,
        ..vigie_simulate::demo_plan(arguments.seed)
    };
    let truth = simulate(&arguments.out, &plan)?;
    let mut out = std::io::stdout().lock();
    for server in &truth.servers {
        writeln!(
            out,
            "{:<14} {:<12} {:<12} {}",
            server.tenant, server.server, server.verdict, server.scenario
        )?;
    }
    writeln!(
        out,
        "{}{}",
        tell(lang, "ground truth: ", "vérité terrain\u{a0}: "),
        arguments.out.join("truth.json").display()
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Simulates into a folder. The error of `vigie_simulate` names its cause itself.
pub(crate) fn simulate(out: &Path, plan: &Plan) -> Result<Truth> {
    vigie_simulate::simulate(out, plan).map_err(|error| anyhow!("cannot simulate: {error}"))
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("1500"), Ok(1_500));
        assert_eq!(bytes("5G"), Ok(5_000_000_000));
        assert!(bytes("5T").is_err() && bytes("").is_err() && bytes("99999999999G").is_err());
    }
}
