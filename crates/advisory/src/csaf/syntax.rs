//! The small languages inside a CSAF document: dates, URIs, language tags, versions, CPE and package URLs.

use std::cmp::Ordering;
use std::str::FromStr;

/// RFC 3339: date, `T`, time, offset.
pub(super) fn is_date_time(text: &str) -> bool {
    matches!(text.as_bytes().get(10), Some(b'T' | b't')) && instant(text).is_some()
}

/// The instant of an RFC 3339 text.
pub(super) fn instant(text: &str) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_str(text).ok()
}

/// A scheme and something after it; no space, no control character.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

/// Whether it is built as a language tag is: two to eight letters, then parts of one to eight letters and digits.
pub(super) fn is_language_shape(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let letters = first.bytes().all(|byte| byte.is_ascii_alphabetic());
    let single = matches!(first, "i" | "I" | "x" | "X") && text.len() > 2;
    letters
        && (single || (2..=8).contains(&first.len()))
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

pub(super) fn is_trimmed(text: &str) -> bool {
    !text.is_empty() && text.trim() == text
}

pub(super) fn is_category(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace() && !"-_.".contains(c));
    edge(text.chars().next()) && edge(text.chars().next_back())
}

pub(super) fn is_hash(text: &str) -> bool {
    text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `CVE-2021-26855`
pub(crate) fn is_cve(text: &str) -> bool {
    let Some((year, number)) = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    year.len() == 4 && digits(year) && number.len() >= 4 && digits(number)
}

/// `CWE-79`
pub(super) fn is_cwe(text: &str) -> bool {
    text.strip_prefix("CWE-").is_some_and(|number| {
        (1..=6).contains(&number.len())
            && !number.starts_with('0')
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A CPE 2.3 formatted string of eleven components, or a CPE 2.2 URI.
pub(super) fn is_cpe(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("cpe:2.3:") {
        let parts = split_unescaped(rest);
        return parts.len() == 11
            && matches!(parts[0], "a" | "h" | "o" | "*" | "-")
            && parts.iter().all(|part| is_cpe_component(part));
    }
    let lower = text.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("cpe:/") else {
        return false;
    };
    let parts: Vec<&str> = rest.split(':').collect();
    parts.len() <= 7
        && matches!(parts[0], "" | "a" | "h" | "o")
        && parts.iter().all(|part| {
            part.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-~%".contains(&b))
        })
}

fn split_unescaped(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b':' => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn is_cpe_component(part: &str) -> bool {
    if matches!(part, "*" | "-") {
        return true;
    }
    let mut escaped = false;
    for byte in part.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'*' | b'?' | b'-' | b'.' | b'_' => {}
            byte if byte.is_ascii_alphanumeric() => {}
            _ => return false,
        }
    }
    !part.is_empty() && !escaped
}

/// What is wrong with a package URL: `pkg:type/namespace/name@version?qualifiers#subpath`.
pub(super) fn purl_problem(text: &str) -> Option<&'static str> {
    let Some(rest) = text.strip_prefix("pkg:") else {
        return Some("does not start with pkg:");
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let rest = rest.trim_start_matches('/');
    let Some((kind, path)) = rest.split_once('/') else {
        return Some("has no name after its type");
    };
    let type_ok = kind
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && kind
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !type_ok {
        return Some("has a type that is not letters, digits, '.', '+' and '-'");
    }
    let path = path.trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let name = last.split('@').next().unwrap_or_default();
    if name.is_empty() {
        return Some("has no name after its type");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("has a character that must be percent-encoded");
    }
    let pairs_ok = qualifiers.is_empty()
        || qualifiers
            .split('&')
            .all(|pair| pair.split_once('=').is_some_and(|(key, _)| !key.is_empty()));
    (!pairs_ok).then_some("has a qualifier that is not key=value")
}

/// A version of a document: whole number or semantic version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// One number or three, as digits without leading zero.
    numbers: Vec<Digits>,
    /// Parts of the pre-release.
    pub(super) pre: Vec<String>,
    /// Build metadata.
    pub(super) build: Option<String>,
}

/// A whole number of any length.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Digits(String);

impl Ord for Digits {
    fn cmp(&self, other: &Digits) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Digits {
    fn partial_cmp(&self, other: &Digits) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn digits(text: &str) -> Option<Digits> {
    let good = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'));
    good.then(|| Digits(text.to_owned()))
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Version> {
        if let Some(number) = digits(text) {
            return Some(Version {
                numbers: vec![number],
                pre: Vec::new(),
                build: None,
            });
        }
        let (rest, build) = match text.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (text, None),
        };
        let (core, pre) = match rest.split_once('-') {
            Some((core, pre)) => (core, Some(pre)),
            None => (rest, None),
        };
        let numbers: Vec<Digits> = core.split('.').map(digits).collect::<Option<_>>()?;
        let parts = |text: &str| -> Option<Vec<String>> {
            text.split('.')
                .map(|part| {
                    let good =
                        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                    good.then(|| part.to_owned())
                })
                .collect()
        };
        let pre = match pre {
            Some(pre) => parts(pre)?,
            None => Vec::new(),
        };
        let leading_zero = |part: &String| {
            part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit())
        };
        if numbers.len() != 3 || pre.iter().any(leading_zero) {
            return None;
        }
        if let Some(build) = build {
            parts(build)?;
        }
        Some(Version {
            numbers,
            pre,
            build: build.map(str::to_owned),
        })
    }

    /// Whether it is a whole number.
    pub(super) fn is_integer(&self) -> bool {
        self.numbers.len() == 1
    }

    /// `0`, `0.y.z`.
    pub(super) fn is_before_first(&self) -> bool {
        self.numbers[0].0 == "0"
    }

    /// The number, or the first of three; none when it has more than 18 digits.
    pub(super) fn major(&self) -> Option<u64> {
        let digits = &self.numbers[0].0;
        (digits.len() <= 18).then(|| digits.parse().ok()).flatten()
    }

    /// Equal but for build metadata, and for the pre-release when asked.
    pub(super) fn same(&self, other: &Version, ignore_pre: bool) -> bool {
        self.numbers == other.numbers && (ignore_pre || self.pre == other.pre)
    }
}

impl Ord for Version {
    /// Precedence as in Semantic Versioning 2.0.0, section 11.
    fn cmp(&self, other: &Version) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        numbers.then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_pre(&self.pre, &other.pre),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn compare_pre(left: &[String], right: &[String]) -> Ordering {
    for (left, right) in left.iter().zip(right) {
        let order = match (digits(left), digits(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => left.cmp(right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

pub(super) fn is_version(text: &str) -> bool {
    Version::parse(text).is_some()
}

/// Languages of two letters (ISO 639-1).
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz \
    ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik in io is it iu iw ja \
    ji jv jw ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo mr ms mt my na nb nd ne \
    ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw \
    ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// Regions of two letters in the language subtag registry, without those for private use.
const REGIONS: &str = "AC AD AE AF AG AI AL AM AN AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BU BV \
    BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CP CQ CR CS CU CV CW CX CY CZ DD DE DG DJ DK DM DO DZ EA EC EE EG EH ER ES ET EU \
    EZ FI FJ FK FM FO FR FX GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR \
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ \
    MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NT NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU \
    RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SU SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TP TR TT TV TW TZ UA \
    UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS YD YE YT YU ZA ZM ZR ZW";

/// Whether the language and the region of a tag are registered. Languages of three letters, scripts and variants are taken
/// as they are.
pub(super) fn is_known_language(tag: &str) -> bool {
    let lower = tag.to_ascii_lowercase();
    if matches!(lower.as_str(), "i-default" | "i-mingo") || lower.starts_with("x-") {
        return true;
    }
    let mut parts = lower.split('-');
    let language = parts.next().unwrap_or_default();
    let known = match language.len() {
        2 => LANGUAGES.split_whitespace().any(|known| known == language),
        3 | 5..=8 => true,
        _ => false,
    };
    let region = parts
        .take_while(|part| part.len() > 1)
        .find(|part| part.len() == 2);
    known
        && region.is_none_or(|region| {
            let region = region.to_ascii_uppercase();
            is_private_region(&region) || REGIONS.split_whitespace().any(|known| known == region)
        })
}

fn is_private_region(region: &str) -> bool {
    matches!(region, "AA" | "ZZ")
        || (region.starts_with('Q') && ("QM".."QZ\u{1}").contains(&region))
        || region.starts_with('X')
}

/// Whether a tag uses subtags kept for private use.
pub(super) fn is_private_language(tag: &str) -> bool {
    let lower = tag.to_ascii_lowercase();
    lower
        .split('-')
        .enumerate()
        .any(|(index, part)| match part.len() {
            1 => part == "x",
            3 if index == 0 => ("qaa"..="qtz").contains(&part),
            4 => ("qaaa"..="qabx").contains(&part),
            2 if index > 0 => is_private_region(&part.to_ascii_uppercase()),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_semantic_versioning_says() {
        let order = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.10.0",
            "2.0.0",
        ];
        for pair in order.windows(2) {
            let (left, right) = (Version::parse(pair[0]).unwrap(), Version::parse(pair[1]).unwrap());
            assert!(left < right, "{pair:?}");
        }
        assert!(Version::parse("9").unwrap() < Version::parse("10").unwrap());
        for bad in ["01", "1.0", "1.0.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "v1", ""] {
            assert!(Version::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn small_languages() {
        assert!(is_cpe(
            "cpe:2.3:a:microsoft:exchange_server:2016:cumulative_update_19:*:*:*:*:*:*"
        ));
        assert!(is_cpe("cpe:/a:microsoft:exchange_server:2016"));
        assert!(!is_cpe("cpe:2.3:a:microsoft"));
        assert!(is_uri("https://example.com/a?b=c#d") && !is_uri("example.com") && !is_uri("https://a b"));
        assert!(is_date_time("2021-07-21T10:00:00.000Z") && !is_date_time("2021-07-21"));
        assert!(is_known_language("fr-FR") && is_known_language("zh-Hant-TW") && !is_known_language("ez"));
        assert!(
            is_private_language("qcb-DE") && is_private_language("fr-ZZ") && !is_private_language("en-US")
        );
        assert_eq!(purl_problem("pkg:deb/debian/curl@7.50.3-1?arch=i386"), None);
        assert!(purl_problem("pkg:maven/@1.3.4").is_some());
    }
}
