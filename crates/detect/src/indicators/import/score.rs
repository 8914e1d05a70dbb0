//! Confidence as others write it, 0 to 100, and what becomes of it here.
//!
//! The numbers of the Admiralty code and of the words of estimative language are those STIX 2.1 gives in its
//! appendix A (docs.oasis-open.org/cti/stix/v2.1): low is 1 to 29, medium 30 to 69, high 70 to 100.

use super::super::{Confidence, IndicatorKind};

/// The grade of an indicator of a kind with a score. A low score makes it weak, a medium one at most strong; a high
/// one leaves what the kind has by default: nobody's certainty makes an address proof.
pub(super) fn confidence(kind: IndicatorKind, score: Option<u8>) -> Confidence {
    let default = kind.default_confidence();
    match score {
        Some(0..30) => Confidence::Weak,
        Some(30..70) => default.min(Confidence::Strong),
        _ => default,
    }
}

/// The score a MISP tag gives, if it is one that gives any.
pub(super) fn of_tag(tag: &str) -> Option<u8> {
    let (name, value) = tag.split_once('=')?;
    let value = value.trim().trim_matches('"').to_ascii_lowercase();
    let scale: &[(&str, u8)] = match name.trim().to_ascii_lowercase().as_str() {
        "estimative-language:confidence-in-analytic-judgment" => {
            &[("low", 15), ("moderate", 50), ("high", 85)]
        }
        "estimative-language:likelihood-probability" => &[
            ("almost-no-chance", 5),
            ("very-unlikely", 15),
            ("unlikely", 30),
            ("roughly-even-chance", 50),
            ("likely", 70),
            ("very-likely", 85),
            ("almost-certain", 95),
        ],
        "admiralty-scale:information-credibility" => &[("1", 90), ("2", 70), ("3", 50), ("4", 30), ("5", 10)],
        "admiralty-scale:source-reliability" => &[("a", 90), ("b", 70), ("c", 50), ("d", 30), ("e", 10)],
        "misp:confidence-level" => &[
            ("completely-confident", 100),
            ("usually-confident", 75),
            ("fairly-confident", 50),
            ("rarely-confident", 25),
            ("unconfident", 0),
        ],
        _ => return None,
    };
    scale
        .iter()
        .find(|(word, _)| *word == value)
        .map(|&(_, score)| score)
}

/// The lowest score of several tags: a doubt is not outweighed.
pub(super) fn of_tags<'a>(tags: impl Iterator<Item = &'a str>) -> Option<u8> {
    tags.filter_map(of_tag).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_lower_and_never_raise() {
        use IndicatorKind::*;
        assert_eq!(confidence(Sha256, None), Confidence::Conclusive);
        assert_eq!(confidence(Sha256, Some(100)), Confidence::Conclusive);
        assert_eq!(confidence(Sha256, Some(69)), Confidence::Strong);
        assert_eq!(confidence(Sha256, Some(29)), Confidence::Weak);
        assert_eq!(confidence(Ip, Some(100)), Confidence::Weak);
        assert_eq!(confidence(Domain, Some(50)), Confidence::Strong);
    }

    #[test]
    fn the_lowest_tag_counts() {
        let tags = [
            "tlp:clear",
            "admiralty-scale:source-reliability=\"a\"",
            "estimative-language:likelihood-probability=\"unlikely\"",
            "admiralty-scale:information-credibility=\"6\"",
        ];
        assert_eq!(of_tags(tags.into_iter()), Some(30));
        assert_eq!(of_tags(["tlp:clear"].into_iter()), None);
    }
}
