//! Puts the answer together once everything has been read.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use vigie_detect::sigma::Rule;
use vigie_event::{FileId, MICROS_PER_SECOND, format_utc};
use vigie_evidence::Manifest;
use vigie_pack::Pack;

use crate::collect::{Collected, Detectors};
use crate::coverage::{Window, measure, missing, seen_window, sources_that_matter};
use crate::detector::{Confidence, Detector, confidence, outcome};
use crate::finding::{Detection, HostIndex, KeptEvent, Numbering, Origin, Statement, merge_within};
use crate::hosts::{Host, Hosts};
use crate::suppress::settle;
use crate::tell::{common_links, fill, title};
use crate::verdict::{Sight, Story, judge};
use crate::{
    EvidenceLine, Finding, HostResult, HuntOptions, HuntResult, ManifestEntry, ObservationEntry, Outcome,
    PackInfo, SCHEMA_VERSION, SkipEntry, StageInfo, Stats, Storyline, Text, hosts, storyline,
};
use vigie_evidence::message::{Code, Message, Parameter};

/// What dates a step only when nothing else does.
const INDIRECT_SOURCES: [&str; 3] = ["correlation", "file content", "file_inventory"];

pub(crate) fn assemble(
    options: &HuntOptions,
    detectors: &Detectors,
    mut collected: Collected,
    manifest: Manifest,
    mut warnings: Vec<Message>,
) -> HuntResult {
    let dropped = collected.correlator.dropped();
    if dropped > 0 {
        warnings.push(Message::new(Code::CorrelationsFull, [("count", dropped.into())]));
    }
    warnings.extend(collected.left_out.warnings());
    add_correlations(detectors, &mut collected, &manifest);
    let mut with_findings = collected.statements.hosts();
    with_findings.extend(collected.set_aside.values().flat_map(|aside| aside.hosts()));
    let hosts = hosts::resolve(&collected.keys, &collected.seen, &manifest, &|index| {
        with_findings.contains(&index)
    });
    warnings.extend(hosts.folded.iter().cloned());
    collected.unscanned.sort();
    warnings.extend(
        collected
            .unscanned
            .iter()
            .map(|path| Message::new(Code::ScanOutOfTime, [("path", path.into())])),
    );
    warnings.extend(clock_warnings(&manifest));
    let final_host = |index: HostIndex| hosts.of_index.get(index as usize).copied().unwrap_or(index);
    let set_aside = std::mem::take(&mut collected.set_aside);
    let hidden = settle(
        &mut collected.statements,
        set_aside,
        &detectors.suppressor,
        &hosts,
    );
    warnings.extend(hidden.warnings());
    let statements = collected.statements.resolve(final_host);
    let machines = hosts
        .machines
        .iter()
        .map(|(&index, host)| (index, host.machine()))
        .collect();
    let groups = storyline::link(&statements, &collected.detectors, &machines);
    let (statements, groups) = merge_within(statements, groups);
    let stages = stage_order(&options.packs);
    let run = Run {
        options,
        manifest: &manifest,
        detectors: &collected.detectors,
        hosts: &hosts,
        stages,
        hidden: &hidden.statements,
        blind_rules: detectors.left_out.iter().filter(|rule| could_raise(rule)).count() as u64,
    };
    let host_results = run.hosts(&statements, groups);
    HuntResult {
        schema_version: SCHEMA_VERSION.to_owned(),
        pack: options.packs.iter().map(|pack| run.pack_info(pack)).collect(),
        stats: Stats {
            bytes: manifest.bytes,
            events: collected.events,
            files: manifest.files.len() as u64,
            skipped: manifest
                .files
                .iter()
                .map(|file| file.skipped.len() as u64)
                .sum::<u64>()
                + manifest.files.iter().filter(|file| file.source.is_none()).count() as u64,
            elapsed_s: 0.0,
            rules: detectors.count(),
            rules_left_out: detectors.left_out.len() as u64,
            refused: detectors.refused,
            interrupted: manifest.interrupted,
        },
        hosts: host_results,
        suppressions: hidden.entries,
        manifest: run.manifest_entries(),
        manifest_sha256: manifest_digest(&manifest),
        warnings,
    }
}

/// Whether what a rule says can raise a verdict.
fn could_raise(rule: &Rule) -> bool {
    rule.vigie.as_ref().is_some_and(|meta| {
        outcome(&meta.outcome) != Some(Outcome::Scan) && confidence(&meta.confidence) > Confidence::Weak
    })
}

