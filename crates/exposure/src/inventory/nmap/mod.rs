//! nmap: `nmap -oX`, what a scan found of hosts, their ports and what answers there.
//!
//! Source: `nmap.dtd` and the reference guide of nmap; the output of the scripts that are named in [`scripts`]. A scan
//! says what could be reached from where it was made. Only one made from the Internet ([`Vantage::Outside`]) says whether
//! TCP/443 is published, and only of public addresses; unless somebody says so, no scan is taken for one.

mod host;
mod scripts;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use quick_xml::events::BytesStart;
use vigie_event::{MICROS_PER_SECOND, Timestamp};

use super::xml::{self, Stop};
use super::{Format, InventoryError, MAX_ROWS, Reading, Vantage};
use crate::Said;
use host::{Host, PortState};

/// Bytes of one value that are kept: certificates and listings of headers are long.
const MAX_VALUE: usize = 64 << 10;
/// Pieces of evidence kept of one host.
const MAX_PIECES: usize = 1_000;

/// Reads a scan. One that breaks off gives the hosts that are whole.
pub(super) fn read(file_name: &str, text: &str, vantage: Option<Vantage>) -> Result<Reading, InventoryError> {
    let mut walk = Walk {
        run: Run {
            file: file_name.into(),
            vantage,
            scanned_443: false,
            started: None,
            reading: Reading::new(Format::Nmap),
            open: 0,
            unsaid: 0,
            inside: 0,
            quiet: 0,
            others: 0,
        },
        path: Vec::new(),
        host: None,
        port: None,
        script: None,
        key: None,
        text: String::new(),
        tables: Vec::new(),
        hosts: Vec::new(),
        ended: 0,
    };
    match xml::walk(text, Some("nmaprun"), &mut walk) {
        Ok(()) => {}
        Err(Stop::Broken(why)) if walk.ended > 0 => {
            let said = Said::new(
                format!(
                    "{}: hosts after it are not known; {} are whole",
                    why.en, walk.ended
                ),
                format!(
                    "{} : les hôtes suivants sont inconnus ; {} sont entiers",
                    why.fr, walk.ended
                ),
            );
            let whole = Said::new("the scan", "le balayage");
            walk.run.reading.problem(whole, said);
        }
        Err(stop) => return Err(stop.into_error(Format::Nmap)),
    }
    if walk.ended > MAX_ROWS {
        return Err(InventoryError::TooManyRows);
    }
    forget_shared_names(&mut walk.hosts);
    for host in walk.hosts {
        host.tell(&mut walk.run);
    }
    Ok(walk.run.finish())
}

/// A certificate, or a name in the reverse zone, that several hosts share names none of them.
fn forget_shared_names(hosts: &mut [Host]) {
    let mut seen: HashMap<String, u32, RandomState> = HashMap::default();
    for host in hosts.iter() {
        let mut names: Vec<String> = host.borrowed_names().collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            *seen.entry(name).or_default() += 1;
        }
    }
    for host in hosts {
        host.keep_names(|name| seen.get(name).is_none_or(|hosts| *hosts < 2));
    }
}

/// What holds for the whole scan.
struct Run {
    file: Arc<str>,
    vantage: Option<Vantage>,
    /// Whether 443/tcp was among the ports that were scanned.
    scanned_443: bool,
    started: Option<Timestamp>,
    reading: Reading,
    /// Hosts with 443/tcp open.
    open: u64,
    /// Of those, the ones of which nothing follows because nobody said from where the scan was made.
    unsaid: u64,
    /// Hosts at addresses that no scan from the Internet can reach.
    inside: u64,
    /// Hosts scanned from outside whose 443/tcp neither answers nor refuses.
    quiet: u64,
    /// Hosts that show nothing of Exchange.
    others: u64,
}

