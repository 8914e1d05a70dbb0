//! FIRST's scores of how likely a vulnerability is to be exploited within thirty days (EPSS), CSV.
//!
//! The first line is a comment with the model and the day, then a header, then one line per vulnerability. Source:
//! "Exploit Prediction Scoring System", data and statistics page. Files come as gzip; the caller unpacks them.

use std::collections::HashMap;

use crate::csaf::syntax::is_cve;

/// Problems that are kept; more are counted.
const KEPT: usize = 100;

/// The scores of one day.
#[derive(Debug, Clone, Default)]
pub struct Epss {
    /// `v2023.03.01`; none when the file has no comment line.
    pub model_version: Option<String>,
    /// `2024-01-01T00:00:00+0000`, as written.
    pub score_date: Option<String>,
    /// Lines that were not read, with their 1-based number; the first hundred.
    pub problems: Vec<(u64, String)>,
    /// How many lines were not read.
    pub refused: u64,
    scores: HashMap<String, EpssScore>,
}

/// The score of one vulnerability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpssScore {
    /// Probability of exploitation within thirty days, 0 to 1.
    pub probability: f64,
    /// Share of vulnerabilities with the same or a lower one, 0 to 1; early files have none.
    pub percentile: Option<f64>,
}

/// Why a file has no scores.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EpssError {
    /// It is gzip.
    #[error("the file is packed (gzip): unpack it first")]
    Packed,
    /// It is no UTF-8.
    #[error("byte {0}: not UTF-8")]
    Text(usize),
    /// There is no header that names the columns.
    #[error("line {line}: the header cve,epss,percentile is missing, there is {found:?}")]
    Header {
        /// 1-based.
        line: u64,
        /// What stands there.
        found: String,
    },
}

impl Epss {
    /// Reads the scores.
    ///
    /// # Errors
    /// When it is not such a file. Single lines that cannot be read are counted in `refused`.
    pub fn parse(bytes: &[u8]) -> Result<Epss, EpssError> {
        if bytes.starts_with(b"\x1f\x8b") {
            return Err(EpssError::Packed);
        }
        let text = std::str::from_utf8(bytes).map_err(|error| EpssError::Text(error.valid_up_to()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut epss = Epss::default();
        let mut header = None;
        let mut last = 1;
        for (line, content) in (1..).zip(text.lines()) {
            last = line;
            let content = content.trim();
            if let Some(comment) = content.strip_prefix('#') {
                epss.comment(comment);
            } else if content.is_empty() {
            } else if let Some(header) = &header {
                epss.row(line, content, header);
            } else {
                header = Some(Header::of(content).ok_or_else(|| EpssError::Header {
                    line,
                    found: content.chars().take(60).collect(),
                })?);
            }
        }
        match header {
            Some(_) => Ok(epss),
            None => Err(EpssError::Header {
                line: last,
                found: String::new(),
            }),
        }
    }

    fn comment(&mut self, comment: &str) {
        for part in comment.split(',') {
            match part
                .split_once(':')
                .map(|(key, value)| (key.trim(), value.trim()))
            {
                Some(("model_version", value)) => self.model_version = Some(value.to_owned()),
                Some(("score_date", value)) => self.score_date = Some(value.to_owned()),
                _ => {}
            }
        }
    }

    fn row(&mut self, line: u64, content: &str, header: &Header) {
        let cells: Vec<&str> = content.split(',').take(16).map(str::trim).collect();
        let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
        let share = |text: &str| {
            text.parse()
                .ok()
                .filter(|number: &f64| (0.0..=1.0).contains(number))
        };
        let problem = match (is_cve(cell(header.cve)), share(cell(header.epss))) {
            (false, _) => "no CVE identifier".to_owned(),
            (true, None) => "the probability is no number between 0 and 1".to_owned(),
            (true, Some(probability)) => {
                let percentile = header.percentile.and_then(|index| share(cell(index)));
                let score = EpssScore {
                    probability,
                    percentile,
                };
                match self.scores.insert(cell(header.cve).to_owned(), score) {
                    None => return,
                    Some(_) => format!("{} comes twice; the last one is used", cell(header.cve)),
                }
            }
        };
        self.refused += 1;
        if self.problems.len() < KEPT {
            self.problems.push((line, problem));
        }
    }

    /// The score of a vulnerability.
    pub fn get(&self, cve: &str) -> Option<EpssScore> {
        self.scores.get(cve).copied()
    }

    /// How many vulnerabilities have a score.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }
}

struct Header {
    cve: usize,
    epss: usize,
    percentile: Option<usize>,
}

impl Header {
    fn of(line: &str) -> Option<Header> {
        let names: Vec<&str> = line.split(',').map(str::trim).collect();
        let place = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        Some(Header {
            cve: place("cve")?,
            epss: place("epss")?,
            percentile: place("percentile"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_and_odd_lines_counted() {
        let text = "#model_version:v2025.03.14,score_date:2025-08-25T12:55:00Z\ncve,epss,percentile\n\
            CVE-2021-26855,0.94299,0.99938\nCVE-2021-x,1,1\nCVE-2021-27065,2,1\r\n";
        let epss = Epss::parse(text.as_bytes()).unwrap();
        assert_eq!(epss.model_version.as_deref(), Some("v2025.03.14"));
        assert_eq!(epss.score_date.as_deref(), Some("2025-08-25T12:55:00Z"));
        let score = epss.get("CVE-2021-26855").unwrap();
        assert_eq!((score.probability, score.percentile), (0.94299, Some(0.99938)));
        assert_eq!((epss.len(), epss.refused), (1, 2));
        assert_eq!(epss.problems[1].0, 5);
    }

    #[test]
    fn what_is_no_such_file_says_why() {
        assert_eq!(Epss::parse(b"\x1f\x8b\x08").unwrap_err(), EpssError::Packed);
        assert!(Epss::parse(b"").is_err());
        assert!(
            Epss::parse(b"id,score\n")
                .unwrap_err()
                .to_string()
                .starts_with("line 1")
        );
    }
}
