//! The desk: a real `vigie serve` on a full desk, asked over HTTP as the pages ask it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::client::{Client, Server};
use super::table::Bound;
use super::{Bench, scratch, target};
use crate::{cargo, run};

mod acts;
mod client;

/// What the board may take at the median with 500 tenants of two servers, in milliseconds.
const BOARD_MS: f64 = 50.0;
/// What any query of a page may take at the median with 10,000 servers and a million findings, in milliseconds.
const QUERY_MS: f64 = 200.0;
/// What a server that does nothing may hold, in MB.
const IDLE_MB: f64 = 100.0;
/// Until the first answer, in seconds.
const FIRST_ANSWER_S: f64 = 1.0;
/// How often each query is asked in a round.
const ASKED: usize = 34;
/// People who act at once.
const ANALYSTS: usize = 50;

/// A desk to measure.
struct Filled {
    name: &'static str,
    tenants: usize,
    servers: usize,
    findings: usize,
}

const PROVIDER: Filled = Filled {
    name: "500 tenants × 2 servers",
    tenants: 500,
    servers: 2,
    findings: 10_000,
};
const LARGE: Filled = Filled {
    name: "2,000 × 5 servers, 1,000,000 findings",
    tenants: 2_000,
    servers: 5,
    findings: 1_000_000,
};
const LITTLE: Filled = Filled {
    name: "10 tenants × 2 servers (quick)",
    tenants: 10,
    servers: 2,
    findings: 500,
};

/// Measures the desk.
pub(super) fn bench(bench: &mut Bench) -> Result<()> {
    // Not what is measured: a plain build does, and leaves the release build as it is.
    let arguments = [
        "build",
        "--package",
        "vigie-desk",
        "--features",
        "load",
        "--example",
        "fill",
    ];
    run(&cargo(), &arguments)?;
    if bench.options.quick {
        return measure(bench, &LITTLE, 3, QUERY_MS);
    }
    let rounds = ASKED * bench.options.rounds;
    measure(bench, &PROVIDER, rounds, BOARD_MS)?;
    measure(bench, &LARGE, rounds, QUERY_MS)
}

fn measure(bench: &mut Bench, filled: &Filled, rounds: usize, board_ms: f64) -> Result<()> {
    let data = scratch()?.join("desk");
    let password = fill(&data, filled)?;
    let started = Instant::now();
    let server = Server::start(&bench.vigie, &data)?;
    let first = started.elapsed();
    // What starting took is given back by then.
    std::thread::sleep(Duration::from_secs(2));
    let idle = server.memory()?;
    println!(
        "\n## the desk: {}\n\nfirst answer after {:.2} s; {:.0} MB in memory before the first page; database {:.0} MB",
        filled.name,
        first.as_secs_f64(),
        idle as f64 / 1e6,
        fs::metadata(data.join("desk.sqlite"))?.len() as f64 / 1e6,
    );
    if let Ok(load) = fs::read_to_string("/proc/loadavg") {
        println!("load of the machine before it: {}", load.trim());
    }
    bench.targets.least(
        format!("{}: first answer, s", filled.name),
        first.as_secs_f64(),
        Bound::AtMost(FIRST_ANSWER_S),
    );
    bench.targets.least(
        format!("{}: memory of an idle server, MB", filled.name),
        idle as f64 / 1e6,
        Bound::AtMost(IDLE_MB),
    );

    println!(
        "\n| query ({rounds} times) | median ms | 99th % ms | KB | median ms, half the tenants |\n|---|---:|---:|---:|---:|"
    );
    let director = Asker::new(&server, "director", &password)?;
    let half = Asker::new(&server, "half", &password)?;
    let (mut worst, mut worst_board): ((f64, String), f64) = ((0.0, String::new()), 0.0);
    for (name, path) in queries(&director.clients[0])? {
        let all = director.ask(&path, rounds)?;
        let some = half.ask_if_allowed(&path, rounds)?;
        println!(
            "| {name} | {:.1} | {:.1} | {:.0} | {} |",
            all.median,
            all.late,
            all.bytes as f64 / 1e3,
            some.as_ref()
                .map_or_else(|| "not theirs".into(), |some| format!("{:.1}", some.median)),
        );
        let median = some.map_or(all.median, |some| some.median.max(all.median));
        if name.starts_with("board") && !name.contains("at once") {
            worst_board = worst_board.max(median);
        }
        if median > worst.0 {
            worst = (median, name);
        }
    }
    let board = format!("{}: the slowest view of the board, median ms", filled.name);
    bench.targets.least(board, worst_board, Bound::AtMost(board_ms));
    let slowest = format!("{}: the slowest query ({}), median ms", filled.name, worst.1);
    bench.targets.least(slowest, worst.0, Bound::AtMost(QUERY_MS));

    acts::bench(bench, &server, filled.name, &password)?;
    println!("memory after all that: {:.0} MB", server.memory()? as f64 / 1e6);
    server.stop()?;
    fs::remove_dir_all(&data).with_context(|| format!("cannot remove {}", data.display()))
}