impl Run {
    fn finish(mut self) -> Reading {
        let reading = &mut self.reading;
        let mut note = |en: String, fr: String| reading.notes.push(Said::new(en, fr));
        let (open, rows) = (self.open, reading.rows);
        if self.unsaid > 0 {
            note(
                format!(
                    "hosts with 443/tcp open, seen from where the scan was made: {open}. Nobody said where that is, so nothing follows on publication; give a scan from the Internet with --outside-scan"
                ),
                format!(
                    "hôtes où 443/tcp est ouvert, vu de l’endroit du balayage : {open}. Personne n’a dit d’où, donc rien n’en découle sur la publication ; donner un balayage fait depuis Internet avec --outside-scan"
                ),
            );
        }
        if self.vantage == Some(Vantage::Inside) && open > 0 {
            note(
                format!(
                    "hosts with 443/tcp open, seen from inside: {open}; that is no publication on the Internet"
                ),
                format!(
                    "hôtes où 443/tcp est ouvert, vu de l’intérieur : {open} ; ce n’est pas une publication sur Internet"
                ),
            );
        }
        if self.inside > 0 {
            let inside = self.inside;
            note(
                format!(
                    "hosts at addresses that the Internet does not reach: {inside}; nothing follows on their publication"
                ),
                format!(
                    "hôtes à des adresses qu’Internet n’atteint pas : {inside} ; rien n’en découle sur leur publication"
                ),
            );
        }
        if self.quiet > 0 {
            let quiet = self.quiet;
            note(
                format!(
                    "hosts where 443/tcp was filtered or not scanned: {quiet}; whether it is published stays unknown"
                ),
                format!(
                    "hôtes où 443/tcp est filtré ou n’a pas été balayé : {quiet} ; sa publication reste inconnue"
                ),
            );
        }
        if self.others > 0 {
            let others = self.others;
            note(
                format!(
                    "hosts that show nothing of Exchange: {others} of {rows}; such a host counts only where another source knows it as a server"
                ),
                format!(
                    "hôtes qui ne montrent rien d’Exchange : {others} sur {rows} ; un tel hôte ne compte que si une autre source le connaît comme serveur"
                ),
            );
        }
        self.reading
    }
}

struct Walk {
    run: Run,
    /// The names of the open elements.
    path: Vec<Box<str>>,
    host: Option<Host>,
    /// The port that is open in the document.
    port: Option<(u32, bool)>,
    /// The script of which tables are read.
    script: Option<String>,
    /// The key of the element whose text is read, after those of the tables around it.
    key: Option<String>,
    text: String,
    /// The keys of the tables that are open in it.
    tables: Vec<String>,
    hosts: Vec<Host>,
    /// How many hosts there were.
    ended: u64,
}

impl Walk {
    fn parent(&self) -> &str {
        let above = self.path.len().checked_sub(2).and_then(|at| self.path.get(at));
        above.map_or("", |name| name)
    }

    /// The number of the port that is open in the document.
    fn port_number(&self) -> Option<u32> {
        self.port.map(|(port, _)| port)
    }

    fn scan_info(&mut self, element: &BytesStart<'_>) {
        let tcp = xml::attribute(element, "protocol").is_none_or(|protocol| protocol == "tcp");
        if let Some(services) = xml::attribute(element, "services")
            && tcp
        {
            self.run.scanned_443 |= has_port(&services, 443);
        }
    }

    fn in_host(&mut self, name: &str, element: &BytesStart<'_>) {
        let value = |name| xml::attribute(element, name).map(|value| clipped(&value));
        let parent_is_host = self.parent() == "host";
        let port = self.port;
        let Some(host) = &mut self.host else {
            return;
        };
        match name {
            "status" if parent_is_host => host.is_up = value("state").is_none_or(|state| state != "down"),
            "address" => match value("addr").unwrap_or_default().parse() {
                Ok(address) if host.addresses.len() < MAX_PIECES => host.addresses.push(address),
                // The address of a network card.
                _ => {}
            },
            "hostname" => {
                let is_given = value("type").is_some_and(|kind| kind == "user");
                if let Some(name) = value("name") {
                    host.name(
                        if is_given {
                            host::Name::Given
                        } else {
                            host::Name::Reverse
                        },
                        &name,
                    );
                }
            }
            "extraports" => host
                .extra
                .push(PortState::of(&value("state").unwrap_or_default())),
            "extrareasons" => {
                let ports = value("ports").unwrap_or_default();
                let tcp = value("proto").is_none_or(|protocol| protocol == "tcp");
                if tcp && has_port(&ports, 443) {
                    host.port_443 = host.extra.last().copied();
                }
            }
            "state" if port == Some((443, true)) => {
                host.port_443 = Some(PortState::of(&value("state").unwrap_or_default()));
            }
            "service" => {
                let product = value("product").unwrap_or_default();
                let extra = value("extrainfo").unwrap_or_default();
                host.service(
                    &product,
                    &extra,
                    value("hostname").as_deref(),
                    port.map(|(port, _)| port),
                );
            }
            _ => {}
        }
    }

