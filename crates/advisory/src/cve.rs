//! CVE records, JSON 5.0 and 5.1: what is affected, scores, and CISA's decision points (SSVC).
//!
//! Source: CVE Program, "CVE Record Format" 5.1.1; CISA "Vulnrichment" for the ADP container.

use serde::Deserialize;

use crate::csaf::syntax::is_cve;
use crate::json::JsonError;

/// Bytes of one record: the format asks for less.
const LARGEST: usize = 8 << 20;

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub struct CveRecord {
    /// `CVE-2021-26855`
    pub id: String,
    /// Whether it was taken back.
    pub rejected: bool,
    /// When it was published, as written.
    pub published: Option<String>,
    /// When it was last changed, as written.
    pub updated: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its description in English, otherwise in the first language.
    pub description: Option<String>,
    /// What is affected, by every container.
    pub affected: Vec<Affected>,
    /// CVSS vectors, in the order of the containers: the assigner's first.
    pub scores: Vec<Score>,
    /// CISA's decision points.
    pub ssvc: Option<Ssvc>,
    /// The day it came into the KEV catalogue, as CISA's container says.
    pub kev_date: Option<String>,
    /// Addresses of references.
    pub references: Vec<String>,
}

/// A product and its versions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Affected {
    /// `Microsoft`
    #[serde(default)]
    pub vendor: String,
    /// `Microsoft Exchange Server 2016 Cumulative Update 19`
    #[serde(default)]
    pub product: String,
    /// What holds for versions that are not listed: `affected`, `unaffected`, `unknown`.
    pub default_status: Option<String>,
    /// CPE names.
    #[serde(default)]
    pub cpes: Vec<String>,
    /// Its versions.
    #[serde(default)]
    pub versions: Vec<VersionRange>,
}

/// A version, or a range of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionRange {
    /// The version, or the first of the range.
    pub version: String,
    /// `affected`, `unaffected`, `unknown`
    pub status: String,
    /// `custom`, `semver`
    pub version_type: Option<String>,
    /// The first version after the range.
    pub less_than: Option<String>,
    /// The last version of the range.
    pub less_than_or_equal: Option<String>,
    /// Versions of the range at which the status changes.
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// A change of status within a range.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Change {
    /// From this version on.
    pub at: String,
    /// The status.
    pub status: String,
}

impl VersionRange {
    /// The first version of the range that holds the fix, when the record says it: where the range ends, or where its
    /// status turns.
    pub fn fixed_in(&self) -> Option<&str> {
        if self.status != "affected" {
            return None;
        }
        let turned = self.changes.iter().find(|change| change.status == "unaffected");
        turned
            .map(|change| change.at.as_str())
            .or(self.less_than.as_deref())
            .filter(|version| *version != "*")
    }
}

/// A score.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// `4.0`, `3.1`, `3.0`, `2.0`
    pub version: &'static str,
    /// The vector.
    pub vector: String,
    /// The base score.
    pub base: f64,
}

/// CISA's decision points of the stakeholder-specific vulnerability categorisation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ssvc {
    /// `none`, `poc`, `active`
    pub exploitation: Option<String>,
    /// `yes`, `no`
    pub automatable: Option<String>,
    /// `partial`, `total`
    pub technical_impact: Option<String>,
    /// When it was decided.
    pub timestamp: Option<String>,
}

