//! The XML of FusionInventory, GLPI and OCS Inventory: `REQUEST/CONTENT` and its sections in capitals.

use quick_xml::events::BytesStart;

use super::super::xml::{self, Visitor};
use super::super::{InventoryError, Options, Reading};
use super::{Machine, Program, format};
use crate::Said;

/// Bytes of one value that are kept.
const MAX_VALUE: usize = 4 << 10;

/// Reads the inventory of one machine.
pub(in super::super) fn read(
    file_name: &str,
    text: &str,
    options: &Options,
) -> Result<Reading, InventoryError> {
    let mut walk = Walk::default();
    let walked = xml::walk(text, None, &mut walk);
    // Older agents say their name outside of what they send; what they write is OCS Inventory's all the same.
    let format = match walk.machine.client.is_empty() {
        true => super::Format::OcsAgent,
        false => format(&walk.machine.client),
    };
    walked.map_err(|stop| stop.into_error(format))?;
    walk.machine
        .tell(format, file_name, &options.products)
        .ok_or_else(|| {
            let why = Said::new("the machine has no name", "la machine n’a pas de nom");
            InventoryError::broken(format, why)
        })
}

/// What is read of a section that comes for each program, network card, piece of information.
#[derive(Default)]
struct Walk {
    machine: Machine,
    path: Vec<String>,
    text: String,
    program: Program,
    programs: usize,
    info: (String, String),
    network: (Vec<String>, bool),
}

impl Visitor for Walk {
    fn start(&mut self, name: &str, _element: &BytesStart<'_>) {
        self.path.push(name.chars().take(60).collect());
        self.text.clear();
        match name {
            "SOFTWARES" | "SOFTWARE" => {
                self.programs += 1;
                self.program = Program {
                    place: format!("CONTENT/{name}[{}]", self.programs),
                    ..Program::default()
                };
            }
            "ACCOUNTINFO" => self.info = Default::default(),
            "NETWORKS" => self.network = Default::default(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        xml::append(&mut self.text, text, MAX_VALUE);
    }

    fn end(&mut self, _name: &str) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let some = || (!text.is_empty()).then(|| text.to_owned());
        let machine = &mut self.machine;
        match path.as_slice() {
            ["REQUEST", "CONTENT", "VERSIONCLIENT"] => machine.client = text.chars().take(80).collect(),
            ["REQUEST", "CONTENT", "HARDWARE", field] => match *field {
                "NAME" => machine.name = some(),
                "WORKGROUP" if machine.domain.is_none() => machine.domain = some(),
                "IPADDR" => text.split('/').for_each(|address| machine.address(address)),
                // The console writes when it got the inventory.
                "LASTDATE" if machine.made.is_none() => machine.made = some(),
                "USERAGENT" if machine.client.is_empty() => {
                    machine.client = text.chars().take(80).collect();
                }
                _ => {}
            },
            ["REQUEST", "CONTENT", "OPERATINGSYSTEM", "FQDN"] => machine.fqdn = some(),
            ["REQUEST", "CONTENT", "OPERATINGSYSTEM", "DNS_DOMAIN"] => {
                machine.domain = some().or_else(|| machine.domain.take());
            }
            ["REQUEST", "CONTENT", "OPERATINGSYSTEM", "TIMEZONE", "OFFSET"] => machine.offset = some(),
            ["REQUEST", "CONTENT", "ACCESSLOG", "LOGDATE"] => machine.made = some(),
            ["REQUEST", "CONTENT", "SOFTWARES" | "SOFTWARE", field] => match *field {
                "NAME" => self.program.name = text.to_owned(),
                "VERSION" => self.program.version = some(),
                _ => {}
            },
            ["REQUEST", "CONTENT", "SOFTWARES" | "SOFTWARE"] => {
                machine.program(std::mem::take(&mut self.program));
            }
            ["REQUEST", "CONTENT", "ACCOUNTINFO", field] => match *field {
                "KEYNAME" => self.info.0 = text.to_owned(),
                "KEYVALUE" => self.info.1 = text.to_owned(),
                _ => {}
            },
            ["REQUEST", "CONTENT", "ACCOUNTINFO"] => {
                let (key, value) = std::mem::take(&mut self.info);
                if key.eq_ignore_ascii_case("tag") && !value.is_empty() {
                    machine.tag = Some(value);
                }
            }
            ["REQUEST", "CONTENT", "NETWORKS", field] => match *field {
                "IPADDRESS" | "IPADDRESS6" if self.network.0.len() < 8 => {
                    self.network.0.push(text.to_owned());
                }
                "MANAGEMENT" => self.network.1 = text == "1" || text.eq_ignore_ascii_case("true"),
                _ => {}
            },
            ["REQUEST", "CONTENT", "NETWORKS"] => {
                let (addresses, is_management) = std::mem::take(&mut self.network);
                if !is_management {
                    addresses.iter().for_each(|address| machine.address(address));
                }
            }
            _ => {}
        }
        self.path.pop();
    }
}
