//! Whose export a table is, by its headers, and what the columns of exports mean.
//!
//! Sources: `Spreadsheet.php` and the search options of GLPI 9 to 11 (a header is `group - field` in the language of the
//! session); `ms_all_computers.php`, `ms_csv.php` and the language files of OCS Inventory's ocsreports; the device
//! inventory of Microsoft Defender's portal, and `DeviceTvmSoftwareInventory` and the software inventory assessment of
//! its interfaces.

use super::super::words::plain;
use super::super::{Column, Format};

/// The headers of a table, letters and digits alone.
struct Headers(Vec<String>);

impl Headers {
    fn has(&self, names: &[&str]) -> bool {
        names
            .iter()
            .any(|name| self.0.iter().any(|header| header == name))
    }

    fn count(&self, groups: &[&[&str]]) -> usize {
        groups.iter().filter(|names| self.has(names)).count()
    }
}

/// Headers with which an office says something of Exchange itself: such a list is its own, whoever exported it.
const OWN: [Column; 5] = [
    Column::Build,
    Column::BuildSource,
    Column::Published,
    Column::Topology,
    Column::Product,
];

const NAME: &[&str] = &["nom", "name"];
const MACHINE: &[&str] = &[
    "machine",
    "computer",
    "nommachine",
    "computername",
    "nomdelamachine",
];
const LAST_INVENTORY: &[&str] = &["dernierinventaire", "lastinventory"];
const DEVICE: &[&str] = &["devicename", "nomdelappareil"];
/// What GLPI shows of a computer beside its name.
const GLPI: &[&[&str]] = &[
    &["statut", "status"],
    &["fabricant", "fabricants", "manufacturer", "manufacturers"],
    &["numerodeserie", "serialnumber"],
    &["modele", "modeles", "model", "models"],
    &["lieu", "lieux", "location", "locations"],
    &["dernieremodification", "lastupdate"],
    &["entite", "entity"],
    &["usager", "alternateusername"],
];
/// What OCS Inventory's console shows of a machine beside its name.
const OCS: &[&[&str]] = &[
    &["tag", "etiquette", "accountinfotag"],
    &["utilisateurconnecte", "connecteduser", "utilisateur", "user"],
    &["systeme", "operatingsystem"],
    &["rammo", "rammb"],
    &["cpumhz"],
    &["adresseip", "ipaddress"],
];
/// What Defender shows of a device beside its name.
const DEFENDER: &[&[&str]] = &[
    &["deviceid", "aaddeviceid", "azureaddeviceid"],
    &["onboardingstatus"],
    &["exposurelevel"],
    &["risklevel"],
    &["osplatform"],
    &["lastdeviceupdate"],
    &["sensorhealthstate", "healthstate", "healthstatus"],
];

/// What a table is. `base` is what it is when it is nobody's export.
pub(super) fn of(headers: &[String], base: Format) -> Format {
    let words = Headers(headers.iter().map(|header| plain(header)).collect());
    let with_version = words.has(&["softwareversion", "version"]);
    if words.has(&["softwarename"]) && words.has(DEVICE) && with_version {
        return Format::DefenderSoftware;
    }
    if words.has(MACHINE) && is_ocs_software(&words) {
        return Format::Ocs;
    }
    let mut office = headers
        .iter()
        .filter(|header| glpi_group(header).is_none())
        // Defender's word on a device, not an office's on TCP/443.
        .filter(|header| words.count(DEFENDER) < 2 || plain(header) != "internetfacing")
        .filter_map(|header| Column::of_header(header));
    if office.any(|column| OWN.contains(&column)) {
        return base;
    }
    if words.has(DEVICE) && words.count(DEFENDER) >= 2 {
        return Format::DefenderDevices;
    }
    if words.has(MACHINE) && words.has(LAST_INVENTORY) && words.count(OCS) >= 1 {
        return Format::Ocs;
    }
    let grouped = headers.iter().any(|header| glpi_group(header).is_some());
    if words.has(NAME) && (grouped || words.count(GLPI) >= 3) {
        return Format::Glpi;
    }
    base
}

/// A list of Defender's of all programs of the organisation, without the devices they are on.
pub(super) fn is_without_machines(headers: &[String]) -> bool {
    let words = Headers(headers.iter().map(|header| plain(header)).collect());
    is_defender_list(&words) && !words.has(DEVICE)
}

fn is_defender_list(words: &Headers) -> bool {
    let named = words.has(&["softwarename", "name"]);
    named
        && words.has(&["exposeddevices", "exposedmachines"])
        && words.has(&["weaknesses", "vendor", "softwarevendor"])
}

fn is_ocs_software(words: &Headers) -> bool {
    words.has(&["logiciel", "software", "nomdulogiciel"])
        && words.has(&["tag", "etiquette", "accountinfotag"])
}

