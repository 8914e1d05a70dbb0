//! Every text of the reports, by key, once per language.
//!
//! The compiler holds the two files together: a key missing in one does not build, and a key nobody reads is dead
//! code, which the lints refuse. `{name}` stands for a value; `one|other` are the forms for [`crate::Lang::plural`].

mod en;
mod exposure;
mod fr;

pub(crate) use en::EN;
pub(crate) use exposure::{EN as EXPOSURE_EN, ExposureTexts, FR as EXPOSURE_FR};
pub(crate) use fr::FR;

macro_rules! texts {
    ($(#[$doc:meta])* $name:ident: $($key:ident),* $(,)?) => {
        $(#[$doc])*
        pub(crate) struct $name {
            $(pub(crate) $key: &'static str,)*
        }

        #[cfg(test)]
        impl $name {
            pub(crate) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($key), self.$key)),*]
            }
        }
    };
}

pub(crate) use texts;

texts! {
    /// The texts of one language.
    Texts:
    // Verdicts
    verdict_compromised, verdict_suspected, verdict_attempted, verdict_unknown, verdict_no_evidence,
    next_compromised, next_suspected, next_attempted, next_unknown, next_no_evidence,
    say_compromised, say_suspected, say_attempted, say_unknown, say_no_evidence, say_no_server,
    // Scales
    severity_informational, severity_low, severity_medium, severity_high, severity_critical,
    outcome_scan, outcome_attempt, outcome_success, outcome_post_exploitation,
    // Counts
    n_servers, n_files, n_records, n_findings, n_storylines, n_events, in_n_files,
    n_more, n_more_findings, n_more_storylines,
    // Phrases
    from_to, first_in, no_reason, window_nothing, window_not_needed, window_incomplete, skipped_foreign, link_address, link_canary, link_file, link_process, link_logon, link_account,
    source_folder, source_records, unseen_partly,
    unseen_missing, scans_folded, log_missing, colon, and_hosts, linked_by, interrupted,
    findings_alone,
    // Terminal
    label_window, label_evidence, label_fingerprint, label_seen, label_found, label_needed, label_other_logs,
    other_logs, head_storylines, head_unseen, head_warnings, next_line, next_nothing, missing_on, no_time,
    // The page
    skip_link, page_kind, footer_window, footer_json, n_more_characters, n_tenants, n_others,
    n_more_servers, tally_label, means_compromised, means_suspected, means_attempted, means_unknown,
    means_no_evidence, head_servers, col_verdict, col_server, col_reason, col_seen, head_next,
    n_more_lines, see_skipped, see_warnings, unseen_all, unseen_nothing, unseen_unmeasured, head_basis, label_packs,
    label_rules, n_left_out, label_skipped, label_fingerprint_long, seen_no_evidence, seen_other, named_by,
    head_reasons, do_next, head_chain, not_seen, other_stages, head_timeline, n_untimed, timeline_desc,
    timeline_legend, label_window_long, head_coverage, legend_covered, legend_gap, legend_needed,
    coverage_in_figures, col_source, col_needed, col_covered, col_records, col_first, col_last, yes, no,
    events_by_source, head_findings, findings_cut, col_time, col_outcome, col_stage, col_what,
    filter_text, filter_all, record, head_observations, col_kind, col_value, col_file,
    kind_exchange_build, kind_check_run, kind_check_result, kind_mitigation, kind_iis_module, missing_needed,
    missing_other, gap_before, gap_inside, gap_after, unseen_none_here, head_manifest, manifest_intro,
    event_time, event_message, layer_description, layer_comment, layer_servers, layer_events,
    head_suppressed, suppressed_intro, suppressed_on, suppressed_of, suppressed_hid, suppressed_idle, suppressed_expired,
    suppressed_line, col_hidden, col_effect, col_why, col_author, col_until,
    head_skipped, skipped_nothing, no_file, col_size, col_skipped, not_recognised, clock_corrected,
}

/// `template` with every `{name}` replaced.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = template.to_owned();
    for (name, value) in values {
        out = out.replace(&format!("{{{name}}}"), value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn english() -> Vec<(&'static str, &'static str)> {
        [EN.all(), EXPOSURE_EN.all()].concat()
    }

    fn french() -> Vec<(&'static str, &'static str)> {
        [FR.all(), EXPOSURE_FR.all()].concat()
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect()
    }

    #[test]
    fn both_languages_say_the_same_things() {
        for ((key, en), (_, fr)) in english().into_iter().zip(french()) {
            assert!(!en.is_empty() && !fr.is_empty(), "{key} is empty");
            assert_eq!(placeholders(en), placeholders(fr), "{key}");
            assert_eq!(en.matches('|').count(), fr.matches('|').count(), "forms of {key}");
        }
    }

    #[test]
    fn french_is_set_as_french() {
        for (key, text) in french() {
            assert!(!text.contains('\''), "{key} wants a typographic apostrophe");
            let chars: Vec<char> = text.chars().collect();
            for (index, c) in chars.iter().enumerate().skip(1) {
                let wanted = match c {
                    ';' | '!' | '?' => '\u{202f}',
                    ':' | '»' => '\u{a0}',
                    _ => continue,
                };
                assert_eq!(chars[index - 1], wanted, "the space before {c} in {key}");
            }
        }
    }

    #[test]
    fn no_text_calls_a_server_clean() {
        for (key, text) in english().into_iter().chain(french()) {
            let text = text.to_lowercase();
            for word in [
                "is clean",
                "not compromised",
                "est sain",
                "non compromis",
                "est sûr",
            ] {
                assert!(!text.contains(word), "{key} says {word}");
            }
        }
    }
}
