//! Fifty analysts at once on the same cases and findings: no update may be lost.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::client::{Client, Server};
use super::{ANALYSTS, Bench};
use crate::bench::table::Bound;

/// Cases that all of them change.
const CASES: usize = 10;
/// How often each of them changes one.
const CHANGES: usize = 20;
/// Findings that all of them decide on.
const FINDINGS: usize = 100;

/// What one of them did.
#[derive(Default)]
struct Done {
    /// Changes of cases that were answered with success, by case.
    changes: Vec<usize>,
    /// Changes that somebody else was faster than, and that were made again.
    conflicts: usize,
    /// Notes that were answered with success.
    notes: BTreeSet<String>,
    /// Findings decided on.
    decided: usize,
    /// How long each request took, ms.
    times: Vec<f64>,
}

pub(super) fn bench(bench: &mut Bench, server: &Server, name: &str, password: &str) -> Result<()> {
    let director = Client::sign_in(&server.address, "director", password)?;
    let cases = ids(&director.get(&format!("/cases?limit={CASES}"))?);
    let findings: Vec<Value> = director.get(&format!("/findings?state=new&limit={FINDINGS}"))?["items"]
        .as_array()
        .context("no findings")?
        .iter()
        .map(|one| json!({"id": one["id"], "revision": one["revision"]}))
        .collect();
    let mut before = Vec::new();
    for case in &cases {
        before.push(revision(&director, case)?);
        set_title(&director, case, 0)?;
    }
    let clients: Vec<Client> = (0..ANALYSTS)
        .map(|number| Client::sign_in(&server.address, &format!("analyst-{number:02}"), password))
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

    let mut lost = 0_i64;
    let mut changes = 0;
    for (index, case) in cases.iter().enumerate() {
        let made: usize = all.iter().map(|done| done.changes[index]).sum();
        changes += made;
        let (title, now) = title(&director, case)?;
        lost += (made as i64 - title).abs();
        // Each change is a revision, and so was setting it to nothing.
        lost += (now - before[index] - made as i64 - 1).abs();
    }
    let mut notes = 0;
    for case in &cases {
        let items = director.get(&format!("/cases/{case}/items"))?;
        let there: BTreeSet<String> = items
            .as_array()
            .context("no items")?
            .iter()
            .filter_map(|item| item["id"].as_str().map(str::to_owned))
            .collect();
        notes += all
            .iter()
            .flat_map(|done| &done.notes)
            .filter(|note| there.contains(*note))
            .count();
    }
    let notes_made: usize = all.iter().map(|done| done.notes.len()).sum();
    lost += notes_made as i64 - notes as i64;
    let decided: usize = all.iter().map(|done| done.decided).sum();
    lost += (decided as i64 - findings.len() as i64).abs();
    let conflicts: usize = all.iter().map(|done| done.conflicts).sum();
    let mut times: Vec<f64> = all.iter().flat_map(|done| &done.times).copied().collect();
    times.sort_by(f64::total_cmp);
    println!(
        "\n{ANALYSTS} analysts at once, {} requests in {elapsed:.1} s: {changes} changes of {} cases ({conflicts} made again after \
         somebody was faster), {notes_made} notes, {decided} of {} findings decided on, by one each; {lost} updates lost; \
         median {:.1} ms, 99th % {:.1} ms",
        times.len(),
        cases.len(),
        findings.len(),
        times[times.len() / 2],
        times[(times.len() * 99).div_ceil(100) - 1],
    );
    bench.targets.least(
        format!("{name}: updates lost by {ANALYSTS} analysts at once"),
        lost as f64,
        Bound::AtMost(0.0),
    );
    Ok(())
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
        changes: vec![0; cases.len()],
        ..Done::default()
    };
    for round in 0..CHANGES {
        let index = (number + round) % cases.len();
        change(client, &cases[index], &mut done)?;
        done.changes[index] += 1;
        if round % 4 == 0 {
            let note =
                json!({"kind": "note", "text": format!("{number} {round}"), "shared": false}).to_string();
            let path = format!("/cases/{}/items", cases[index]);
            let answer = timed(client, &mut done, "POST", &path, &[], &note)?;
            if answer.status != 201 {
                bail!("POST {path}: {} {}", answer.status, answer.text());
            }
            let id = answer.json()?["id"].as_str().unwrap_or_default().to_owned();
            done.notes.insert(id);
        }
    }
    // All of them decide on all of these, each from another one on.
    for piece in findings
        .chunks(10)
        .cycle()
        .skip(number)
        .take(findings.len().div_ceil(10))
    {
        let body = json!({"items": piece, "decision": {"decision": "accept", "reason": "seen"}}).to_string();
        let answer = timed(client, &mut done, "POST", "/findings/decide", &[], &body)?;
        if answer.status != 200 {
            bail!("decide: {} {}", answer.status, answer.text());
        }
        let results = answer.json()?;
        let results = results["results"].as_array().context("no results")?;
        done.decided += results.iter().filter(|one| one["finding"].is_object()).count();
    }
    Ok(done)
}

/// Counts one on in the title of a case; again, when somebody was faster.
fn change(client: &Client, case: &str, done: &mut Done) -> Result<()> {
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
            200 => return Ok(()),
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
