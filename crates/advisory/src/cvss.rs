//! CVSS vectors of versions 2.0, 3.0 and 3.1, and the scores they give.
//!
//! Sources: FIRST, "A Complete Guide to the Common Vulnerability Scoring System Version 2.0", section 3.2; "Common
//! Vulnerability Scoring System v3.0" and "v3.1: Specification Document", sections 7 and 8 (7 and appendix A in 3.1).

/// A version of CVSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// 2.0
    V2,
    /// 3.0
    V30,
    /// 3.1
    V31,
}

/// Values of a metric: code in a vector, name in JSON.
pub type Values = &'static [(&'static str, &'static str)];

/// A property of the JSON form, the metric of the vector it stands for, and its values.
pub type Property = (&'static str, &'static str, Values);

const LEVEL: Values = &[("N", "NONE"), ("L", "LOW"), ("H", "HIGH")];
const LEVEL_X: Values = &[("N", "NONE"), ("L", "LOW"), ("H", "HIGH"), ("X", "NOT_DEFINED")];
const NEED: Values = &[("L", "LOW"), ("M", "MEDIUM"), ("H", "HIGH"), ("X", "NOT_DEFINED")];

/// Metrics of 3.0 and 3.1; the first eight are the base ones.
const V3: &[Property] = &[
    (
        "attackVector",
        "AV",
        &[
            ("N", "NETWORK"),
            ("A", "ADJACENT_NETWORK"),
            ("L", "LOCAL"),
            ("P", "PHYSICAL"),
        ],
    ),
    ("attackComplexity", "AC", &[("L", "LOW"), ("H", "HIGH")]),
    ("privilegesRequired", "PR", LEVEL),
    ("userInteraction", "UI", &[("N", "NONE"), ("R", "REQUIRED")]),
    ("scope", "S", &[("U", "UNCHANGED"), ("C", "CHANGED")]),
    ("confidentialityImpact", "C", LEVEL),
    ("integrityImpact", "I", LEVEL),
    ("availabilityImpact", "A", LEVEL),
    (
        "exploitCodeMaturity",
        "E",
        &[
            ("U", "UNPROVEN"),
            ("P", "PROOF_OF_CONCEPT"),
            ("F", "FUNCTIONAL"),
            ("H", "HIGH"),
            ("X", "NOT_DEFINED"),
        ],
    ),
    (
        "remediationLevel",
        "RL",
        &[
            ("O", "OFFICIAL_FIX"),
            ("T", "TEMPORARY_FIX"),
            ("W", "WORKAROUND"),
            ("U", "UNAVAILABLE"),
            ("X", "NOT_DEFINED"),
        ],
    ),
    (
        "reportConfidence",
        "RC",
        &[
            ("U", "UNKNOWN"),
            ("R", "REASONABLE"),
            ("C", "CONFIRMED"),
            ("X", "NOT_DEFINED"),
        ],
    ),
    ("confidentialityRequirement", "CR", NEED),
    ("integrityRequirement", "IR", NEED),
    ("availabilityRequirement", "AR", NEED),
    (
        "modifiedAttackVector",
        "MAV",
        &[
            ("N", "NETWORK"),
            ("A", "ADJACENT_NETWORK"),
            ("L", "LOCAL"),
            ("P", "PHYSICAL"),
            ("X", "NOT_DEFINED"),
        ],
    ),
    (
        "modifiedAttackComplexity",
        "MAC",
        &[("L", "LOW"), ("H", "HIGH"), ("X", "NOT_DEFINED")],
    ),
    ("modifiedPrivilegesRequired", "MPR", LEVEL_X),
    (
        "modifiedUserInteraction",
        "MUI",
        &[("N", "NONE"), ("R", "REQUIRED"), ("X", "NOT_DEFINED")],
    ),
    (
        "modifiedScope",
        "MS",
        &[("U", "UNCHANGED"), ("C", "CHANGED"), ("X", "NOT_DEFINED")],
    ),
    ("modifiedConfidentialityImpact", "MC", LEVEL_X),
    ("modifiedIntegrityImpact", "MI", LEVEL_X),
    ("modifiedAvailabilityImpact", "MA", LEVEL_X),
];

