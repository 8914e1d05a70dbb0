//! What a page of the board must be: which tenants stand on it, and in which order.

use serde_json::Value;

use super::answers::{Right, all, text};

/// Where a tenant stands: the smallest first, equal ones by name.
pub(super) type Place = fn(&Value) -> (i64, String);

/// A page of the board with as many tenants as fit on it, each with servers, in order.
pub(super) fn board(limit: u64, place: Place, each: impl Fn(&Value) -> bool + 'static) -> Right {
    let tenants = all("/tenants/items", move |tenant| {
        !servers(tenant).is_empty() && each(tenant)
    });
    Box::new(move |answer| {
        let there = answer["tenants"]["items"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let matching = answer["tenants_matching"].as_u64().unwrap_or_default();
        let key = |tenant: &Value| (place(tenant), text(tenant, "/name").map(str::to_lowercase));
        tenants(answer) && there.len() as u64 == limit.min(matching) && there.is_sorted_by_key(key)
    })
}

/// By name only.
pub(super) fn by_name(_: &Value) -> (i64, String) {
    (0, String::new())
}

/// Most unknown cells first.
pub(super) fn most_unknown(tenant: &Value) -> (i64, String) {
    let cells = servers(tenant).iter().flat_map(cells);
    let unknown = cells.filter(|cell| cell["state"] == "unknown").count();
    (-(unknown as i64), String::new())
}

/// Worst verdict first, then worst exposure.
pub(super) fn worst(tenant: &Value) -> (i64, String) {
    let rank = |cell: &Value| match (text(cell, "/stage"), text(cell, "/detail")) {
        (Some("verdict"), Some("compromised")) => 0,
        (Some("verdict"), Some("suspected")) => 1,
        (Some("exposure"), Some("vulnerable")) => 2,
        (Some("verdict"), Some("attempted")) => 4,
        (Some("verdict"), Some("unknown")) => 5,
        (Some("exposure"), Some("unknown")) => 6,
        (Some("exposure"), Some("mitigated")) => 7,
        (Some("verdict" | "exposure"), _) => 8,
        _ => 9,
    };
    let cells = servers(tenant).iter().flat_map(cells);
    (cells.map(rank).min().unwrap_or(9), String::new())
}

/// Next deadline first, those without one last.
pub(super) fn by_deadline(tenant: &Value) -> (i64, String) {
    match text(tenant, "/clock/deadline") {
        Some(deadline) => (0, deadline.to_owned()),
        None => (1, String::new()),
    }
}

/// All servers of a tenant have a cell of this stage in which a field says one of these words.
pub(super) fn every_server(
    stage: &'static str,
    field: &'static str,
    words: &'static [&'static str],
) -> impl Fn(&Value) -> bool {
    move |tenant| {
        servers(tenant).iter().all(|server| {
            cells(server).iter().any(|cell| {
                cell["stage"] == stage && cell[field].as_str().is_some_and(|word| words.contains(&word))
            })
        })
    }
}

/// All servers of a tenant are called so.
pub(super) fn every_name(name: &'static str) -> impl Fn(&Value) -> bool {
    move |tenant| {
        let called = |server: &Value| text(server, "/name").is_some_and(|it| it.eq_ignore_ascii_case(name));
        servers(tenant).iter().all(called)
    }
}

fn servers(tenant: &Value) -> &[Value] {
    tenant["servers"].as_array().map_or(&[], Vec::as_slice)
}

fn cells(server: &Value) -> &[Value] {
    server["cells"].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A tenant with one server, of which these verdict and exposure are said.
    fn tenant(name: &str, verdict: &str, exposure: &str, deadline: Option<&str>) -> Value {
        let state = |word: &str| if word == "unknown" { "unknown" } else { "yes" };
        let cell = |stage: &str, word: &str| json!({"stage": stage, "detail": word, "state": state(word)});
        let cells = [cell("verdict", verdict), cell("exposure", exposure)];
        json!({
            "name": name,
            "clock": deadline.map(|deadline| json!({"deadline": deadline})),
            "servers": [{"name": "EX01", "cells": cells}],
        })
    }

    fn page(items: &[&Value]) -> Value {
        json!({"tenants": {"items": items}, "tenants_matching": items.len()})
    }

    #[test]
    fn a_page_in_another_order_is_refused() {
        let late = tenant("B", "compromised", "unknown", Some("2021-03-03"));
        let soon = tenant("C", "clean", "vulnerable", Some("2021-03-02"));
        let never = tenant("a", "unknown", "unknown", None);
        let orders: [(Place, [&Value; 3]); 4] = [
            (by_name, [&never, &late, &soon]),
            (most_unknown, [&never, &late, &soon]),
            (worst, [&late, &soon, &never]),
            (by_deadline, [&soon, &late, &never]),
        ];
        for (number, (place, right)) in orders.into_iter().enumerate() {
            let check = board(3, place, |_| true);
            assert!(check(&page(&right)), "{number}");
            for (left, other) in [(0, 1), (1, 2), (0, 2)] {
                let mut wrong = right;
                wrong.swap(left, other);
                assert!(!check(&page(&wrong)), "{number}: {left} and {other}");
            }
        }
    }

    #[test]
    fn a_page_with_too_few_or_without_servers_or_with_what_was_not_asked_for_is_refused() {
        let one = tenant("A", "suspected", "unknown", None);
        let any = board(2, by_name, |_| true);
        assert!(any(&page(&[&one])));
        assert!(!any(&json!({"tenants": {"items": [one]}, "tenants_matching": 2})));
        assert!(!any(&page(&[])));
        assert!(!any(&page(&[&json!({"name": "A", "servers": []})])));
        let asked = every_server("verdict", "detail", &["compromised", "suspected"]);
        let check = board(2, by_name, asked);
        assert!(check(&page(&[&one])));
        assert!(!check(&page(&[&one, &tenant("B", "clean", "unknown", None)])));
        assert!(every_name("ex01")(&one) && !every_name("ex02")(&one));
    }
}
