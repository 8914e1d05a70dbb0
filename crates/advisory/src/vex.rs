//! VEX out: a CSAF 2.0 document of the profile `csaf_vex` that says of each product whether it is open to a vulnerability.
//!
//! What is written is tested by [`crate::csaf`] before it is handed over, so a document that leaves here is valid.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use crate::csaf;
use crate::cvss::{Vector, Version};

/// What a document is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Vex {
    /// Its title.
    pub title: String,
    /// Its language, `fr`.
    pub lang: String,
    /// `RED`, `AMBER`, `GREEN`, `WHITE`
    pub tlp: Tlp,
    /// Who says it.
    pub publisher: Publisher,
    /// Its identifier, `acme-vex-contoso-2021-001`.
    pub id: String,
    /// Its versions, oldest first, numbered from 1; the last one is this document.
    pub revisions: Vec<Revision>,
    /// What is spoken of.
    pub products: Vec<Product>,
    /// The vulnerabilities.
    pub vulnerabilities: Vec<Vulnerability>,
}

/// Who may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tlp {
    /// Those who got it.
    Red,
    /// Those who need to know.
    Amber,
    /// The community.
    Green,
    /// Everybody.
    White,
}

/// Who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Name of the provider.
    pub name: String,
    /// An address that is the provider's, `https://example.com`.
    pub namespace: String,
    /// How to reach it.
    pub contact: Option<String>,
}

/// A version of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// RFC 3339, `2021-03-05T08:00:00Z`; never before the one above.
    pub date: String,
    /// What changed.
    pub summary: String,
}

/// A product: for a provider, a server with what runs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its identifier in this document.
    pub id: String,
    /// Its full name, `Exchange Server 2016 CU19 15.1.2176.2 on ex01.contoso.example`.
    pub name: String,
    /// A CPE name.
    pub cpe: Option<String>,
    /// Serial numbers or asset tags.
    pub serial_numbers: Vec<String>,
}

/// A vulnerability, and what holds for each product.
#[derive(Debug, Clone, PartialEq)]
pub struct Vulnerability {
    /// `CVE-2021-26855`
    pub cve: String,
    /// Its title.
    pub title: Option<String>,
    /// What it is.
    pub description: String,
    /// A vector of CVSS 3.0 or 3.1.
    pub cvss: Option<String>,
    /// Product identifier, and what holds for it; each product once.
    pub statements: Vec<(String, Statement)>,
}

/// What holds for a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// It is open: `known_affected`, with what to do.
    Vulnerable {
        /// What to do.
        action: String,
    },
    /// It is closed for now: `known_affected`, with a remediation of category mitigation or workaround.
    Mitigated {
        /// What was done.
        details: String,
        /// Whether it takes functions away.
        workaround: bool,
    },
    /// It was never open: `known_not_affected`, with the reason.
    NotAffected {
        /// Why.
        impact: String,
        /// Why, in VEX's words.
        justification: Option<Justification>,
    },
    /// It holds the fix.
    Fixed,
    /// Nobody can tell yet: `under_investigation`.
    Unknown,
}

/// Why a product is not affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Justification {
    /// The component is not there.
    ComponentNotPresent,
    /// The component is there without the vulnerable code.
    VulnerableCodeNotPresent,
    /// The code is never run.
    VulnerableCodeNotInExecutePath,
    /// An attacker does not reach it.
    VulnerableCodeCannotBeControlledByAdversary,
    /// Something in the product stops it.
    InlineMitigationsAlreadyExist,
}

impl Justification {
    fn label(self) -> &'static str {
        match self {
            Justification::ComponentNotPresent => "component_not_present",
            Justification::VulnerableCodeNotPresent => "vulnerable_code_not_present",
            Justification::VulnerableCodeNotInExecutePath => "vulnerable_code_not_in_execute_path",
            Justification::VulnerableCodeCannotBeControlledByAdversary => {
                "vulnerable_code_cannot_be_controlled_by_adversary"
            }
            Justification::InlineMitigationsAlreadyExist => "inline_mitigations_already_exist",
        }
    }
}

