//! The page of an assessment: what it needs besides, and what a page for one tenant must not say.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use vigie_exposure::Estate;
use vigie_exposure::inventory;
use vigie_exposure::result::{Input, InputProblem};
use vigie_report::HuntVerdict;

/// What the outputs say of a file.
pub(crate) fn input(shown: &str, reading: &inventory::Reading) -> Input {
    let problems = reading.problems.iter().map(|problem| InputProblem {
        place: problem.place.clone(),
        why: problem.why.clone(),
    });
    Input {
        file: shown.to_owned(),
        format: reading.format.id().to_owned(),
        rows: Some(reading.rows),
        notes: reading.notes.clone(),
        problems: problems.collect(),
        more_problems: reading.more_problems,
    }
}

/// What the hunts among the inventories found. `inputs` says, in the same order, what each file was taken for.
pub(super) fn hunted(paths: &[PathBuf], inputs: &[Input]) -> Vec<HuntVerdict> {
    let hunts = paths
        .iter()
        .zip(inputs)
        .filter(|(_, input)| input.format == "hunt");
    hunts
        .filter_map(|(path, _)| fs::read(path).ok())
        .flat_map(|bytes| HuntVerdict::read(&bytes))
        .collect()
}

/// Takes out what would tell one tenant of others: where in the provider's files something stands, in which folders they
/// lie, how many rows they have, what of them was not understood, and warnings about several tenants.
pub(super) fn confine(estate: &mut Estate, inputs: &mut Vec<Input>) {
    let mut named: HashSet<String> = HashSet::new();
    let servers = estate.servers.iter_mut().chain(&mut estate.outside);
    for observation in servers.flat_map(|server| &mut server.observations) {
        observation.origin.place = None;
        let file = base_name(&observation.origin.file);
        named.insert(file.clone());
        observation.origin.file = file.into();
    }
    estate.merges.clear();
    estate.warnings.clear();
    for input in inputs.iter_mut() {
        *input = Input {
            file: base_name(&input.file),
            format: std::mem::take(&mut input.format),
            ..Input::default()
        };
    }
    inputs.retain(|input| named.contains(&input.file));
}

fn base_name(file: &str) -> String {
    let name = Path::new(file).file_name();
    name.map_or_else(|| file.to_owned(), |name| name.to_string_lossy().into_owned())
}
