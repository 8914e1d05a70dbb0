//! Observations: one fact that somebody or something reported about a server, with its source and time.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use vigie_event::Timestamp;

use crate::{Place, Said, Version};

/// One fact about a server. Never overwritten: what is true is worked out from all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which server it is about.
    pub subject: Arc<Subject>,
    /// The fact.
    pub fact: Fact,
    /// When it was true, UTC; `None` when the source does not say.
    pub at: Option<Timestamp>,
    /// Who says so.
    pub origin: Origin,
}

/// The names a source gives a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Whose it is, as the source writes it.
    pub tenant: Option<String>,
    /// Its short name, `EX01`.
    pub name: Option<String>,
    /// Its name in DNS, `ex01.contoso.example`, inside or outside.
    pub fqdn: Option<String>,
    /// Other names in DNS that lead to it.
    pub aliases: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

impl Subject {
    /// Of a name that may be short, `EX01`, full, `ex01.contoso.example`, which is both, or an address.
    pub fn of_name(name: &str) -> Subject {
        if let Ok(address) = name.parse() {
            return Subject {
                addresses: vec![address],
                ..Subject::default()
            };
        }
        Subject {
            name: name.split('.').next().map(str::to_owned),
            fqdn: name.contains('.').then(|| name.to_owned()),
            ..Subject::default()
        }
    }
}

/// Where an observation comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// What read it: `csv`, `xlsx`, `healthchecker`, `nmap`, `hunt`, `probe`, ... (`inventory::FORMATS`)
    pub reader: &'static str,
    /// The file or address.
    pub file: Arc<str>,
    /// Where in it.
    pub place: Option<Place>,
}

impl Origin {
    /// Whether a machine looked, rather than somebody wrote it down.
    pub fn is_measured(&self) -> bool {
        matches!(self.reader, "probe" | "nmap")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        match &self.place {
            Some(place) => write!(f, "{place}"),
            None => Ok(()),
        }
    }
}

/// A fact about a server.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// It is there: a list of servers names it and says no more.
    Listed,
    /// It is a machine: a list of machines of all kinds names it, and nothing there says that it is one of those looked
    /// for. Of no other source than such lists, it is none of the servers.
    Machine,
    /// The product it runs.
    Product(ProductLine),
    /// The build it runs.
    Build {
        /// The build.
        version: Version,
        /// How it was found out.
        source: BuildSource,
    },
    /// Whether TCP/443 can be reached from the Internet.
    Published(bool),
    /// How it works with Exchange Online.
    Topology(Topology),
    /// A mitigation was found, or found to be gone.
    Mitigation {
        /// `EOMT`, `EEMS M1.1`, `EOMTv2`, or what the source calls it.
        id: String,
        /// The vulnerabilities it closes, where the source says so.
        cves: Vec<String>,
        /// Whether it is in place.
        active: bool,
    },
    /// An installed update: `KB5000871`.
    Update(String),
    /// A setting that a fix needs: `extended_protection`.
    Setting {
        /// As in `cves.yaml`.
        id: String,
        /// Whether it is as the fix needs it.
        on: bool,
    },
    /// `Mailbox`, `Edge`, `ManagementTools`, ...
    Role(String),
    /// The database availability group it belongs to.
    Dag(String),
    /// The registry value `Release` of the .NET Framework, `528040` for 4.8.
    DotNet(u32),
    /// What Active Directory was prepared for.
    ActiveDirectory(AdVersion),
    /// What stops when this server does.
    MissionImpact(MissionImpact),
}

/// A product and, when known, its line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProductLine {
    /// A product's identifier: `exchange`, `sharepoint`, `windows-server`.
    pub product: String,
    /// `2016`; `None` when the source does not say.
    pub line: Option<String>,
}

/// The three numbers by which Exchange's preparation of Active Directory is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdVersion {
    /// `rangeUpper` of `ms-Exch-Schema-Version-Pt`.
    pub schema: Option<u32>,
    /// `objectVersion` of `Microsoft Exchange System Objects`.
    pub domain: Option<u32>,
    /// `objectVersion` of the organisation.
    pub configuration: Option<u32>,
}

