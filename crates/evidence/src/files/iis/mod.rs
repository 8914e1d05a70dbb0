//! IIS configuration: `applicationHost.config` of the machine, `web.config` of a site or folder.
//!
//! One row for each setting through which somebody could hear every request, answer it with a program of their own, or
//! publish a folder; columns carry IIS's own names. Secrets (machine keys, passwords) are never copied.
//! Source: `IIS_schema.xml`, `rewrite_schema.xml` and `ASPNET_schema.xml` in `%windir%\System32\inetsrv\config\schema`.

mod mitigation;
mod rewrite;

use std::io::Read;

use vigie_event::{EventBatch, Source, format_utc};

use self::rewrite::Rule;
use super::paths::{own_path, virtual_path};
use super::rows::Rows;
use super::text::head_text;
use super::xml::{self, Document, Element, Node};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::Code;

/// `applicationHost.config` and `web.config`.
pub(crate) static FORMAT: Format = Format {
    name: "iis_config",
    source: Source::IisConfig,
    recognise,
    parse,
};

/// Settings that become rows: the section's path and the element in it.
const SETTINGS: [(&str, &str); 22] = [
    ("system.webServer/globalModules", "add"),
    ("system.webServer/modules", "add"),
    ("system.webServer/handlers", "add"),
    ("system.webServer/handlers", "clear"),
    ("system.webServer/isapiFilters", "filter"),
    ("system.webServer/security/isapiCgiRestriction", "add"),
    (
        "system.webServer/security/requestFiltering/fileExtensions",
        "remove",
    ),
    (
        "system.webServer/security/requestFiltering/hiddenSegments",
        "remove",
    ),
    ("system.webServer/fastCgi", "application"),
    ("system.webServer", "httpRedirect"),
    ("system.webServer", "httpLogging"),
    ("system.webServer/httpProtocol/customHeaders", "add"),
    ("system.web/httpModules", "add"),
    ("system.web/httpHandlers", "add"),
    ("system.web/compilation/buildProviders", "add"),
    ("system.web/compilation/assemblies", "add"),
    ("system.web", "machineKey"),
    (
        "system.applicationHost/sites/site/application",
        "virtualDirectory",
    ),
    ("system.applicationHost/sites/site", "logFile"),
    ("system.applicationHost/sites/site/bindings", "binding"),
    ("system.applicationHost/log/centralW3CLogFile", ""),
    ("system.applicationHost/sites/siteDefaults", "logFile"),
];

/// Attributes copied into columns of the same name.
const ATTRIBUTES: [&str; 27] = [
    "name",
    "image",
    "type",
    "path",
    "verb",
    "modules",
    "scriptProcessor",
    "preCondition",
    "resourceType",
    "requireAccess",
    "physicalPath",
    "enabled",
    "destination",
    "exactDestination",
    "childOnly",
    "directory",
    "allowed",
    "dontLog",
    "logTargetW3C",
    "fullPath",
    "arguments",
    "fileExtension",
    "segment",
    "extension",
    "assembly",
    "protocol",
    "bindingInformation",
];

/// The columns every row begins with.
const LAYOUT: [&str; 7] = ["Section", "Element", "Location", "Site", "name", "path", "verb"];

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    if xml::root(&text)? != "configuration" {
        return None;
    }
    let name = head.name.to_ascii_lowercase();
    let is_named = name.ends_with("web.config") || name.ends_with("applicationhost.config");
    let has_section = [
        "system.webServer",
        "system.applicationHost",
        "<system.web>",
        "<system.web ",
    ]
    .iter()
    .any(|section| text.contains(section));
    match (is_named, has_section) {
        (true, true) => Some(Confidence::Certain),
        (false, true) => Some(Confidence::Content),
        (true, false) => Some(Confidence::Name),
        (false, false) => None,
    }
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut rows = Rows::new(Source::IisConfig, context, sink);
    rows.layout(&LAYOUT);
    let mut config = Config::new(rows);
    let mut document = Document::new(input, context.limits.line_bytes);
    config.itself();
    loop {
        match document.next() {
            Ok(Some(node)) => config.node(node),
            Ok(None) => break,
            Err(why) => {
                let line = document.text().line();
                config.rows.outcome.skip(why, 0, 0, || format!("line {line}"));
                break;
            }
        }
    }
    config.rows.decoded(document.text());
    config.rows.finish()
}

/// One configuration file on its way through.
struct Config<'a> {
    rows: Rows<'a>,
    /// The path of the file on its machine, and what its folder answers under.
    path: String,
    virtual_path: String,
    modified: String,
    /// Names of the open elements, without `configuration` and `location`.
    open: Vec<String>,
    /// How many elements are open in all, for each of the ones that are not in `open`.
    hidden: Vec<usize>,
    depth: usize,
    location: String,
    site: String,
    application: String,
    rule: Option<Rule>,
}

