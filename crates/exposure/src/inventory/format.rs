//! The formats that are read, and what they are called.

use crate::Said;
use crate::observation::identifiers;

identifiers!(
    /// What a file, or a table in it, was recognised as.
    Format {
        /// A table of text as offices keep it.
        Csv = "csv",
        /// An Excel workbook.
        Xlsx = "xlsx",
        /// `vigie hunt --format json`.
        Hunt = "hunt",
        /// `vigie exposure probe --format json`.
        Probe = "probe",
        /// HealthChecker's XML (CLIXML).
        HealthChecker = "healthchecker",
        /// HealthChecker's JSON (`-VulnerabilityReport`).
        HealthCheckerReport = "healthchecker_report",
        /// Files that Test-ProxyLogon.ps1 leaves.
        TestProxyLogon = "test_proxylogon",
        /// `nmap -oX`.
        Nmap = "nmap",
        /// The list of computers of GLPI's web pages, exported.
        Glpi = "glpi",
        /// The inventory that an agent of GLPI or FusionInventory wrote.
        GlpiAgent = "glpi_agent",
        /// The list of computers, or of computers and programs, of OCS Inventory's console, exported.
        Ocs = "ocs",
        /// The inventory that an agent of OCS Inventory wrote, or that its console exported.
        OcsAgent = "ocs_agent",
        /// The devices of Microsoft Defender for Endpoint.
        DefenderDevices = "defender_devices",
        /// The programs on the devices of Microsoft Defender for Endpoint.
        DefenderSoftware = "defender_software",
    }
);

impl Format {
    /// What people call it.
    pub fn title(self) -> Said {
        let (en, fr) = match self {
            Format::Csv => ("table (CSV)", "tableau (CSV)"),
            Format::Xlsx => ("Excel workbook", "classeur Excel"),
            Format::Hunt => ("result of vigie hunt", "résultat de vigie hunt"),
            Format::Probe => (
                "result of vigie exposure probe",
                "résultat de vigie exposure probe",
            ),
            Format::HealthChecker => ("HealthChecker (XML)", "HealthChecker (XML)"),
            Format::HealthCheckerReport => (
                "HealthChecker, vulnerability report (JSON)",
                "HealthChecker, rapport de vulnérabilités (JSON)",
            ),
            Format::TestProxyLogon => ("Test-ProxyLogon", "Test-ProxyLogon"),
            Format::Nmap => ("nmap scan (XML)", "balayage nmap (XML)"),
            Format::Glpi => ("GLPI, list of computers", "GLPI, liste des ordinateurs"),
            Format::GlpiAgent => ("inventory of an agent of GLPI", "inventaire d’un agent GLPI"),
            Format::Ocs => (
                "OCS Inventory, export of the console",
                "OCS Inventory, export de la console",
            ),
            Format::OcsAgent => (
                "inventory of an agent of OCS Inventory",
                "inventaire d’un agent OCS Inventory",
            ),
            Format::DefenderDevices => ("Microsoft Defender, devices", "Microsoft Defender, appareils"),
            Format::DefenderSoftware => ("Microsoft Defender, software", "Microsoft Defender, logiciels"),
        };
        Said::new(en, fr)
    }

    /// Whether it lists machines of all kinds: one of which it says nothing more is none of the servers looked for.
    pub(super) fn lists_all_machines(self) -> bool {
        matches!(
            self,
            Format::Nmap
                | Format::Glpi
                | Format::GlpiAgent
                | Format::Ocs
                | Format::OcsAgent
                | Format::DefenderDevices
                | Format::DefenderSoftware
        )
    }
}