const PART: Values = &[("N", "NONE"), ("P", "PARTIAL"), ("C", "COMPLETE")];
const NEED_V2: Values = &[
    ("L", "LOW"),
    ("M", "MEDIUM"),
    ("H", "HIGH"),
    ("ND", "NOT_DEFINED"),
];

/// Metrics of 2.0; the first six are the base ones.
const V2: &[Property] = &[
    (
        "accessVector",
        "AV",
        &[("L", "LOCAL"), ("A", "ADJACENT_NETWORK"), ("N", "NETWORK")],
    ),
    (
        "accessComplexity",
        "AC",
        &[("H", "HIGH"), ("M", "MEDIUM"), ("L", "LOW")],
    ),
    (
        "authentication",
        "Au",
        &[("M", "MULTIPLE"), ("S", "SINGLE"), ("N", "NONE")],
    ),
    ("confidentialityImpact", "C", PART),
    ("integrityImpact", "I", PART),
    ("availabilityImpact", "A", PART),
    (
        "exploitability",
        "E",
        &[
            ("U", "UNPROVEN"),
            ("POC", "PROOF_OF_CONCEPT"),
            ("F", "FUNCTIONAL"),
            ("H", "HIGH"),
            ("ND", "NOT_DEFINED"),
        ],
    ),
    (
        "remediationLevel",
        "RL",
        &[
            ("OF", "OFFICIAL_FIX"),
            ("TF", "TEMPORARY_FIX"),
            ("W", "WORKAROUND"),
            ("U", "UNAVAILABLE"),
            ("ND", "NOT_DEFINED"),
        ],
    ),
    (
        "reportConfidence",
        "RC",
        &[
            ("UC", "UNCONFIRMED"),
            ("UR", "UNCORROBORATED"),
            ("C", "CONFIRMED"),
            ("ND", "NOT_DEFINED"),
        ],
    ),
    (
        "collateralDamagePotential",
        "CDP",
        &[
            ("N", "NONE"),
            ("L", "LOW"),
            ("LM", "LOW_MEDIUM"),
            ("MH", "MEDIUM_HIGH"),
            ("H", "HIGH"),
            ("ND", "NOT_DEFINED"),
        ],
    ),
    (
        "targetDistribution",
        "TD",
        &[
            ("N", "NONE"),
            ("L", "LOW"),
            ("M", "MEDIUM"),
            ("H", "HIGH"),
            ("ND", "NOT_DEFINED"),
        ],
    ),
    ("confidentialityRequirement", "CR", NEED_V2),
    ("integrityRequirement", "IR", NEED_V2),
    ("availabilityRequirement", "AR", NEED_V2),
];

impl Version {
    /// `3.1`
    pub fn name(self) -> &'static str {
        match self {
            Version::V2 => "2.0",
            Version::V30 => "3.0",
            Version::V31 => "3.1",
        }
    }

    /// All metrics with the properties of the JSON form.
    pub fn properties(self) -> &'static [Property] {
        match self {
            Version::V2 => V2,
            Version::V30 | Version::V31 => V3,
        }
    }

    fn base(self) -> &'static [Property] {
        match self {
            Version::V2 => &V2[..6],
            Version::V30 | Version::V31 => &V3[..8],
        }
    }

    /// What a score is called; 2.0 has no names.
    pub fn severity(self, score: f64) -> Option<&'static str> {
        if self == Version::V2 {
            return None;
        }
        Some(match score {
            score if score < 0.1 => "NONE",
            score if score < 4.0 => "LOW",
            score if score < 7.0 => "MEDIUM",
            score if score < 9.0 => "HIGH",
            _ => "CRITICAL",
        })
    }
}