/// Correlations are findings like others, told by their first events.
fn add_correlations(detectors: &Detectors, collected: &mut Collected, manifest: &Manifest) {
    let correlator = std::mem::replace(&mut collected.correlator, detectors.rules.correlator());
    let rules = detectors.rules.rules();
    for found in correlator.finish(&detectors.rules) {
        if rules.get(found.rule as usize).is_none_or(|rule| rule.silent) {
            continue;
        }
        let Ok(host) = found.host.parse::<HostIndex>() else {
            continue;
        };
        let Some(detector) = detectors.described.get(found.rule as usize) else {
            continue;
        };
        let mut links = BTreeSet::new();
        for (field, value) in &found.group {
            crate::links::add_links(field, value, &mut links);
        }
        let detection = Detection {
            detector: found.rule,
            host,
            time: Some(found.from),
            until: Some(found.to),
            links,
            source: "correlation",
            count: found.count,
        };
        let first = found.members.first();
        let mut fields: BTreeMap<String, String> = found.group.iter().cloned().collect();
        fields.insert("events".to_owned(), found.count.to_string());
        fields.insert("rule".to_owned(), detector.title.clone());
        let about = detectors.suppressed_by.get(found.rule as usize);
        let suppressions = about.map_or_else(Vec::new, |about| {
            detectors.suppressor.fitting_fields(about, &fields)
        });
        let place = match suppressions.is_empty() {
            true => &mut collected.statements,
            false => collected.set_aside.entry(suppressions).or_default(),
        };
        let path = first.map(|member| path_of(manifest, member.file));
        let path = path.unwrap_or_default();
        let record = first.map_or(0, |member| member.record);
        let origin = Origin {
            path: &path,
            record,
            identity: &|| None,
        };
        place.add(detection, &origin, || KeptEvent {
            time: Some(found.from),
            path: path.clone(),
            record,
            identity: None,
            numbered_by: Numbering::Lines,
            fields,
            matched: found.group.iter().map(|(field, _)| field.clone()).collect(),
        });
    }
}

fn path_of(manifest: &Manifest, file: FileId) -> String {
    let file = manifest.files.get(file.0 as usize);
    file.map(|file| file.path.clone()).unwrap_or_default()
}

fn stage_order(packs: &[Pack]) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    for stage in packs.iter().flat_map(|pack| &pack.stages) {
        if !order.contains(&stage.id) {
            order.push(stage.id.clone());
        }
    }
    order
}

fn clock_warnings(manifest: &Manifest) -> Vec<Message> {
    manifest
        .by_path()
        .into_iter()
        .flat_map(|file| {
            file.clock.iter().map(|clock| {
                let parameters = [
                    ("path", (&file.path).into()),
                    ("between", (&clock.between).into()),
                    ("hours", Parameter::Hours(clock.applied_micros as f64 / 3.6e9)),
                    ("rows", clock.rows.into()),
                ];
                Message::new(Code::ClockOff, parameters)
            })
        })
        .collect()
}