/// Why bytes are no CVE record.
#[derive(Debug, thiserror::Error)]
pub enum CveError {
    /// Not JSON of this form, or too large.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Another kind of document.
    #[error("{path}: {message}")]
    Form {
        /// Where, as a JSON pointer.
        path: &'static str,
        /// What is wrong.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    data_type: Option<String>,
    data_version: String,
    cve_metadata: Metadata,
    containers: Containers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    cve_id: String,
    #[serde(default)]
    state: String,
    date_published: Option<String>,
    date_updated: Option<String>,
}

#[derive(Deserialize)]
struct Containers {
    cna: Container,
    #[serde(default)]
    adp: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    title: Option<String>,
    #[serde(default)]
    descriptions: Vec<Description>,
    #[serde(default)]
    affected: Vec<Affected>,
    #[serde(default)]
    metrics: Vec<Metric>,
    #[serde(default)]
    references: Vec<Reference>,
}

#[derive(Deserialize)]
struct Description {
    #[serde(default)]
    lang: String,
    value: String,
}

#[derive(Deserialize)]
struct Reference {
    url: String,
}

#[derive(Deserialize)]
struct Metric {
    #[serde(rename = "cvssV4_0")]
    v40: Option<Cvss>,
    #[serde(rename = "cvssV3_1")]
    v31: Option<Cvss>,
    #[serde(rename = "cvssV3_0")]
    v30: Option<Cvss>,
    #[serde(rename = "cvssV2_0")]
    v20: Option<Cvss>,
    other: Option<Other>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cvss {
    vector_string: String,
    base_score: f64,
}

#[derive(Deserialize)]
struct Other {
    #[serde(rename = "type")]
    kind: String,
    content: serde_json::Value,
}

impl CveRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// When the bytes are no CVE record of format 5; with line and column where JSON is at fault.
    pub fn parse(bytes: &[u8]) -> Result<CveRecord, CveError> {
        if bytes.len() > LARGEST {
            return Err(JsonError::Large { size: bytes.len() }.into());
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let record: Record = serde_json::from_slice(bytes).map_err(JsonError::from)?;
        let form = |path, message| Err(CveError::Form { path, message });
        if record
            .data_type
            .as_deref()
            .is_some_and(|kind| kind != "CVE_RECORD")
        {
            return form("/dataType", "is not CVE_RECORD".to_owned());
        }
        if !record.data_version.starts_with("5.") {
            let version: String = record.data_version.chars().take(20).collect();
            return form(
                "/dataVersion",
                format!("{version:?}: only 5.0 and later are read"),
            );
        }
        if !is_cve(&record.cve_metadata.cve_id) {
            return form("/cveMetadata/cveId", "is no CVE identifier".to_owned());
        }
        Ok(of(record))
    }

    /// The vector and score that count: the newest version of CVSS 3, otherwise any.
    pub fn score(&self) -> Option<&Score> {
        let version = |wanted: &'static str| self.scores.iter().find(move |score| score.version == wanted);
        version("3.1")
            .or_else(|| version("3.0"))
            .or_else(|| self.scores.first())
    }
}

fn of(record: Record) -> CveRecord {
    let Containers { cna, adp } = record.containers;
    let mut read = CveRecord {
        id: record.cve_metadata.cve_id,
        rejected: record.cve_metadata.state == "REJECTED",
        published: record.cve_metadata.date_published,
        updated: record.cve_metadata.date_updated,
        title: cna.title.clone(),
        description: None,
        affected: Vec::new(),
        scores: Vec::new(),
        ssvc: None,
        kev_date: None,
        references: Vec::new(),
    };
    for container in std::iter::once(cna).chain(adp) {
        if read.description.is_none() {
            let english = container
                .descriptions
                .iter()
                .find(|text| text.lang.starts_with("en"));
            let text = english.or_else(|| container.descriptions.first());
            read.description = text.map(|text| text.value.clone());
        }
        read.affected.extend(container.affected);
        for reference in container.references {
            if !read.references.contains(&reference.url) && read.references.len() < 200 {
                read.references.push(reference.url);
            }
        }
        for metric in container.metrics {
            add_metric(&mut read, metric);
        }
    }
    read
}

fn add_metric(record: &mut CveRecord, metric: Metric) {
    let scores = [
        ("4.0", metric.v40),
        ("3.1", metric.v31),
        ("3.0", metric.v30),
        ("2.0", metric.v20),
    ];
    for (version, cvss) in scores {
        if let Some(cvss) = cvss {
            record.scores.push(Score {
                version,
                vector: cvss.vector_string,
                base: cvss.base_score,
            });
        }
    }
    match metric.other {
        Some(other) if other.kind == "ssvc" => record.ssvc = Some(ssvc(&other.content)),
        Some(other) if other.kind == "kev" => {
            let date = other.content.get("dateAdded").and_then(serde_json::Value::as_str);
            record.kev_date = date.map(str::to_owned);
        }
        _ => {}
    }
}

fn ssvc(content: &serde_json::Value) -> Ssvc {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let mut points = Ssvc {
        timestamp: content.get("timestamp").and_then(text),
        ..Ssvc::default()
    };
    for option in content
        .get("options")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
    {
        for (name, value) in option.as_object().into_iter().flatten() {
            match name.as_str() {
                "Exploitation" => points.exploitation = text(value),
                "Automatable" => points.automatable = text(value),
                "Technical Impact" => points.technical_impact = text(value),
                _ => {}
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2021-26855",
      "state":"PUBLISHED","datePublished":"2021-03-02T23:55:26Z","dateUpdated":"2025-02-04T00:00:00Z"},"containers":{
      "cna":{"title":"Microsoft Exchange Server Remote Code Execution Vulnerability","affected":[{"vendor":"Microsoft",
      "product":"Microsoft Exchange Server 2016 Cumulative Update 19","versions":[{"version":"15.01.0",
      "lessThan":"15.01.2176.009","versionType":"custom","status":"affected"}]}],
      "descriptions":[{"lang":"fr","value":"non"},{"lang":"en-US","value":"An RCE."}],
      "metrics":[{"format":"CVSS","cvssV3_1":{"version":"3.1","baseSeverity":"CRITICAL","baseScore":9.1,
      "vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N"}}],"references":[{"url":"https://example.com/a"}]},
      "adp":[{"title":"CISA ADP Vulnrichment","metrics":[{"other":{"type":"ssvc","content":{"id":"CVE-2021-26855",
      "options":[{"Exploitation":"active"},{"Automatable":"yes"},{"Technical Impact":"total"}],"role":"CISA Coordinator",
      "timestamp":"2025-02-03T14:00:00Z","version":"2.0.3"}}},{"other":{"type":"kev","content":{"dateAdded":"2021-11-03"}}}]}]}}"#;

    #[test]
    fn both_containers_are_read() {
        let record = CveRecord::parse(RECORD.as_bytes()).unwrap();
        assert_eq!(record.description.as_deref(), Some("An RCE."));
        assert_eq!(record.affected[0].versions[0].fixed_in(), Some("15.01.2176.009"));
        let ssvc = record.ssvc.as_ref().unwrap();
        assert_eq!(ssvc.exploitation.as_deref(), Some("active"));
        assert_eq!(ssvc.technical_impact.as_deref(), Some("total"));
        assert_eq!(record.kev_date.as_deref(), Some("2021-11-03"));
        assert_eq!(record.score().map(|score| score.base), Some(9.1));
    }

    #[test]
    fn a_change_of_status_is_the_fix() {
        let range: VersionRange = serde_json::from_str(
            r#"{"version":"1","status":"affected","lessThan":"*","changes":[{"at":"1.5","status":"unaffected"}]}"#,
        )
        .unwrap();
        assert_eq!(range.fixed_in(), Some("1.5"));
    }

    #[test]
    fn what_is_no_record_says_where() {
        for (text, why) in [
            ("{}", "line 1"),
            (
                "{\"dataVersion\":\"4.0\",\"cveMetadata\":{\"cveId\":\"CVE-2021-1234\"},\"containers\":{\"cna\":{}}}",
                "/dataVersion",
            ),
            (
                "{\"dataVersion\":\"5.1\",\"cveMetadata\":{\"cveId\":\"x\"},\"containers\":{\"cna\":{}}}",
                "/cveMetadata",
            ),
        ] {
            let error = CveRecord::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
