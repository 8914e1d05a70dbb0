//! What a hunt saw of the servers it hunted: the builds that wrote the logs, and when.

use std::sync::Arc;

use serde::Deserialize;
use vigie_event::parse_utc;

use super::reading::not_understood;
use super::{Format, InventoryError, Reading, json};
use crate::{BuildSource, Fact, Observation, Origin, Place, Subject, Version};

/// The parts of `docs/hunt.schema.json` that tell of servers.
#[derive(Deserialize)]
struct Hunted {
    hosts: Vec<Host>,
}

#[derive(Deserialize)]
struct Host {
    host: String,
    tenant: Option<String>,
    #[serde(default)]
    observations: Vec<Seen>,
}

#[derive(Deserialize)]
struct Seen {
    kind: String,
    value: String,
    from: Option<String>,
    to: Option<String>,
    path: String,
}

/// Reads the result of `vigie hunt --format json`. A build seen from one time to another is two observations: the first
/// says when it was there at the latest, the last that it still was.
pub(super) fn read(file_name: &str, text: &str) -> Result<Reading, InventoryError> {
    let hunted: Hunted = json::parse(Format::Hunt, text)?;
    let mut reading = Reading::new(Format::Hunt);
    let file: Arc<str> = file_name.into();
    for host in hunted.hosts {
        reading.rows += 1;
        let before = reading.observations.len();
        let problems = reading.problem_count();
        let subject = Arc::new(Subject {
            tenant: host.tenant,
            ..Subject::of_name(&host.host)
        });
        for seen in host.observations {
            let fact = match seen.kind.as_str() {
                "exchange_build" => match seen.value.parse::<Version>() {
                    Ok(version) => Fact::Build {
                        version,
                        source: BuildSource::Log,
                    },
                    Err(_) => {
                        let said = not_understood(&seen.value, "a build", "un build");
                        reading.problem_at(&seen.path, said);
                        continue;
                    }
                },
                "mitigation" => Fact::Mitigation {
                    id: seen.value,
                    cves: Vec::new(),
                    active: true,
                },
                _ => continue,
            };
            let origin = Origin {
                reader: Format::Hunt.id(),
                file: Arc::clone(&file),
                place: Some(Place::Path(seen.path.into())),
            };
            let mut times = vec![seen.from.as_deref().and_then(parse_utc)];
            times.extend(seen.to.as_deref().and_then(parse_utc).map(Some));
            times.dedup();
            reading
                .observations
                .extend(times.into_iter().map(|at| Observation {
                    subject: Arc::clone(&subject),
                    fact: fact.clone(),
                    at,
                    origin: origin.clone(),
                }));
        }
        // Its logs were hunted: it is there, and whoever knows it as a server learns nothing new.
        if reading.observations.len() == before && reading.problem_count() == problems {
            reading.other_rows += 1;
        }
    }
    Ok(reading)
}
