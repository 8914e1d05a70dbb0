//! What the answer to a query must be: one that is empty or wrong is no measurement.

use std::collections::{BTreeMap, BTreeSet};

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
    /// What is right for those who may not see that tenant, where it is a list.
    pub(super) unseen: Option<Right>,
}

pub(super) type Right = Box<dyn Fn(&Value) -> bool>;

/// What somebody who asks may see.
pub(super) struct Sight {
    /// Tenants, by identifier, with their names.
    seen: BTreeMap<String, String>,
    /// Identifiers and names of all others.
    hidden: BTreeSet<String>,
}

impl Sight {
    /// Of somebody who sees some of what `everybody` sees.
    pub(super) fn of(who: &Client, everybody: Option<&Sight>) -> Result<Sight> {
        let mut seen = BTreeMap::new();
        let mut path = "/tenants?limit=1000".to_owned();
        loop {
            let page = who.get(&path)?;
            for one in page["items"].as_array().context("no tenants")? {
                let word = |pointer| text(one, pointer).map(str::to_owned).context("no tenant");
                seen.insert(word("/id")?, word("/name")?);
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/tenants?limit=1000&cursor={cursor}"),
                None => return Ok(Sight::among(seen, everybody)),
            }
        }
    }

    fn among(seen: BTreeMap<String, String>, everybody: Option<&Sight>) -> Sight {
        let hidden = everybody
            .into_iter()
            .flat_map(|all| &all.seen)
            .filter(|(id, _)| !seen.contains_key(*id))
            .flat_map(|(id, name)| [id.clone(), name.clone()])
            .collect();
        Sight { seen, hidden }
    }

    /// Tenants.
    pub(super) fn count(&self) -> usize {
        self.seen.len()
    }

    pub(super) fn sees(&self, query: &Query) -> bool {
        query
            .tenant
            .as_ref()
            .is_none_or(|tenant| self.seen.contains_key(tenant))
    }