/// Why a text is no vector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VectorError {
    /// A part is not `metric:value`, or has a metric or value that does not exist.
    #[error("{0:?} is no metric of this version of CVSS with one of its values")]
    Metric(String),
    /// A metric comes twice.
    #[error("the metric {0} comes twice")]
    Twice(&'static str),
    /// A base metric is missing.
    #[error("the base metric {0} is missing")]
    Missing(&'static str),
}

/// A vector: metrics with their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    version: Version,
    metrics: Vec<(&'static str, &'static str)>,
}

/// What a vector gives. Scores that nothing was said about are as the base score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// Base score.
    pub base: f64,
    /// Temporal score.
    pub temporal: f64,
    /// Environmental score.
    pub environmental: f64,
}

impl Vector {
    /// Reads `CVSS:3.1/AV:N/...`, `CVSS:3.0/...`, or a vector of 2.0, `AV:N/AC:L/Au:N/...`.
    ///
    /// # Errors
    /// With the metric that is unknown, missing, or there twice.
    pub fn parse(text: &str) -> Result<Vector, VectorError> {
        let (version, rest) = if let Some(rest) = text.strip_prefix("CVSS:3.1/") {
            (Version::V31, rest)
        } else if let Some(rest) = text.strip_prefix("CVSS:3.0/") {
            (Version::V30, rest)
        } else {
            (Version::V2, text)
        };
        let mut vector = Vector {
            version,
            metrics: Vec::new(),
        };
        for part in rest.split('/') {
            let unknown = || VectorError::Metric(part.chars().take(40).collect());
            let (name, value) = part.split_once(':').ok_or_else(unknown)?;
            let (_, metric, values) = version
                .properties()
                .iter()
                .find(|(_, metric, _)| *metric == name)
                .ok_or_else(unknown)?;
            let (code, _) = values
                .iter()
                .find(|(code, _)| *code == value)
                .ok_or_else(unknown)?;
            if vector.get(metric).is_some() {
                return Err(VectorError::Twice(metric));
            }
            vector.metrics.push((metric, code));
        }
        for (_, metric, _) in version.base() {
            if vector.get(metric).is_none() {
                return Err(VectorError::Missing(metric));
            }
        }
        Ok(vector)
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The value of a metric, as it is written in the vector.
    pub fn get(&self, metric: &str) -> Option<&'static str> {
        self.metrics
            .iter()
            .find(|(name, _)| *name == metric)
            .map(|(_, value)| *value)
    }

    pub(crate) fn set(&mut self, metric: &'static str, value: &'static str) {
        self.metrics.push((metric, value));
    }

    /// The value of a metric; empty when it is not there or not defined.
    fn value(&self, metric: &str) -> &'static str {
        match self.get(metric) {
            Some("X" | "ND") | None => "",
            Some(value) => value,
        }
    }

    /// Base, temporal and environmental score.
    pub fn scores(&self) -> Scores {
        match self.version {
            Version::V2 => v2::scores(self),
            Version::V30 | Version::V31 => v3::scores(self),
        }
    }
}

mod v2 {
    use super::{Scores, Vector};

    fn round(score: f64) -> f64 {
        (score * 10.0 + 1e-9).round() / 10.0
    }

    fn impact_weight(value: &str) -> f64 {
        match value {
            "P" => 0.275,
            "C" => 0.66,
            _ => 0.0,
        }
    }

    fn need(value: &str) -> f64 {
        match value {
            "L" => 0.5,
            "H" => 1.51,
            _ => 1.0,
        }
    }

    fn base_of(vector: &Vector, impact: f64) -> f64 {
        let access = match vector.value("AV") {
            "L" => 0.395,
            "A" => 0.646,
            _ => 1.0,
        };
        let complexity = match vector.value("AC") {
            "H" => 0.35,
            "M" => 0.61,
            _ => 0.71,
        };
        let authentication = match vector.value("Au") {
            "M" => 0.45,
            "S" => 0.56,
            _ => 0.704,
        };
        let exploitability = 20.0 * access * complexity * authentication;
        let factor = if impact == 0.0 { 0.0 } else { 1.176 };
        round((0.6 * impact + 0.4 * exploitability - 1.5) * factor)
    }

