//! What the work of a crisis leaves behind: observations, evidence, hunts and their jobs of each server, alerts, and
//! entries of the benign catalogue. Rows as the real acts write them, without their bytes and without what they would
//! set going.

use super::{OfTenant, TITLE};
use crate::catalogue::Scope;
use crate::db::{Value, params};
use crate::desk::Tx;
use crate::{AlertId, CampaignId, Desk, DismissalId, EvidenceId, HuntId, ObservationId, Result, Severity};

/// Servers written in one transaction.
const AT_ONCE: usize = 2_000;
/// Alerts, and entries of the catalogue: one for each of so many servers.
const EVERY: usize = 10;
const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(super) fn add(desk: &Desk, campaign: &CampaignId, servers: &[OfTenant]) -> Result<()> {
    for (part, some) in servers.chunks(AT_ONCE).enumerate() {
        desk.write(|tx| {
            observe(tx, some)?;
            hunt(tx, campaign, some)?;
            let few = some.iter().step_by(EVERY).enumerate();
            let few: Vec<(usize, &OfTenant)> = few.map(|(n, one)| (part * AT_ONCE + n, one)).collect();
            raise(tx, &few)?;
            dismiss(tx, &few)
        })?;
    }
    Ok(())
}

fn observe(tx: &mut Tx<'_>, servers: &[OfTenant]) -> Result<()> {
    let fact = r#"{"kind":"build","version":"15.1.2176.2","source":"exsetup"}"#;
    let rows: Vec<Vec<Value>> = servers
        .iter()
        .map(|(tenant, server)| {
            let id = ObservationId::new(tx.now, tx.entropy);
            let row = params![
                &id,
                tenant,
                server,
                "build",
                fact,
                tx.now,
                "csv",
                "fleet.csv",
                "2",
                HASH,
                "load",
                tx.now
            ];
            row.to_vec()
        })
        .collect();
    let into = "observation (id, tenant_id, server_id, kind, fact, at, reader, file, place, digest, said_by, received_at)";
    tx.insert_all(into, "", rows).map(drop)
}

fn hunt(tx: &mut Tx<'_>, campaign: &CampaignId, servers: &[OfTenant]) -> Result<()> {
    let (mut blobs, mut evidence) = (Vec::new(), Vec::new());
    let (mut jobs, mut hunts, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for (tenant, server) in servers {
        let (piece, hunt) = (
            EvidenceId::new(tx.now, tx.entropy),
            HuntId::new(tx.now, tx.entropy),
        );
        // Bytes are kept once per tenant, and these are said to be different ones.
        let hash = format!("{:0>64}", server.as_str().replace('-', ""));
        let blob = format!("blob-{}", server.as_str());
        blobs.push(params![blob.as_str(), tenant, hash.as_str(), 1_i64, 1_i64, 1_i64, tx.now].to_vec());
        let name = "HttpProxy.zip";
        evidence.push(
            params![
                &piece, tenant, server, campaign, name, "", blob, hash, 1_i64, tx.now, "load", 1_i64
            ]
            .to_vec(),
        );
        let asked_by = r#"{"kind":"system","id":"load","name":"load"}"#;
        let payload = format!(r#"{{"evidence":["{}"]}}"#, piece.as_str());
        jobs.push(
            params![
                hunt.as_str(),
                "hunt",
                tenant,
                campaign,
                payload,
                "done",
                0_i64,
                1_i64,
                3_i64,
                tx.now,
                0_i64,
                "{}",
                "{}",
                asked_by,
                tx.now,
                tx.now,
                tx.now
            ]
            .to_vec(),
        );
        let pieces = format!(r#"["{}"]"#, piece.as_str());
        let changes = r#"{"new":0,"known":0,"gone":0}"#;
        hunts.push(
            params![
                &hunt,
                tenant,
                campaign,
                "hafnium-2021",
                "1",
                pieces,
                "load",
                HASH,
                "{}",
                "[]",
                "[]",
                changes,
                tx.now
            ]
            .to_vec(),
        );
        said.push(
            params![
                &hunt,
                server,
                tenant,
                "EX",
                "attempted",
                "null",
                "[]",
                "[]",
                "[]",
                "{}",
                0_i64
            ]
            .to_vec(),
        );
    }
    for (into, rows) in [
        (
            "blob (id, tenant_id, sha256, size, stored, chunks, created_at)",
            blobs,
        ),
        (
            "evidence (id, tenant_id, server_id, campaign_id, name, note, blob_id, sha256, size, received_at, \
             received_by, revision)",
            evidence,
        ),
        (
            "job (id, kind, tenant_id, campaign_id, payload, state, priority, attempts, most_attempts, run_after, \
             cancelling, progress, result, asked_by, created_at, started_at, finished_at)",
            jobs,
        ),
        (
            "hunt (id, tenant_id, campaign_id, pack, pack_version, evidence, basis, manifest_sha256, stats, warnings, \
             skipped, changes, finished_at)",
            hunts,
        ),
        (
            "hunt_server (hunt_id, server_id, tenant_id, host, verdict, looked_at, reasons, coverage, storylines, \
             events, suppressed)",
            said,
        ),
    ] {
        tx.insert_all(into, "", rows)?;
    }
    Ok(())
}

fn raise(tx: &mut Tx<'_>, servers: &[(usize, &OfTenant)]) -> Result<()> {
    let rows: Vec<Vec<Value>> = servers
        .iter()
        .map(|(number, (tenant, server))| {
            let id = AlertId::new(tx.now, tx.entropy);
            let severity = Severity::ALL[number % Severity::ALL.len()];
            params![
                &id,
                tenant,
                server,
                "edr",
                format!("{number}"),
                "A process was stopped",
                severity,
                severity.rank(),
                "{}",
                tx.now,
                tx.now,
                "new",
                "",
                1_i64
            ]
            .to_vec()
        })
        .collect();
    let into = "alert (id, tenant_id, server_id, source, external_id, title, severity, rank, details, at, received_at, \
         state, reason, revision)";
    tx.insert_all(into, "", rows).map(drop)
}

fn dismiss(tx: &mut Tx<'_>, servers: &[(usize, &OfTenant)]) -> Result<()> {
    let rows: Vec<Vec<Value>> = servers
        .iter()
        .map(|(number, (tenant, server))| {
            let id = DismissalId::new(tx.now, tx.entropy);
            params![
                &id,
                Scope::Server,
                tenant,
                server,
                "EX",
                format!("rule-{}", number % 200),
                TITLE,
                "{}",
                "our own scanner",
                "load",
                tx.now,
                tx.now.plus_days(90),
                "made"
            ]
            .to_vec()
        })
        .collect();
    let into = "dismissal (id, scope, tenant_id, server_id, server_name, rule_id, rule_title, fields, reason, author, \
         created_at, expires_at, judged)";
    tx.insert_all(into, "", rows).map(drop)
}
