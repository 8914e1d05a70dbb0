//! From what the search took to steps that people can follow. Servers share most of their steps: each is made once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use vigie_pack::{Build, Remediation, StepText, Text};

use super::node::StepId;
use super::{Path, Step};
use crate::Said;

/// A step that was taken, and what its texts need.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Taken {
    pub(super) step: StepId,
    pub(super) values: Vec<(&'static str, String)>,
    /// Why this step here, besides why it exists: names of the remediation's reasons.
    reasons: Vec<&'static str>,
    pub(super) requires: Vec<Need>,
    /// Whose words say where to go, by index of the remediation's lines.
    pub(super) migrate: Option<usize>,
    /// Mitigations; a command or text with `{script}` is written once for each that is a script.
    pub(super) scripts: Vec<String>,
}

/// What must be there, by its index in the remediation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Need {
    Prerequisite(usize),
    DotNet(usize),
}

impl Taken {
    pub(super) fn new(step: StepId) -> Taken {
        Taken {
            step,
            values: Vec::new(),
            reasons: Vec::new(),
            requires: Vec::new(),
            migrate: None,
            scripts: Vec::new(),
        }
    }

    pub(super) fn mitigate(mitigations: &[String]) -> Taken {
        let mut taken = Taken::new(StepId::Mitigate).with("mitigations", mitigations.join(", "));
        taken.scripts = mitigations.to_vec();
        taken
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Taken {
        self.values.push((name, value));
        self
    }

    pub(super) fn because(mut self, reason: &'static str) -> Taken {
        self.reasons.push(reason);
        self
    }

    /// Where the step leads.
    pub(super) fn build(self, build: Option<&Build>) -> Taken {
        let Some(build) = build else { return self };
        // The table leaves the article out where Microsoft's has none; the name finds the download.
        let kb = build.kb.clone().unwrap_or_else(|| build.name.replace(' ', "-"));
        self.with("to", build.name.clone())
            .with("build", build.build.to_string())
            .with("kb", kb)
    }
}

/// A step that was made, and its number; `None` where the product's file does not describe it.
type Made = Option<(usize, Arc<Step>)>;

/// Makes steps and paths, each once.
pub(super) struct Renderer<'p> {
    remediation: &'p Remediation,
    pack: &'p str,
    /// For each step, by its number in [`StepId::ALL`]: the values that its texts have a place for.
    places: Vec<Vec<String>>,
    steps: RefCell<HashMap<Taken, Made, RandomState>>,
    /// Paths by the numbers of their steps.
    paths: RefCell<HashMap<Vec<usize>, Path, RandomState>>,
}

impl<'p> Renderer<'p> {
    pub(super) fn new(remediation: &'p Remediation, pack: &'p str) -> Renderer<'p> {
        let of = |step: &StepId| {
            let text = remediation.steps.get(step.id());
            text.map(places).unwrap_or_default()
        };
        Renderer {
            remediation,
            pack,
            places: StepId::ALL.iter().map(of).collect(),
            steps: RefCell::default(),
            paths: RefCell::default(),
        }
    }

    /// The path of these steps; those that the product's file does not describe, which its check refuses, are left out.
    pub(super) fn path(&self, taken: Vec<Taken>) -> Path {
        let steps: Vec<(usize, Arc<Step>)> = taken.into_iter().filter_map(|taken| self.step(taken)).collect();
        let numbers = steps.iter().map(|(number, _)| *number).collect();
        let made = || steps.into_iter().map(|(_, step)| step).collect();
        Arc::clone(self.paths.borrow_mut().entry(numbers).or_insert_with(made))
    }

    fn step(&self, mut taken: Taken) -> Made {
        taken
            .values
            .retain(|(name, _)| self.needs(&taken.step, &taken.reasons, name));
        let mut steps = self.steps.borrow_mut();
        if let Some(known) = steps.get(&taken) {
            return known.clone();
        }
        let made = self.write(&taken).map(|step| (steps.len(), Arc::new(step)));
        steps.insert(taken, made.clone());
        made
    }

    /// Whether a step, told with these reasons, has a place for a value.
    fn needs(&self, step: &StepId, reasons: &[&str], name: &str) -> bool {
        let place = |text: &Text| {
            text.en.contains(&format!("{{{name}}}")) || text.fr.contains(&format!("{{{name}}}"))
        };
        let own = self.places.get(*step as usize);
        own.is_some_and(|places| places.iter().any(|place| place == name))
            || reasons
                .iter()
                .filter_map(|reason| self.remediation.reasons.get(*reason))
                .any(place)
    }

    fn write(&self, taken: &Taken) -> Option<Step> {
        let text = self.remediation.steps.get(taken.step.id())?;
        let migrate = taken.migrate.and_then(|line| self.remediation.lines.get(line));
        let migrate = migrate.and_then(|line| line.migrate.as_ref());
        let fill = |template: &str, french: bool| {
            let mut filled = template.replace("{pack}", self.pack);
            if let Some(migrate) = migrate {
                filled = filled.replace("{migrate}", if french { &migrate.fr } else { &migrate.en });
            }
            for (name, value) in &taken.values {
                filled = filled.replace(&format!("{{{name}}}"), value);
            }
            filled
        };
        let said = |text: &Text| {
            let one = |text: &str, french| scripted(&taken.scripts, &fill(text, french)).join("; ");
            Said::new(one(&text.en, false), one(&text.fr, true))
        };
        let mut why = said(&text.why);
        for reason in taken
            .reasons
            .iter()
            .filter_map(|name| self.remediation.reasons.get(*name))
        {
            let reason = said(reason);
            why = Said::new(
                format!("{} {}", why.en, reason.en),
                format!("{} {}", why.fr, reason.fr),
            );
        }
        let needs = taken.requires.iter().filter_map(|need| self.need(*need));
        Some(Step {
            step: taken.step.id().to_owned(),
            title: said(&text.title),
            why,
            requires: text.requires.iter().map(said).chain(needs).collect(),
            commands: text
                .commands
                .iter()
                .flat_map(|command| scripted(&taken.scripts, &fill(command, false)))
                .collect(),
            gate: said(&text.gate),
            stop_conditions: text.stop_conditions.iter().map(said).collect(),
            rollback: said(&text.rollback),
            rights: said(&text.rights),
            p50: text.p50_h,
            p90: text.p90_h,
            own_times: text.own,
        })
    }

    fn need(&self, need: Need) -> Option<Said> {
        match need {
            Need::Prerequisite(index) => {
                let text = &self.remediation.prerequisites.get(index)?.text;
                Some(Said::new(text.en.clone(), text.fr.clone()))
            }
            Need::DotNet(index) => {
                let version = self.remediation.dotnet.get(index)?;
                let text = format!(".NET Framework {} (Release {})", version.version, version.release);
                Some(Said::new(text.clone(), text))
            }
        }
    }
}

/// The names in braces in a step's texts.
fn places(step: &StepText) -> Vec<String> {
    let single = [&step.title, &step.why, &step.gate, &step.rollback, &step.rights];
    let lists = step.requires.iter().chain(&step.stop_conditions);
    let texts = single
        .into_iter()
        .chain(lists)
        .flat_map(|text| [&text.en, &text.fr]);
    let mut names: Vec<String> = texts
        .chain(&step.commands)
        .flat_map(|text| text.split('{').skip(1))
        .filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The text, for each script.
fn scripted(names: &[String], text: &str) -> Vec<String> {
    if !text.contains("{script}") {
        return vec![text.to_owned()];
    }
    let scripts = names.iter().filter(|name| name.starts_with("EOMT"));
    scripts.map(|name| text.replace("{script}", name)).collect()
}
