//! From a move of the search to a step that people can follow.

use vigie_pack::{Build, Remediation, Text};

use super::Step;
use crate::Said;

/// A step that was taken, and what its texts need.
pub(crate) struct Taken {
    pub(crate) step: &'static str,
    pub(crate) values: Vec<(&'static str, String)>,
    /// Why this step here, besides why it exists.
    pub(crate) reasons: Vec<Text>,
    pub(crate) requires: Vec<Said>,
    pub(crate) migrate: Option<Said>,
    /// Mitigations; a command or text with `{script}` is written once for each that is a script.
    pub(crate) scripts: Vec<String>,
}

impl Taken {
    pub(crate) fn new(step: &'static str) -> Taken {
        Taken {
            step,
            values: Vec::new(),
            reasons: Vec::new(),
            requires: Vec::new(),
            migrate: None,
            scripts: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: String) -> Taken {
        self.values.push((name, value));
        self
    }

    pub(crate) fn because_text(mut self, reason: Option<&Text>) -> Taken {
        self.reasons.extend(reason.cloned());
        self
    }

    /// Where the step leads.
    pub(crate) fn build(self, build: Option<&Build>) -> Taken {
        let Some(build) = build else { return self };
        // The table leaves the article out where Microsoft's has none; the name finds the download.
        let kb = build.kb.clone().unwrap_or_else(|| build.name.replace(' ', "-"));
        self.with("to", build.name.clone())
            .with("build", build.build.to_string())
            .with("kb", kb)
    }
}

/// The step in words; `None` when the product's file does not describe it, which its check refuses.
pub(crate) fn step(remediation: &Remediation, pack: &str, taken: &Taken) -> Option<Step> {
    let text = remediation.steps.get(taken.step)?;
    let fill = |template: &str, french: bool| {
        let mut filled = template.replace("{pack}", pack);
        if let Some(migrate) = &taken.migrate {
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
    for reason in &taken.reasons {
        let reason = said(reason);
        why = Said::new(
            format!("{} {}", why.en, reason.en),
            format!("{} {}", why.fr, reason.fr),
        );
    }
    Some(Step {
        step: taken.step.to_owned(),
        title: said(&text.title),
        why,
        requires: text
            .requires
            .iter()
            .map(said)
            .chain(taken.requires.iter().cloned())
            .collect(),
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
    })
}

/// The text, for each script.
fn scripted(names: &[String], text: &str) -> Vec<String> {
    if !text.contains("{script}") {
        return vec![text.to_owned()];
    }
    let scripts = names.iter().filter(|name| name.starts_with("EOMT"));
    scripts.map(|name| text.replace("{script}", name)).collect()
}
