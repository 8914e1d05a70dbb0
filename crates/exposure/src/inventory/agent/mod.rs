//! What an agent wrote of the machine it runs on: GLPI (JSON, and XML as FusionInventory wrote it) and OCS Inventory
//! (XML, also as its console exports it).
//!
//! Source: `inventory.schema.json` and `original.md` of glpi-project/inventory_format; `ms_export_ocs.php` of
//! OCS Inventory's ocsreports. `LOGDATE` is the machine's own time; its offset stands beside the operating system in
//! GLPI's inventories and nowhere in those of OCS Inventory.

mod json;
mod xml;

use std::net::IpAddr;
use std::sync::Arc;

use vigie_event::{MICROS_PER_SECOND, Timestamp, parse_utc};
use vigie_pack::Product;

pub(super) use json::read as read_json;
pub(super) use xml::read as read_xml;

use super::reading::not_understood;
use super::{Format, Reading, software};
use crate::{BuildSource, Fact, Observation, Origin, Place, Said, Subject};

/// Programs of one machine that are looked at.
const MAX_PROGRAMS: usize = 20_000;
/// Addresses of one machine that are kept.
const MAX_ADDRESSES: usize = 256;

/// A machine, as its agent describes it.
#[derive(Debug, Default)]
struct Machine {
    /// Which agent: `GLPI-Agent_v1.5`, `OCS-NG_WINDOWS_AGENT_v2.10.1.0`.
    client: String,
    name: Option<String>,
    fqdn: Option<String>,
    /// The domain of its names, or a workgroup.
    domain: Option<String>,
    tag: Option<String>,
    addresses: Vec<IpAddr>,
    /// When the inventory was made, on the machine's own clock.
    made: Option<String>,
    /// Its clock's offset from UTC, `+0100`.
    offset: Option<String>,
    programs: Vec<Program>,
    programs_left_out: u64,
}

/// A program that is installed, and where the document says so.
#[derive(Debug, Default)]
struct Program {
    name: String,
    version: Option<String>,
    place: String,
}

impl Machine {
    /// Adds an address that may tell it from other machines.
    fn address(&mut self, text: &str) {
        let Ok(address) = text.trim().parse::<IpAddr>() else {
            return;
        };
        if !self.addresses.contains(&address) && self.addresses.len() < MAX_ADDRESSES {
            self.addresses.push(address);
        }
    }

    /// Whether a program may have to do with Exchange.
    fn looks_at(name: &str) -> bool {
        name.to_lowercase().contains("exchange")
    }

    /// Adds a program that is looked at.
    fn program(&mut self, program: Program) {
        if !Machine::looks_at(&program.name) {
            return;
        }
        if self.programs.len() < MAX_PROGRAMS {
            self.programs.push(program);
        } else {
            self.programs_left_out += 1;
        }
    }

    /// What it says. `None` when the machine has no name.
    fn tell(self, format: Format, file_name: &str, products: &[Product]) -> Option<Reading> {
        let mut reading = Reading::new(format);
        if !self.client.is_empty() {
            reading
                .details
                .push(Said::new(self.client.clone(), self.client.clone()));
        }
        let subject = Arc::new(self.subject()?);
        reading.rows = 1;
        let at = self.time(&mut reading);
        let mut facts: Vec<(Fact, String)> = Vec::new();
        for program in &self.programs {
            let version = program.version.as_deref();
            match software::facts(&program.name, version, BuildSource::AdminDisplayVersion, products) {
                Ok(found) => {
                    let new = found
                        .into_iter()
                        .filter(|fact| !facts.iter().any(|(known, _)| known == fact));
                    let new: Vec<Fact> = new.collect();
                    facts.extend(new.into_iter().map(|fact| (fact, program.place.clone())));
                }
                Err(text) => {
                    let said = not_understood(&text, "a build", "un build");
                    reading.problem_at(&program.place, said);
                }
            }
        }
        if self.programs_left_out > 0 {
            let left = self.programs_left_out;
            reading.notes.push(Said::new(
                format!("{left} programs beyond the first {MAX_PROGRAMS} are not read"),
                format!("{left} programmes au-delà des {MAX_PROGRAMS} premiers ne sont pas lus"),
            ));
        }
        if facts.is_empty() {
            facts.push((Fact::Machine, String::new()));
            reading.notes.push(Said::new(
                "none of its programs is an Exchange server: it counts where another source knows it as one",
                "aucun de ses programmes n’est un serveur Exchange : elle ne compte que si une autre source la connaît comme tel",
            ));
        }
        let file: Arc<str> = file_name.into();
        reading.observations = facts
            .into_iter()
            .map(|(fact, place)| Observation {
                subject: Arc::clone(&subject),
                fact,
                at,
                origin: Origin {
                    reader: format.id(),
                    file: Arc::clone(&file),
                    place: (!place.is_empty()).then(|| Place::Path(place.into())),
                },
            })
            .collect();
        Some(reading)
    }

    fn subject(&self) -> Option<Subject> {
        let full = self.name.as_ref().filter(|name| name.contains('.'));
        let short = self.name.as_ref().and_then(|name| name.split('.').next());
        let by_domain = || {
            let domain = self.domain.as_ref().filter(|domain| domain.contains('.'))?;
            Some(format!("{}.{domain}", short?))
        };
        let fqdn = self.fqdn.clone().or_else(|| full.cloned()).or_else(by_domain);
        let name = short
            .map(str::to_owned)
            .or_else(|| fqdn.as_ref()?.split('.').next().map(str::to_owned))?;
        Some(Subject {
            // What agents send where nobody gave a tag.
            tenant: self.tag.clone().filter(|tag| tag != "NA"),
            name: Some(name),
            fqdn,
            addresses: self.addresses.clone(),
            ..Subject::default()
        })
    }

    /// When the inventory was made, UTC.
    fn time(&self, reading: &mut Reading) -> Option<Timestamp> {
        let Some(text) = &self.made else {
            reading.notes.push(Said::new(
                "it does not say when it was made: nobody knows how old it is",
                "il ne dit pas quand il a été fait : son âge est inconnu",
            ));
            return None;
        };
        let Some(local) = parse_utc(text) else {
            reading.problem_at("LOGDATE", not_understood(text, "a time", "une heure"));
            return None;
        };
        match self.offset.as_deref().map(offset) {
            Some(Some(offset)) => Some(local - offset),
            _ => {
                reading.notes.push(Said::new(
                    "its time is the machine’s own, without an offset: read as UTC",
                    "son heure est celle de la machine, sans décalage : lue comme UTC",
                ));
                Some(local)
            }
        }
    }
}

/// `+0100` in microseconds.
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    Some(sign * ((number / 100) * 3_600 + (number % 100) * 60) * MICROS_PER_SECOND)
}

/// Which agent wrote it.
fn format(client: &str) -> Format {
    let lower = client.to_lowercase();
    match lower.contains("ocs") {
        true => Format::OcsAgent,
        false => Format::GlpiAgent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_of_clocks() {
        assert_eq!(offset("+0100"), Some(3_600 * MICROS_PER_SECOND));
        assert_eq!(offset("-0330"), Some(-12_600 * MICROS_PER_SECOND));
        for bad in ["", "0100", "+1", "+01:00", "+é00"] {
            assert_eq!(offset(bad), None, "{bad}");
        }
    }
}
