//! Rewrite rules that Microsoft's mitigation tools leave behind.
//!
//! Source: EOMT.ps1, EOMTv2.ps1 and ExchangeMitigations.ps1 of microsoft/CSS-Exchange; the Exchange Emergency
//! Mitigation service prefixes its rules with `EEMS`.

use super::rewrite::Rule;

/// The vulnerability whose way in a rule closes.
pub(super) fn cve(rule: &Rule) -> Option<&'static str> {
    if !rule.refuses() {
        return None;
    }
    let name = rule.name().to_ascii_lowercase();
    let conditions = rule.conditions().to_ascii_lowercase();
    let has = |text: &str| name.contains(text) || conditions.contains(text);
    if has("x-anonresource-backend") || has("x-beresource") {
        Some("CVE-2021-26855")
    } else if (conditions.contains("autodiscover") && conditions.contains("powershell"))
        || name.starts_with("eems m1.")
    {
        Some("CVE-2022-41040")
    } else if name.starts_with("eems m2.") {
        Some("CVE-2026-42897")
    } else {
        None
    }
}