/// Why no document was written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VexError {
    /// A text that is needed is empty.
    #[error("{0} is empty")]
    Empty(String),
    /// A statement about a product that is not listed.
    #[error("{cve}: no product has the identifier {product:?}")]
    Product {
        /// The vulnerability.
        cve: String,
        /// The identifier.
        product: String,
    },
    /// A vector that is none.
    #[error("{cve}: {why}")]
    Cvss {
        /// The vulnerability.
        cve: String,
        /// What is wrong with the vector.
        why: String,
    },
    /// The document would be too large to be read.
    #[error("the document could not be read again: {0}")]
    Unreadable(String),
    /// The document would not be valid.
    #[error("the document would not be valid: {0}")]
    Invalid(csaf::Finding),
}

/// Writes the document, with keys in alphabetical order and a line feed at its end.
///
/// # Errors
/// When something that is needed is missing, or what was given makes no valid document; with the test that says so.
pub fn write(vex: &Vex) -> Result<String, VexError> {
    let document = document(vex)?;
    let text = format!("{:#}\n", sorted(&document));
    let report = csaf::check(text.as_bytes()).map_err(|error| VexError::Unreadable(error.to_string()))?;
    match report
        .findings
        .into_iter()
        .find(|finding| finding.severity == csaf::Severity::Error)
    {
        Some(finding) => Err(VexError::Invalid(finding)),
        None => Ok(text),
    }
}

/// The same value with keys in alphabetical order, whatever map `serde_json` was built with.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let ordered: BTreeMap<&String, &Value> = fields.iter().collect();
            let fields = ordered
                .into_iter()
                .map(|(key, value)| (key.clone(), sorted(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn needed<'a>(what: &str, text: &'a str) -> Result<&'a str, VexError> {
    let text = text.trim();
    match text.is_empty() {
        true => Err(VexError::Empty(what.to_owned())),
        false => Ok(text),
    }
}

fn document(vex: &Vex) -> Result<Value, VexError> {
    let (Some(first), Some(last)) = (vex.revisions.first(), vex.revisions.last()) else {
        return Err(VexError::Empty("the revision history".to_owned()));
    };
    let mut publisher = json!({
        "category": "other",
        "name": needed("the publisher's name", &vex.publisher.name)?,
        "namespace": needed("the publisher's namespace", &vex.publisher.namespace)?,
    });
    if let Some(contact) = &vex.publisher.contact {
        publisher["contact_details"] = json!(needed("the publisher's contact", contact)?);
    }
    let mut history = Vec::new();
    for (index, revision) in vex.revisions.iter().enumerate() {
        history.push(json!({
            "date": revision.date,
            "number": (index + 1).to_string(),
            "summary": needed("the summary of a revision", &revision.summary)?,
        }));
    }
    let label = match vex.tlp {
        Tlp::Red => "RED",
        Tlp::Amber => "AMBER",
        Tlp::Green => "GREEN",
        Tlp::White => "WHITE",
    };
    let id = needed("the identifier", &vex.id)?;
    let name = csaf::file_name(id);
    let vulnerabilities: Result<Vec<Value>, VexError> = vex
        .vulnerabilities
        .iter()
        .map(|one| vulnerability(vex, one))
        .collect();
    Ok(json!({
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "distribution": { "tlp": { "label": label } },
            "lang": vex.lang,
            "publisher": publisher,
            "references": [{
                "category": "self",
                "summary": "Canonical address of this document",
                "url": format!("{}/{name}", vex.publisher.namespace.trim().trim_end_matches('/')),
            }],
            "title": needed("the title", &vex.title)?,
            "tracking": {
                "current_release_date": last.date,
                "generator": { "engine": { "name": "Vigie", "version": env!("CARGO_PKG_VERSION") } },
                "id": id,
                "initial_release_date": first.date,
                "revision_history": history,
                "status": "final",
                "version": vex.revisions.len().to_string(),
            },
        },
        "product_tree": { "full_product_names": products(&vex.products)? },
        "vulnerabilities": vulnerabilities?,
    }))
}

fn products(products: &[Product]) -> Result<Vec<Value>, VexError> {
    let mut written = Vec::new();
    for product in products {
        let mut value = json!({
            "name": needed("a product's name", &product.name)?,
            "product_id": needed("a product's identifier", &product.id)?,
        });
        let mut helper = Map::new();
        if let Some(cpe) = &product.cpe {
            helper.insert("cpe".to_owned(), json!(cpe));
        }
        if !product.serial_numbers.is_empty() {
            helper.insert("serial_numbers".to_owned(), json!(product.serial_numbers));
        }
        if !helper.is_empty() {
            value["product_identification_helper"] = Value::Object(helper);
        }
        written.push(value);
    }
    Ok(written)
}

