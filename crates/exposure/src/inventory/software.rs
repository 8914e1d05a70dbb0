//! What the names of installed programs say of Exchange.
//!
//! Setup registers Exchange as a program, `Microsoft Exchange Server 2016 Cumulative Update 19`, with the build of that
//! cumulative update. Security updates leave that build as it is: its source is that of AdminDisplayVersion and the
//! registry. They are programs of their own, with a KB number.

use vigie_pack::Product;

use super::words;
use crate::{BuildSource, Fact, ProductLine, Version};

/// What makes a program with Exchange in its name something else than the server.
const NOT_THE_SERVER: [&str; 8] = [
    "language pack",
    "module linguistique",
    "management tools",
    "outils de gestion",
    "web services",
    "best practices",
    "speech",
    "monitoring",
];

/// How the version of a program was found out: by the file of which it is the version, else in the registry.
pub(super) fn source_of(paths: &str) -> BuildSource {
    let has_setup = paths.to_ascii_lowercase().contains("exsetup.exe");
    match has_setup {
        true => BuildSource::ExSetup,
        false => BuildSource::AdminDisplayVersion,
    }
}

/// What a program says; nothing where it is no part of an Exchange server. The error is a version that is none.
pub(super) fn facts(
    name: &str,
    version: Option<&str>,
    source: BuildSource,
    products: &[Product],
) -> Result<Vec<Fact>, String> {
    let lower = name.to_lowercase();
    if !lower.contains("exchange") || NOT_THE_SERVER.iter().any(|other| lower.contains(other)) {
        return Ok(Vec::new());
    }
    if let Some(update) = update(&lower) {
        return Ok(vec![Fact::Product(line(name, products)), Fact::Update(update)]);
    }
    // `exchange_server` is what Defender calls it.
    let is_server = lower.starts_with("microsoft exchange server") || lower.starts_with("exchange_server");
    if !is_server {
        return Ok(Vec::new());
    }
    let mut facts = vec![Fact::Product(line(name, products))];
    let version = match version.map(|text| (text, text.parse::<Version>())) {
        None => words::product(&abbreviated(name), products)
            .and_then(|named| named.version)
            .map(|version| (version, BuildSource::AdminDisplayVersion)),
        Some((_, Ok(version))) if matches!(version.base[0], 8 | 14 | 15) => Some((version, source)),
        Some((text, _)) => return Err(text.to_owned()),
    };
    facts.extend(version.map(|(version, source)| Fact::Build { version, source }));
    Ok(facts)
}

/// The KB number of an update of Exchange Server.
fn update(lower: &str) -> Option<String> {
    let is_update = ["update", "hotfix", "mise à jour", "correctif"]
        .iter()
        .any(|word| lower.starts_with(word) || lower.starts_with(&format!("security {word}")));
    let number = lower.contains("exchange server").then(|| knowledge_base(lower))?;
    number.filter(|_| is_update)
}

/// `KB5000871` in `Security Update for Exchange Server 2016 Cumulative Update 19 (KB5000871)`.
pub(super) fn knowledge_base(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    upper.match_indices("KB").find_map(|(at, _)| {
        let digits: String = upper[at + 2..]
            .chars()
            .take_while(char::is_ascii_digit)
            .take(8)
            .collect();
        (digits.len() >= 6).then(|| format!("KB{digits}"))
    })
}

fn line(name: &str, products: &[Product]) -> ProductLine {
    let exchange = ProductLine {
        product: "exchange".to_owned(),
        line: None,
    };
    words::product(&abbreviated(name), products).map_or(exchange, |named| named.product)
}

/// With the updates' names as they are abbreviated everywhere else.
fn abbreviated(name: &str) -> String {
    let mut text = name.to_lowercase();
    for (long, short) in [
        ("cumulative update ", "cu"),
        ("mise à jour cumulative ", "cu"),
        ("update rollup ", "ru"),
        ("service pack ", "sp"),
    ] {
        text = text.replace(long, short);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, version: Option<&str>) -> String {
        let products = Product::embedded().unwrap_or_default();
        match facts(name, version, BuildSource::AdminDisplayVersion, &products) {
            Ok(facts) => {
                let each = facts.iter().map(|fact| match fact {
                    Fact::Product(product) => product.line.clone().unwrap_or_else(|| "?".into()),
                    Fact::Build { version, .. } => version.to_string(),
                    Fact::Update(update) => update.clone(),
                    other => format!("{other:?}"),
                });
                each.collect::<Vec<_>>().join(" ")
            }
            Err(text) => format!("! {text}"),
        }
    }

    #[test]
    fn the_server_and_its_updates_are_told_from_everything_else_with_exchange_in_its_name() {
        for (name, version, expected) in [
            (
                "Microsoft Exchange Server 2016 Cumulative Update 19",
                Some("15.1.2176.2"),
                "2016 15.1.2176.2",
            ),
            (
                "Microsoft Exchange Server 2016 Cumulative Update 19",
                None,
                "2016 15.1.2176",
            ),
            (
                "Microsoft Exchange Server 2010",
                Some("14.3.123.4"),
                "2010 14.3.123.4",
            ),
            ("Microsoft Exchange Server", Some("15.2.792.3"), "? 15.2.792.3"),
            (
                "Microsoft Exchange Server Subscription Edition RTM",
                None,
                "SE 15.2.2562",
            ),
            ("exchange_server", Some("15.1.2507.35"), "? 15.1.2507.35"),
            (
                "Security Update for Exchange Server 2016 Cumulative Update 19 (KB5000871)",
                Some("15.1.2176.9"),
                "2016 KB5000871",
            ),
            (
                "Update Rollup 31 for Exchange Server 2010 Service Pack 3 (KB5000978) 14.3.509.0",
                None,
                "2010 KB5000978",
            ),
            ("Microsoft Exchange Server 2016", Some("soon"), "! soon"),
            (
                "Microsoft Exchange Server Language Pack - French",
                Some("15.1.2176.2"),
                "",
            ),
            (
                "Microsoft Exchange Web Services Managed API 2.2",
                Some("15.0.913.15"),
                "",
            ),
            ("Veeam Explorer for Microsoft Exchange", Some("11.0.0.837"), ""),
            (
                "Kaspersky Security for Microsoft Exchange Servers",
                Some("9.6"),
                "",
            ),
            ("Microsoft Exchange Online PowerShell", Some("16.0"), ""),
            ("7-Zip 19.00", Some("19.00"), ""),
        ] {
            assert_eq!(told(name, version), expected, "{name}");
        }
    }

    #[test]
    fn a_version_of_exsetup_says_more_than_one_of_the_registry() {
        assert_eq!(
            source_of(r"C:\Program Files\Microsoft\Exchange Server\V15\bin\ExSetup.exe"),
            BuildSource::ExSetup
        );
        assert_eq!(source_of(""), BuildSource::AdminDisplayVersion);
    }
}
