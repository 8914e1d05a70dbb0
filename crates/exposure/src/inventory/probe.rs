//! What `vigie exposure probe` was answered: builds as servers show them, and that they were reached.
//!
//! As in the probe itself, silence gives no observation, and Microsoft's cloud answering says nothing of a server of the
//! tenant's own. `docs/probe.md` describes the JSON.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Deserialize;
use vigie_event::parse_utc;

use super::reading::not_understood;
use super::{Format, InventoryError, Reading, json};
use crate::{BuildSource, Fact, Observation, Origin, Place, ProductLine, Said, Subject, Version};

/// The parts of the JSON that tell of servers.
#[derive(Deserialize)]
struct Probed {
    targets: Vec<Target>,
    #[serde(default = "yes")]
    complete: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Target {
    address: Option<IpAddr>,
    host: Option<String>,
    port: u16,
    tenant: String,
    server: Option<String>,
    observed_at: Option<String>,
    outcome: String,
    publication: String,
    #[serde(default)]
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    source: String,
    value: String,
    path: String,
}

/// The first two numbers of the builds of Exchange Online.
const ONLINE: [u32; 2] = [15, 20];

/// Reads the result of `vigie exposure probe --format json`.
pub(super) fn read(file_name: &str, text: &str) -> Result<Reading, InventoryError> {
    let probed: Probed = json::parse(Format::Probe, text)?;
    let mut reading = Reading::new(Format::Probe);
    if !probed.complete {
        reading.notes.push(Said::new(
            "the run was stopped: not every address of the scope was asked",
            "l’exécution a été arrêtée : toutes les adresses du périmètre n’ont pas été interrogées",
        ));
    }
    let file: Arc<str> = file_name.into();
    for (index, target) in probed.targets.iter().enumerate() {
        one(target, index, &file, &mut reading);
    }
    Ok(reading)
}

fn one(target: &Target, index: usize, file: &Arc<str>, reading: &mut Reading) {
    let path = format!("targets[{index}]");
    let answers = builds(target, &path, reading);
    let online = answers.iter().any(|(version, _, _)| version.base[..2] == ONLINE);
    // What does not answer as Exchange says nothing.
    if target.outcome != "exchange" || online {
        reading.empty_rows += 1;
        return;
    }
    reading.rows += 1;
    let subject = Arc::new(Subject {
        tenant: Some(target.tenant.clone()),
        name: target.server.clone(),
        fqdn: target.host.clone(),
        addresses: target.address.into_iter().collect(),
        ..Subject::default()
    });
    let at = target.observed_at.as_deref().and_then(parse_utc);
    if at.is_none() {
        let said = not_understood(
            target.observed_at.as_deref().unwrap_or_default(),
            "a time",
            "une heure",
        );
        reading.problem_at(&format!("{path}.observed_at"), said);
    }
    let product = ProductLine {
        product: "exchange".to_owned(),
        line: None,
    };
    let mut facts = vec![(Fact::Product(product), path.clone())];
    if target.publication == "yes" && target.port == 443 {
        facts.push((Fact::Published(true), path.clone()));
    }
    let builds = answers
        .into_iter()
        .map(|(version, source, page)| (Fact::Build { version, source }, format!("{path}, {page}")));
    facts.extend(builds);
    reading
        .observations
        .extend(facts.into_iter().map(|(fact, path)| Observation {
            subject: Arc::clone(&subject),
            fact,
            at,
            origin: Origin {
                reader: Format::Probe.id(),
                file: Arc::clone(file),
                place: Some(Place::Path(path.into())),
            },
        }));
}

fn builds(target: &Target, path: &str, reading: &mut Reading) -> Vec<(Version, BuildSource, String)> {
    let mut builds = Vec::new();
    for (index, answer) in target.answers.iter().enumerate() {
        let Ok(version) = answer.value.parse::<Version>() else {
            let said = not_understood(&answer.value, "a build", "un build");
            reading.problem_at(&format!("{path}.answers[{index}].value"), said);
            continue;
        };
        let Some(source) = BuildSource::from_id(&answer.source) else {
            let said = not_understood(&answer.source, "a source of builds", "une source de builds");
            reading.problem_at(&format!("{path}.answers[{index}].source"), said);
            continue;
        };
        builds.push((version, source, answer.path.clone()));
    }
    builds
}
