//! Every list and query the pages make, each with what its answer must be.

use anyhow::{Context, Result};
use serde_json::Value;

use super::answers::{Query, Right, all, far_page_of, holds, items, nothing_yet, page_of, says, text};
use super::board::{board, by_deadline, by_name, every_name, every_server, most_unknown, worst};
use super::client::Client;

const SEARCH_FOR_ONE: &str = "/findings?q=/ECP/12.js&limit=100";
pub(super) const SEARCH_FOR_NOTHING: &str = "/findings?q=nowhere&limit=100";

/// All queries, on what is there.
pub(super) fn all_of(who: &Client) -> Result<Vec<Query>> {
    let first = |list: &Value, what: &str| -> Result<(String, Option<String>)> {
        let one = &list["items"][0];
        let id = text(one, "/id").with_context(|| format!("there is no {what}"))?;
        Ok((id.to_owned(), text(one, "/tenant_id").map(str::to_owned)))
    };
    let (campaign, _) = first(&who.get("/campaigns")?, "campaign")?;
    let (tenant, _) = first(&who.get("/tenants")?, "tenant")?;
    let (server, _) = first(&who.get(&format!("/servers?tenant={tenant}"))?, "server")?;
    let (finding, of_finding) = first(&who.get("/findings?limit=1")?, "finding")?;
    let (case, of_case) = first(&who.get("/cases?limit=1")?, "case")?;
    let mut far = "/findings?state=new&limit=100".to_owned();
    for _ in 1..20 {
        match who.get(&far)?["next_cursor"].as_str() {
            Some(cursor) => far = format!("/findings?state=new&limit=100&cursor={cursor}"),
            None => break,
        }
    }
    let board_of = format!("/campaigns/{campaign}/board");
    let ours = Some(tenant.clone());
    let with = |tenant: &Option<String>| tenant.clone();
    let mut queries: Vec<Query> = Vec::new();
    let mut add = |name, path: String, tenant: Option<String>, right: Right| {
        queries.push(Query {
            name,
            path,
            tenant,
            right,
            unseen: None,
        });
    };

    add(
        "board, first 50 tenants",
        format!("{board_of}?limit=50"),
        None,
        board(50, most_unknown, |_| true),
    );
    add(
        "board, worst first",
        format!("{board_of}?limit=50&sort=worst"),
        None,
        board(50, worst, |_| true),
    );
    add(
        "board, by deadline",
        format!("{board_of}?limit=50&sort=deadline"),
        None,
        board(50, by_deadline, |_| true),
    );
    add(
        "board, by name",
        format!("{board_of}?limit=50&sort=name"),
        None,
        board(50, by_name, |_| true),
    );
    let words = "verdict=compromised&verdict=suspected&exposure=vulnerable&exposure=unknown";
    let verdict = every_server("verdict", "detail", &["compromised", "suspected"]);
    let exposure = every_server("exposure", "detail", &["vulnerable", "unknown"]);
    add(
        "board, by verdict and exposure",
        format!("{board_of}?limit=50&{words}"),
        None,
        board(50, most_unknown, move |one| verdict(one) && exposure(one)),
    );
    let (managed, named) = (says("/contract", "managed"), every_name("ex01"));
    let unknown = every_server("verdict", "state", &["unknown"]);
    add(
        "board, by contract, name and unknown",
        format!("{board_of}?limit=50&contract=managed&q=ex01&unknown=verdict"),
        None,
        board(50, most_unknown, move |one| {
            managed(one) && named(one) && unknown(one)
        }),
    );
    add(
        "board, 500 tenants at once",
        format!("{board_of}?limit=500"),
        None,
        board(500, most_unknown, |_| true),
    );
    let point = |one: &Value| one["servers"].as_u64().unwrap_or_default() > 0;
    add(
        "curves",
        format!("/campaigns/{campaign}/curves"),
        None,
        all("/points", point),
    );
    let stage = |one: &Value| one["stage"].is_string();
    add(
        "summary",
        format!("/campaigns/{campaign}/summary"),
        None,
        all("/stages", stage),
    );
    add(
        "campaigns",
        "/campaigns".into(),
        None,
        items(says("/id", &campaign)),
    );

    let new = says("/state", "new");
    add(
        "findings, the queue",
        "/findings?state=new&limit=100".into(),
        None,
        page_of(100, new),
    );
    add(
        "findings, page 20 of the queue",
        far,
        None,
        far_page_of(100, says("/state", "new")),
    );
    add(
        "findings, all",
        "/findings?limit=100".into(),
        None,
        page_of(100, |one| one["id"].is_string()),
    );
    let critical = says("/severity", "critical");
    add(
        "findings, critical",
        "/findings?severity=critical&limit=100".into(),
        None,
        page_of(100, critical),
    );
    add(
        "findings of the campaign",
        format!("/findings?campaign={campaign}&state=new&limit=100"),
        None,
        page_of(100, says("/campaign_id", &campaign)),
    );
    add(
        "findings of a tenant",
        format!("/findings?tenant={tenant}&limit=100"),
        None,
        page_of(100, says("/tenant_id", &tenant)),
    );
    add(
        "findings of a server",
        format!("/findings?server={server}&limit=100"),
        None,
        page_of(100, says("/server_id", &server)),
    );
    let of_rule = says("/rule_id", "rule-31");
    add(
        "findings of a rule",
        "/findings?rule_id=rule-31&limit=100".into(),
        None,
        page_of(100, of_rule),
    );
    let one = items(holds("/statement_en", "/ecp/12.js"));
    let only =
        move |answer: &Value| one(answer) && answer["items"].as_array().is_some_and(|all| all.len() == 1);
    let (_, of_only) = first(&who.get(SEARCH_FOR_ONE)?, "finding to search for")?;
    add(
        "findings, a search for one",
        SEARCH_FOR_ONE.into(),
        of_only,
        Box::new(only),
    );
    let many = holds("/statement_en", "203.0.113.12");
    add(
        "findings, a search for many",
        "/findings?q=203.0.113.12&limit=100".into(),
        None,
        page_of(100, many),
    );
    add(
        "findings, a search for nothing",
        SEARCH_FOR_NOTHING.into(),
        None,
        Box::new(nothing_yet),
    );
    let this = says("/id", &finding);
    add(
        "a finding",
        format!("/findings/{finding}"),
        with(&of_finding),
        Box::new(this),
    );
    let line = |one: &Value| one["path"].is_string();
    add(
        "its lines",
        format!("/findings/{finding}/lines"),
        with(&of_finding),
        all("", line),
    );

    add(
        "tenants",
        "/tenants".into(),
        None,
        items(|one| one["name"].is_string()),
    );
    add(
        "tenants, a search",
        "/tenants?q=tenant+0000".into(),
        None,
        items(holds("/name", "tenant 0000")),
    );
    add(
        "a tenant",
        format!("/tenants/{tenant}"),
        ours.clone(),
        Box::new(says("/id", &tenant)),
    );
    add(
        "servers",
        "/servers".into(),
        None,
        items(|one| one["name"].is_string()),
    );
    add(
        "servers, a search",
        "/servers?q=ex01".into(),
        None,
        items(holds("/name", "ex01")),
    );
    add(
        "a server",
        format!("/servers/{server}"),
        ours.clone(),
        Box::new(says("/id", &server)),
    );
    let build = says("/fact/kind", "build");
    add(
        "its observations",
        format!("/servers/{server}/observations"),
        ours.clone(),
        all("", build),
    );
    let cells = campaign.clone();
    add(
        "its cells",
        format!("/servers/{server}/cells"),
        ours.clone(),
        Box::new(move |answer| answer[&cells].as_array().is_some_and(|cells| cells.len() == 6)),
    );
    let of_server = says("/server_id", &server);
    add(
        "its hunts",
        format!("/servers/{server}/hunts"),
        ours.clone(),
        all("", of_server),
    );
    add(
        "its exposure",
        format!("/servers/{server}/exposure?pack=hafnium-2021"),
        ours.clone(),
        // The build that was observed is in it.
        Box::new(|answer| answer.to_string().contains("15.1.2176.2")),
    );
    let said = |one: &Value| one["detail"].is_string() && one["basis"] == "load";
    let of_cell = format!("/servers/{server}/cells/{campaign}/verdict");
    add("what was said of a cell", of_cell, ours.clone(), all("", said));

    add(
        "cases",
        "/cases".into(),
        None,
        items(|one| one["number"].is_number()),
    );
    add(
        "cases, a search",
        "/cases?q=case+1".into(),
        None,
        items(holds("/title", "case 1")),
    );
    add(
        "queue of cases",
        "/cases/queue".into(),
        None,
        all("", |one| one["case"]["id"].is_string()),
    );
    add(
        "a case",
        format!("/cases/{case}"),
        with(&of_case),
        Box::new(says("/id", &case)),
    );
    add(
        "evidence",
        "/evidence".into(),
        None,
        items(says("/name", "HttpProxy.zip")),
    );
    add(
        "hunts",
        "/hunts".into(),
        None,
        items(says("/pack", "hafnium-2021")),
    );
    add("jobs", "/jobs".into(), None, items(says("/kind", "hunt")));
    add("alerts", "/alerts".into(), None, items(says("/source", "edr")));
    add(
        "catalogue",
        "/catalogue".into(),
        None,
        items(says("/scope", "server")),
    );
    add(
        "main courante",
        "/journal".into(),
        None,
        items(|one| one["action"].is_string()),
    );
    add(
        "main courante of a tenant",
        format!("/journal?tenant={tenant}"),
        ours,
        items(says("/chain", &tenant)),
    );
    let none = |answer: &Value| answer["items"].as_array().is_some_and(Vec::is_empty);
    add(
        "main courante, a search",
        "/journal?q=nowhere".into(),
        None,
        Box::new(none),
    );
    add(
        "packs",
        "/packs".into(),
        None,
        all("", |one| one["rules"].is_number()),
    );
    add(
        "a pack",
        "/packs/hafnium-2021".into(),
        None,
        Box::new(says("/name", "hafnium-2021")),
    );
    add(
        "people",
        "/people".into(),
        None,
        all("", |one| one["name"].is_string()),
    );
    for query in queries.iter_mut().filter(|query| query.path == SEARCH_FOR_ONE) {
        query.unseen = Some(Box::new(nothing_yet));
    }
    Ok(queries)
}