/// Fills a data folder; gives the password of its accounts.
fn fill(data: &Path, filled: &Filled) -> Result<String> {
    if data.exists() {
        fs::remove_dir_all(data)?;
    }
    let fill: PathBuf = target().join("debug/examples/fill");
    let started = Instant::now();
    let output = std::process::Command::new(&fill)
        .arg(data)
        .args([filled.tenants, filled.servers, filled.findings, ANALYSTS].map(|number| number.to_string()))
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", fill.display()))?;
    if !output.status.success() {
        bail!("the desk could not be filled ({})", output.status);
    }
    eprintln!(
        "filled {} in {:.1} s",
        filled.name,
        started.elapsed().as_secs_f64()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Every list and query the pages make, by what it is called.
fn queries(who: &Client) -> Result<Vec<(String, String)>> {
    let first = |list: &Value, what: &str| -> Result<String> {
        let id = list["items"][0]["id"].as_str();
        Ok(id.with_context(|| format!("there is no {what}"))?.to_owned())
    };
    let campaign = first(&who.get("/campaigns")?, "campaign")?;
    let tenant = first(&who.get("/tenants")?, "tenant")?;
    let server = first(&who.get(&format!("/servers?tenant={tenant}"))?, "server")?;
    let finding = first(&who.get("/findings?limit=1")?, "finding")?;
    let case = first(&who.get("/cases?limit=1")?, "case")?;
    let board = format!("/campaigns/{campaign}/board");
    let mut far = "/findings?state=new&limit=100".to_owned();
    for _ in 0..20 {
        match who.get(&far)?["next_cursor"].as_str() {
            Some(cursor) => far = format!("/findings?state=new&limit=100&cursor={cursor}"),
            None => break,
        }
    }
    let named: Vec<(&str, String)> = vec![
        ("board, first 50 tenants", format!("{board}?limit=50")),
        ("board, worst first", format!("{board}?limit=50&sort=worst")),
        ("board, by deadline", format!("{board}?limit=50&sort=deadline")),
        ("board, by name", format!("{board}?limit=50&sort=name")),
        (
            "board, by verdict and exposure",
            format!(
                "{board}?limit=50&verdict=compromised&verdict=suspected&exposure=vulnerable&exposure=unknown"
            ),
        ),
        (
            "board, by contract, name and unknown",
            format!("{board}?limit=50&contract=managed&q=ex01&unknown=verdict"),
        ),
        ("board, 500 tenants at once", format!("{board}?limit=500")),
        ("curves", format!("/campaigns/{campaign}/curves")),
        ("summary", format!("/campaigns/{campaign}/summary")),
        ("campaigns", "/campaigns".into()),
        ("findings, the queue", "/findings?state=new&limit=100".into()),
        ("findings, page 20 of the queue", far),
        ("findings, all", "/findings?limit=100".into()),
        (
            "findings, critical",
            "/findings?severity=critical&limit=100".into(),
        ),
        (
            "findings of the campaign",
            format!("/findings?campaign={campaign}&state=new&limit=100"),
        ),
        (
            "findings of a tenant",
            format!("/findings?tenant={tenant}&limit=100"),
        ),
        (
            "findings of a server",
            format!("/findings?server={server}&limit=100"),
        ),
        ("findings of a rule", "/findings?rule_id=rule-31&limit=100".into()),
        ("findings, a search", "/findings?q=ecp/999.js&limit=100".into()),
        (
            "findings, a search for nothing",
            "/findings?q=nowhere&limit=100".into(),
        ),
        ("a finding", format!("/findings/{finding}")),
        ("its lines", format!("/findings/{finding}/lines")),
        ("tenants", "/tenants".into()),
        ("tenants, a search", "/tenants?q=tenant+0004".into()),
        ("a tenant", format!("/tenants/{tenant}")),
        ("servers", "/servers".into()),
        ("servers, a search", "/servers?q=ex01".into()),
        ("a server", format!("/servers/{server}")),
        ("its observations", format!("/servers/{server}/observations")),
        ("its cells", format!("/servers/{server}/cells")),
        ("its hunts", format!("/servers/{server}/hunts")),
        (
            "its exposure",
            format!("/servers/{server}/exposure?pack=hafnium-2021"),
        ),
        (
            "what was said of a cell",
            format!("/servers/{server}/cells/{campaign}/verdict"),
        ),
        ("cases", "/cases".into()),
        ("cases, a search", "/cases?q=case+1".into()),
        ("queue of cases", "/cases/queue".into()),
        ("a case", format!("/cases/{case}")),
        ("evidence", "/evidence".into()),
        ("hunts", "/hunts".into()),
        ("jobs", "/jobs".into()),
        ("alerts", "/alerts".into()),
        ("catalogue", "/catalogue".into()),
        ("main courante", "/journal".into()),
        ("main courante of a tenant", format!("/journal?tenant={tenant}")),
        ("main courante, a search", "/journal?q=nowhere".into()),
        ("packs", "/packs".into()),
        ("a pack", "/packs/hafnium-2021".into()),
        ("people", "/people".into()),
    ];
    Ok(named
        .into_iter()
        .map(|(name, path)| (name.to_owned(), path))
        .collect())
}

/// Somebody who asks again and again: by several sessions, since one may ask so often and no more.
struct Asker {
    clients: Vec<Client>,
}

/// How long answers took, in milliseconds.
struct Times {
    median: f64,
    late: f64,
    bytes: usize,
}

impl Asker {
    fn new(server: &Server, login: &str, password: &str) -> Result<Asker> {
        Ok(Asker {
            clients: vec![Client::sign_in(&server.address, login, password)?],
        })
    }

    fn ask_if_allowed(&self, path: &str, rounds: usize) -> Result<Option<Times>> {
        match self.clients[0].send("GET", path, &[], "")?.status {
            // Not within their tenants, or nothing for their role.
            403 | 404 => Ok(None),
            _ => self.ask(path, rounds).map(Some),
        }
    }

    fn ask(&self, path: &str, rounds: usize) -> Result<Times> {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..rounds {
            let (answer, took) = self.once(path)?;
            times.push(took.as_secs_f64() * 1e3);
            bytes = answer;
        }
        times.sort_by(f64::total_cmp);
        Ok(Times {
            median: times[times.len() / 2],
            late: times[(times.len() * 99).div_ceil(100) - 1],
            bytes,
        })
    }

    /// Asks once; one that came too soon waits and does not count.
    fn once(&self, path: &str) -> Result<(usize, Duration)> {
        loop {
            let started = Instant::now();
            let answer = self.clients[0].send("GET", path, &[], "")?;
            let took = started.elapsed();
            match answer.status {
                200 => return Ok((answer.body.len(), took)),
                429 => std::thread::sleep(Duration::from_secs(1)),
                status => bail!("GET {path}: {status} {}", answer.text()),
            }
        }
    }
}
