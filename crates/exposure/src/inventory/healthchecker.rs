//! HealthChecker.ps1: `HealthChecker-<server>-<time>.xml`, what it collected about a server, as CLIXML.
//!
//! Source: microsoft/CSS-Exchange, `Diagnostics/HealthChecker/DataCollection`; CLIXML is described in MS-PSRP, section
//! 2.2.5. The build is the file version of ExSetup.exe, which security updates raise; when HealthChecker found no
//! ExSetup.exe it stands for AdminDisplayVersion and says so. `GenerationTime` carries its offset.

use std::collections::BTreeMap;
use std::sync::Arc;

use quick_xml::events::BytesStart;
use vigie_event::parse_utc;

use super::reading::not_understood;
use super::software::knowledge_base;
use super::{Format, InventoryError, Options, Reading, words, xml};
use crate::{BuildSource, Fact, Observation, Origin, Place, ProductLine, Said, Subject, Version};

/// Characters of the name of a property that are kept.
const MAX_PROPERTY: usize = 200;
/// Bytes of one value that are kept.
const MAX_VALUE: usize = 8 << 10;
/// Names of installed updates kept of one server.
const MAX_UPDATES: usize = 1_000;

/// The object of the server inside the analysed results; older versions export it alone.
const SERVER: [&str; 2] = ["HealthCheckerExchangeServer", "HealthExchangeServer"];

const NAME: &str = "ServerName";
const TIME: &str = "GenerationTime";
const FQDN: &str = "ExchangeInformation.GetExchangeServer.Fqdn";
const SETUP: &str = "ExchangeInformation.BuildInformation.ExchangeSetup.FileVersion";
const NO_SETUP: &str = "ExchangeInformation.BuildInformation.ExchangeSetup.FailedGetExSetup";
const BUILD: &str = "ExchangeInformation.BuildInformation.VersionInformation.BuildVersion";
const LINE: &str = "ExchangeInformation.BuildInformation.MajorVersion";
const ROLE: &str = "ExchangeInformation.BuildInformation.ServerRole";
const DOTNET: &str = "OSInformation.NETFramework.RegistryValue";
const UPDATES: [&str; 2] = [
    "ExchangeInformation.BuildInformation.KBsInstalledInfo.PackageName",
    "ExchangeInformation.BuildInformation.KBsInstalled",
];
/// Properties of which the first value stands.
const ONCE: [&str; 9] = [NAME, TIME, FQDN, SETUP, NO_SETUP, BUILD, LINE, ROLE, DOTNET];

/// A value, and the path of its property.
struct Value {
    text: String,
    place: String,
}

/// What was found of one server.
#[derive(Default)]
struct Found {
    values: BTreeMap<&'static str, Value>,
    updates: Vec<Value>,
    left_out: u64,
}

/// An element that is open.
struct Open {
    is_object: bool,
    /// How long the path was before it.
    before: usize,
    /// What its text is to be taken for.
    wanted: Option<&'static str>,
    text: String,
}

/// Reads what `Export-Clixml` wrote.
pub(super) fn read(file_name: &str, text: &str, options: &Options) -> Result<Reading, InventoryError> {
    let mut walk = Walk {
        file: file_name.into(),
        options,
        open: Vec::new(),
        path: String::new(),
        found: Found::default(),
        reading: Reading::new(Format::HealthChecker),
    };
    xml::walk(text, None, &mut walk).map_err(|stop| stop.into_error(Format::HealthChecker))?;
    if walk.reading.rows == 0 {
        let why = Said::new("it holds no ServerName", "il ne contient pas de ServerName");
        return Err(InventoryError::broken(Format::HealthChecker, why));
    }
    Ok(walk.reading)
}

/// What the value at a path is to be taken for.
fn wanted(path: &str) -> Option<&'static str> {
    let of_server = SERVER
        .iter()
        .find_map(|server| path.strip_prefix(server)?.strip_prefix('.'));
    let path = of_server.unwrap_or(path);
    let mut known = ONCE.iter().chain(&UPDATES).copied();
    known.find(|known| *known == path)
}

impl Found {
    fn keep(&mut self, wanted: &'static str, value: Value) {
        if !UPDATES.contains(&wanted) {
            self.values.entry(wanted).or_insert(value);
        } else if self.updates.len() < MAX_UPDATES {
            self.updates.push(value);
        } else {
            self.left_out += 1;
        }
    }

    /// Where something was found.
    fn place(&self) -> Option<String> {
        let mut values = self.values.values().chain(&self.updates);
        values.next().map(|value| value.place.clone())
    }
}

struct Walk<'a> {
    file: Arc<str>,
    options: &'a Options,
    open: Vec<Open>,
    /// The properties (`N`) that the open elements hold.
    path: String,
    found: Found,
    reading: Reading,
}

