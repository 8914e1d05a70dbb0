//! What is printed: a row for each job, and at the end every target with what was measured.

use anyhow::{Result, bail};

use super::measure::Cost;

/// How much a target weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// What is aimed at; a miss is shown.
    Goal,
    /// What must hold; a miss fails the run.
    Least,
}

/// Which side of the bound is good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// A figure that is held to a bound.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub(super) what: String,
    pub(super) measured: f64,
    pub(super) bound: Bound,
    pub(super) weight: Weight,
}

impl Target {
    fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(most) => self.measured <= most,
            Bound::AtLeast(least) => self.measured >= least,
        }
    }

    fn line(&self) -> String {
        let (sign, bound) = match self.bound {
            Bound::AtMost(most) => ("<=", most),
            Bound::AtLeast(least) => (">=", least),
        };
        let verdict = match (self.is_met(), self.weight) {
            (true, _) => "met",
            (false, Weight::Goal) => "NOT MET",
            (false, Weight::Least) => "NOT MET (fails)",
        };
        let weight = match self.weight {
            Weight::Goal => "goal",
            Weight::Least => "least",
        };
        format!(
            "| {:<62} | {:>9.2} | {sign} {bound:<6} | {weight:<5} | {verdict:<15} |",
            self.what, self.measured
        )
    }
}

/// All targets of one run.
#[derive(Debug, Default)]
pub(super) struct Targets(Vec<Target>);

impl Targets {
    pub(super) fn goal(&mut self, what: impl Into<String>, measured: f64, bound: Bound) {
        self.add(what.into(), measured, bound, Weight::Goal);
    }

    pub(super) fn least(&mut self, what: impl Into<String>, measured: f64, bound: Bound) {
        self.add(what.into(), measured, bound, Weight::Least);
    }

    fn add(&mut self, what: String, measured: f64, bound: Bound, weight: Weight) {
        self.0.push(Target {
            what,
            measured,
            bound,
            weight,
        });
    }

    /// The table of all targets; empty without any.
    pub(super) fn table(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let head = format!(
            "| {:<62} | {:>9} | {:<9} | {:<5} | {:<15} |\n|{:-<64}|{:->11}|{:-<11}|{:-<7}|{:-<17}|\n",
            "target", "measured", "bound", "", "", "", "", "", "", ""
        );
        let lines: Vec<String> = self.0.iter().map(Target::line).collect();
        head + &lines.join("\n")
    }

    /// Fails when a bound that must hold does not.
    pub(super) fn judge(&self) -> Result<()> {
        let missed: Vec<&str> = self
            .0
            .iter()
            .filter(|target| target.weight == Weight::Least && !target.is_met())
            .map(|target| target.what.as_str())
            .collect();
        if !missed.is_empty() {
            bail!("not met: {}", missed.join("; "));
        }
        Ok(())
    }
}

/// The head of a table of jobs.
pub(super) fn head(title: &str) -> String {
    format!(
        "\n{title}\n\n| {:<46} | {:>8} | {:>7} | {:>7} | {:>7} | {:>8} |\n|{:-<48}|{:->10}|{:->9}|{:->9}|{:->9}|{:->10}|",
        "what", "MB", "wall s", "CPU s", "MB/s", "peak MB", "", "", "", "", "", ""
    )
}

/// The row of one job over so many bytes.
pub(super) fn row(name: &str, bytes: u64, cost: &Cost) -> String {
    let megabytes = bytes as f64 / 1e6;
    format!(
        "| {name:<46} | {megabytes:>8.0} | {:>7.2} | {:>7.2} | {:>7.0} | {:>8.0} |",
        cost.wall,
        cost.cpu,
        megabytes / cost.wall.max(0.001),
        cost.peak as f64 / 1e6
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_is_shown_and_a_missed_least_bound_fails() {
        let mut targets = Targets::default();
        targets.goal("speed", 2.5, Bound::AtMost(1.0));
        assert!(targets.table().contains("NOT MET"));
        assert!(targets.judge().is_ok());
        targets.least("memory", 299.0, Bound::AtMost(300.0));
        assert!(targets.judge().is_ok());
        targets.least("memory again", 301.0, Bound::AtMost(300.0));
        let said = targets.judge().unwrap_err().to_string();
        assert_eq!(said, "not met: memory again");
        targets.goal("events", 5.0, Bound::AtLeast(5.0));
        assert!(targets.table().ends_with("| met             |"));
    }
}
