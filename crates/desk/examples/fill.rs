//! Fills a data folder for `cargo xtask bench desk`: FOLDER TENANTS SERVERS FINDINGS ANALYSTS.

#![allow(clippy::print_stdout)]

use std::error::Error;

use vigie_desk::load::{self, Size};
use vigie_desk::{Desk, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, tenants, servers, findings, analysts] = words.as_slice() else {
        return Err("FOLDER TENANTS SERVERS FINDINGS ANALYSTS".into());
    };
    let size = Size {
        tenants: tenants.parse()?,
        servers: servers.parse()?,
        findings: findings.parse()?,
        analysts: analysts.parse()?,
    };
    let desk = Desk::open(&Options::in_folder(folder))?;
    load::fill(&desk, size)?;
    // What signs in.
    println!("{}", load::PASSWORD);
    Ok(())
}
