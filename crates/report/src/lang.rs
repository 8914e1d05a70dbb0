//! The two languages: how each writes numbers, sizes and dates.

use std::borrow::Cow;

use vigie_event::{Timestamp, format_utc, parse_utc};
use vigie_hunt::Message;
use vigie_hunt::message::french_place;

use crate::i18n::{self, ExposureTexts, Texts};
use crate::text::visible;

/// A language of the reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_EN_SHORT: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const MONTHS_FR_SHORT: [&str; 12] = [
    "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.",
];

/// How much of a date is spelled out.
#[derive(Clone, Copy)]
enum Months {
    Long,
    Short,
}

impl Lang {
    /// The language of a code such as `fr`, `fr-CA` or `fr_FR.UTF-8`; `None` for any other language than the two.
    pub fn from_code(code: &str) -> Option<Lang> {
        let primary = code.split(['-', '_', '.']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" | "c" | "posix" => Some(Lang::En),
            "fr" => Some(Lang::Fr),
            _ => None,
        }
    }

    /// `en` or `fr`.
    pub fn code(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Fr => "fr",
        }
    }

    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Lang::En => &i18n::EN,
            Lang::Fr => &i18n::FR,
        }
    }

    pub(crate) fn exposure_texts(self) -> &'static ExposureTexts {
        match self {
            Lang::En => &i18n::EXPOSURE_EN,
            Lang::Fr => &i18n::EXPOSURE_FR,
        }
    }

    /// The form of `forms` (`one|other`) that agrees with `n`, with `{n}` filled in.
    pub(crate) fn plural(self, n: u64, forms: &str) -> String {
        let singular = match self {
            Lang::En => n == 1,
            Lang::Fr => n < 2,
        };
        let mut parts = forms.splitn(2, '|');
        let one = parts.next().unwrap_or_default();
        let form = if singular {
            one
        } else {
            parts.next().unwrap_or(one)
        };
        form.replace("{n}", &self.number(n))
    }

    /// `12,345` or `12 345` (with a narrow no-break space).
    pub(crate) fn number(self, n: u64) -> String {
        let separator = match self {
            Lang::En => ',',
            Lang::Fr => '\u{202f}',
        };
        let digits = n.to_string();
        let mut out = String::with_capacity(digits.len() * 2);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                out.push(separator);
            }
            out.push(digit);
        }
        out
    }

    /// Prose as the language sets it: in French, high punctuation and guillemets keep a space that does not break, and
    /// an elision has a round apostrophe.
    pub fn typeset(self, text: &str) -> Cow<'_, str> {
        if self != Lang::Fr || !text.contains([':', ';', '!', '?', '»', '«', '\'']) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len() + 8);
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let mut ahead = chars.clone();
            let next = ahead.next();
            if c == '\'' && next.is_some_and(char::is_alphabetic) && ends_in_elision(&out) {
                out.push('’');
                continue;
            }
            if c != ' ' {
                out.push(c);
                continue;
            }
            let ends = ahead.next().is_none_or(char::is_whitespace);
            out.push(match next {
                _ if out.ends_with('«') => '\u{a0}',
                Some(':' | '»') if ends => '\u{a0}',
                Some(';' | '!' | '?') if ends => '\u{202f}',
                _ => ' ',
            });
        }
        Cow::Owned(out)
    }

    /// A number with one decimal, `1.5` or `1,5`.
    pub(crate) fn decimal(self, value: f64) -> String {
        let text = format!("{value:.1}");
        match self {
            Lang::En => text,
            Lang::Fr => text.replace('.', ","),
        }
    }

    /// A ratio as a percentage that never flatters: 99.9 % stays 99 %, and a little is not nothing.
    pub(crate) fn percent(self, ratio: f64) -> String {
        let ratio = if ratio.is_nan() {
            0.0
        } else {
            ratio.clamp(0.0, 1.0)
        };
        let exact = ratio * 100.0 + 1e-9;
        let less = if exact > 1e-6 && exact < 1.0 { "< 1" } else { "" };
        let number = if less.is_empty() {
            format!("{}", exact.floor())
        } else {
            less.replace(' ', "\u{a0}")
        };
        match self {
            Lang::En => format!("{number}%"),
            Lang::Fr => format!("{number}\u{202f}%"),
        }
    }

    /// `1.2 GB` or `1,2 Go`, powers of ten.
    pub(crate) fn bytes(self, bytes: u64) -> String {
        let units = match self {
            Lang::En => ["B", "kB", "MB", "GB", "TB", "PB"],
            Lang::Fr => ["o", "ko", "Mo", "Go", "To", "Po"],
        };
        let mut value = bytes as f64;
        let mut unit = 0;
        while value >= 999.95 && unit + 1 < units.len() {
            value /= 1_000.0;
            unit += 1;
        }
        let number = if unit == 0 {
            self.number(bytes)
        } else {
            self.decimal(value)
        };
        format!("{number}\u{a0}{}", units.get(unit).copied().unwrap_or_default())
    }

    /// `3 March 2021 06:49:46 UTC`. Text that is no time is shown as it is.
    pub(crate) fn datetime(self, rfc3339: &str) -> String {
        match Civil::parse(rfc3339) {
            Some(civil) => format!("{} {} UTC", civil.date(self, Months::Long), civil.clock()),
            None => visible(rfc3339).into_owned(),
        }
    }

    /// `3 March 2021`.
    pub(crate) fn date(self, rfc3339: &str) -> String {
        match Civil::parse(rfc3339) {
            Some(civil) => civil.date(self, Months::Long),
            None => visible(rfc3339).into_owned(),
        }
    }

    /// `3 Mar 2021`, for an axis.
    pub(crate) fn short_date(self, time: Timestamp) -> String {
        Civil::at(time).date(self, Months::Short)
    }

    /// `Mar 2021`, for an axis in months.
    pub(crate) fn short_month(self, time: Timestamp) -> String {
        let civil = Civil::at(time);
        format!("{} {}", civil.month_name(self, Months::Short), civil.year)
    }

    /// `3 Mar 2021` and `06:49:46`, for the cells of a table whose head says UTC.
    pub(crate) fn stamp(self, rfc3339: &str) -> (String, String) {
        match Civil::parse(rfc3339) {
            Some(civil) => (civil.date(self, Months::Short), civil.clock().to_owned()),
            None => (visible(rfc3339).into_owned(), String::new()),
        }
    }

    /// What a run had to say, in this language.
    pub fn message(self, message: &Message) -> Cow<'_, str> {
        match self {
            Lang::En => Cow::Borrowed(message.as_str()),
            Lang::Fr => Cow::Owned(message.french()),
        }
    }

    /// Where in a file something is.
    pub fn place(self, place: &str) -> Cow<'_, str> {
        match self {
            Lang::En => Cow::Borrowed(place),
            Lang::Fr => Cow::Owned(french_place(place)),
        }
    }

    /// A stretch of time, by days: `from 3 January 2021 to 12 March 2021`.
    pub(crate) fn days(self, from: &str, to: &str) -> String {
        i18n::fill(
            self.texts().from_to,
            &[("from", &self.date(from)), ("to", &self.date(to))],
        )
    }
}

