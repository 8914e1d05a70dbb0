//! What a hunt saw of the servers it hunted: the builds that wrote the logs, and when.

use std::sync::Arc;

use serde::Deserialize;
use vigie_event::parse_utc;

use super::{InventoryError, Reading};
use crate::{BuildSource, Fact, Observation, Origin, Said, Subject, Version};

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
    let hunted: Hunted =
        serde_json::from_str(text).map_err(|error| InventoryError::Hunt(error.to_string()))?;
    let mut reading = Reading {
        format: "hunt",
        ..Reading::default()
    };
    for host in hunted.hosts {
        reading.rows += 1;
        let full = host.host.contains('.').then(|| host.host.clone());
        let subject = Arc::new(Subject {
            tenant: host.tenant,
            name: host.host.split('.').next().map(str::to_owned),
            fqdn: full,
            addresses: Vec::new(),
        });
        for seen in host.observations {
            let fact = match seen.kind.as_str() {
                "exchange_build" => match seen.value.parse::<Version>() {
                    Ok(version) => Fact::Build {
                        version,
                        source: BuildSource::Log,
                    },
                    Err(error) => {
                        let said =
                            Said::new(error.to_string(), format!("{:?} n’est pas un build", seen.value));
                        reading.problem(seen.path, said);
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
                reader: "hunt",
                file: file_name.into(),
                place: Some(seen.path.into()),
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
    }
    Ok(reading)
}
