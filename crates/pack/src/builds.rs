//! `builds.csv`: the builds of a product.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::Problem;

/// A four-part build number, `15.1.2176.9`. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildNumber(pub [u32; 4]);

/// A text that is no build number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a build number of four parts such as 15.1.2176.9")]
pub struct BuildNumberError(String);

impl FromStr for BuildNumber {
    type Err = BuildNumberError;

    /// Reads `15.1.2176.9`, the long form `15.01.2176.009` and Active Directory's `Version 15.1 (Build 32176.9)`,
    /// whose third part carries 30000 more than the build.
    fn from_str(text: &str) -> Result<BuildNumber, BuildNumberError> {
        let error = || BuildNumberError(text.chars().take(40).collect());
        let trimmed = text.trim();
        let (numbers, excess) = match trimmed.strip_prefix("Version ") {
            Some(rest) => {
                let (version, build) = rest.split_once(" (Build ").ok_or_else(error)?;
                let build = build.strip_suffix(')').ok_or_else(error)?;
                (format!("{version}.{build}"), 30_000)
            }
            None => (trimmed.to_owned(), 0),
        };
        let mut parts = [0; 4];
        let mut given = numbers.split('.');
        for part in &mut parts {
            let digits = given.next().ok_or_else(error)?;
            if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(error());
            }
            *part = digits.parse().map_err(|_| error())?;
        }
        if given.next().is_some() {
            return Err(error());
        }
        let [major, minor, build, revision] = parts;
        let build = if build >= excess { build - excess } else { build };
        Ok(BuildNumber([major, minor, build, revision]))
    }
}

impl fmt::Display for BuildNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, build, revision] = self.0;
        write!(f, "{major}.{minor}.{build}.{revision}")
    }
}

impl<'de> Deserialize<'de> for BuildNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<BuildNumber, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One published build.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// `2013`, `2016`, `2019`, `SE`.
    pub product: String,
    /// `Exchange Server 2016 CU19 Mar21SU`.
    pub name: String,
    /// `CU19`, `RTM`, `SP3 RU32`.
    pub cumulative_update: String,
    /// `Mar21SU`; `None` for the cumulative update itself.
    #[serde(deserialize_with = "none_if_empty")]
    pub security_update: Option<String>,
    /// `2021-03-02`.
    pub release_date: String,
    /// The build.
    pub build: BuildNumber,
    /// `KB5000871`.
    #[serde(deserialize_with = "none_if_empty")]
    pub kb: Option<String>,
    /// What is uncertain about the row.
    #[serde(deserialize_with = "none_if_empty")]
    pub note: Option<String>,
    /// How sure the row is; an empty cell, or no such column, for what the vendor published.
    #[serde(default, deserialize_with = "confidence")]
    pub confidence: Confidence,
}

/// Where a row of `builds.csv` comes from, and so how far it can be relied on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Confidence {
    /// As the vendor published it.
    #[default]
    Published,
    /// The number is the vendor's; its day of release, its name or its article is not.
    Derived,
    /// The number comes from tables of others.
    Secondary,
    /// Tables contradict each other.
    Doubtful,
    /// From memory: nobody has looked it up.
    Unverified,
}

impl Confidence {
    const KNOWN: [(&str, Confidence); 6] = [
        ("", Confidence::Published),
        ("published", Confidence::Published),
        ("derived", Confidence::Derived),
        ("secondary", Confidence::Secondary),
        ("doubtful", Confidence::Doubtful),
        ("unverified", Confidence::Unverified),
    ];

    /// Whether the number itself is the vendor's.
    pub fn is_sure(self) -> bool {
        matches!(self, Confidence::Published | Confidence::Derived)
    }
}

fn confidence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Confidence, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = Confidence::KNOWN.iter().find(|(id, _)| *id == text);
    known.map(|(_, confidence)| *confidence).ok_or_else(|| {
        let ids: Vec<&str> = Confidence::KNOWN[1..].iter().map(|(id, _)| *id).collect();
        serde::de::Error::custom(format!(
            "{text:?} is no confidence; known are: {}",
            ids.join(", ")
        ))
    })
}

fn none_if_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(String::deserialize(deserializer)?).filter(|text| !text.is_empty()))
}

/// Reads `builds.csv`. Rows that cannot be read are reported; the others are kept.
pub(crate) fn parse(file: &str, text: &str, problems: &mut Vec<Problem>) -> Vec<Build> {
    let mut builds = Vec::new();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes());
    for row in reader.deserialize::<Build>() {
        match row {
            Ok(build) if vigie_event::parse_utc(&build.release_date).is_none() => {
                let why = format!("build {}: {:?} is not a date", build.build, build.release_date);
                problems.push(Problem::new(file, why));
            }
            Ok(build) => builds.push(build),
            Err(error) => {
                let line = error.position().map(csv::Position::line);
                let message = match error.kind() {
                    csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
                    _ => error.to_string(),
                };
                problems.push(Problem::new(file, message).at(line));
            }
        }
    }
    builds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_build_are_one() {
        let expected = BuildNumber([15, 1, 2176, 9]);
        for text in [
            "15.1.2176.9",
            "15.01.2176.009",
            "Version 15.1 (Build 32176.9)",
            " 15.1.2176.9 ",
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!(expected.to_string(), "15.1.2176.9");
        assert!(expected < BuildNumber([15, 1, 2176, 14]));
    }

    #[test]
    fn what_is_no_build_is_refused() {
        for text in [
            "",
            "15.1",
            "15.1.2176",
            "15.1.2176.9.1",
            "15.1.x.9",
            "15.1.2176.",
            "Version 15.1",
            "1.2.3.99999999",
        ] {
            assert!(text.parse::<BuildNumber>().is_err(), "{text}");
        }
    }

    #[test]
    fn bad_rows_are_named_and_good_ones_kept() {
        let text = "product,name,cumulative_update,security_update,release_date,build,kb,note\n\
            2016,Exchange Server 2016 CU19,CU19,,2020-12-15,15.1.2176.2,KB4588884,\n\
            2016,Exchange Server 2016 CU19,CU19,,2020-12-15,fifteen,,\n\
            2016,Exchange Server 2016 CU19,CU19,Mar21SU,soon,15.1.2176.9,,\n";
        let mut problems = Vec::new();
        let builds = parse("builds.csv", text, &mut problems);
        assert_eq!(builds.len(), 1);
        assert_eq!(builds[0].security_update, None);
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].line, Some(3));
    }

    #[test]
    fn how_sure_a_row_is_may_be_said_and_nothing_else() {
        let head = "product,name,cumulative_update,security_update,release_date,build,kb,note,confidence\n";
        let row = |confidence: &str| format!("2016,A,CU1,,2020-12-15,15.1.2176.2,,,{confidence}\n");
        let text = format!("{head}{}{}{}", row(""), row("secondary"), row("perhaps"));
        let mut problems = Vec::new();
        let builds = parse("builds.csv", &text, &mut problems);
        let confidence: Vec<Confidence> = builds.iter().map(|build| build.confidence).collect();
        assert_eq!(confidence, [Confidence::Published, Confidence::Secondary]);
        assert_eq!(problems.len(), 1);
        let said = problems[0].to_string();
        assert!(
            said.starts_with("builds.csv:4:") && said.contains("doubtful"),
            "{said}"
        );
    }
}
