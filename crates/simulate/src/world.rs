//! Making the world: who lives in it, and writing what happened to them.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use vigie_event::{Timestamp, format_utc};

use crate::background::{Background, HOUR, Load, hours};
use crate::host::Host;
use crate::machine::Machine;
use crate::plan::{Plan, SimulateError, failed};
use crate::rng::Rng;
use crate::scenario::{Scenario, Span};
use crate::truth::{ServerTruth, Truth};

/// The demo's tenants: a name and its servers with their stories.
const CAST: [(&str, &[(&str, Scenario)]); 5] = [
    (
        "atelier-durand",
        &[("EX01", Scenario::FullChain), ("DC01", Scenario::LateralTarget)],
    ),
    (
        "logistique-boreal",
        &[("EX01", Scenario::OabWrite), ("EX02", Scenario::Attempted)],
    ),
    (
        "clinique-saint-roch",
        &[
            ("MAIL01", Scenario::ShellAfterPatch),
            ("MAIL02", Scenario::OwnChecks),
        ],
    ),
    (
        "notaires-delta",
        &[("EX01", Scenario::OddFile), ("EX02", Scenario::PatchedEarly)],
    ),
    (
        "syndic-europe",
        &[("EX01", Scenario::NoisyBenign), ("EX02", Scenario::LogsRolled)],
    ),
];

/// A server to be simulated.
pub(crate) struct Assignment {
    pub(crate) tenant: String,
    number: u32,
    pub(crate) server: &'static str,
    pub(crate) scenario: Scenario,
}

/// Simulates the planned world into `out`: one folder per tenant, one per server below it, laid out as a responder
/// collects them (`TENANT/SERVER/C/inetpub/...`), and `truth.json`.
///
/// The same plan gives the same bytes and file times, on every machine.
///
/// # Errors
/// When the plan makes no sense, `out` exists and is not empty, or a file cannot be written.
pub fn simulate(out: &Path, plan: &Plan) -> Result<Truth, SimulateError> {
    plan.check()?;
    std::fs::create_dir_all(out).map_err(failed(out))?;
    if std::fs::read_dir(out).map_err(failed(out))?.next().is_some() {
        return Err(SimulateError::NotEmpty(out.to_owned()));
    }
    let span = Span::new(plan);
    let cast = cast(plan);
    let mut tenants: Vec<String> = cast.iter().map(|a| a.tenant.clone()).collect();
    tenants.dedup();
    let truth = Truth {
        seed: plan.seed,
        from: format_utc(span.from),
        to: format_utc(span.to),
        tenants,
        servers: run_all(out, plan, &span, &cast)?,
    };
    let path = out.join("truth.json");
    let json = serde_json::to_vec_pretty(&truth).map_err(|e| failed(&path)(e.into()))?;
    std::fs::write(&path, json).map_err(failed(&path))?;
    Ok(truth)
}

pub(crate) fn cast(plan: &Plan) -> Vec<Assignment> {
    let mut cast = Vec::new();
    for number in 0..plan.tenants {
        let (name, servers) = CAST[number as usize % CAST.len()];
        let round = number as usize / CAST.len();
        let tenant = if round == 0 {
            name.to_owned()
        } else {
            format!("{name}-{}", round + 1)
        };
        cast.extend(servers.iter().map(|&(server, scenario)| Assignment {
            tenant: tenant.clone(),
            number,
            server,
            scenario,
        }));
    }
    cast
}

/// Simulates all servers, as many at a time as the machine has processors. Each has its own random numbers, so the
/// order does not matter.
fn run_all(
    out: &Path,
    plan: &Plan,
    span: &Span,
    cast: &[Assignment],
) -> Result<Vec<ServerTruth>, SimulateError> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<ServerTruth, SimulateError>)>> = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(cast.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, assignment)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    cast.get(index).map(|assignment| (index, assignment))
                } {
                    let result = run(out, plan, span, assignment);
                    done.lock()
                        .unwrap_or_else(|e| e.into_inner())
                        .push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|e| e.into_inner());
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn run(out: &Path, plan: &Plan, span: &Span, assignment: &Assignment) -> Result<ServerTruth, SimulateError> {
    let scenario = assignment.scenario;
    let from = scenario.logs_from(span);
    let builds = scenario.builds(span);
    let host = Host::new(
        &assignment.tenant,
        assignment.number,
        assignment.server,
        builds,
        plan.seed,
    );
    let rng = Rng::new(plan.seed, &[&assignment.tenant, assignment.server, "life"]);
    let mut machine = Machine::new(out, host, rng, blank_truth(assignment, from));
    if scenario.mail_server() {
        machine.web_folders(from)?;
    }
    let load = match plan.size {
        Some(bytes) if scenario.mail_server() => Load::Bytes(bytes),
        _ => Load::Thin,
    };
    live(&mut machine, scenario, span, from, load)?;
    Ok(conclude(machine.finish()?))
}

/// Lets time pass: the story's moments fall between those of the background.
fn live(
    machine: &mut Machine,
    scenario: Scenario,
    span: &Span,
    from: Timestamp,
    load: Load,
) -> Result<(), SimulateError> {
    let mut background = Background::new(load, from, span.to, scenario.mail_server());
    let mut story = scenario.script(span).into_iter().peekable();
    // What happened before the logs begin left no trace in them.
    for hour in hours(from, span.to) {
        machine.daily(hour, scenario.mail_server())?;
        for (time, action) in background.plan(machine, hour) {
            while let Some((at, act)) = story.next_if(|(at, _)| *at <= time) {
                act(machine, at)?;
            }
            machine.background(time, action)?;
        }
        while let Some((at, act)) = story.next_if(|(at, _)| *at < hour + HOUR) {
            act(machine, at)?;
        }
    }
    Ok(())
}

fn blank_truth(assignment: &Assignment, from: Timestamp) -> ServerTruth {
    ServerTruth {
        tenant: assignment.tenant.clone(),
        server: assignment.server.to_owned(),
        scenario: assignment.scenario.id().to_owned(),
        verdict: assignment.scenario.verdict(from).to_owned(),
        stages: Vec::new(),
        first: None,
        last: None,
        attacker_addresses: assignment
            .scenario
            .attackers()
            .iter()
            .map(|a| (*a).to_owned())
            .collect(),
        logs_from: format_utc(from),
        steps: Vec::new(),
        noise: Vec::new(),
    }
}

/// Fills in what follows from the steps.
fn conclude(mut truth: ServerTruth) -> ServerTruth {
    for step in &truth.steps {
        if !truth.stages.contains(&step.stage) {
            truth.stages.push(step.stage.clone());
        }
    }
    truth.first = truth.steps.iter().map(|step| step.time.clone()).min();
    truth.last = truth.steps.iter().map(|step| step.time.clone()).max();
    truth
}
