//! Fifty analysts at once on the same cases and findings: no update may be lost.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::client::{Client, Server};
use super::kept::{Decided, Done, Kept, faults};
use super::{ANALYSTS, Bench};
use crate::bench::table::Bound;

/// Cases that all of them change.
const CASES: usize = 10;
/// How often each of them changes one.
const CHANGES: usize = 20;
/// Findings that all of them decide on.
const FINDINGS: usize = 100;

pub(super) fn bench(bench: &mut Bench, server: &Server, name: &str, password: &str) -> Result<()> {
    let director = Client::sign_in(&server.address, "director", password)?;
    let cases = ids(&director.get(&format!("/cases?limit={CASES}"))?);
    let findings: Vec<Value> = director.get(&format!("/findings?state=new&limit={FINDINGS}"))?["items"]
        .as_array()
        .context("no findings")?
        .iter()
        .map(|one| json!({"id": one["id"], "revision": one["revision"]}))
        .collect();
    // Without them nothing could be lost.
    if cases.len() < CASES || findings.len() < FINDINGS {
        bail!(
            "{} cases and {} findings are too few to act on",
            cases.len(),
            findings.len()
        );
    }
    let mut before = Vec::new();
    for case in &cases {
        before.push(revision(&director, case)?);
        set_title(&director, case, 0)?;
    }
    let clients: Vec<Client> = (0..ANALYSTS)
        .map(|number| Client::sign_in(&server.address, &login(number), password))
        .collect::<Result<_>>()?;
    let started = Instant::now();
    let all: Vec<Done> = std::thread::scope(|scope| {
        let (cases, findings) = (&cases, &findings);
        let threads: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(number, client)| scope.spawn(move || act(number, &client, cases, findings)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("an analyst fell over")))
            .collect::<Result<_>>()
    })?;
    let elapsed = started.elapsed().as_secs_f64();

    let kept = Kept {
        cases: cases
            .iter()
            .zip(before)
            .map(|(case, before)| {
                let (title, revision) = title(&director, case)?;
                // Setting the title to nothing was a revision too.
                Ok((title, revision - before - 1))
            })
            .collect::<Result<_>>()?,
        notes: notes(&director, &cases)?,
        decisions: findings
            .iter()
            .map(|one| decision(&director, one))
            .collect::<Result<_>>()?,
    };
    let faults = faults(&all, &kept);
    for fault in faults.iter().take(20) {
        println!("lost: {fault}");
    }
    let conflicts: usize = all.iter().map(|done| done.conflicts).sum();
    let mut times: Vec<f64> = all.iter().flat_map(|done| &done.times).copied().collect();
    times.sort_by(f64::total_cmp);
    println!(
        "\n{ANALYSTS} analysts at once, {} requests in {elapsed:.1} s: {} changes of {} cases ({conflicts} made again after \
         somebody was faster), {} notes, {} findings decided on, by one each; {} updates lost; median {:.1} ms, 99th % {:.1} ms",
        times.len(),
        all.iter().map(|done| done.changes.len()).sum::<usize>(),
        cases.len(),
        kept.notes.len(),
        kept.decisions.len(),
        faults.len(),
        times[times.len() / 2],
        times[(times.len() * 99).div_ceil(100) - 1],
    );
    bench.targets.least(
        format!("{name}: updates lost by {ANALYSTS} analysts at once"),
        faults.len() as f64,
        Bound::AtMost(0.0),
    );
    // Also where no target is judged.
    if !faults.is_empty() {
        bail!(
            "{name}: {} updates were lost, the first: {}",
            faults.len(),
            faults[0]
        );
    }
    Ok(())
}

/// The notes that are there, by identifier: the case and the text.
fn notes(client: &Client, cases: &[String]) -> Result<BTreeMap<String, (usize, String)>> {
    let mut all = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        let items = client.get(&format!("/cases/{case}/items"))?;
        for item in items.as_array().context("no items")? {
            let word = |pointer| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            if word("/body/kind") == "note" {
                all.insert(word("/id").to_owned(), (index, word("/body/text").to_owned()));
            }
        }
    }
    Ok(all)
}

/// What stands in the desk of a finding that was to be decided on.
fn decision(client: &Client, asked: &Value) -> Result<(String, Decided)> {
    let id = asked["id"].as_str().context("no identifier")?.to_owned();
    let now = client.get(&format!("/findings/{id}"))?;
    let word = |name: &str| now[name].as_str().unwrap_or_default().to_owned();
    let revision = |of: &Value| of["revision"].as_i64().context("no revision");
    let decided = Decided {
        state: word("state"),
        by: word("decided_by"),
        reason: word("reason"),
        revisions: revision(&now)? - revision(asked)?,
    };
    Ok((id, decided))
}

/// The login of an analyst.
fn login(number: usize) -> String {
    format!("analyst-{number:02}")
}

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().into_iter().flatten();
    items
        .filter_map(|item| item["id"].as_str().map(str::to_owned))
        .collect()
}

