//! Facts as JSON, and back.

use serde::{Deserialize, Serialize};
use vigie_exposure::{AdVersion, BuildSource, Fact, MissionImpact, ProductLine, Topology};

use crate::{Error, Result};

/// A fact about a server as it is kept and sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FactJson {
    /// It is there.
    Listed,
    /// A list of machines of all kinds names it.
    Machine,
    /// The product it runs.
    Product {
        /// `exchange`.
        product: String,
        /// `2016`.
        #[serde(default)]
        line: Option<String>,
    },
    /// The build it runs.
    Build {
        /// `15.1.2176.9`.
        version: String,
        /// `exsetup`, `healthchecker`, ...
        source: String,
    },
    /// Whether TCP/443 can be reached from the Internet.
    Published {
        /// Whether it can.
        published: bool,
    },
    /// How it works with Exchange Online.
    Topology {
        /// `on_prem`, `hybrid`, ...
        topology: String,
    },
    /// A mitigation was found, or found to be gone.
    Mitigation {
        /// `EOMT`.
        id: String,
        /// The vulnerabilities it closes.
        #[serde(default)]
        cves: Vec<String>,
        /// Whether it is in place.
        active: bool,
    },
    /// An installed update.
    Update {
        /// `KB5000871`.
        update: String,
    },
    /// A setting that a fix needs.
    Setting {
        /// As in the pack.
        id: String,
        /// Whether it is as the fix needs it.
        on: bool,
    },
    /// `Mailbox`, `Edge`, ...
    Role {
        /// The role.
        role: String,
    },
    /// The database availability group it belongs to.
    Dag {
        /// Its name.
        dag: String,
    },
    /// The registry value `Release` of the .NET Framework.
    DotNet {
        /// `528040`.
        release: u32,
    },
    /// What Active Directory was prepared for.
    ActiveDirectory {
        /// `rangeUpper` of the schema.
        schema: Option<u32>,
        /// `objectVersion` of the domain.
        domain: Option<u32>,
        /// `objectVersion` of the organisation.
        configuration: Option<u32>,
    },
    /// What stops when this server does.
    MissionImpact {
        /// `degraded`, `mission_failure`, ...
        impact: String,
    },
}

impl FactJson {
    /// The kind, as in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            FactJson::Listed => "listed",
            FactJson::Machine => "machine",
            FactJson::Product { .. } => "product",
            FactJson::Build { .. } => "build",
            FactJson::Published { .. } => "published",
            FactJson::Topology { .. } => "topology",
            FactJson::Mitigation { .. } => "mitigation",
            FactJson::Update { .. } => "update",
            FactJson::Setting { .. } => "setting",
            FactJson::Role { .. } => "role",
            FactJson::Dag { .. } => "dag",
            FactJson::DotNet { .. } => "dot_net",
            FactJson::ActiveDirectory { .. } => "active_directory",
            FactJson::MissionImpact { .. } => "mission_impact",
        }
    }

    pub(super) fn of(fact: &Fact) -> FactJson {
        match fact.clone() {
            Fact::Listed => FactJson::Listed,
            Fact::Machine => FactJson::Machine,
            Fact::Product(ProductLine { product, line }) => FactJson::Product { product, line },
            Fact::Build { version, source } => FactJson::Build {
                version: version.to_string(),
                source: source.id().to_owned(),
            },
            Fact::Published(published) => FactJson::Published { published },
            Fact::Topology(topology) => FactJson::Topology {
                topology: topology.id().to_owned(),
            },
            Fact::Mitigation { id, cves, active } => FactJson::Mitigation { id, cves, active },
            Fact::Update(update) => FactJson::Update { update },
            Fact::Setting { id, on } => FactJson::Setting { id, on },
            Fact::Role(role) => FactJson::Role { role },
            Fact::Dag(dag) => FactJson::Dag { dag },
            Fact::DotNet(release) => FactJson::DotNet { release },
            Fact::ActiveDirectory(AdVersion {
                schema,
                domain,
                configuration,
            }) => FactJson::ActiveDirectory {
                schema,
                domain,
                configuration,
            },
            Fact::MissionImpact(impact) => FactJson::MissionImpact {
                impact: impact.id().to_owned(),
            },
        }
    }

    /// The fact itself.
    ///
    /// # Errors
    /// When a word or build in it is not one.
    pub(super) fn fact(&self) -> Result<Fact> {
        let unknown = |what: &str, word: &str| Error::invalid("fact", format!("{word:?} is no {what}"));
        Ok(match self.clone() {
            FactJson::Listed => Fact::Listed,
            FactJson::Machine => Fact::Machine,
            FactJson::Product { product, line } => Fact::Product(ProductLine { product, line }),
            FactJson::Build { version, source } => Fact::Build {
                version: version.parse().map_err(|error: vigie_exposure::VersionError| {
                    Error::invalid("fact", error.to_string())
                })?,
                source: BuildSource::from_id(&source).ok_or_else(|| unknown("source of builds", &source))?,
            },
            FactJson::Published { published } => Fact::Published(published),
            FactJson::Topology { topology } => {
                Fact::Topology(Topology::from_id(&topology).ok_or_else(|| unknown("topology", &topology))?)
            }
            FactJson::Mitigation { id, cves, active } => Fact::Mitigation { id, cves, active },
            FactJson::Update { update } => Fact::Update(update),
            FactJson::Setting { id, on } => Fact::Setting { id, on },
            FactJson::Role { role } => Fact::Role(role),
            FactJson::Dag { dag } => Fact::Dag(dag),
            FactJson::DotNet { release } => Fact::DotNet(release),
            FactJson::ActiveDirectory {
                schema,
                domain,
                configuration,
            } => Fact::ActiveDirectory(AdVersion {
                schema,
                domain,
                configuration,
            }),
            FactJson::MissionImpact { impact } => Fact::MissionImpact(
                MissionImpact::from_id(&impact).ok_or_else(|| unknown("mission impact", &impact))?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use vigie_exposure::Version;

    use super::*;

    #[test]
    fn every_fact_comes_back_as_it_was() {
        let version: Version = "15.1.2176.2".parse().unwrap();
        let ad = AdVersion {
            schema: Some(15333),
            domain: None,
            configuration: Some(16221),
        };
        let facts = [
            Fact::Listed,
            Fact::Machine,
            Fact::Product(ProductLine {
                product: "exchange".into(),
                line: Some("2016".into()),
            }),
            Fact::Build {
                version,
                source: BuildSource::ExSetup,
            },
            Fact::Build {
                version: version.without_revision(),
                source: BuildSource::Path,
            },
            Fact::Published(true),
            Fact::Topology(Topology::Hybrid),
            Fact::Mitigation {
                id: "EOMT".into(),
                cves: vec!["CVE-2021-26855".into()],
                active: false,
            },
            Fact::Update("KB5000871".into()),
            Fact::Setting {
                id: "extended_protection".into(),
                on: true,
            },
            Fact::Role("Mailbox".into()),
            Fact::Dag("DAG1".into()),
            Fact::DotNet(528040),
            Fact::ActiveDirectory(ad),
            Fact::MissionImpact(MissionImpact::Failure),
        ];
        for fact in facts {
            let json = FactJson::of(&fact);
            let text = serde_json::to_string(&json).unwrap();
            assert!(
                text.starts_with(&format!("{{\"kind\":\"{}\"", json.kind())),
                "{text}"
            );
            let back: FactJson = serde_json::from_str(&text).unwrap();
            assert_eq!(back.fact().unwrap(), fact);
        }
    }
}
