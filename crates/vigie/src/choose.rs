//! Options that choose which rules run.

use clap::Args;
use vigie_hunt::{RulePick, RuleSelection, Severity, StatusFilter};

/// Options shared by the commands that load rules.
#[derive(Args)]
#[command(next_help_heading = "Which rules run")]
pub(crate) struct Chosen {
    /// Least severity of the rules given by --rules: informational, low, medium, high, critical. A pack runs whole
    /// whatever its rules' severity, because verdicts stand on it
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<Severity>,
    /// Least maturity of the rules given by --rules: unsupported, deprecated, experimental, test, stable; several
    /// separated by commas mean these only. A rule without a status counts as experimental
    #[arg(long, value_name = "STATUS")]
    status: Option<StatusFilter>,
    /// Only rules with this identifier, tag or log source, packs' too; may be repeated. `*` and `?` are wildcards:
    /// attack.t1505*, product=windows, category=webserver, service=security; all of a,b must be true
    #[arg(long, value_name = "PICK")]
    include: Vec<RulePick>,
    /// No rules with this identifier, tag or log source, packs' too; may be repeated. Rules that a correlation counts
    /// stay for it, silently; rules that only feed a correlation go with it
    #[arg(long, value_name = "PICK")]
    exclude: Vec<RulePick>,
}

impl Chosen {
    /// What the options say.
    pub(crate) fn selection(&self) -> RuleSelection {
        RuleSelection {
            level: self.level,
            status: self.status.clone(),
            include: self.include.clone(),
            exclude: self.exclude.clone(),
        }
    }

    /// The option that does nothing without rules beside the packs.
    pub(crate) fn needs_rules(&self) -> Option<&'static str> {
        match (self.level, &self.status) {
            (Some(_), _) => Some("--level"),
            (_, Some(_)) => Some("--status"),
            _ => None,
        }
    }
}

fn level(text: &str) -> Result<Severity, String> {
    Severity::from_id(&text.to_ascii_lowercase())
        .ok_or_else(|| "one of informational, low, medium, high, critical".to_owned())
}
