//! `vigie exposure`: who is concerned.

mod answers;
mod assess;
mod inventory;
pub(crate) mod page;
mod preview;
mod preview_json;
mod probe;
mod sources;

use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use clap::{Args, Subcommand};
use vigie_report::Lang;

/// Arguments of `vigie exposure`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: ExposureCommand,
}

#[derive(Subcommand)]
enum ExposureCommand {
    /// From inventories to who is concerned, how sure that is, what to do and in which order
    Assess(assess::Arguments),
    /// What files say of servers, how it was understood, which names were brought together and why
    Inventory(inventory::Arguments),
    /// Ask the servers of a signed-off scope for their build, politely and from outside
    Probe(probe::Arguments),
}

/// Runs `vigie exposure`.
pub(crate) fn run(arguments: &Arguments, lang: Lang, cancel: &AtomicBool) -> Result<ExitCode> {
    match &arguments.command {
        ExposureCommand::Assess(arguments) => assess::run(arguments, lang),
        ExposureCommand::Inventory(arguments) => inventory::run(arguments, lang),
        ExposureCommand::Probe(arguments) => probe::run(arguments, lang, cancel),
    }
}