/// `06:49:46`, the UTC time of day.
pub(crate) fn clock(time: Timestamp) -> String {
    Civil::at(time).clock().to_owned()
}

/// `2021-03-03 06:49:46`, the form of the terminal and of analysts' tools.
pub(crate) fn iso(rfc3339: &str) -> String {
    match parse_utc(rfc3339) {
        Some(time) => format_utc(time)
            .chars()
            .take(19)
            .collect::<String>()
            .replace('T', " "),
        None => visible(rfc3339).into_owned(),
    }
}

/// Whether a text ends in a French word that loses its vowel before another one: `l`, `d`, `qu`, `jusqu`.
fn ends_in_elision(text: &str) -> bool {
    const LONGER: [&str; 6] = ["qu", "jusqu", "lorsqu", "puisqu", "quelqu", "aujourd"];
    let start = text
        .rfind(|c: char| !c.is_alphabetic())
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let word = text[start..].to_lowercase();
    matches!(word.as_str(), "c" | "d" | "j" | "l" | "m" | "n" | "s" | "t") || LONGER.contains(&word.as_str())
}

struct Civil {
    text: String,
    year: i64,
    month: usize,
    day: u32,
}

impl Civil {
    fn parse(rfc3339: &str) -> Option<Civil> {
        parse_utc(rfc3339).map(Civil::at)
    }

    fn at(time: Timestamp) -> Civil {
        let text = format_utc(time);
        let mut parts = text.split('T').next().unwrap_or_default().rsplitn(3, '-');
        let day = parts.next().and_then(|part| part.parse().ok()).unwrap_or(1);
        let month = parts.next().and_then(|part| part.parse().ok()).unwrap_or(1);
        let year = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
        Civil {
            text,
            year,
            month,
            day,
        }
    }

