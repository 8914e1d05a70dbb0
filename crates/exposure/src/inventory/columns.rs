//! The columns of an inventory, by the names people give them.

use std::fmt;

use super::words::plain;

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident = $id:literal [$($other:literal),* $(,)?]),+ $(,)?) => {
        /// What a column holds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Column {
            $($(#[$doc])* $name),+
        }

        impl Column {
            /// All of them.
            pub const ALL: &[Column] = &[$(Column::$name),+];

            /// The name in the canonical order of columns.
            pub fn id(self) -> &'static str {
                match self {
                    $(Column::$name => $id),+
                }
            }

            /// Other names in English and French, letters and digits alone.
            fn others(self) -> &'static [&'static str] {
                match self {
                    $(Column::$name => &[$($other),*]),+
                }
            }
        }
    };
}

columns! {
    /// Whose the server is.
    Tenant = "tenant" [
        "client", "customer", "societe", "company", "organisation", "organization", "entreprise", "nomduclient",
        "nomclient", "locataire", "compte", "account", "site client",
    ],
    /// Its short name.
    Server = "server" [
        "serveur", "nomduserveur", "nomserveur", "servername", "hostname", "host", "hote", "nomdhote", "machine",
        "nomdelamachine", "computer", "computername", "ordinateur", "name", "nom", "asset", "actif", "equipement",
        "devicename", "nomdelappareil",
    ],
    /// Its name in DNS.
    Fqdn = "fqdn" [
        "dns", "dnsname", "nomdns", "nomcomplet", "nomfqdn", "fullname", "fullyqualifieddomainname", "url", "adressedns",
    ],
    /// Its addresses.
    Address = "address" [
        "adresse", "adresseip", "ip", "ipaddress", "ipaddresses", "ipv4", "addresses", "adresses", "adressesip",
    ],
    /// What it runs.
    Product = "product" [
        "produit", "produits", "logiciel", "software", "application", "edition", "productname", "nomduproduit",
        "exchangeversion", "versionexchange", "versiondexchange",
    ],
    /// The build.
    Build = "build" [
        "version", "buildnumber", "numerodebuild", "ndebuild", "nobuild", "numerodeversion", "ndeversion", "exsetup",
        "exsetupversion", "versionexsetup", "fileversion", "versiondufichier", "softwareversion", "versionlogiciel",
    ],
    /// How the build was found out.
    BuildSource = "build_source" [
        "source", "sourcebuild", "sourcedubuild", "sourceversion", "sourcedelaversion", "origine", "versionsource",
    ],
    /// Whether TCP/443 is published.
    Published = "published" [
        "publie", "publiee", "publication", "expose", "exposee", "exposed", "internetfacing", "exposeinternet",
        "exposeainternet", "exposesurinternet", "publiesurinternet", "publiesurtcp443", "tcp443", "port443", "443",
        "publishedtcp443", "ouvertsurinternet",
    ],
    /// How it works with Exchange Online.
    Topology = "topology" [
        "topologie", "architecture", "deploiement", "deployment", "hybride", "hybrid", "mode",
    ],
    /// When all of it was true.
    ObservedAt = "observed_at" [
        "observedat", "date", "datedureleve", "releve", "relevele", "vule", "datedobservation", "observele", "lastseen",
        "derniervu", "derniereobservation", "datedinventaire", "inventoriele", "scandate", "timestamp", "horodatage",
        "maj", "dateinventaire",
    ],
    /// Its role.
    Role = "role" ["roles", "fonction"],
    /// Its database availability group.
    Dag = "dag" ["groupededisponibilite", "databaseavailabilitygroup", "cluster"],
    /// What stops with it.
    MissionImpact = "mission_impact" [
        "impact", "criticite", "criticality", "impactmetier", "businessimpact", "importance",
    ],
    /// A mitigation in place.
    Mitigation = "mitigation" ["mitigations", "attenuation", "contournement", "workaround", "parade"],
    /// Installed updates.
    Updates = "updates" [
        "kb", "kbs", "correctifs", "correctif", "hotfix", "hotfixes", "misesajour", "miseajour", "patches", "patch",
        "installedupdates", "securityupdate",
    ],
    /// The .NET Framework's `Release`.
    DotNet = "dotnet" ["dotnetrelease", "netframework", "netrelease", "versionnet", "dotnetframework"],
    /// The domain in which its short name stands.
    Domain = "domain" ["domaine"],
    /// The name of a program that is installed on it; several on lines of their own.
    Software = "software" [],
    /// That program's version.
    SoftwareVersion = "software_version" [],
    /// Where that program was found: paths of files.
    SoftwarePaths = "software_paths" [],
    /// Nothing that matters here.
    Ignore = "ignore" [],
}

impl Column {
    /// The column with this canonical name.
    pub fn from_id(id: &str) -> Option<Column> {
        Column::ALL.iter().copied().find(|column| column.id() == id)
    }

    /// The column that a header means, whatever its accents, case and punctuation.
    pub(super) fn of_header(header: &str) -> Option<Column> {
        let word = plain(header);
        let known = |column: &&Column| plain(column.id()) == word || column.others().contains(&word.as_str());
        Column::ALL.iter().find(known).copied()
    }

    /// Whether a header is a French one, which says how dates are written.
    pub(super) fn is_french(header: &str) -> bool {
        const FRENCH: [&str; 16] = [
            "client",
            "societe",
            "serveur",
            "nomduserveur",
            "produit",
            "publie",
            "expose",
            "topologie",
            "datedureleve",
            "vule",
            "machine",
            "hote",
            "criticite",
            "correctifs",
            "nomserveur",
            "versionlogiciel",
        ];
        let word = plain(header);
        FRENCH.contains(&word.as_str())
            || header
                .chars()
                .any(|c| matches!(c, 'é' | 'è' | 'ê' | 'à' | 'ç' | 'É' | '°'))
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
