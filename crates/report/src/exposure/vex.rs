//! For others' tools: a VEX document per tenant.

use sha2::{Digest, Sha256};
use vigie_advisory::vex::{self, Product, Publisher, Revision, Statement, Tlp, Vex, VexError, Vulnerability};
use vigie_event::format_utc;
use vigie_exposure::result::{Assessment, ServerExposure};
use vigie_exposure::{Said, Status};
use vigie_pack::Pack;

use crate::lang::Lang;

/// Who says it: the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// An address that is its own, `https://example.com`.
    pub namespace: String,
}

/// One CSAF document of the profile VEX for a tenant's servers. `None` when it has no server.
///
/// # Errors
/// When the document would not be valid.
pub fn exposure_vex(
    result: &Assessment,
    pack: &Pack,
    tenant: Option<&str>,
    provider: &Provider,
    lang: Lang,
) -> Result<Option<String>, VexError> {
    let servers: Vec<&ServerExposure> = result
        .servers
        .iter()
        .filter(|server| server.tenant.as_deref() == tenant)
        .collect();
    let Some(first) = servers.first() else {
        return Ok(None);
    };
    if first.cves.is_empty() {
        return Ok(None);
    }
    let code = lang.code();
    let identifier = |index: usize| format!("server-{}", index + 1);
    let products = servers.iter().enumerate().map(|(index, server)| {
        let build = server
            .build
            .value
            .as_deref()
            .map(|build| format!(" {build}"))
            .unwrap_or_default();
        Product {
            id: identifier(index),
            name: format!(
                "{}{build} ({})",
                server.product,
                server.fqdn.as_deref().unwrap_or(&server.server)
            ),
            cpe: None,
            serial_numbers: Vec::new(),
        }
    });
    let vulnerabilities = first.cves.iter().enumerate().map(|(number, cve)| {
        let known = pack.cves.iter().find(|known| known.id == *cve.cve);
        let text = |text: &vigie_pack::Text| lang.typeset(text.get(code)).into_owned();
        let statements = servers.iter().enumerate();
        Vulnerability {
            cve: cve.cve.to_string(),
            title: known.map(|known| text(&known.title)),
            description: known
                .map(|known| text(&known.allows))
                .unwrap_or_else(|| cve.cve.to_string()),
            cvss: None,
            statements: statements
                .map(|(index, server)| (identifier(index), statement(server, number, lang)))
                .collect(),
        }
    });
    let whose = tenant.unwrap_or("-");
    let date = format_utc(result.as_of);
    let document = Vex {
        title: format!("{} – {whose}", lang.typeset(pack.title.get(code))),
        lang: code.to_owned(),
        tlp: Tlp::Amber,
        publisher: Publisher {
            name: provider.name.clone(),
            namespace: provider.namespace.clone(),
            contact: None,
        },
        id: format!("vigie-{}-{}-{}", pack.name, slug(whose), &date[..10]),
        revisions: vec![Revision {
            date,
            summary: super::pick(lang, "Assessment", "Évaluation").to_owned(),
        }],
        products: products.collect(),
        vulnerabilities: vulnerabilities.collect(),
    };
    vex::write(&document).map(Some)
}

/// A name as a part of an identifier. Where letters are lost, a few digits keep two names apart.
fn slug(name: &str) -> String {
    let plain = name.to_lowercase();
    let kept = plain
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let kept = kept.collect::<String>().trim_matches('-').to_owned();
    if kept == plain {
        return kept;
    }
    let digest = Sha256::digest(name.as_bytes());
    let digits: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{kept}-{digits}").trim_matches('-').to_owned()
}

fn statement(server: &ServerExposure, number: usize, lang: Lang) -> Statement {
    let Some(cve) = server.cves.get(number) else {
        return Statement::Unknown;
    };
    let set = |said: &Said| lang.typeset(said.get(lang.code())).into_owned();
    let reason = set(&cve.reason);
    match cve.status {
        Status::Unknown => Statement::Unknown,
        Status::Vulnerable => {
            let next = server.path.first().map(|step| set(&step.title));
            Statement::Vulnerable {
                action: next.map_or_else(|| reason.clone(), |next| format!("{next}. {reason}")),
            }
        }
        Status::Mitigated => Statement::Mitigated {
            details: reason,
            workaround: false,
        },
        Status::NotAffected => Statement::NotAffected {
            impact: reason,
            justification: None,
        },
        Status::Fixed => Statement::Fixed,
    }
}
