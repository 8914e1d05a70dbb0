//! Facts in words.

use crate::{Fact, MissionImpact, Said, Topology};

impl Fact {
    /// What it is called in outputs for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Fact::Listed => "listed",
            Fact::Machine => "machine",
            Fact::Product(_) => "product",
            Fact::Build { .. } => "build",
            Fact::Published(_) => "published",
            Fact::Topology(_) => "topology",
            Fact::Mitigation { .. } => "mitigation",
            Fact::Update(_) => "update",
            Fact::Setting { .. } => "setting",
            Fact::Role(_) => "role",
            Fact::Dag(_) => "dag",
            Fact::DotNet(_) => "dotnet",
            Fact::ActiveDirectory(_) => "active_directory",
            Fact::MissionImpact(_) => "mission_impact",
        }
    }

    /// The fact for people: `build 15.1.2176.9 (exsetup)`.
    pub fn said(&self) -> Said {
        let same = |text: String| Said::new(text.clone(), text);
        let yes = |is_so: bool| if is_so { ("yes", "oui") } else { ("no", "non") };
        match self {
            Fact::Listed => Said::new("a server", "un serveur"),
            Fact::Machine => Said::new("a machine, nothing of Exchange", "une machine, rien d’Exchange"),
            Fact::Product(product) => match &product.line {
                Some(line) => same(format!("{} {line}", product.product)),
                None => same(product.product.clone()),
            },
            Fact::Build { version, source } => same(format!("build {version} ({source})")),
            Fact::Published(published) => {
                let (en, fr) = yes(*published);
                Said::new(format!("published: {en}"), format!("publié : {fr}"))
            }
            Fact::Topology(topology) => topology_said(*topology),
            Fact::Mitigation { id, active, .. } => {
                let (en, fr) = match active {
                    true => ("in place", "en place"),
                    false => ("gone", "retirée"),
                };
                Said::new(format!("mitigation {id} {en}"), format!("parade {id} {fr}"))
            }
            Fact::Update(update) => Said::new(format!("update {update}"), format!("correctif {update}")),
            Fact::Setting { id, on } => {
                let (en, fr) = yes(*on);
                Said::new(format!("{id}: {en}"), format!("{id} : {fr}"))
            }
            Fact::Role(role) => Said::new(format!("role {role}"), format!("rôle {role}")),
            Fact::Dag(dag) => same(format!("DAG {dag}")),
            Fact::DotNet(release) => same(format!(".NET Release {release}")),
            Fact::ActiveDirectory(version) => {
                let number = |value: Option<u32>| value.map_or("?".to_owned(), |value| value.to_string());
                let (schema, domain) = (number(version.schema), number(version.domain));
                let configuration = number(version.configuration);
                same(format!("Active Directory {schema}/{domain}/{configuration}"))
            }
            Fact::MissionImpact(impact) => mission_said(*impact),
        }
    }
}

fn topology_said(topology: Topology) -> Said {
    match topology {
        Topology::OnPrem => Said::new("on premises", "sur site"),
        Topology::Hybrid => Said::new("hybrid", "hybride"),
        Topology::HybridManagementOnly => Said::new("hybrid, management only", "hybride, gestion seule"),
        Topology::Online => Said::new("Exchange Online", "Exchange Online"),
    }
}

fn mission_said(impact: MissionImpact) -> Said {
    Said::new(
        format!("mission impact {impact}"),
        format!("impact sur la mission {impact}"),
    )
}
