//! Languages: 6.1.12, 6.1.15, 6.1.28, 6.2.12, 6.2.14, 6.2.15.

use super::schema::short;
use super::syntax;
use super::tree::Document;
use super::{Finding, Report};

pub(super) fn check(document: &Document<'_>, report: &mut Report) {
    let lang = document.text(&["document", "lang"]);
    let source = document.text(&["document", "source_lang"]);
    for (path, tag) in [("/document/lang", lang), ("/document/source_lang", source)] {
        let Some(tag) = tag else {
            continue;
        };
        if !syntax::is_known_language(tag) {
            let message = format!("{:?} is no registered language", short(tag));
            report.add(Finding::error("6.1.12", path, message));
        }
        if syntax::is_private_language(tag) {
            let message = format!("{:?} is for private use", short(tag));
            report.add(Finding::warning("6.2.14", path, message));
        }
        if tag.eq_ignore_ascii_case("i-default") {
            let message = "\"i-default\" says nothing about the language".to_owned();
            report.add(Finding::warning("6.2.15", path, message));
        }
    }
    if document.text(&["document", "publisher", "category"]) == Some("translator") && source.is_none() {
        let message = "a translator gives the language of the original".to_owned();
        report.add(Finding::error("6.1.15", "/document/source_lang", message));
    }
    if let (Some(lang), Some(source)) = (lang, source)
        && lang.eq_ignore_ascii_case(source)
    {
        let message = "the translation has the language of the original".to_owned();
        report.add(Finding::error("6.1.28", "/document/source_lang", message));
    }
    if lang.is_none() {
        let message = "the document does not say its language".to_owned();
        report.add(Finding::warning("6.2.12", "/document/lang", message));
    }
}
