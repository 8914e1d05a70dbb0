//! Names instead of identifiers, where only one thing has the name.

use anyhow::{Result, anyhow};
use serde_json::Value;
use vigie_report::{Lang, visible};

use super::session::{Query, Session};

/// What a name may be of.
pub(crate) struct Kind {
    english: &'static str,
    french: &'static str,
    path: &'static str,
    /// Whether the list can be searched by `?q=`.
    has_search: bool,
    /// Where names stand in one of them.
    names: &'static [&'static str],
}

pub(crate) const TENANT: Kind = Kind {
    english: "tenant",
    french: "client",
    path: "/tenants",
    has_search: true,
    names: &["/name"],
};
pub(crate) const SERVER: Kind = Kind {
    english: "server",
    french: "serveur",
    path: "/servers",
    has_search: true,
    names: &["/name", "/fqdn"],
};
pub(crate) const CAMPAIGN: Kind = Kind {
    english: "campaign",
    french: "campagne",
    path: "/campaigns",
    has_search: false,
    names: &["/title", "/pack"],
};
pub(crate) const EVIDENCE: Kind = Kind {
    english: "piece of evidence",
    french: "preuve",
    path: "/evidence",
    has_search: true,
    names: &["/name", "/sha256"],
};
pub(crate) const CASE: Kind = Kind {
    english: "case",
    french: "dossier",
    path: "/cases",
    has_search: true,
    names: &["/title"],
};
pub(crate) const PERSON: Kind = Kind {
    english: "person",
    french: "personne",
    path: "/people",
    has_search: false,
    names: &["/name"],
};

/// Things of a kind that are looked at for a name, at most.
const MOST: usize = 10_000;
/// Things that are named when several fit.
const NAMED: usize = 5;

/// Names asked for one by one, after which all of their kind are read at once.
const MANY: usize = 20;

/// What something is called.
fn name_in(found: &Value) -> Option<String> {
    found["name"]
        .as_str()
        .or(found["title"].as_str())
        .map(str::to_owned)
}

/// Whether it is an identifier.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

impl Session {
    /// The identifier of a tenant.
    pub(crate) fn tenant(&self, given: &str) -> Result<String> {
        self.id_of(&TENANT, given, Query::default())
    }

    /// The identifiers of the tenant and the server that options name.
    pub(crate) fn tenant_and_server(
        &self,
        tenant: Option<&str>,
        server: Option<&str>,
    ) -> Result<(Option<String>, Option<String>)> {
        let tenant = tenant.map(|given| self.tenant(given)).transpose()?;
        let of = || Query::default().and("tenant", tenant.as_deref());
        let server = server.map(|given| self.id_of(&SERVER, given, of())).transpose()?;
        Ok((tenant, server))
    }

    /// The identifier of a campaign.
    pub(crate) fn campaign(&self, given: &str) -> Result<String> {
        self.id_of(&CAMPAIGN, given, Query::default())
    }

    /// The identifier of what is named so: all of its name, whatever the case. An identifier is taken as it is.
    pub(crate) fn id_of(&self, kind: &Kind, given: &str, query: Query) -> Result<String> {
        if is_id(given) {
            return Ok(given.to_lowercase());
        }
        let query = query.and("q", kind.has_search.then_some(given));
        let path = query.on(kind.path);
        // A few lists come whole.
        let items = match kind.path {
            "/people" => self.client.get(&path)?.as_array().cloned().unwrap_or_default(),
            _ => self.client.list(&path, MOST)?.0,
        };
        let wanted = given.trim().to_lowercase();
        let fits = |item: &&Value| {
            kind.names.iter().any(|at| {
                item.pointer(at)
                    .and_then(Value::as_str)
                    .is_some_and(|name| name.to_lowercase() == wanted)
            })
        };
        let found: Vec<&Value> = items.iter().filter(fits).collect();
        match found.as_slice() {
            [one] => Ok(one["id"].as_str().unwrap_or_default().to_owned()),
            [] => Err(self.no_such(kind, given, &items)),
            several => Err(self.several(kind, given, several)),
        }
    }

    fn no_such(&self, kind: &Kind, given: &str, near: &[Value]) -> anyhow::Error {
        let names: Vec<&str> = near
            .iter()
            .filter_map(|item| item.pointer(kind.names[0])?.as_str())
            .take(NAMED)
            .collect();
        let given = visible(given);
        let mut text = match self.lang {
            Lang::En => format!("there is no {} named {given:?}", kind.english),
            Lang::Fr => format!("aucun résultat pour «\u{a0}{given}\u{a0}» ({})", kind.french),
        };
        if !names.is_empty() {
            let names = names.join(", ");
            text.push_str(&match self.lang {
                Lang::En => format!("; there is {}", visible(&names)),
                Lang::Fr => format!("\u{202f}; il y a {}", visible(&names)),
            });
        }
        anyhow!(text)
    }

    fn several(&self, kind: &Kind, given: &str, found: &[&Value]) -> anyhow::Error {
        let ids: Vec<&str> = found
            .iter()
            .filter_map(|item| item["id"].as_str())
            .take(NAMED)
            .collect();
        let (count, ids, given) = (found.len(), ids.join(", "), visible(given));
        match self.lang {
            Lang::En => anyhow!(
                "{count} fit {given:?} ({}): give the identifier of one: {ids}",
                kind.english
            ),
            Lang::Fr => anyhow!(
                "{count} résultats pour «\u{a0}{given}\u{a0}» ({})\u{a0}: donnez l’identifiant de l’un d’eux\u{a0}: {ids}",
                kind.french
            ),
        }
    }

    /// The name of what has an identifier; the identifier, when it has none for whoever asks.
    pub(super) fn name_of(&self, among: &'static str, id: &str) -> String {
        let known = self.names.borrow().get(id).cloned();
        if let Some(name) = known {
            return name;
        }
        let asked = {
            let mut asked = self.asked.borrow_mut();
            let asked = asked.entry(among).or_default();
            *asked += 1;
            *asked
        };
        if asked == MANY
            && let Ok((all, _)) = self.client.list(&format!("{among}?archived=true"), MOST)
        {
            let named = all
                .iter()
                .filter_map(|one| Some((one["id"].as_str()?.to_owned(), name_in(one)?)));
            self.names.borrow_mut().extend(named);
            return self.name_of(among, id);
        }
        let name = self
            .client
            .get(&format!("{among}/{id}"))
            .ok()
            .and_then(|found| name_in(&found));
        let name = name.unwrap_or_else(|| id.to_owned());
        self.names.borrow_mut().insert(id.to_owned(), name.clone());
        name
    }
}
