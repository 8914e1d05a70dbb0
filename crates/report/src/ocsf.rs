//! Findings for other tools: the Open Cybersecurity Schema Framework.

use std::io::{self, Write};
use std::net::IpAddr;

use serde_json::{Map, Value, json};
use vigie_event::parse_utc;
use vigie_hunt::{EvidenceLine, Finding, HostResult, HuntResult, Severity};

use crate::lang::Lang;
use crate::text::visible;

/// The version of the schema that is followed.
pub const OCSF_VERSION: &str = "1.5.0";

/// `Findings`, `Detection Finding`, `Create`.
const CATEGORY: u32 = 2;
const CLASS: u32 = 2004;
const ACTIVITY: u32 = 1;

/// Columns that name the client of a request or the other end of a connection.
const CLIENTS: [&str; 5] = ["c-ip", "ClientIpAddress", "IpAddress", "SourceIp", "RemoteIP"];
/// Columns that name the account.
const USERS: [&str; 6] = [
    "cs-username",
    "AuthenticatedUser",
    "TargetUserName",
    "SubjectUserName",
    "User",
    "AccountName",
];

/// Writes one JSON object per line and finding: `Detection Finding` (class 2004) of OCSF 1.5.0, schema.ocsf.io. Times
/// are milliseconds since 1970, UTC; `time` is that of the first event. What the schema has no place for is in
/// `unmapped`. Only `message` and `finding_info.desc` follow `lang`.
///
/// # Errors
/// Only those of `out`.
pub fn ocsf(result: &HuntResult, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    // A finding without a time of its own cannot be later than the newest record of the evidence.
    let newest = result
        .manifest
        .iter()
        .filter_map(|file| millis(file.last.as_deref()))
        .max();
    for host in &result.hosts {
        for finding in &host.findings {
            let time = millis(finding.time.as_deref()).or(newest).unwrap_or(0);
            let mut event = event(result, host, finding, lang);
            event.insert("time".to_owned(), json!(time));
            serde_json::to_writer(&mut *out, &event)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

fn event(result: &HuntResult, host: &HostResult, finding: &Finding, lang: Lang) -> Map<String, Value> {
    let (severity_id, severity) = severity(finding.severity);
    let statement = visible(finding.statement.get(lang.code())).into_owned();
    object(json!({
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "activity_id": ACTIVITY,
        "activity_name": "Create",
        "type_uid": CLASS * 100 + ACTIVITY,
        "type_name": "Detection Finding: Create",
        "severity_id": severity_id,
        "severity": severity,
        "status_id": 1,
        "status": "New",
        "is_alert": true,
        "count": finding.count,
        "start_time": millis(finding.time.as_deref()),
        "end_time": millis(finding.end_time.as_deref()),
        "message": statement,
        "metadata": metadata(host),
        "device": device(host),
        "finding_info": finding_info(result, host, finding, &statement),
        "evidences": finding.evidence.iter().map(evidence).collect::<Vec<_>>(),
        "unmapped": present(json!({
            "stage": finding.stage,
            "outcome": finding.outcome,
            "host_verdict": host.verdict,
            "storyline": finding.storyline,
            "pack": finding.pack,
        })),
    }))
}

fn metadata(host: &HostResult) -> Value {
    present(json!({
        "version": OCSF_VERSION,
        "profiles": ["host"],
        "product": {
            "name": "Vigie",
            "vendor_name": "Vigie",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "tenant_uid": host.tenant,
    }))
}

fn device(host: &HostResult) -> Value {
    present(json!({
        "type_id": 0,
        "type": "Unknown",
        "hostname": host.host,
        "name": host.host,
        "org": host.tenant.as_ref().map(|tenant| json!({ "name": tenant })),
    }))
}

/// The identifier is the same for the same evidence: it begins with the evidence's fingerprint.
fn finding_info(result: &HuntResult, host: &HostResult, finding: &Finding, statement: &str) -> Value {
    let fingerprint: String = result.manifest_sha256.chars().take(16).collect();
    let tenant = host.tenant.as_deref().unwrap_or("-");
    present(json!({
        "uid": format!("{fingerprint}/{tenant}/{}/{}", host.host, finding.id),
        "title": finding.title,
        "desc": statement,
        "types": [finding.stage],
        "analytic": {
            "type_id": 1,
            "type": "Rule",
            "uid": finding.rule_id,
            "name": finding.title,
        },
        "attacks": finding.attack.iter().map(|technique| attack(technique)).collect::<Vec<_>>(),
        "first_seen_time": millis(finding.time.as_deref()),
        "last_seen_time": millis(finding.end_time.as_deref()),
        "related_events_count": finding.count,
        "data_sources": sources(finding),
    }))
}

/// `T1505.003` is the sub-technique, `T1505` the technique.
fn attack(technique: &str) -> Value {
    match technique.split_once('.') {
        Some((parent, _)) => json!({
            "technique": { "uid": parent },
            "sub_technique": { "uid": technique },
        }),
        None => json!({ "technique": { "uid": technique } }),
    }
}

/// The files its evidence stands in, each once.
fn sources(finding: &Finding) -> Vec<&str> {
    let mut paths: Vec<&str> = finding.evidence.iter().map(|line| line.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// One line of proof: who and what, where the schema has a place for it, and the whole record as `data`.
fn evidence(line: &EvidenceLine) -> Value {
    let get = |names: &[&str]| {
        let found = names.iter().find_map(|name| line.fields.get(*name));
        found.filter(|value| !value.is_empty() && *value != "-")
    };
    let place = match (line.record, line.line) {
        (Some(record), _) => format!("{}, record {record}", line.path),
        (_, Some(number)) => format!("{}, line {number}", line.path),
        _ => line.path.clone(),
    };
    let client = get(&CLIENTS).filter(|address| address.parse::<IpAddr>().is_ok());
    present(json!({
        "name": place,
        "data": {
            "time": line.time,
            "fields": line.fields,
        },
        "src_endpoint": client.map(|address| json!({ "ip": address })),
        "user": get(&USERS).map(|user| json!({ "name": user })),
        "process": process(get(&["Image", "NewProcessName"]), get(&["CommandLine", "ProcessCommandLine"])),
    }))
}

fn process(image: Option<&String>, command_line: Option<&String>) -> Option<Value> {
    if image.is_none() && command_line.is_none() {
        return None;
    }
    let file = image.map(|path| {
        let name = path.rsplit(['\\', '/']).next().unwrap_or(path);
        json!({ "type_id": 1, "type": "Regular File", "name": name, "path": path })
    });
    let name = file.as_ref().and_then(|file| file.get("name").cloned());
    Some(present(
        json!({ "name": name, "file": file, "cmd_line": command_line }),
    ))
}

fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn millis(time: Option<&str>) -> Option<i64> {
    Some(parse_utc(time?)?.div_euclid(1_000))
}

/// The object without what is not known: the schema leaves it out.
fn present(value: Value) -> Value {
    Value::Object(object(value))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}
