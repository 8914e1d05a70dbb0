//! The desk: a real `vigie serve` on a full desk, asked over HTTP as the pages ask it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::answers::{Query, Sight, nothing_yet};
use self::client::{Client, Server};
use self::queries::{SEARCH_FOR_NOTHING, all_of};
use super::table::Bound;
use super::{Bench, scratch, target};
use crate::{cargo, run};

mod acts;
mod answers;
mod board;
mod client;
mod kept;
mod queries;

/// What the board may take at the median with 500 tenants of two servers, in milliseconds.
const BOARD_MS: f64 = 50.0;
/// What any query of a page may take at the median with 10,000 servers and a million findings, in milliseconds.
const QUERY_MS: f64 = 200.0;
/// What a search in findings may take.
const SEARCH_MS: f64 = 100.0;
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
    // Of the whole workspace, so that dependencies are those of the tests, built already.
    let arguments = [
        "build",
        "--workspace",
        "--features",
        "vigie-desk/load",
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
        "\n## the desk: {}\n\nfirst answer after {:.2} s; {:.0} MB in memory before the first page, {:.0} MB of them \
         not pages of files; database {:.0} MB",
        filled.name,
        first.as_secs_f64(),
        idle.all,
        idle.own,
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
        idle.all,
        Bound::AtMost(IDLE_MB),
    );

    let director = Asker::new(&server, "director", &password, None)?;
    let others = ["half", "few"]
        .iter()
        .map(|login| Asker::new(&server, login, &password, Some(&director.sight)))
        .collect::<Result<Vec<_>>>()?;
    let heads: String = others
        .iter()
        .map(|one| format!(" median ms, {} tenants |", one.sight.count()))
        .collect();
    println!(
        "\n| query ({rounds} times) | median ms | 99th % ms | KB |{heads}\n|---|---:|---:|---:|---:|---:|"
    );
    let (mut worst, mut worst_board): ((f64, String), f64) = ((0.0, String::new()), 0.0);
    let mut worst_search = 0.0_f64;
    let mut hidden = 0;
    for query in all_of(&director.client)? {
        let all = director.ask(&query, rounds)?;
        let name = query.name;
        let mut line = format!(
            "| {name} | {:.1} | {:.1} | {:.0} |",
            all.median,
            all.late,
            all.bytes as f64 / 1e3
        );
        let mut median = all.median;
        for other in &others {
            if other.sight.sees(&query) || query.unseen.is_some() {
                let some = other.ask(&query, rounds)?;
                line += &format!(" {:.1} |", some.median);
                median = median.max(some.median);
            } else {
                other.expect_nothing(&query)?;
                hidden += 1;
                line += " not theirs |";
            }
        }
        println!("{line}");
        if name.starts_with("board") && !name.contains("at once") {
            worst_board = worst_board.max(median);
        }
        if name.starts_with("findings, a search") {
            worst_search = worst_search.max(median);
        }
        if median > worst.0 {
            worst = (median, name.to_owned());
        }
    }
    println!(
        "\nevery answer was looked at: it is what was asked for, and names no tenant that the asker may not see; {hidden} \
         times something of such a tenant was asked for, and answered 404"
    );
    for asker in others.iter().chain([&director]) {
        asker.search_to_the_end()?;
    }
    let board = format!("{}: the slowest view of the board, median ms", filled.name);
    bench.targets.least(board, worst_board, Bound::AtMost(board_ms));
    let search = format!("{}: the slowest search in findings, median ms", filled.name);
    bench
        .targets
        .least(search, worst_search, Bound::AtMost(SEARCH_MS));
    let slowest = format!("{}: the slowest query ({}), median ms", filled.name, worst.1);
    bench.targets.least(slowest, worst.0, Bound::AtMost(QUERY_MS));

    acts::bench(bench, &server, filled.name, &password)?;
    let after = server.memory()?;
    println!(
        "memory after all that: {:.0} MB, {:.0} MB of them not pages of files",
        after.all, after.own
    );
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

/// Somebody who asks again and again.
struct Asker {
    client: Client,
    sight: Sight,
}

/// How long answers took, in milliseconds.
struct Times {
    median: f64,
    late: f64,
    bytes: usize,
}

impl Asker {
    fn new(server: &Server, login: &str, password: &str, everybody: Option<&Sight>) -> Result<Asker> {
        let client = Client::sign_in(&server.address, login, password)?;
        Ok(Asker {
            sight: Sight::of(&client, everybody)?,
            client,
        })
    }

    /// How long it takes until it is known that a search finds nothing: as many requests as it takes.
    fn search_to_the_end(&self) -> Result<()> {
        let (mut path, mut requests, mut all) = (SEARCH_FOR_NOTHING.to_owned(), 0, Duration::ZERO);
        loop {
            let (body, took) = self.once(&path)?;
            (requests, all) = (requests + 1, all + took);
            let answer: Value = serde_json::from_slice(&body)?;
            if !nothing_yet(&answer) {
                bail!("a search for nothing: not the right answer to {path}");
            }
            match answer["next_cursor"].as_str() {
                Some(cursor) => path = format!("{SEARCH_FOR_NOTHING}&cursor={cursor}"),
                None => break,
            }
        }
        println!(
            "a search for nothing by somebody who sees {} tenants, to the end: {:.2} s, requests: {requests}",
            self.sight.count(),
            all.as_secs_f64()
        );
        Ok(())
    }

    /// What is another tenant's is not there: nothing else will do.
    fn expect_nothing(&self, query: &Query) -> Result<()> {
        let answer = self.client.send("GET", &query.path, &[], "")?;
        match answer.status {
            404 => Ok(()),
            status => bail!(
                "{}: {status} for somebody who may not see that tenant: {}",
                query.name,
                answer.text()
            ),
        }
    }

    fn ask(&self, query: &Query, rounds: usize) -> Result<Times> {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..rounds {
            let (body, took) = self.once(&query.path)?;
            query.check(&self.sight, &body)?;
            times.push(took.as_secs_f64() * 1e3);
            bytes = body.len();
        }
        times.sort_by(f64::total_cmp);
        Ok(Times {
            median: times[times.len() / 2],
            late: times[(times.len() * 99).div_ceil(100) - 1],
            bytes,
        })
    }

    /// Asks once; one that came too soon waits and does not count.
    fn once(&self, path: &str) -> Result<(Vec<u8>, Duration)> {
        loop {
            let started = Instant::now();
            let answer = self.client.send("GET", path, &[], "")?;
            let took = started.elapsed();
            match answer.status {
                200 => return Ok((answer.body, took)),
                429 => std::thread::sleep(Duration::from_secs(1)),
                status => bail!("GET {path}: {status} {}", answer.text()),
            }
        }
    }
}