impl xml::Visitor for Walk<'_> {
    fn start(&mut self, name: &str, element: &BytesStart<'_>) {
        let property = xml::attribute(element, "N");
        let before = self.path.len();
        if let Some(property) = &property {
            if before > 0 {
                self.path.push('.');
            }
            self.path.extend(property.chars().take(MAX_PROPERTY));
        }
        // An enumeration says its name in `ToString`, its number in `I32`: the name is what is read.
        let is_value = match name {
            "S" | "Version" | "DT" | "B" | "ToString" => true,
            "I32" | "U32" | "I64" | "U64" => property.is_some(),
            _ => false,
        };
        self.open.push(Open {
            is_object: name == "Obj",
            before,
            wanted: is_value.then(|| wanted(&self.path)).flatten(),
            text: String::new(),
        });
    }

    fn text(&mut self, text: &str) {
        if let Some(last) = self.open.last_mut().filter(|last| last.wanted.is_some()) {
            xml::append(&mut last.text, text, MAX_VALUE);
        }
    }

    fn end(&mut self, _name: &str) {
        let Some(open) = self.open.pop() else {
            return;
        };
        let text = open.text.trim();
        if let Some(wanted) = open.wanted.filter(|_| !text.is_empty()) {
            let value = Value {
                text: text.to_owned(),
                place: self.path.clone(),
            };
            self.found.keep(wanted, value);
        } else if open.is_object && self.path.is_empty() {
            // An object that is nobody's property ends: a server, or the list of them.
            let found = std::mem::take(&mut self.found);
            self.server(found);
        }
        self.path.truncate(open.before);
    }
}

impl Walk<'_> {
    fn server(&mut self, mut found: Found) {
        let Some(place) = found.place() else {
            return;
        };
        let Some(name) = found.values.remove(NAME) else {
            let said = Said::new(
                "there is no ServerName: nothing of the object is used",
                "ServerName manque : rien de l’objet n’est utilisé",
            );
            return self.reading.problem_at(&place, said);
        };
        self.reading.rows += 1;
        let named = Subject::of_name(&name.text);
        let full = found.values.remove(FQDN).map(|value| value.text);
        let subject = Arc::new(Subject {
            fqdn: full.or(named.fqdn),
            ..named
        });
        let time = found.values.remove(TIME);
        let at = time.as_ref().and_then(|time| parse_utc(&time.text));
        if at.is_none() {
            let said = match &time {
                Some(time) => not_understood(&time.text, "a time", "une heure"),
                None => Said::new(
                    "there is no GenerationTime: when this was so is unknown",
                    "GenerationTime manque : on ne sait pas de quand cela date",
                ),
            };
            let place = time.map_or_else(|| name.place.clone(), |time| time.place);
            self.reading.problem_at(&place, said);
        }
        if found.left_out > 0 {
            self.reading.notes.push(Said::new(
                format!(
                    "{} updates beyond the first {MAX_UPDATES} are not read",
                    found.left_out
                ),
                format!(
                    "{} mises à jour au-delà des {MAX_UPDATES} premières ne sont pas lues",
                    found.left_out
                ),
            ));
        }
        for (fact, place) in self.facts(found, &name) {
            let origin = Origin {
                reader: Format::HealthChecker.id(),
                file: Arc::clone(&self.file),
                place: Some(Place::Path(place.into())),
            };
            self.reading.observations.push(Observation {
                subject: Arc::clone(&subject),
                fact,
                at,
                origin,
            });
        }
    }

    fn facts(&mut self, mut found: Found, name: &Value) -> Vec<(Fact, String)> {
        let mut facts = Vec::new();
        // `Exchange2016`. Without it the server is still one of Exchange, and must not get lost.
        let line = found.values.remove(LINE).and_then(|value| {
            let spaced = value.text.replace("Exchange", "Exchange ");
            let named = words::product(&spaced, &self.options.products)?;
            Some((Fact::Product(named.product), value.place))
        });
        let exchange = || ProductLine {
            product: "exchange".to_owned(),
            line: None,
        };
        facts.push(line.unwrap_or_else(|| (Fact::Product(exchange()), name.place.clone())));
        facts.extend(self.build(&mut found, name));
        // `None` is what HealthChecker calls the roles it does not know.
        let role = found.values.remove(ROLE);
        if let Some(value) = role.filter(|role| role.text != "None") {
            facts.push((Fact::Role(value.text), value.place));
        }
        if let Some(value) = found.values.remove(DOTNET) {
            match value.text.parse() {
                Ok(release) => facts.push((Fact::DotNet(release), value.place)),
                Err(_) => {
                    let said = not_understood(&value.text, "a value of Release", "une valeur de Release");
                    self.reading.problem_at(&value.place, said);
                }
            }
        }
        for value in found.updates {
            match knowledge_base(&value.text) {
                Some(update) => facts.push((Fact::Update(update), value.place)),
                None => {
                    let said = not_understood(
                        &value.text,
                        "an update with its KB number",
                        "une mise à jour avec son numéro KB",
                    );
                    self.reading.problem_at(&value.place, said);
                }
            }
        }
        facts
    }

    fn build(&mut self, found: &mut Found, name: &Value) -> Option<(Fact, String)> {
        let failed = found.values.remove(NO_SETUP);
        let source = match failed.is_some_and(|failed| failed.text.eq_ignore_ascii_case("true")) {
            true => BuildSource::AdminDisplayVersion,
            false => BuildSource::HealthChecker,
        };
        let mut build = None;
        let mut last = name.place.clone();
        for key in [SETUP, BUILD] {
            let Some(value) = found.values.remove(key).filter(|_| build.is_none()) else {
                continue;
            };
            match value.text.parse::<Version>() {
                Ok(version) => build = Some((Fact::Build { version, source }, value.place)),
                Err(_) => {
                    let said = not_understood(&value.text, "a build", "un build");
                    last.clone_from(&value.place);
                    self.reading.problem_at(&value.place, said);
                }
            }
        }
        if build.is_none() {
            let said = Said::new(
                "there is no build: run HealthChecker again on the server itself, as an administrator",
                "il n’y a pas de build : relancer HealthChecker sur le serveur lui-même, en administrateur",
            );
            self.reading.problem_at(&last, said);
        }
        build
    }
}
