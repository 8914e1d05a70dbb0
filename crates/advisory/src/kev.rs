//! CISA's catalogue of known exploited vulnerabilities (KEV), JSON.
//!
//! Source: "Known Exploited Vulnerabilities Catalog", its JSON schema.

use std::collections::HashMap;

use serde::Deserialize;

use crate::csaf::syntax::is_cve;
use crate::json::{JsonError, LARGEST};

/// The catalogue.
#[derive(Debug, Clone, Default)]
pub struct Kev {
    /// `2025.08.25`
    pub version: String,
    /// When it was released, as written.
    pub released: String,
    /// What is odd about it; the rest is used.
    pub warnings: Vec<String>,
    entries: HashMap<String, KevEntry>,
}

/// One vulnerability of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KevEntry {
    /// `CVE-2021-26855`
    #[serde(rename = "cveID")]
    pub cve: String,
    /// `Microsoft`
    #[serde(default)]
    pub vendor_project: String,
    /// `Exchange Server`
    #[serde(default)]
    pub product: String,
    /// Its name in the catalogue.
    #[serde(default)]
    pub vulnerability_name: String,
    /// The day it was added, `2021-11-03`.
    pub date_added: String,
    /// What it is.
    #[serde(default)]
    pub short_description: String,
    /// What American federal agencies must do.
    #[serde(default)]
    pub required_action: String,
    /// Until when.
    #[serde(default)]
    pub due_date: String,
    /// `Known` or `Unknown`
    #[serde(default)]
    pub known_ransomware_campaign_use: String,
}

impl KevEntry {
    /// Whether ransomware gangs are known to use it.
    pub fn ransomware(&self) -> bool {
        self.known_ransomware_campaign_use.eq_ignore_ascii_case("known")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Catalogue {
    catalog_version: String,
    date_released: String,
    count: Option<u64>,
    vulnerabilities: Vec<KevEntry>,
}

impl Kev {
    /// Reads the catalogue.
    ///
    /// # Errors
    /// When it is too large or not such a catalogue; with line and column.
    pub fn parse(bytes: &[u8]) -> Result<Kev, JsonError> {
        if bytes.len() > LARGEST {
            return Err(JsonError::Large { size: bytes.len() });
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let catalogue: Catalogue = serde_json::from_slice(bytes)?;
        let mut kev = Kev {
            version: catalogue.catalog_version,
            released: catalogue.date_released,
            ..Kev::default()
        };
        let have = catalogue.vulnerabilities.len() as u64;
        if catalogue.count.is_some_and(|count| count != have) {
            let count = catalogue.count.unwrap_or_default();
            kev.warnings.push(format!(
                "the catalogue says it has {count} entries and has {have}"
            ));
        }
        let mut refused = 0;
        for (index, entry) in catalogue.vulnerabilities.into_iter().enumerate() {
            if is_cve(&entry.cve) {
                kev.entries.insert(entry.cve.clone(), entry);
            } else {
                refused += 1;
                if refused == 1 {
                    let id: String = entry.cve.chars().take(40).collect();
                    kev.warnings.push(format!(
                        "vulnerabilities/{index}/cveID: {id:?} is no CVE identifier"
                    ));
                }
            }
        }
        if refused > 1 {
            kev.warnings
                .push(format!("{refused} entries have no CVE identifier"));
        }
        Ok(kev)
    }

    /// The entry of a vulnerability.
    pub fn get(&self, cve: &str) -> Option<&KevEntry> {
        self.entries.get(cve)
    }

    /// How many vulnerabilities it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEV: &str = r#"{"title":"CISA Catalog","catalogVersion":"2025.08.25","dateReleased":"2025-08-25T15:00:00.000Z",
      "count":3,"vulnerabilities":[{"cveID":"CVE-2021-26855","vendorProject":"Microsoft","product":"Exchange Server",
      "vulnerabilityName":"Microsoft Exchange Server Remote Code Execution Vulnerability","dateAdded":"2021-11-03",
      "shortDescription":"x","requiredAction":"Apply updates","dueDate":"2021-04-16","knownRansomwareCampaignUse":"Known",
      "notes":"","cwes":["CWE-918"]},{"cveID":"CVE-x","dateAdded":"2021-11-03"}]}"#;

    #[test]
    fn entries_are_found_and_odd_ones_named() {
        let kev = Kev::parse(KEV.as_bytes()).unwrap();
        assert_eq!(kev.version, "2025.08.25");
        assert!(kev.get("CVE-2021-26855").unwrap().ransomware());
        assert_eq!(kev.len(), 1);
        assert_eq!(kev.warnings.len(), 2, "{:?}", kev.warnings);
    }

    #[test]
    fn what_is_no_catalogue_says_where() {
        let error = Kev::parse(b"{\n\"catalogVersion\": 3}").unwrap_err().to_string();
        assert!(error.starts_with("line 2, column"), "{error}");
        assert!(Kev::parse(b"[]").is_err() && Kev::parse(b"").is_err());
    }
}