/// Names the evidence an answer is about: any change of a path, size or content changes it.
fn manifest_digest(manifest: &Manifest) -> String {
    let mut digest = Sha256::new();
    for file in manifest.by_path() {
        digest.update(format!("{}\t{}\t{}\n", file.path, file.size, file.sha256));
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What all parts of the answer look things up in.
struct Run<'a> {
    options: &'a HuntOptions,
    manifest: &'a Manifest,
    detectors: &'a [Detector],
    hosts: &'a Hosts,
    stages: Vec<String>,
    /// What suppressions took from the answer.
    hidden: &'a [Statement],
    /// Rules of packs that could have raised a verdict and were left out.
    blind_rules: u64,
}

impl Run<'_> {
    fn window(&self, host: Option<&Host>) -> Option<Window> {
        let pack_from = self.options.packs.iter().map(|pack| pack.window.from).min();
        let from = self.options.since.or(pack_from)?;
        let pack_to = self.options.packs.iter().filter_map(|pack| pack.window.to).max();
        let newest = || match host {
            // Files bear the time of their last copy; only logs say when something was last seen.
            Some(host) => host
                .seen
                .hours
                .iter()
                .filter(|(key, _)| !crate::coverage::is_timeless(key))
                .filter_map(|(_, hours)| hours.last())
                .max(),
            None => self.manifest.files.iter().filter_map(|file| file.last).max(),
        };
        let to = self.options.until.or(pack_to).or_else(newest)?;
        Some(Window { from, to })
    }

    fn pack_info(&self, pack: &Pack) -> PackInfo {
        let window = self.window(None);
        PackInfo {
            name: pack.name.clone(),
            version: pack.version.clone(),
            title: Text {
                en: pack.title.en.clone(),
                fr: pack.title.fr.clone(),
            },
            from: format_utc(window.map_or(pack.window.from, |window| window.from)),
            to: format_utc(window.map_or(pack.window.from, |window| window.to)),
            stages: pack
                .stages
                .iter()
                .map(|stage| StageInfo {
                    id: stage.id.clone(),
                    title: Text {
                        en: stage.title.en.clone(),
                        fr: stage.title.fr.clone(),
                    },
                })
                .collect(),
        }
    }

    /// One result per machine, worst first, then by tenant and name.
    fn hosts(&self, statements: &[Statement], mut groups: Vec<Vec<usize>>) -> Vec<HostResult> {
        groups.sort_by_key(|members| {
            let worst = members.iter().map(|&index| self.weight(&statements[index])).max();
            let first = members.iter().filter_map(|&index| statements[index].first).min();
            (std::cmp::Reverse(worst), first, members.first().copied())
        });
        let mut results: Vec<HostResult> = self
            .hosts
            .machines
            .keys()
            .map(|&index| self.host(index, statements, &groups))
            .collect();
        results.sort_by(|a, b| (b.verdict, &a.tenant, &a.host).cmp(&(a.verdict, &b.tenant, &b.host)));
        results
    }

    fn weight(&self, statement: &Statement) -> (Outcome, crate::Severity) {
        self.detectors
            .get(statement.detector as usize)
            .map_or((Outcome::Scan, crate::Severity::Informational), |detector| {
                (detector.outcome, detector.severity)
            })
    }

    fn host(&self, index: HostIndex, statements: &[Statement], groups: &[Vec<usize>]) -> HostResult {
        let nobody = Host::default();
        let host = self.hosts.machines.get(&index).unwrap_or(&nobody);
        let sources = sources_that_matter(&self.options.packs);
        let coverage = measure(&host.seen.hours, &sources, self.window(Some(host)));
        let missing = missing(&coverage, &sources);

        let mut stories = Vec::new();
        let mut storylines = Vec::new();
        let mut findings: Vec<Finding> = Vec::new();
        for (number, members) in groups.iter().enumerate() {
            let mut mine: Vec<&Statement> = members
                .iter()
                .map(|&member| &statements[member])
                .filter(|statement| statement.host == index)
                .collect();
            if mine.is_empty() {
                continue;
            }
            let order = self.stages_in_time(&mine);
            mine.sort_by_key(|statement| {
                let stage = order.iter().position(|stage| stage == self.stage(statement));
                let stage = stage.unwrap_or(usize::MAX);
                (stage, statement.first, statement.detector)
            });
            let id = format!("S{}", number + 1);
            let made: Vec<Finding> = mine
                .iter()
                .map(|statement| self.finding(statement, &id))
                .collect();
            storylines.push(self.storyline(&id, order, &mine, members, statements, index));
            findings.extend(made);
            stories.push(Story { statements: mine });
        }
        number_findings(&mut findings, &mut storylines);
        let sentences = |statement: &Statement| self.sentence(statement);
        let sight = Sight {
            missing: &missing,
            left_out: self.blind_rules,
            hidden: self
                .hidden
                .iter()
                .filter(|statement| statement.host == index)
                .collect(),
        };
        let (verdict, reasons) = judge(&stories, self.detectors, &sentences, &sight);
        HostResult {
            host: host.name.clone(),
            host_source: host.name_source.clone(),
            tenant: host.tenant.clone(),
            verdict,
            window: seen_window(&coverage, &sources),
            sees_all: sight.sees_all(),
            reasons,
            coverage,
            storylines,
            findings,
            suppressed: sight.hidden.iter().map(|statement| statement.count).sum(),
            observations: self.observations(index),
            events: host
                .seen
                .hours
                .iter()
                .map(|(key, hours)| (key.clone(), hours.records()))
                .collect(),
        }
    }

    fn stage(&self, statement: &Statement) -> &str {
        self.detectors
            .get(statement.detector as usize)
            .map_or("", |detector| &detector.stage)
    }

    /// The stages of a story in the order in which they were first reached; those reached in the same second stand
    /// in the order of the attack chain. A sure step dates its stage before a hint does. A file's own time and the
    /// start of a correlation are asked only when no log line tells: the first can be forged, the second is that of
    /// an earlier step. Probes are a stage of their own only before the attack.
    fn stages_in_time(&self, mine: &[&Statement]) -> Vec<String> {
        struct Reached {
            by: Told,
            second: i64,
            probes_only: bool,
        }
        let mut reached: BTreeMap<&str, Reached> = BTreeMap::new();
        for statement in mine {
            let Some(detector) = self.detectors.get(statement.detector as usize) else {
                continue;
            };
            let second = statement
                .first
                .map_or(i64::MAX, |first| first.div_euclid(MICROS_PER_SECOND));
            let by = told_by(statement, detector);
            let stage = reached.entry(&detector.stage).or_insert(Reached {
                by,
                second,
                probes_only: true,
            });
            if (by, second) < (stage.by, stage.second) {
                (stage.by, stage.second) = (by, second);
            }
            stage.probes_only &= detector.outcome == Outcome::Scan;
        }
        let attack = reached.values().filter(|stage| !stage.probes_only);
        let attacked = attack.map(|stage| stage.second).min();
        reached.retain(|_, stage| !stage.probes_only || attacked.is_none_or(|first| stage.second < first));
        let mut order: Vec<(i64, usize, &str)> = reached
            .into_iter()
            .map(|(name, stage)| {
                let rank = self.stages.iter().position(|known| known == name);
                (stage.second, rank.unwrap_or(self.stages.len()), name)
            })
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, _, stage)| stage.to_owned()).collect()
    }

    fn finding(&self, statement: &Statement, storyline: &str) -> Finding {
        let Some(detector) = self.detectors.get(statement.detector as usize) else {
            unreachable!("statements are made from the same list of detectors")
        };
        Finding {
            id: String::new(),
            rule_id: detector.id.clone(),
            title: detector.title.clone(),
            statement: self.sentence(statement),
            severity: detector.severity,
            time: statement.first.map(format_utc),
            end_time: statement.last.map(format_utc),
            count: statement.count,
            attack: detector.attack.clone(),
            stage: detector.stage.clone(),
            outcome: detector.outcome,
            pack: detector.pack.clone(),
            storyline: Some(storyline.to_owned()),
            confidence: detector.confidence,
            sources: statement.sources.clone(),
            evidence: statement
                .events
                .iter()
                .map(|event| self.evidence_line(event, detector))
                .collect(),
        }
    }

    fn evidence_line(&self, event: &KeptEvent, detector: &Detector) -> EvidenceLine {
        EvidenceLine {
            path: event.path.clone(),
            record: (event.numbered_by == Numbering::Records).then_some(event.record),
            line: (event.numbered_by == Numbering::Lines && event.record > 0).then_some(event.record),
            time: event.time.map(format_utc),
            excerpt: event.excerpt(detector),
            fields: event.fields.clone(),
        }
    }

    fn sentence(&self, statement: &Statement) -> Text {
        let Some(detector) = self.detectors.get(statement.detector as usize) else {
            return Text::default();
        };
        let nothing = BTreeMap::new();
        let fields = statement.events.first().map_or(&nothing, |event| &event.fields);
        Text {
            en: fill(&detector.statement.en, fields),
            fr: fill(&detector.statement.fr, fields),
        }
    }

    fn storyline(
        &self,
        id: &str,
        stages: Vec<String>,
        mine: &[&Statement],
        members: &[usize],
        statements: &[Statement],
        host: HostIndex,
    ) -> Storyline {
        let detectors: Vec<&Detector> = mine
            .iter()
            .filter_map(|statement| self.detectors.get(statement.detector as usize))
            .collect();
        let attack: BTreeSet<String> = detectors
            .iter()
            .flat_map(|detector| detector.attack.iter().cloned())
            .collect();
        let first = mine.iter().filter_map(|statement| statement.first).min();
        let last = mine.iter().filter_map(|statement| statement.last).max();
        let others: BTreeSet<String> = members
            .iter()
            .map(|&member| statements[member].host)
            .filter(|&other| other != host)
            .filter_map(|other| self.hosts.machines.get(&other).map(|other| other.name.clone()))
            .collect();
        Storyline {
            id: id.to_owned(),
            title: title(mine, &detectors, first, last),
            outcome: detectors
                .iter()
                .map(|detector| detector.outcome)
                .max()
                .unwrap_or(Outcome::Scan),
            severity: detectors
                .iter()
                .map(|detector| detector.severity)
                .max()
                .unwrap_or(crate::Severity::Informational),
            from: first.map(format_utc).unwrap_or_default(),
            to: last.map(format_utc).unwrap_or_default(),
            stages,
            attack: attack.into_iter().collect(),
            links: common_links(mine),
            findings: Vec::new(),
            hosts: others.into_iter().collect(),
        }
    }

    fn observations(&self, index: HostIndex) -> Vec<ObservationEntry> {
        let mut found: BTreeMap<(String, String), ObservationEntry> = BTreeMap::new();
        for file in self
            .manifest
            .by_path()
            .into_iter()
            .filter(|file| self.file_host(file.unit) == Some(index))
        {
            for observation in &file.observations {
                let time = observation.time.map(format_utc);
                let key = (observation.kind.clone(), observation.value.clone());
                let entry = found.entry(key).or_insert_with(|| ObservationEntry {
                    kind: observation.kind.clone(),
                    value: observation.value.clone(),
                    from: time.clone(),
                    to: time.clone(),
                    path: file.path.clone(),
                });
                if let Some(time) = time {
                    entry.from = Some(
                        entry
                            .from
                            .take()
                            .map_or(time.clone(), |from| from.min(time.clone())),
                    );
                    entry.to = Some(entry.to.take().map_or(time.clone(), |to| to.max(time)));
                }
            }
        }
        found.into_values().collect()
    }

    /// The machine a unit as a whole belongs to.
    fn file_host(&self, unit: vigie_evidence::UnitId) -> Option<HostIndex> {
        let unit = self.manifest.units.get(unit.0 as usize)?;
        let name = crate::collect::short_name(unit.host.as_deref().unwrap_or(&unit.path));
        self.hosts
            .machines
            .iter()
            .find(|(_, host)| host.tenant == unit.tenant && crate::collect::short_name(&host.name) == name)
            .map(|(&index, _)| index)
    }

    fn manifest_entries(&self) -> Vec<ManifestEntry> {
        let names: Vec<Option<String>> = (0..self.manifest.units.len())
            .map(|unit| {
                let index = self.file_host(vigie_evidence::UnitId(unit as u32))?;
                self.hosts.machines.get(&index).map(|host| host.name.clone())
            })
            .collect();
        self.manifest
            .by_path()
            .into_iter()
            .map(|file| ManifestEntry {
                path: file.path.clone(),
                host: names.get(file.unit.0 as usize).cloned().flatten(),
                original_path: file.original_path.clone(),
                size: file.size,
                sha256: file.sha256.clone(),
                source: file.source.map(str::to_owned),
                format: file.format.map(str::to_owned),
                records: file.records,
                first: file.first.map(format_utc),
                last: file.last.map(format_utc),
                skipped: file
                    .skipped
                    .iter()
                    .map(|skip| SkipEntry {
                        why: skip.why.clone(),
                        records: skip.records,
                        bytes: skip.bytes,
                        first_at: skip.first_at.clone(),
                    })
                    .collect(),
                clock_offset_s: file.clock.first().map(|clock| clock.applied_micros as f64 / 1e6),
            })
            .collect()
    }
}