    /// A tenant anywhere in an answer that whoever asked does not see.
    fn stranger<'a>(&self, answer: &'a Value) -> Option<&'a str> {
        match answer {
            Value::Object(fields) => {
                let named = fields.get("tenant_id").and_then(Value::as_str);
                let keys = fields.keys().map(String::as_str);
                named
                    .filter(|tenant| !self.seen.contains_key(*tenant))
                    .or_else(|| keys.into_iter().find(|key| self.hidden.contains(*key)))
                    .or_else(|| fields.values().find_map(|value| self.stranger(value)))
            }
            Value::Array(values) => values.iter().find_map(|value| self.stranger(value)),
            Value::String(word) => self.hidden.contains(word).then_some(word),
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
        // The board says how many there are.
        if let Some(total) = answer["tenants_total"].as_u64()
            && total != sight.count() as u64
        {
            bail!(
                "{}: {total} tenants, where the asker sees {}",
                self.name,
                sight.count()
            );
        }
        let right = match &self.unseen {
            Some(unseen) if !sight.sees(self) => unseen,
            _ => &self.right,
        };
        if !right(&answer) {
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

/// The first page of so many findings, or of all there are.
pub(super) fn page_of(limit: usize, each: impl Fn(&Value) -> bool + 'static) -> Right {
    let these = items(each);
    Box::new(move |answer| {
        let total = answer["total"].as_u64().unwrap_or_default() as usize;
        these(answer) && length(answer) == limit.min(total)
    })
}

/// A page further on: only the last one may be short.
pub(super) fn far_page_of(limit: usize, each: impl Fn(&Value) -> bool + 'static) -> Right {
    let these = items(each);
    Box::new(move |answer| {
        let is_last = answer["next_cursor"].is_null();
        let there = length(answer);
        these(answer) && (there == limit || there < limit && is_last)
    })
}

/// Nothing was found yet: what was not looked through is not said to hold nothing.
pub(super) fn nothing_yet(answer: &Value) -> bool {
    answer["items"].as_array().is_some_and(Vec::is_empty)
        && answer["total"] == 0
        && answer["total_at_least"] == Value::Bool(answer["next_cursor"].is_string())
}

fn length(answer: &Value) -> usize {
    answer["items"].as_array().map_or(0, Vec::len)
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
            unseen: None,
        }
    }

    /// Of somebody who sees the first of two tenants.
    fn first() -> Sight {
        let tenants = |ids: &[&str]| {
            let named = |id: &&str| ((*id).to_owned(), format!("Tenant {id}"));
            ids.iter().map(named).collect()
        };
        let all = Sight::among(tenants(&["t1", "t2"]), None);
        Sight::among(tenants(&["t1"]), Some(&all))
    }

    fn said(query: &Query, sight: &Sight, answer: &Value) -> String {
        let checked = query.check(sight, answer.to_string().as_bytes());
        checked.map_or_else(|error| error.to_string(), |()| "right".into())
    }

    #[test]
    fn an_answer_that_is_empty_short_or_wrong_is_refused() {
        let one = json!({"state": "new", "tenant_id": "t1"});
        let other = json!({"state": "accepted", "tenant_id": "t1"});
        let page = query(page_of(2, says("/state", "new")));
        let far = query(far_page_of(2, says("/state", "new")));
        for (query, answer, is_right) in [
            (&page, json!({"items": [one, one], "total": 9}), true),
            (&page, json!({"items": [one], "total": 1}), true),
            (&page, json!({"items": [one], "total": 9}), false),
            (&page, json!({"items": [], "total": 0}), false),
            (&page, json!({"total": 1}), false),
            (&page, json!({"items": [one, other], "total": 2}), false),
            (&page, json!({"items": [one, one, one], "total": 9}), false),
            (
                &far,
                json!({"items": [one, one], "total": 9, "next_cursor": "c"}),
                true,
            ),
            (
                &far,
                json!({"items": [one], "total": 9, "next_cursor": null}),
                true,
            ),
            (
                &far,
                json!({"items": [one], "total": 9, "next_cursor": "c"}),
                false,
            ),
            (
                &far,
                json!({"items": [one, one, one], "total": 9, "next_cursor": null}),
                false,
            ),
        ] {
            let said = said(query, &first(), &answer);
            let expected = if is_right {
                said == "right"
            } else {
                said.contains("not the right answer")
            };
            assert!(expected, "{answer}: {said}");
        }
    }

    #[test]
    fn an_answer_that_tells_of_others_is_refused_wherever_it_does() {
        let any = query(Box::new(|_| true));
        for leak in [
            json!({"items": [{"state": "new", "tenant_id": "t2"}]}),
            json!({"items": [{"tenant_id": "t3"}]}),
            json!({"items": [{"id": "t2"}]}),
            json!({"id": "t2", "contract": "soc"}),
            json!({"tenants": {"items": [{"id": "t1"}, {"id": "t2"}]}}),
            json!({"items": [{"chain": "t2"}]}),
            json!([{"tenant": {"name": "Tenant t2"}}]),
            json!({"t2": [1]}),
        ] {
            let said = said(&any, &first(), &leak);
            assert!(said.contains("may not see"), "{leak}: {said}");
        }
        assert_eq!(
            said(
                &any,
                &first(),
                &json!({"items": [{"id": "t1", "name": "Tenant t1"}]})
            ),
            "right"
        );
        assert!(
            said(&any, &first(), &json!({"tenants_total": 2})).contains("2 tenants, where the asker sees 1")
        );
        assert_eq!(said(&any, &first(), &json!({"tenants_total": 1})), "right");
    }

    #[test]
    fn a_list_of_a_tenant_that_is_not_seen_holds_nothing() {
        let mut query = query(items(says("/id", "f1")));
        query.unseen = Some(Box::new(nothing_yet));
        let found =
            json!({"items": [{"id": "f1"}], "total": 1, "total_at_least": false, "next_cursor": null});
        let nothing = json!({"items": [], "total": 0, "total_at_least": false, "next_cursor": null});
        assert!(first().sees(&query) && said(&query, &first(), &found) == "right");
        assert!(said(&query, &first(), &nothing).contains("not the right answer"));
        query.tenant = Some("t2".into());
        assert!(!first().sees(&query) && said(&query, &first(), &nothing) == "right");
        assert!(said(&query, &first(), &found).contains("not the right answer"));
    }
}
