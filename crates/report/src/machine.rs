//! The outputs for machines: JSON (the contract, `docs/hunt.schema.json`) and JSON lines.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use vigie_hunt::{
    Coverage, Finding, HostResult, HuntResult, ManifestEntry, Message, ObservationEntry, PackInfo, Span,
    Stats, Storyline, SuppressionEntry, Text, Verdict,
};

/// Writes the whole result as one indented JSON object, ended by a line feed.
///
/// # Errors
/// Only those of `out`.
pub fn json(result: &HuntResult, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, result)?;
    out.write_all(b"\n")
}

/// One line of the JSON lines output.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Meta {
        schema_version: &'a str,
        manifest_sha256: &'a str,
        pack: &'a [PackInfo],
        stats: &'a Stats,
    },
    Host(HostLine<'a>),
    Finding {
        host: &'a str,
        tenant: Option<&'a str>,
        #[serde(flatten)]
        finding: &'a Finding,
    },
    Storyline {
        host: &'a str,
        tenant: Option<&'a str>,
        #[serde(flatten)]
        storyline: &'a Storyline,
    },
    Suppression(&'a SuppressionEntry),
    File(&'a ManifestEntry),
    Warning(&'a Message),
}

/// A machine without its findings and storylines, which have lines of their own.
#[derive(Serialize)]
struct HostLine<'a> {
    host: &'a str,
    host_source: Option<&'a str>,
    tenant: Option<&'a str>,
    verdict: Verdict,
    window: Option<&'a Span>,
    reasons: &'a [Text],
    coverage: &'a [Coverage],
    suppressed: u64,
    observations: &'a [ObservationEntry],
    events: &'a BTreeMap<String, u64>,
    findings: usize,
    storylines: usize,
}

/// Writes one JSON object per line. Each has a `type`: first one `meta`, then per machine one `host` followed by
/// its `storyline`s and `finding`s (both carry `host` and `tenant`), then every `suppression`, `file` and `warning`.
///
/// # Errors
/// Only those of `out`.
pub fn jsonl(result: &HuntResult, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |line: &Line<'_>| -> io::Result<()> {
        serde_json::to_writer(&mut *out, line)?;
        out.write_all(b"\n")
    };
    line(&Line::Meta {
        schema_version: &result.schema_version,
        manifest_sha256: &result.manifest_sha256,
        pack: &result.pack,
        stats: &result.stats,
    })?;
    for host in &result.hosts {
        let (name, tenant) = (host.host.as_str(), host.tenant.as_deref());
        line(&Line::Host(host_line(host)))?;
        for storyline in &host.storylines {
            line(&Line::Storyline {
                host: name,
                tenant,
                storyline,
            })?;
        }
        for finding in &host.findings {
            line(&Line::Finding {
                host: name,
                tenant,
                finding,
            })?;
        }
    }
    for suppression in &result.suppressions {
        line(&Line::Suppression(suppression))?;
    }
    for file in &result.manifest {
        line(&Line::File(file))?;
    }
    for message in &result.warnings {
        line(&Line::Warning(message))?;
    }
    Ok(())
}

fn host_line(host: &HostResult) -> HostLine<'_> {
    HostLine {
        host: &host.host,
        host_source: host.host_source.as_deref(),
        tenant: host.tenant.as_deref(),
        verdict: host.verdict,
        window: host.window.as_ref(),
        reasons: &host.reasons,
        coverage: &host.coverage,
        suppressed: host.suppressed,
        observations: &host.observations,
        events: &host.events,
        findings: host.findings.len(),
        storylines: host.storylines.len(),
    }
}