/// One analyst's work.
fn act(number: usize, client: &Client, cases: &[String], findings: &[Value]) -> Result<Done> {
    let mut done = Done {
        name: login(number),
        ..Done::default()
    };
    for round in 0..CHANGES {
        let index = (number + round) % cases.len();
        let count = change(client, &cases[index], &mut done)?;
        done.changes.push((index, count));
        if round % 4 == 0 {
            let text = format!("{number} {round}");
            let note = json!({"kind": "note", "text": text, "shared": false}).to_string();
            let path = format!("/cases/{}/items", cases[index]);
            let answer = timed(client, &mut done, "POST", &path, &[], &note)?;
            if answer.status != 201 {
                bail!("POST {path}: {} {}", answer.status, answer.text());
            }
            let id = answer.json()?["id"].as_str().unwrap_or_default().to_owned();
            if done.notes.insert(id, (index, text)).is_some() {
                bail!("POST {path}: two notes have one identifier");
            }
        }
    }
    // All of them decide on all of these, each from another one on.
    for piece in findings
        .chunks(10)
        .cycle()
        .skip(number)
        .take(findings.len().div_ceil(10))
    {
        let decision = json!({"decision": "accept", "reason": format!("seen by {}", done.name)});
        let body = json!({"items": piece, "decision": decision}).to_string();
        let answer = timed(client, &mut done, "POST", "/findings/decide", &[], &body)?;
        if answer.status != 200 {
            bail!("decide: {} {}", answer.status, answer.text());
        }
        let results = answer.json()?;
        let results = results["results"].as_array().context("no results")?;
        if results.len() != piece.len() {
            bail!("decide: {} results for {}", results.len(), piece.len());
        }
        for (asked, result) in piece.iter().zip(results) {
            match (&result["finding"]["id"], result["problem"]["status"].as_u64()) {
                (id, None) if id.is_string() && *id == asked["id"] => {
                    done.decided.extend(id.as_str().map(str::to_owned));
                }
                // Somebody was faster.
                (Value::Null, Some(412)) => {}
                _ => bail!("decide: {asked} was answered with {result}"),
            }
        }
    }
    Ok(done)
}

/// Counts one on in the title of a case; again, when somebody was faster. Says what it counted to.
fn change(client: &Client, case: &str, done: &mut Done) -> Result<i64> {
    let path = format!("/cases/{case}");
    loop {
        let read = timed(client, done, "GET", &path, &[], "")?;
        if read.status != 200 {
            bail!("GET {path}: {} {}", read.status, read.text());
        }
        let (fields, count) = fields(&read.json()?)?;
        let body = with_count(fields, count + 1);
        let answer = timed(client, done, "PUT", &path, &[("If-Match", &read.etag)], &body)?;
        match answer.status {
            200 => return Ok(count + 1),
            412 => done.conflicts += 1,
            status => bail!("PUT {path}: {status} {}", answer.text()),
        }
    }
}

/// A request whose time counts; one that comes too soon waits.
fn timed(
    client: &Client,
    done: &mut Done,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<super::client::Answer> {
    loop {
        let started = Instant::now();
        let answer = client.send(method, path, headers, body)?;
        if answer.status == 429 {
            std::thread::sleep(std::time::Duration::from_millis(500));
            continue;
        }
        done.times.push(started.elapsed().as_secs_f64() * 1e3);
        return Ok(answer);
    }
}

/// A case's fields and the number in its title.
fn fields(detail: &Value) -> Result<(Value, i64)> {
    let names = ["title", "severity", "due_at", "shared"];
    let fields: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), detail[*name].clone()))
        .collect();
    let count = detail["title"]
        .as_str()
        .and_then(|title| title.rsplit(' ').next()?.parse().ok());
    let count = count.with_context(|| format!("no number in the title: {detail}"))?;
    Ok((fields.into(), count))
}

fn with_count(mut fields: Value, count: i64) -> String {
    fields["title"] = json!(format!("count {count}"));
    fields.to_string()
}

fn title(client: &Client, case: &str) -> Result<(i64, i64)> {
    let detail = client.get(&format!("/cases/{case}"))?;
    let (_, count) = fields(&detail)?;
    Ok((count, detail["revision"].as_i64().context("no revision")?))
}

fn revision(client: &Client, case: &str) -> Result<i64> {
    title(client, case).map(|(_, revision)| revision)
}

fn set_title(client: &Client, case: &str, count: i64) -> Result<()> {
    let path = format!("/cases/{case}");
    let read = client.send("GET", &path, &[], "")?;
    let (fields, _) = fields(&read.json()?)?;
    let answer = client.send(
        "PUT",
        &path,
        &[("If-Match", &read.etag)],
        &with_count(fields, count),
    )?;
    if answer.status != 200 {
        bail!("PUT {path}: {} {}", answer.status, answer.text());
    }
    Ok(())
}