/// How a stage is known, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// By log lines that prove something.
    Surely,
    /// By log lines that are hints.
    ByHint,
    /// Not by a log line.
    Indirectly,
}

fn told_by(statement: &Statement, detector: &Detector) -> Told {
    let indirect = |source: &String| INDIRECT_SOURCES.contains(&source.as_str());
    if statement.sources.iter().all(indirect) {
        Told::Indirectly
    } else if detector.confidence > Confidence::Weak {
        Told::Surely
    } else {
        Told::ByHint
    }
}

/// Numbers findings by time and tells the storylines, which list them in the order of the attack chain.
fn number_findings(findings: &mut [Finding], storylines: &mut [Storyline]) {
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by(|&a, &b| {
        (findings[a].time.is_none(), &findings[a].time, a).cmp(&(
            findings[b].time.is_none(),
            &findings[b].time,
            b,
        ))
    });
    for (number, &index) in order.iter().enumerate() {
        findings[index].id = format!("F{}", number + 1);
    }
    for storyline in storylines {
        storyline.findings = findings
            .iter()
            .filter(|finding| finding.storyline.as_deref() == Some(&storyline.id))
            .map(|finding| finding.id.clone())
            .collect();
    }
    findings.sort_by(|a, b| {
        (a.time.is_none(), &a.time, number(&a.id)).cmp(&(b.time.is_none(), &b.time, number(&b.id)))
    });
}

fn number(id: &str) -> u64 {
    id.trim_start_matches('F').parse().unwrap_or(0)
}
