//! What the answer to a query must be: one that is empty or wrong is no measurement.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::client::Client;

/// A query.
pub(super) struct Query {
    pub(super) name: &'static str,
    pub(super) path: String,
    /// Whose thing it is about, where it is about one: for those who may not see that tenant it is not there.
    pub(super) tenant: Option<String>,
    pub(super) right: Right,
}

pub(super) type Right = Box<dyn Fn(&Value) -> bool>;

/// Somebody who asks, with the tenants he sees.
pub(super) struct Sight(BTreeSet<String>);

impl Sight {
    pub(super) fn of(who: &Client) -> Result<Sight> {
        let mut seen = BTreeSet::new();
        let mut path = "/tenants?limit=1000".to_owned();
        loop {
            let page = who.get(&path)?;
            let items = page["items"].as_array().context("no tenants")?;
            seen.extend(items.iter().filter_map(|one| text(one, "/id").map(str::to_owned)));
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/tenants?limit=1000&cursor={cursor}"),
                None => return Ok(Sight(seen)),
            }
        }
    }

    pub(super) fn sees(&self, query: &Query) -> bool {
        query.tenant.as_ref().is_none_or(|tenant| self.0.contains(tenant))
    }

    /// A tenant in an answer that whoever asked does not see.
    fn stranger<'a>(&self, answer: &'a Value) -> Option<&'a str> {
        match answer {
            Value::Object(fields) => {
                let named = fields.get("tenant_id").and_then(Value::as_str);
                named
                    .filter(|tenant| !self.0.contains(*tenant))
                    .or_else(|| fields.values().find_map(|value| self.stranger(value)))
            }
            Value::Array(values) => values.iter().find_map(|value| self.stranger(value)),
            _ => None,
        }
    }
}

impl Query {
    /// Fails when an answer is not the right one for whoever asked.
    pub(super) fn check(&self, sight: &Sight, body: &[u8]) -> Result<()> {
        let answer: Value =
            serde_json::from_slice(body).with_context(|| format!("{}: the answer is no JSON", self.name))?;
        if let Some(tenant) = sight.stranger(&answer) {
            bail!(
                "{}: the answer tells of the tenant {tenant}, whom the asker may not see",
                self.name
            );
        }
        if !(self.right)(&answer) {
            let shown: String = answer.to_string().chars().take(400).collect();
            bail!("{}: not the right answer to {}: {shown}", self.name, self.path);
        }
        Ok(())
    }
}

pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// There is a list, something is in it, and all of it is as it must be.
pub(super) fn all(pointer: &'static str, each: impl Fn(&Value) -> bool + 'static) -> Right {
    Box::new(move |answer| {
        let list = answer.pointer(pointer).and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty() && list.iter().all(&each))
    })
}

/// The same, of a list in pages.
pub(super) fn items(each: impl Fn(&Value) -> bool + 'static) -> Right {
    all("/items", each)
}

/// A field says this.
pub(super) fn says(pointer: &'static str, wanted: &str) -> impl Fn(&Value) -> bool + use<> {
    let wanted = wanted.to_owned();
    move |value| text(value, pointer) == Some(wanted.as_str())
}

/// A field holds this, whatever its case.
pub(super) fn holds(pointer: &'static str, wanted: &str) -> impl Fn(&Value) -> bool + use<> {
    let wanted = wanted.to_lowercase();
    move |value| text(value, pointer).is_some_and(|text| text.to_lowercase().contains(&wanted))
}

/// A page of so many findings, or of all there are.
pub(super) fn page_of(limit: usize, each: impl Fn(&Value) -> bool + 'static) -> Right {
    let these = items(each);
    Box::new(move |answer| {
        let there = answer["items"].as_array().map_or(0, Vec::len);
        let total = answer["total"].as_u64().unwrap_or_default() as usize;
        these(answer) && there <= limit && (there == limit || there <= total)
    })
}

/// A page of the board with as many tenants as fit on it, each with servers.
pub(super) fn board(limit: u64, each: impl Fn(&Value) -> bool + 'static) -> Right {
    let tenants = all("/tenants/items", |one| {
        one["servers"]
            .as_array()
            .is_some_and(|servers| !servers.is_empty())
            || one["servers"].is_object()
    });
    Box::new(move |answer| {
        let there = answer["tenants"]["items"].as_array().map_or(0, Vec::len) as u64;
        let matching = answer["tenants_matching"].as_u64().unwrap_or_default();
        tenants(answer)
            && there == limit.min(matching)
            && answer["tenants"]["items"]
                .as_array()
                .is_some_and(|all| all.iter().all(&each))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn query(right: Right) -> Query {
        Query {
            name: "q",
            path: "/q".into(),
            tenant: Some("t1".into()),
            right,
        }
    }

    #[test]
    fn an_answer_that_is_empty_wrong_or_tells_of_others_is_refused() {
        let sight = Sight(BTreeSet::from(["t1".to_owned()]));
        let check = |answer: Value| {
            let new = query(page_of(2, says("/state", "new")));
            new.check(&sight, answer.to_string().as_bytes())
        };
        let one = json!({"state": "new", "tenant_id": "t1"});
        assert!(check(json!({"items": [one, one], "total": 9})).is_ok());
        for wrong in [
            json!({"items": [], "total": 0}),
            json!({"total": 1}),
            json!({"items": [one, {"state": "accepted", "tenant_id": "t1"}], "total": 2}),
            json!({"items": [one, one, one], "total": 9}),
        ] {
            let said = check(wrong.clone()).unwrap_err().to_string();
            assert!(said.contains("not the right answer"), "{wrong}: {said}");
        }
        let foreign = json!({"items": [{"state": "new", "tenant_id": "t2"}], "total": 1});
        assert!(check(foreign).unwrap_err().to_string().contains("the tenant t2"));
        assert!(sight.sees(&query(items(|_| true))));
        assert!(!Sight(BTreeSet::new()).sees(&query(items(|_| true))));
    }
}