impl<'a> Config<'a> {
    fn new(rows: Rows<'a>) -> Config<'a> {
        let file = rows.context.file;
        let path = own_path(file).to_owned();
        Config {
            virtual_path: virtual_path(&path).unwrap_or_default(),
            modified: file.modified.map(format_utc).unwrap_or_default(),
            path,
            rows,
            open: Vec::new(),
            hidden: Vec::new(),
            depth: 0,
            location: String::new(),
            site: String::new(),
            application: String::new(),
            rule: None,
        }
    }

    /// The file itself, so that its place can be judged even when it holds no setting of interest.
    fn itself(&mut self) {
        self.emit(1, 0, "", "configuration", &[]);
    }

    fn node(&mut self, node: Node) {
        match node {
            Node::Start(element) => self.start(&element),
            Node::End => self.end(),
            Node::Comment(text, line) => self.unread_text(&text, "comment", line),
            Node::Text(text) => self.unread_text(&text, "text", 0),
            Node::DocType => {
                let why = Code::DoctypeNotFollowed;
                self.rows.outcome.skip(why, 1, 0, || "start".to_owned());
            }
        }
    }

    fn start(&mut self, element: &Element) {
        self.depth += 1;
        let transparent = self.open.is_empty()
            && (element.name == "configuration" || element.name.eq_ignore_ascii_case("location"));
        if transparent {
            self.hidden.push(self.depth);
            if element.name != "configuration" {
                self.location = element.get("path").to_owned();
            }
            return;
        }
        let section = self.open.join("/");
        match (section.as_str(), element.name.as_str()) {
            ("system.applicationHost/sites", "site") => {
                element.get("name").clone_into(&mut self.site);
                self.application.clear();
            }
            ("system.applicationHost/sites/site", "application") => {
                element.get("path").clone_into(&mut self.application);
            }
            (section, "rule") if section.starts_with("system.webServer/rewrite/") => {
                self.rule = Some(Rule::new(section, element));
            }
            _ => {}
        }
        if let Some(rule) = &mut self.rule {
            rule.element(element);
        } else {
            self.setting(&section, element);
        }
        self.open.push(element.name.clone());
    }

    fn end(&mut self) {
        if self.hidden.last() == Some(&self.depth) {
            self.hidden.pop();
            self.location.clear();
        } else if self.open.pop().as_deref() == Some("rule")
            && let Some(rule) = self.rule.take()
        {
            self.rewrite_rule(&rule);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn setting(&mut self, section: &str, element: &Element) {
        let is_known = SETTINGS
            .iter()
            .any(|(known, name)| *known == section && *name == element.name);
        if !is_known {
            return;
        }
        if element.name == "machineKey" {
            let value = |name| match element.get(name) {
                "" => "",
                value if value.starts_with("AutoGenerate") => "AutoGenerate",
                _ => "fixed",
            };
            let values = [
                ("validationKey", value("validationKey")),
                ("decryptionKey", value("decryptionKey")),
            ];
            return self.emit(element.line, element.offset, section, &element.name, &values);
        }
        if section.ends_with("customHeaders") {
            return self.header(element);
        }
        let whole_path;
        let mut values: Vec<(&str, &str)> = Vec::new();
        if element.name == "virtualDirectory" {
            whole_path = joined(&self.application, element.get("path"));
            values.push(("path", &whole_path));
        }
        for (name, value) in element.attributes() {
            if let Some(column) = ATTRIBUTES.iter().find(|known| known.eq_ignore_ascii_case(name)) {
                values.push((column, value));
            }
        }
        self.emit(element.line, element.offset, section, &element.name, &values);
    }

    /// Exchange writes the front end's name into a header of every answer.
    fn header(&mut self, element: &Element) {
        if element.get("name").eq_ignore_ascii_case("X-FEServer") {
            let value = element.get("value");
            let plausible = !value.is_empty()
                && value.len() <= 255
                && value
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            if plausible {
                self.rows.outcome.host(value, "X-FEServer");
            }
        }
    }

    fn rewrite_rule(&mut self, rule: &Rule) {
        let cve = mitigation::cve(rule).filter(|_| rule.is_enabled());
        if let Some(cve) = cve {
            let time = self.rows.context.file.modified;
            let value = format!("{cve}: rewrite rule {}", rule.name());
            self.rows.observe("mitigation", &value, time, rule.line);
        }
        let mut values = rule.values();
        values.push(("Mitigates", cve.unwrap_or_default()));
        self.emit(rule.line, rule.offset, &rule.section, "rule", &values);
    }

    /// Script in a comment or beside the elements has no meaning for IIS: it is there to be run as a page.
    fn unread_text(&mut self, text: &str, element: &str, line: u64) {
        if text.contains("<%") || text.contains("&lt;%") {
            self.emit(line.max(1), 0, "", element, &[("script", "<%")]);
        }
    }

    fn emit(&mut self, line: u64, offset: u64, section: &str, element: &str, values: &[(&str, &str)]) {
        let name = self.path.rsplit(['\\', '/']).next().unwrap_or_default();
        let is_site = section.starts_with("system.applicationHost/sites/site");
        let of_site = |value| if is_site { value } else { "" };
        let place = [
            ("Section", section),
            ("Element", element),
            ("Location", self.location.as_str()),
            ("Site", of_site(self.site.as_str())),
        ];
        let file = [
            ("TargetFilename", self.path.as_str()),
            ("FileName", name),
            ("VirtualPath", self.virtual_path.as_str()),
            ("LastWriteTime", self.modified.as_str()),
        ];
        let values = place.into_iter().chain(values.iter().copied()).chain(file);
        self.rows.row(None, line, offset, values);
    }
}

/// The address of a virtual directory: its application's and its own.
fn joined(application: &str, directory: &str) -> String {
    let application = application.trim_end_matches('/');
    let directory = directory.trim_end_matches('/');
    match (application, directory) {
        ("", "") => "/".to_owned(),
        (application, directory) => format!("{application}{directory}"),
    }
}