macro_rules! identifiers {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $id:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The identifier used in files and in JSON.
            pub fn id(self) -> &'static str {
                match self {
                    $($name::$variant => $id),+
                }
            }

            /// The one with this identifier.
            pub fn from_id(id: &str) -> Option<$name> {
                Self::ALL.iter().copied().find(|known| known.id() == id)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.id())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.id())
            }
        }
    };
}
pub(crate) use identifiers;

identifiers!(
    /// How a build was found out, best first. Which one wins is decided by this order.
    BuildSource {
        /// File version of `ExSetup.exe`.
        ExSetup = "exsetup",
        /// A file's hash found in the list of a build's files.
        FileHash = "file_hash",
        /// What HealthChecker wrote.
        HealthChecker = "healthchecker",
        /// `#Version` of the logs the server wrote.
        Log = "log",
        /// Version of the e-discovery export tool, which anybody may ask for.
        ExportTool = "exporttool",
        /// The header `X-OWA-Version`.
        XOwaVersion = "x_owa_version",
        /// The build in the paths of a page.
        Path = "path",
        /// `AdminDisplayVersion`, or the registry.
        AdminDisplayVersion = "admin_display_version",
    }
);

impl BuildSource {
    /// Whether security updates change what it says. Where they do not, only the first three parts count.
    pub fn shows_security_updates(self) -> bool {
        !matches!(self, BuildSource::Path | BuildSource::AdminDisplayVersion)
    }

    /// Whether it was seen from outside, so that another server may have answered.
    pub fn is_remote(self) -> bool {
        matches!(
            self,
            BuildSource::ExportTool | BuildSource::XOwaVersion | BuildSource::Path
        )
    }

    /// How it is known to mislead.
    pub fn trap(self) -> Said {
        match self {
            BuildSource::ExSetup => Said::new(
                "the file says what setup replaced; an update run without elevation may have left web files behind",
                "le fichier dit ce que l’installation a remplacé ; une mise à jour lancée sans élévation a pu laisser d’anciens fichiers web",
            ),
            BuildSource::FileHash => Said::new(
                "one file's build: others may not have been replaced",
                "version d’un seul fichier : les autres n’ont peut-être pas été remplacés",
            ),
            BuildSource::HealthChecker => Said::new(
                "true when the script ran; the server may have changed since",
                "vrai à l’exécution du script ; le serveur a pu changer depuis",
            ),
            BuildSource::Log => Said::new(
                "the build that wrote the log; services not restarted still run the old one",
                "la version qui a écrit le journal ; des services non redémarrés tournent encore dans l’ancienne",
            ),
            BuildSource::ExportTool => Said::new(
                "on some builds the tool's version lags behind a security update",
                "sur certaines versions, l’outil retarde sur la mise à jour de sécurité",
            ),
            BuildSource::XOwaVersion => Said::new(
                "the front end's own build; a load balancer may answer for another server",
                "la version du seul frontal ; un répartiteur de charge peut répondre pour un autre serveur",
            ),
            BuildSource::Path => Said::new(
                "three parts only: the security update cannot be told",
                "trois nombres seulement : la mise à jour de sécurité ne se voit pas",
            ),
            BuildSource::AdminDisplayVersion => Said::new(
                "never moves with security updates",
                "ne bouge jamais avec les mises à jour de sécurité",
            ),
        }
    }
}

identifiers!(
    /// How a server works with Exchange Online.
    Topology {
        /// All mailboxes are here.
        OnPrem = "on_prem",
        /// Mailboxes here and online.
        Hybrid = "hybrid",
        /// No mailbox left; the server manages recipients.
        HybridManagementOnly = "hybrid_management_only",
        /// Nothing here.
        Online = "online",
    }
);

identifiers!(
    /// What stops when a server does: SSVC's mission impact.
    MissionImpact {
        /// Little.
        Degraded = "degraded",
        /// What supports the essential work.
        SupportCrippled = "mef_support_crippled",
        /// An essential function.
        Failure = "mef_failure",
        /// The whole mission.
        MissionFailure = "mission_failure",
    }
);