/// Statements of a vulnerability, gathered as CSAF wants them.
#[derive(Default)]
struct Gathered<'a> {
    status: BTreeMap<&'static str, Vec<&'a str>>,
    remediations: BTreeMap<(&'static str, &'a str), Vec<&'a str>>,
    impacts: BTreeMap<&'a str, Vec<&'a str>>,
    flags: BTreeMap<Justification, Vec<&'a str>>,
}

fn gather<'a>(one: &'a Vulnerability) -> Result<Gathered<'a>, VexError> {
    let mut gathered = Gathered::default();
    for (product, statement) in &one.statements {
        let product = product.trim();
        let status = match statement {
            Statement::Vulnerable { action } => {
                let key = ("vendor_fix", needed("what to do", action)?);
                gathered.remediations.entry(key).or_default().push(product);
                "known_affected"
            }
            Statement::Mitigated { details, workaround } => {
                let category = if *workaround { "workaround" } else { "mitigation" };
                let key = (category, needed("the mitigation", details)?);
                gathered.remediations.entry(key).or_default().push(product);
                "known_affected"
            }
            Statement::NotAffected {
                impact,
                justification,
            } => {
                let why = needed("why a product is not affected", impact)?;
                gathered.impacts.entry(why).or_default().push(product);
                if let Some(justification) = justification {
                    gathered.flags.entry(*justification).or_default().push(product);
                }
                "known_not_affected"
            }
            Statement::Fixed => "fixed",
            Statement::Unknown => "under_investigation",
        };
        gathered.status.entry(status).or_default().push(product);
    }
    Ok(gathered)
}

fn vulnerability(vex: &Vex, one: &Vulnerability) -> Result<Value, VexError> {
    let known: HashSet<&str> = vex.products.iter().map(|product| product.id.trim()).collect();
    for (product, _) in &one.statements {
        if !known.contains(product.trim()) {
            return Err(VexError::Product {
                cve: one.cve.clone(),
                product: product.clone(),
            });
        }
    }
    let gathered = gather(one)?;
    let affected = gathered.status.get("known_affected").cloned().unwrap_or_default();
    let mut value = json!({
        "cve": one.cve,
        "notes": [{ "category": "description", "text": needed("a vulnerability's description", &one.description)? }],
        "product_status": gathered.status,
    });
    if let Some(title) = &one.title {
        value["title"] = json!(needed("a vulnerability's title", title)?);
    }
    let mut put = |key: &str, items: Vec<Value>| {
        if !items.is_empty() {
            value[key] = Value::Array(items);
        }
    };
    let remediations = gathered.remediations.into_iter();
    put(
        "remediations",
        remediations
            .map(|((category, details), ids)| json!({ "category": category, "details": details, "product_ids": ids }))
            .collect(),
    );
    let impacts = gathered.impacts.into_iter();
    put(
        "threats",
        impacts
            .map(|(details, ids)| json!({ "category": "impact", "details": details, "product_ids": ids }))
            .collect(),
    );
    let flags = gathered.flags.into_iter();
    put(
        "flags",
        flags
            .map(|(why, ids)| json!({ "label": why.label(), "product_ids": ids }))
            .collect(),
    );
    if let Some(text) = &one.cvss {
        put("scores", score(&one.cve, text, &affected)?);
    }
    Ok(value)
}

/// The score of affected products; a score of none is left out.
fn score(cve: &str, text: &str, affected: &[&str]) -> Result<Vec<Value>, VexError> {
    let wrong = |why: String| VexError::Cvss {
        cve: cve.to_owned(),
        why,
    };
    let vector = Vector::parse(text).map_err(|error| wrong(error.to_string()))?;
    if vector.version() == Version::V2 {
        return Err(wrong("a vector of CVSS 3.0 or 3.1 is wanted".to_owned()));
    }
    if affected.is_empty() {
        return Ok(Vec::new());
    }
    let base = vector.scores().base;
    Ok(vec![json!({
        "cvss_v3": {
            "baseScore": base,
            "baseSeverity": vector.version().severity(base),
            "vectorString": text,
            "version": vector.version().name(),
        },
        "products": affected,
    })])
}
