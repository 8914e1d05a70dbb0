//! GLPI's own form, JSON.

use serde::Deserialize;

use super::super::json::{self, Kept, Several, Text};
use super::super::{Format, InventoryError, Options, Reading};
use super::{Machine, Program};
use crate::Said;

/// The parts of `inventory.schema.json` that tell of Exchange.
#[derive(Deserialize)]
struct Inventory {
    #[serde(default)]
    tag: Text,
    content: Content,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    versionclient: Text,
    #[serde(default)]
    hardware: Hardware,
    #[serde(default)]
    operatingsystem: OperatingSystem,
    #[serde(default)]
    accesslog: AccessLog,
    #[serde(default)]
    accountinfo: Several<AccountInfo>,
    #[serde(default)]
    networks: Several<Network>,
    #[serde(default)]
    softwares: Several<Software>,
}

#[derive(Default, Deserialize)]
struct Hardware {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    workgroup: Text,
}

#[derive(Default, Deserialize)]
struct OperatingSystem {
    #[serde(default)]
    fqdn: Text,
    #[serde(default)]
    dns_domain: Text,
    #[serde(default)]
    timezone: Timezone,
}

#[derive(Default, Deserialize)]
struct Timezone {
    #[serde(default)]
    offset: Text,
}

#[derive(Default, Deserialize)]
struct AccessLog {
    #[serde(default)]
    logdate: Text,
}

#[derive(Deserialize)]
struct AccountInfo {
    #[serde(default)]
    keyname: Text,
    #[serde(default)]
    keyvalue: Text,
}

#[derive(Deserialize)]
struct Network {
    #[serde(default)]
    ipaddress: Text,
    #[serde(default)]
    ipaddress6: Text,
    #[serde(default)]
    management: Text,
}

#[derive(Deserialize)]
struct Software {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    version: Text,
}

impl Kept for AccountInfo {
    fn is_kept(&self) -> bool {
        self.keyname.0.eq_ignore_ascii_case("tag")
    }
}

impl Kept for Network {}

impl Kept for Software {
    /// Of thousands of programs a few are looked at.
    fn is_kept(&self) -> bool {
        Machine::looks_at(&self.name.0)
    }
}

/// Reads the inventory of one machine.
pub(in super::super) fn read(
    file_name: &str,
    text: &str,
    options: &Options,
) -> Result<Reading, InventoryError> {
    let Inventory { tag, content } = json::parse(Format::GlpiAgent, text)?;
    let mut machine = Machine {
        client: content.versionclient.0.chars().take(80).collect(),
        name: content.hardware.name.some(),
        fqdn: content.operatingsystem.fqdn.some(),
        domain: content
            .operatingsystem
            .dns_domain
            .some()
            .or_else(|| content.hardware.workgroup.some()),
        tag: tag.some(),
        made: content.accesslog.logdate.some(),
        offset: content.operatingsystem.timezone.offset.some(),
        ..Machine::default()
    };
    for info in content.accountinfo.list() {
        machine.tag = machine.tag.take().or(info.keyvalue.some());
    }
    for network in content.networks.list() {
        // The board that manages the machine is not the machine.
        if matches!(network.management.0.as_str(), "true" | "1") {
            continue;
        }
        machine.address(&network.ipaddress.0);
        machine.address(&network.ipaddress6.0);
    }
    for (index, software) in content.softwares.numbered() {
        machine.program(Program {
            name: software.name.0,
            version: software.version.some(),
            place: format!("content.softwares[{index}]"),
        });
    }
    machine
        .tell(Format::GlpiAgent, file_name, &options.products)
        .ok_or_else(|| {
            let why = Said::new("the machine has no name", "la machine n’a pas de nom");
            InventoryError::broken(Format::GlpiAgent, why)
        })
}
