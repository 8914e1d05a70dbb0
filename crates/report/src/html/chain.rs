//! The attack chain: all stages in order, those reached filled in.

use std::collections::BTreeMap;
use std::io::{self, Write};

use vigie_hunt::{Finding, HostResult, Outcome, PackInfo};

use super::{NAME, Page, icons};
use crate::i18n::fill;
use crate::text::Esc;

/// What is known of one stage on one machine.
struct Reached<'a> {
    outcome: Outcome,
    findings: u64,
    first: Option<&'a str>,
}

impl Page<'_> {
    pub(super) fn chain(&self, out: &mut dyn Write, host: &HostResult) -> io::Result<()> {
        let t = self.view.t;
        let reached = reached(&host.findings);
        writeln!(out, "<h3>{}</h3>", Esc(t.head_chain))?;
        let packs = &self.view.result.pack;
        for pack in packs {
            if packs.len() > 1 {
                if !pack
                    .stages
                    .iter()
                    .any(|stage| reached.contains_key(stage.id.as_str()))
                {
                    continue;
                }
                writeln!(
                    out,
                    "<p class=\"muted\">{}</p>",
                    self.cut(&self.view.text(&pack.title), NAME)
                )?;
            }
            self.strip(out, pack, &reached)?;
        }
        let foreign: Vec<&str> = reached
            .keys()
            .copied()
            .filter(|id| {
                !packs
                    .iter()
                    .any(|pack| pack.stages.iter().any(|stage| stage.id == *id))
            })
            .collect();
        if !foreign.is_empty() {
            let names = fill(t.other_stages, &[("stages", &foreign.join(", "))]);
            writeln!(out, "<p class=\"muted\">{}</p>", self.cut(&names, NAME))?;
        }
        Ok(())
    }

    fn strip(
        &self,
        out: &mut dyn Write,
        pack: &PackInfo,
        reached: &BTreeMap<&str, Reached<'_>>,
    ) -> io::Result<()> {
        let t = self.view.t;
        writeln!(out, "<ol class=\"chain\">")?;
        for stage in &pack.stages {
            let title = self.cut(&self.view.text(&stage.title), NAME);
            match reached.get(stage.id.as_str()) {
                Some(stage) => {
                    let found = self.view.lang.plural(stage.findings, t.n_findings);
                    writeln!(
                        out,
                        "<li class=\"reached {}\"><strong>{title}</strong><span>{}{}</span>{}</li>",
                        icons::outcome_class(stage.outcome),
                        icons::outcome(stage.outcome),
                        Esc(found),
                        self.stamp(stage.first)
                    )?;
                }
                None => writeln!(
                    out,
                    "<li><span>{title}</span><span>{}</span></li>",
                    Esc(t.not_seen)
                )?,
            }
        }
        writeln!(out, "</ol>")
    }
}

/// Stages with findings: the worst outcome, how many, the first time.
fn reached(findings: &[Finding]) -> BTreeMap<&str, Reached<'_>> {
    let mut stages: BTreeMap<&str, Reached<'_>> = BTreeMap::new();
    for finding in findings {
        let stage = stages.entry(&finding.stage).or_insert(Reached {
            outcome: finding.outcome,
            findings: 0,
            first: None,
        });
        stage.findings += 1;
        stage.outcome = stage.outcome.max(finding.outcome);
        if let Some(time) = finding.time.as_deref() {
            stage.first = Some(stage.first.map_or(time, |first| first.min(time)));
        }
    }
    stages
}
