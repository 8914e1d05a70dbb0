//! Severities, Sigma's levels.

use crate::words::words;

words!(
    /// How bad something is.
    Severity {
        /// For the record.
        Informational = "informational",
        /// Rarely worth a look.
        Low = "low",
        /// Worth a look.
        Medium = "medium",
        /// Look now.
        High = "high",
        /// Wake somebody up.
        Critical = "critical",
    }
);

impl Severity {
    /// Its place, worst highest: 0 to 4.
    pub(crate) fn rank(self) -> i64 {
        self as i64
    }
}