    fn temporal_of(vector: &Vector, base: f64) -> f64 {
        let exploit = match vector.value("E") {
            "U" => 0.85,
            "POC" => 0.9,
            "F" => 0.95,
            _ => 1.0,
        };
        let remedy = match vector.value("RL") {
            "OF" => 0.87,
            "TF" => 0.9,
            "W" => 0.95,
            _ => 1.0,
        };
        let confidence = match vector.value("RC") {
            "UC" => 0.9,
            "UR" => 0.95,
            _ => 1.0,
        };
        round(base * exploit * remedy * confidence)
    }

    pub(super) fn scores(vector: &Vector) -> Scores {
        let part = |metric| impact_weight(vector.value(metric));
        let impact = 10.41 * (1.0 - (1.0 - part("C")) * (1.0 - part("I")) * (1.0 - part("A")));
        let base = base_of(vector, impact);
        let needed = |metric, requirement| 1.0 - part(metric) * need(vector.value(requirement));
        let adjusted = (10.41 * (1.0 - needed("C", "CR") * needed("I", "IR") * needed("A", "AR"))).min(10.0);
        let adjusted = temporal_of(vector, base_of(vector, adjusted));
        let damage = match vector.value("CDP") {
            "L" => 0.1,
            "LM" => 0.3,
            "MH" => 0.4,
            "H" => 0.5,
            _ => 0.0,
        };
        let targets = match vector.value("TD") {
            "N" => 0.0,
            "L" => 0.25,
            "M" => 0.75,
            _ => 1.0,
        };
        Scores {
            base,
            temporal: temporal_of(vector, base),
            environmental: round((adjusted + (10.0 - adjusted) * damage) * targets),
        }
    }
}

mod v3 {
    use super::{Scores, Vector, Version};

    /// Roundup as in appendix A of 3.1; for 3.0 it differs only where floating point misleads.
    fn round_up(score: f64) -> f64 {
        let whole = (score * 100_000.0).round() as i64;
        if whole % 10_000 == 0 {
            whole as f64 / 100_000.0
        } else {
            (whole / 10_000 + 1) as f64 / 10.0
        }
    }

    fn vector_weight(value: &str) -> f64 {
        match value {
            "N" => 0.85,
            "A" => 0.62,
            "L" => 0.55,
            _ => 0.2,
        }
    }

    fn privileges(value: &str, changed: bool) -> f64 {
        match (value, changed) {
            ("L", true) => 0.68,
            ("L", false) => 0.62,
            ("H", true) => 0.5,
            ("H", false) => 0.27,
            _ => 0.85,
        }
    }

    fn impact_weight(value: &str) -> f64 {
        match value {
            "H" => 0.56,
            "L" => 0.22,
            _ => 0.0,
        }
    }

    fn need(value: &str) -> f64 {
        match value {
            "L" => 0.5,
            "H" => 1.5,
            _ => 1.0,
        }
    }

    fn exploitability(
        access: &str,
        complexity: &str,
        required: &str,
        interaction: &str,
        changed: bool,
    ) -> f64 {
        let complexity = if complexity == "L" { 0.77 } else { 0.44 };
        let interaction = if interaction == "N" { 0.85 } else { 0.62 };
        8.22 * vector_weight(access) * complexity * privileges(required, changed) * interaction
    }

    fn base(vector: &Vector) -> f64 {
        let changed = vector.value("S") == "C";
        let part = |metric| 1.0 - impact_weight(vector.value(metric));
        let sub = 1.0 - part("C") * part("I") * part("A");
        let impact = if changed {
            7.52 * (sub - 0.029) - 3.25 * (sub - 0.02).powi(15)
        } else {
            6.42 * sub
        };
        let exploitability = exploitability(
            vector.value("AV"),
            vector.value("AC"),
            vector.value("PR"),
            vector.value("UI"),
            changed,
        );
        combine(impact, exploitability, changed)
    }

    fn combine(impact: f64, exploitability: f64, changed: bool) -> f64 {
        if impact <= 0.0 {
            return 0.0;
        }
        let factor = if changed { 1.08 } else { 1.0 };
        round_up((factor * (impact + exploitability)).min(10.0))
    }