    fn host_ends(&mut self) {
        if let Some(host) = self.host.take() {
            self.ended += 1;
            if self.ended <= MAX_ROWS {
                self.hosts.push(host);
            }
        }
    }
}

impl xml::Visitor for Walk {
    fn start(&mut self, name: &str, element: &BytesStart<'_>) {
        self.path.push(name.into());
        let seconds = |name| {
            let text = xml::attribute(element, name)?;
            let seconds: i64 = text
                .parse()
                .ok()
                .filter(|seconds| (0..=253_402_300_799).contains(seconds))?;
            Some(seconds * MICROS_PER_SECOND)
        };
        match name {
            "nmaprun" => {
                self.run.started = seconds("start");
                let scanner = xml::attribute(element, "scanner").unwrap_or_default();
                let version = xml::attribute(element, "version").unwrap_or_default();
                let shown: String = format!("{scanner} {version}").trim().chars().take(60).collect();
                self.run.reading.details.push(Said::new(shown.clone(), shown));
            }
            "scaninfo" => self.scan_info(element),
            "host" => {
                let at = seconds("endtime")
                    .or_else(|| seconds("starttime"))
                    .or(self.run.started);
                self.host = Some(Host::new(at));
            }
            "port" => {
                let number = xml::attribute(element, "portid").and_then(|id| id.parse().ok());
                let tcp = xml::attribute(element, "protocol").is_none_or(|protocol| protocol == "tcp");
                self.port = number.map(|number| (number, tcp));
            }
            "script" => {
                let id = xml::attribute(element, "id")
                    .map(|id| clipped(&id))
                    .unwrap_or_default();
                let output = xml::attribute(element, "output").unwrap_or_default();
                let port = self.port_number();
                if let Some(host) = &mut self.host {
                    scripts::output(&id, &output, port, host);
                }
                self.script = Some(id);
            }
            "elem" => {
                self.key = xml::attribute(element, "key").map(|key| clipped(&key));
                self.text.clear();
            }
            "table" if self.script.is_some() => {
                let key = xml::attribute(element, "key")
                    .map(|key| clipped(&key))
                    .unwrap_or_default();
                let port = self.port_number();
                if let (Some(host), Some(script)) = (&mut self.host, &self.script) {
                    scripts::table(script, &key, port, host);
                }
                self.tables.push(key);
            }
            _ => self.in_host(name, element),
        }
    }

    fn text(&mut self, text: &str) {
        if self.path.last().is_some_and(|name| &**name == "elem") {
            xml::append(&mut self.text, text, MAX_VALUE);
        }
    }

    fn end(&mut self, name: &str) {
        self.path.pop();
        match name {
            "elem" => {
                let key = self.key.take().unwrap_or_default();
                let port = self.port_number();
                if let (Some(host), Some(script)) = (&mut self.host, &self.script) {
                    let table = self.tables.last().map_or("", String::as_str);
                    scripts::element(script, (table, &key), &self.text, port, host);
                }
            }
            "table" => {
                self.tables.pop();
            }
            "script" => {
                self.script = None;
                self.tables.clear();
            }
            "port" => self.port = None,
            "host" => self.host_ends(),
            _ => {}
        }
    }
}

/// A name or a state: what is longer is none.
fn clipped(text: &str) -> String {
    text.trim().chars().take(300).collect()
}

/// Whether a list of ports, `1-1000,3389`, has one.
fn has_port(list: &str, wanted: u32) -> bool {
    list.split(',').any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| text.trim().parse::<u32>().ok();
        number(first)
            .zip(number(last))
            .is_some_and(|(first, last)| (first..=last).contains(&wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_found_in_a_list_of_ranges() {
        assert!(has_port("1-1000", 443) && has_port("25,80,443,587", 443) && has_port("443", 443));
        assert!(!has_port("1-442,444-65535", 443) && !has_port("", 443) && !has_port("4430", 443));
    }
}
