//! Every sample as it is understood: one snapshot per file, in both languages where people read it.

#![allow(clippy::unwrap_used)]

#[path = "support/samples.rs"]
mod samples;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use vigie_event::format_utc;
use vigie_exposure::inventory::{self, InventoryError, Options, Reading, Vantage};
use vigie_pack::Product;

use samples::samples;

/// What was understood, for a snapshot.
fn told(read: &Result<Reading, InventoryError>) -> String {
    let mut text = String::new();
    let reading = match read {
        Ok(reading) => reading,
        Err(error) => {
            let said = error.said();
            return format!("refused: {}\nrefusé : {}\n", said.en, said.fr);
        }
    };
    let details: Vec<&str> = reading.details.iter().map(|said| said.fr.as_str()).collect();
    writeln!(
        text,
        "{} ({}): {} rows, {} empty, {} other",
        reading.format,
        details.join(", "),
        reading.rows,
        reading.empty_rows,
        reading.other_rows
    )
    .unwrap();
    for column in reading.tables.iter().flat_map(|table| &table.columns) {
        let meaning = column.meaning.map_or("?", |column| column.id());
        if meaning != "ignore" && !column.header.is_empty() {
            writeln!(text, "  {} = {meaning}", column.header).unwrap();
        }
    }
    for by in &reading.observations {
        let subject = &by.subject;
        let mut others = subject.aliases.clone();
        others.extend(subject.addresses.iter().map(ToString::to_string));
        writeln!(
            text,
            "{}: {} | {} {} {} [{}] | {}",
            by.origin,
            by.fact.said().en,
            subject.tenant.as_deref().unwrap_or("-"),
            subject.name.as_deref().unwrap_or("-"),
            subject.fqdn.as_deref().unwrap_or("-"),
            others.join(" "),
            by.at.map_or("undated".to_owned(), format_utc)
        )
        .unwrap();
    }
    for problem in &reading.problems {
        writeln!(text, "! {} : {}", problem.place.fr, problem.why.fr).unwrap();
    }
    for note in &reading.notes {
        writeln!(text, "note: {}\nremarque : {}", note.en, note.fr).unwrap();
    }
    text
}

#[test]
fn every_sample_is_understood() {
    for path in samples() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let folder = path
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let options = Options {
            products: Product::embedded().unwrap(),
            vantage: (name == "outside.xml").then_some(Vantage::Outside),
            ..Options::default()
        };
        let read = inventory::read(&name, &fs::read(&path).unwrap(), &options);
        insta::with_settings!({ prepend_module_to_snapshot => false, description => format!("{folder}/{name}") }, {
            insta::assert_snapshot!(format!("sample__{folder}__{}", name.replace('.', "_")), told(&read));
        });
    }
}

/// Agents of OCS Inventory compress what they write.
#[test]
fn a_compressed_inventory_is_unpacked_within_bounds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/ocs");
    let plain = fs::read(folder.join("agent.xml")).unwrap();
    let read = |bytes: &[u8]| inventory::read("agent.ocs", bytes, &Options::default());
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(told(&read(&packed(&plain))), told(&read(&plain)));
    let bomb = packed(&vec![b' '; inventory::MAX_BYTES + 1]);
    assert!(bomb.len() < 100_000);
    assert_eq!(read(&bomb).unwrap_err(), InventoryError::Unpacked);
    let whole = packed(&plain);
    assert_eq!(
        read(&whole[..whole.len() / 2]).unwrap_err(),
        InventoryError::NotText
    );
}
