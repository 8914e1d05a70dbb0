//! Numbers for people.

use vigie_report::Lang;

use crate::tell;

/// `3 files`, with the word in its right number: English has the plural for nought, French the singular.
pub(crate) fn counted(count: u64, lang: Lang, english: (&str, &str), french: (&str, &str)) -> String {
    let (is_one, (one, many)) = match lang {
        Lang::En => (count == 1, english),
        Lang::Fr => (count < 2, french),
    };
    format!("{count} {}", if is_one { one } else { many })
}

/// Bytes, in the unit that gives few digits.
pub(crate) fn bytes(count: u64, lang: Lang) -> String {
    let units = match lang {
        Lang::En => ["bytes", "kB", "MB", "GB", "TB"],
        Lang::Fr => ["octets", "ko", "Mo", "Go", "To"],
    };
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 999.95 && unit + 1 < units.len() {
        size /= 1000.0;
        unit += 1;
    }
    let space = tell(lang, " ", "\u{a0}");
    match unit {
        0 => format!("{count}{space}{}", units[0]),
        _ => format!("{size:.1}{space}{}", units[unit]).replace('.', tell(lang, ".", ",")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let files = |count, lang| counted(count, lang, ("file", "files"), ("fichier", "fichiers"));
        assert_eq!(
            [
                files(0, Lang::En),
                files(1, Lang::En),
                files(0, Lang::Fr),
                files(2, Lang::Fr)
            ],
            ["0 files", "1 file", "0 fichier", "2 fichiers"]
        );
        assert_eq!(bytes(999, Lang::En), "999 bytes");
        assert_eq!(bytes(1_500_000, Lang::Fr), "1,5\u{a0}Mo");
        assert_eq!(bytes(999_960, Lang::En), "1.0 MB");
        assert_eq!(bytes(u64::MAX, Lang::En), "18446744.1 TB");
    }
}
