//! Signs that go with the words: one shape per verdict and per outcome, so that colour never stands alone.

use vigie_exposure::Status;
use vigie_hunt::{Outcome, Verdict};

/// The shapes, defined once and used by reference.
pub(super) const SPRITE: &str = r##"<svg class="sprite" width="0" height="0" aria-hidden="true" focusable="false"><defs>
<symbol id="v-compromised" viewBox="0 0 16 16"><path fill="currentColor" d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/><path class="hole" d="M8 4v5M8 10.8v1.6"/></symbol>
<symbol id="v-suspected" viewBox="0 0 16 16"><path fill="currentColor" d="M8 1l7.4 13.5H.6z"/><path class="hole" d="M8 5.5v4M8 11v1.5"/></symbol>
<symbol id="v-attempted" viewBox="0 0 16 16"><path class="line" d="M8 1.2L14.8 8 8 14.8 1.2 8z"/><path class="line" d="M8 5v6"/></symbol>
<symbol id="v-unknown" viewBox="0 0 16 16"><circle class="line dash" cx="8" cy="8" r="6.8"/><path class="line" d="M5.9 6.3a2.1 2.1 0 1 1 3.2 1.8c-.8.5-1.1.8-1.1 1.6M8 11.2v1.3"/></symbol>
<symbol id="v-no_evidence" viewBox="0 0 16 16"><circle class="line" cx="6.6" cy="6.6" r="5"/><path class="line" d="M10.4 10.4L15 15M4.4 6.6h4.4"/></symbol>
<symbol id="o-scan" viewBox="0 0 16 16"><circle class="line" cx="8" cy="8" r="5.5"/></symbol>
<symbol id="o-attempt" viewBox="0 0 16 16"><path class="line" d="M8 2.2l6 11.3H2z"/></symbol>
<symbol id="o-success" viewBox="0 0 16 16"><path fill="currentColor" d="M8 .8L15.2 8 8 15.2.8 8z"/></symbol>
<symbol id="o-post" viewBox="0 0 16 16"><path fill="currentColor" d="M2 2h12v12H2z"/></symbol>
<pattern id="gap" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0v7"/></pattern>
</defs></svg>"##;

/// The shapes of statuses, and the patterns of charts.
pub(super) const EXPOSURE_SPRITE: &str = r##"<svg class="sprite" width="0" height="0" aria-hidden="true" focusable="false"><defs>
<symbol id="s-vulnerable" viewBox="0 0 16 16"><path fill="currentColor" d="M2.500 7h11v8h-11z"/><path class="line" d="M5 7V4.400a3 3 0 0 1 5.800-1"/><path class="hole" d="M8 10v2.200"/></symbol>
<symbol id="s-unknown" viewBox="0 0 16 16"><circle class="line dash" cx="8" cy="8" r="6.8"/><path class="line" d="M5.900 6.300a2.100 2.100 0 1 1 3.200 1.800c-.8.5-1.100.8-1.100 1.600M8 11.200v1.300"/></symbol>
<symbol id="s-mitigated" viewBox="0 0 16 16"><path class="line" d="M8 1.200l5.600 2v4.200c0 3.600-2.300 6-5.600 7.400C4.700 13.400 2.400 11 2.400 7.400V3.200z"/><path fill="currentColor" d="M8 3v10C5.600 11.900 4 10 4 7.300V4.400z"/></symbol>
<symbol id="s-fixed" viewBox="0 0 16 16"><path class="line" d="M2.500 7h11v8h-11zM5 7V4.500a3 3 0 0 1 6 0V7M5.500 11l1.800 1.800 3.200-3.400"/></symbol>
<symbol id="s-not_affected" viewBox="0 0 16 16"><circle class="line" cx="8" cy="8" r="6.500"/><path class="line" d="M5 8h6"/></symbol>
<pattern id="p-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="ink" d="M1 0v7"/></pattern>
<pattern id="p-dots" width="7" height="7" patternUnits="userSpaceOnUse"><circle class="spot" cx="2" cy="2" r="1.300"/></pattern>
<pattern id="p-lines" width="6" height="6" patternUnits="userSpaceOnUse"><path class="ink" d="M0 1h6"/></pattern>
</defs></svg>"##;

/// The look-out: a mast with its crow's nest above the sea.
pub(super) const BRAND: &str = r#"<svg class="logo" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path class="line" d="M12 2v15M7 9h10l-1.2 4H8.200zM12 3l5 2-5 2M2 19.500c2-1.600 4-1.600 6 0s4 1.600 6 0 4-1.600 8 0"/></svg>"#;

/// The shape of a verdict.
pub(super) fn verdict(verdict: Verdict) -> String {
    shape("icon", &format!("v-{}", verdict.id()))
}

/// The shape of an outcome.
pub(super) fn outcome(outcome: Outcome) -> String {
    shape("icon", outcome_class(outcome))
}

/// The shape of a status.
pub(super) fn status(status: Status) -> String {
    shape("icon", &format!("s-{}", status.id()))
}

/// The name an outcome has in style sheet and sprite.
pub(super) fn outcome_class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Scan => "o-scan",
        Outcome::Attempt => "o-attempt",
        Outcome::Success => "o-success",
        Outcome::PostExploitation => "o-post",
    }
}

fn shape(class: &str, id: &str) -> String {
    format!("<svg class=\"{class}\" aria-hidden=\"true\" focusable=\"false\"><use href=\"#{id}\"/></svg>")
}