/// `Système d'exploitation - Nom` as the plain words of its group and its field; groups that only GLPI has.
fn glpi_group(header: &str) -> Option<(String, String)> {
    let (group, field) = header.split_once(" - ")?;
    let group = plain(group);
    let known = [
        "systemedexploitation",
        "operatingsystem",
        "operatingsystems",
        "composants",
        "components",
        "logiciel",
        "logiciels",
        "software",
        "softwares",
        "reseau",
        "networking",
        "network",
        "versiondulogiciel",
        "softwareversion",
        "softwareversions",
    ];
    known.contains(&group.as_str()).then(|| (group, plain(field)))
}

/// What a header of an export means. `None` for tables that are nobody's export.
pub(super) fn meaning(kind: Format, header: &str) -> Option<Column> {
    let word = plain(header);
    let is = |names: &[&str]| names.contains(&word.as_str());
    let found = match kind {
        Format::Glpi => glpi(header, &word),
        Format::Ocs => match () {
            () if is(MACHINE) => Some(Column::Server),
            () if is(LAST_INVENTORY) => Some(Column::ObservedAt),
            () if is(&["tag", "etiquette", "accountinfotag"]) => Some(Column::Tenant),
            () if is(&["adresseip", "ipaddress"]) => Some(Column::Address),
            () if is(&["domaine", "domain", "userdomain", "workgroup"]) => Some(Column::Domain),
            () if is(&["logiciel", "software", "nomdulogiciel", "softwarename"]) => Some(Column::Software),
            () if is(&["version", "versiondulogiciel", "softwareversion"]) => Some(Column::SoftwareVersion),
            () => None,
        },
        Format::DefenderDevices | Format::DefenderSoftware => match () {
            () if is(DEVICE) => Some(Column::Server),
            () if is(&["domain", "domaine"]) => Some(Column::Domain),
            () if is(&["deviceips", "ipaddresses", "ipaddress", "lastipaddress"]) => Some(Column::Address),
            () if is(&["lastseen", "lastdeviceupdate", "lastseentimestamp", "timestamp"]) => {
                Some(Column::ObservedAt)
            }
            () if is(&["softwarename"]) => Some(Column::Software),
            () if is(&["softwareversion"]) => Some(Column::SoftwareVersion),
            () if is(&["diskpaths"]) => Some(Column::SoftwarePaths),
            () => None,
        },
        _ => return None,
    };
    Some(found.unwrap_or(Column::Ignore))
}

fn glpi(header: &str, word: &str) -> Option<Column> {
    if let Some((group, field)) = glpi_group(header) {
        let is_field = |names: &[&str]| names.contains(&field.as_str());
        return match group.as_str() {
            "logiciel" | "logiciels" | "software" | "softwares" if is_field(&["nom", "name"]) => {
                Some(Column::Software)
            }
            "logiciel" | "logiciels" | "software" | "softwares"
                if is_field(&["version", "versions", "nomdelaversion"]) =>
            {
                Some(Column::SoftwareVersion)
            }
            "versiondulogiciel" | "softwareversion" | "softwareversions" if is_field(&["nom", "name"]) => {
                Some(Column::SoftwareVersion)
            }
            "reseau" | "networking" | "network"
                if is_field(&["ip", "adresseip", "ipaddress", "adressesip"]) =>
            {
                Some(Column::Address)
            }
            "reseau" | "networking" | "network" if is_field(&["fqdn", "nomdereseau", "networknames"]) => {
                Some(Column::Fqdn)
            }
            _ => None,
        };
    }
    match word {
        "nom" | "name" => Some(Column::Server),
        "entite" | "entity" => Some(Column::Tenant),
        "domaine" | "domaines" | "domain" | "domains" => Some(Column::Domain),
        "datededernierinventaire"
        | "datedudernierinventaire"
        | "dernierinventaire"
        | "lastinventorydate"
        | "lastinventory"
        | "dernieremodification"
        | "lastupdate" => Some(Column::ObservedAt),
        _ => None,
    }
}

/// Whether a header says when somebody changed a record, rather than when somebody looked.
pub(super) fn says_when_changed(kind: Format, header: &str) -> bool {
    kind == Format::Glpi && matches!(plain(header).as_str(), "dernieremodification" | "lastupdate")
}

/// Of two columns that both say when something was seen, whether the second says it better: an inventory is one, a change
/// of the record may have been made by hand.
pub(super) fn says_when_better(kind: Format, first: &str, second: &str) -> bool {
    let rank = |header: &str| match plain(header).as_str() {
        "dernieremodification" | "lastupdate" => 0,
        "lastseen" => 1,
        _ => 2,
    };
    matches!(kind, Format::Glpi | Format::DefenderDevices) && rank(second) > rank(first)
}
