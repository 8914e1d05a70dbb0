//! Tests for which something outside is missing. The other crates' tests take this file too.

/// Says that a test is skipped. Where nothing may be (`VIGIE_NO_SKIP`), it fails instead.
pub(crate) fn skipped(why: &str) {
    let is_allowed = std::env::var_os("VIGIE_NO_SKIP").is_none_or(|value| value.is_empty());
    assert!(
        is_allowed,
        "{why}, and VIGIE_NO_SKIP says that nothing is skipped"
    );
    println!("skipped: {why}");
}