    fn temporal_factor(vector: &Vector) -> f64 {
        let exploit = match vector.value("E") {
            "U" => 0.91,
            "P" => 0.94,
            "F" => 0.97,
            _ => 1.0,
        };
        let remedy = match vector.value("RL") {
            "O" => 0.95,
            "T" => 0.96,
            "W" => 0.97,
            _ => 1.0,
        };
        let confidence = match vector.value("RC") {
            "U" => 0.92,
            "R" => 0.96,
            _ => 1.0,
        };
        exploit * remedy * confidence
    }

    fn environmental(vector: &Vector) -> f64 {
        let modified = |metric: &str, base: &str| match vector.value(metric) {
            "" => vector.value(base),
            value => value,
        };
        let changed = modified("MS", "S") == "C";
        let part = |metric, base, requirement| {
            1.0 - impact_weight(modified(metric, base)) * need(vector.value(requirement))
        };
        let sub = (1.0 - part("MC", "C", "CR") * part("MI", "I", "IR") * part("MA", "A", "AR")).min(0.915);
        let impact = match (changed, vector.version) {
            (false, _) => 6.42 * sub,
            (true, Version::V31) => 7.52 * (sub - 0.029) - 3.25 * (sub * 0.9731 - 0.02).powi(13),
            (true, _) => 7.52 * (sub - 0.029) - 3.25 * (sub - 0.02).powi(15),
        };
        let exploitability = exploitability(
            modified("MAV", "AV"),
            modified("MAC", "AC"),
            modified("MPR", "PR"),
            modified("MUI", "UI"),
            changed,
        );
        round_up(combine(impact, exploitability, changed) * temporal_factor(vector))
    }

    pub(super) fn scores(vector: &Vector) -> Scores {
        let base = base(vector);
        Scores {
            base,
            temporal: round_up(base * temporal_factor(vector)),
            environmental: environmental(vector),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores as FIRST's calculators and NVD give them.
    #[test]
    fn known_vectors_have_their_scores() {
        for (vector, base) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", 9.1),
            ("CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", 7.8),
            ("CVSS:3.1/AV:N/AC:H/PR:H/UI:N/S:U/C:H/I:H/A:H", 6.6),
            ("CVSS:3.0/AV:L/AC:L/PR:H/UI:R/S:U/C:H/I:H/A:H", 6.5),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
            ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0),
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
            ("AV:L/AC:L/Au:M/C:C/I:C/A:C", 6.5),
            ("AV:N/AC:M/Au:N/C:P/I:P/A:P", 6.8),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:N", 0.0),
        ] {
            let scores = Vector::parse(vector).unwrap().scores();
            assert!((scores.base - base).abs() < 1e-9, "{vector}: {scores:?}");
        }
        // The three worked examples of the guide to 2.0: CVE-2002-0392, CVE-2003-0818, CVE-2003-0062.
        for (vector, base, temporal, environmental) in [
            (
                "AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:H",
                7.8,
                6.4,
                9.2,
            ),
            (
                "AV:N/AC:L/Au:N/C:C/I:C/A:C/E:F/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:L",
                10.0,
                8.3,
                9.0,
            ),
            (
                "AV:L/AC:H/Au:N/C:C/I:C/A:C/E:POC/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:M",
                6.2,
                4.9,
                7.5,
            ),
        ] {
            let scores = Vector::parse(vector).unwrap().scores();
            let expected = Scores {
                base,
                temporal,
                environmental,
            };
            assert_eq!(scores, expected, "{vector}");
        }
    }

    #[test]
    fn what_is_no_vector_says_why() {
        for (text, why) in [
            ("CVSS:3.1/AV:N", "AC is missing"),
            ("CVSS:3.1/AV:N/AV:N", "comes twice"),
            ("CVSS:3.1/AV:Z", "no metric"),
            ("", "no metric"),
            ("CVSS:4.0/AV:N", "no metric"),
        ] {
            let error = Vector::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
