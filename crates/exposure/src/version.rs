//! The builds that people, tools and servers give: of three parts or of four.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use vigie_pack::BuildNumber;

/// A build as it was observed: `15.1.2176.9`, or `15.1.2176` where the source leaves the revision out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// The first three parts: for Exchange they name the cumulative update.
    pub base: [u32; 3],
    /// The fourth part: for Exchange it names the security update.
    pub revision: Option<u32>,
}

/// A text that is no build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a build number such as 15.1.2176.9 or 15.1.2176")]
pub struct VersionError(String);

impl Version {
    /// The build of four parts; `None` when the revision is not known.
    pub fn full(self) -> Option<BuildNumber> {
        let [major, minor, build] = self.base;
        Some(BuildNumber([major, minor, build, self.revision?]))
    }

    /// The same without its revision.
    #[must_use]
    pub fn without_revision(self) -> Version {
        Version {
            revision: None,
            ..self
        }
    }

    /// Whether the two may be one build: no part that both give differs.
    pub fn agrees_with(self, other: Version) -> bool {
        self.base == other.base
            && match (self.revision, other.revision) {
                (Some(one), Some(two)) => one == two,
                _ => true,
            }
    }
}

impl From<BuildNumber> for Version {
    fn from(build: BuildNumber) -> Version {
        let [major, minor, build, revision] = build.0;
        Version {
            base: [major, minor, build],
            revision: Some(revision),
        }
    }
}

impl FromStr for Version {
    type Err = VersionError;

    /// Reads everything [`BuildNumber`] reads (`15.1.2176.9`, `15.01.2176.009`, `Version 15.1 (Build 32176.9)`), and
    /// builds of three parts.
    fn from_str(text: &str) -> Result<Version, VersionError> {
        let trimmed = text.trim();
        if let Ok(build) = trimmed.parse::<BuildNumber>() {
            return Ok(Version::from(build));
        }
        let error = || VersionError(text.chars().take(40).collect());
        let whole: BuildNumber = format!("{trimmed}.0").parse().map_err(|_| error())?;
        Ok(Version::from(whole).without_revision())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, build] = self.base;
        write!(f, "{major}.{minor}.{build}")?;
        match self.revision {
            Some(revision) => write!(f, ".{revision}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn three_and_four_parts_are_read_and_shown() {
        assert_eq!(version("15.01.2176.009").to_string(), "15.1.2176.9");
        assert_eq!(version("15.1.2176").to_string(), "15.1.2176");
        assert_eq!(version("Version 15.1 (Build 32176.9)").to_string(), "15.1.2176.9");
        for bad in ["", "15.1", "15.1.x", "15.1.2176.9.9", "Version 15.1"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_one_leaves_out_is_no_contradiction() {
        assert!(version("15.1.2176").agrees_with(version("15.1.2176.9")));
        assert!(!version("15.1.2176.2").agrees_with(version("15.1.2176.9")));
        assert!(!version("15.1.2106").agrees_with(version("15.1.2176")));
    }
}