    fn clock(&self) -> &str {
        let (_, time) = self.text.split_once('T').unwrap_or_default();
        time.get(..8).unwrap_or(time)
    }

    fn month_name(&self, lang: Lang, months: Months) -> &'static str {
        let names = match (lang, months) {
            (Lang::En, Months::Long) => &MONTHS_EN,
            (Lang::En, Months::Short) => &MONTHS_EN_SHORT,
            (Lang::Fr, Months::Long) => &vigie_hunt::FRENCH_MONTHS,
            (Lang::Fr, Months::Short) => &MONTHS_FR_SHORT,
        };
        names.get(self.month.wrapping_sub(1)).copied().unwrap_or_default()
    }

    fn date(&self, lang: Lang, months: Months) -> String {
        let first = if lang == Lang::Fr && self.day == 1 {
            "er"
        } else {
            ""
        };
        format!(
            "{}{first} {} {}",
            self.day,
            self.month_name(lang, months),
            self.year
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_keeps_high_punctuation_on_its_line() {
        let set = |text| Lang::Fr.typeset(text).into_owned();
        assert_eq!(
            set("Exchange : vu ! « oui » ; non ?"),
            "Exchange\u{a0}: vu\u{202f}! «\u{a0}oui\u{a0}»\u{202f}; non\u{202f}?"
        );
        assert_eq!(set("dir :a ;b"), "dir :a ;b");
        assert_eq!(set("déjà"), "déjà");
        assert_eq!(
            set("l'accès qu'il a, 'ici' et C:\\it's"),
            "l’accès qu’il a, 'ici' et C:\\it's"
        );
        assert_eq!(set("L'œuvre; d'"), "L’œuvre; d'");
        assert_eq!(Lang::En.typeset("a : b"), "a : b");
    }

    #[test]
    fn codes_with_regions_are_understood() {
        assert_eq!(Lang::from_code("fr_FR.UTF-8"), Some(Lang::Fr));
        assert_eq!(Lang::from_code("FR"), Some(Lang::Fr));
        assert_eq!(Lang::from_code("en-GB"), Some(Lang::En));
        assert_eq!(Lang::from_code("de"), None);
        assert_eq!(Lang::from_code("french"), None);
    }

    #[test]
    fn dates_by_language() {
        let time = "2021-03-03T06:49:46.210Z";
        assert_eq!(Lang::En.datetime(time), "3 March 2021 06:49:46 UTC");
        assert_eq!(Lang::Fr.datetime(time), "3 mars 2021 06:49:46 UTC");
        assert_eq!(Lang::Fr.date("2021-02-01T00:00:00Z"), "1er février 2021");
        assert_eq!(Lang::Fr.stamp(time), ("3 mars 2021".into(), "06:49:46".into()));
        assert_eq!(
            Lang::En.datetime("2021-03-03T07:49:46+01:00"),
            "3 March 2021 06:49:46 UTC"
        );
        assert_eq!(Lang::En.datetime("not\u{1b} a time"), "not␛ a time");
        assert_eq!(iso(time), "2021-03-03 06:49:46");
    }

    #[test]
    fn numbers_by_language() {
        assert_eq!(Lang::En.number(1_234_567), "1,234,567");
        assert_eq!(Lang::Fr.number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(Lang::En.number(999), "999");
        assert_eq!(Lang::En.bytes(999), "999\u{a0}B");
        assert_eq!(Lang::Fr.bytes(1_250_000), "1,2\u{a0}Mo");
        assert_eq!(Lang::En.bytes(u64::MAX), "18446.7\u{a0}PB");
    }

    #[test]
    fn percentages_never_flatter() {
        assert_eq!(Lang::En.percent(0.999), "99%");
        assert_eq!(Lang::En.percent(1.0), "100%");
        assert_eq!(Lang::En.percent(0.58), "58%");
        assert_eq!(Lang::En.percent(0.001), "<\u{a0}1%");
        assert_eq!(Lang::Fr.percent(0.0), "0\u{202f}%");
        assert_eq!(Lang::En.percent(f64::NAN), "0%");
    }

    #[test]
    fn zero_is_singular_in_french_only() {
        assert_eq!(Lang::En.plural(0, "{n} file|{n} files"), "0 files");
        assert_eq!(Lang::Fr.plural(0, "{n} fichier|{n} fichiers"), "0 fichier");
        assert_eq!(Lang::Fr.plural(2, "{n} fichier|{n} fichiers"), "2 fichiers");
        assert_eq!(Lang::En.plural(1, "{n} file|{n} files"), "1 file");
    }
}
