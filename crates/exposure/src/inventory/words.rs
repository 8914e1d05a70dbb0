//! Words as people write them in inventories, in English and French.

use vigie_pack::Product;

use crate::{BuildSource, MissionImpact, ProductLine, Topology, Version};

/// Letters and digits alone, in lower case and without accents: what two spellings of a word have in common.
pub(super) fn plain(text: &str) -> String {
    let without_accent = |c: char| match c {
        'à' | 'â' | 'ä' | 'á' | 'ã' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' | 'í' => 'i',
        'ô' | 'ö' | 'ó' => 'o',
        'û' | 'ù' | 'ü' | 'ú' => 'u',
        'ç' => 'c',
        'œ' => 'o',
        other => other,
    };
    text.chars()
        .flat_map(char::to_lowercase)
        .map(without_accent)
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// An answer to a yes-or-no question; `Some(None)` where somebody wrote that he does not know.
pub(super) fn yes_or_no(text: &str) -> Option<Option<bool>> {
    let answer = match plain(text).as_str() {
        "yes" | "y" | "oui" | "o" | "true" | "vrai" | "1" | "x" | "published" | "publie" | "expose"
        | "open" | "ouvert" => Some(true),
        "no" | "n" | "non" | "false" | "faux" | "0" | "notpublished" | "nonpublie" | "interne"
        | "internal" | "closed" | "ferme" => Some(false),
        "" | "unknown" | "inconnu" | "inconnue" | "nc" | "na" | "averifier" | "tbd" | "nsp" => None,
        _ => return None,
    };
    Some(answer)
}

/// How a server works with Exchange Online.
pub(super) fn topology(text: &str) -> Option<Topology> {
    if let Some(known) = Topology::from_id(text.trim()) {
        return Some(known);
    }
    let word = plain(text);
    let has = |part: &str| word.contains(part);
    match () {
        () if has("hybrid")
            && (has("management") || has("gestion") || has("recipient") || has("destinataire")) =>
        {
            Some(Topology::HybridManagementOnly)
        }
        () if has("hybrid") => Some(Topology::Hybrid),
        () if has("onprem") || has("surplace") || has("sursite") || has("local") || has("interne") => {
            Some(Topology::OnPrem)
        }
        () if has("online") || has("365") || has("cloud") || has("nuage") => Some(Topology::Online),
        () => None,
    }
}

/// What stops with a server.
pub(super) fn mission_impact(text: &str) -> Option<MissionImpact> {
    if let Some(known) = MissionImpact::from_id(text.trim()) {
        return Some(known);
    }
    match plain(text).as_str() {
        "low" | "faible" | "degraded" | "degrade" => Some(MissionImpact::Degraded),
        "medium" | "moyen" | "moyenne" | "support" => Some(MissionImpact::SupportCrippled),
        "high" | "eleve" | "elevee" | "fort" | "forte" | "essential" | "essentiel" => {
            Some(MissionImpact::Failure)
        }
        "critical" | "critique" | "veryhigh" | "treseleve" | "vital" | "vitale" => {
            Some(MissionImpact::MissionFailure)
        }
        _ => None,
    }
}

/// How a build was found out.
pub(super) fn build_source(text: &str) -> Option<BuildSource> {
    let word = plain(text);
    let known = BuildSource::ALL
        .iter()
        .copied()
        .find(|source| plain(source.id()) == word);
    known.or(match () {
        () if word.contains("exsetup") => Some(BuildSource::ExSetup),
        () if word.contains("healthchecker") => Some(BuildSource::HealthChecker),
        () if word.contains("hash") || word.contains("empreinte") => Some(BuildSource::FileHash),
        () if word.contains("exporttool") => Some(BuildSource::ExportTool),
        () if word.contains("owa") => Some(BuildSource::XOwaVersion),
        () if word.contains("log") || word.contains("journal") => Some(BuildSource::Log),
        () if word.contains("path") || word.contains("chemin") => Some(BuildSource::Path),
        () if word.contains("display") || word.contains("regist") => Some(BuildSource::AdminDisplayVersion),
        () => None,
    })
}

/// A product as people write it: `Microsoft Exchange Server 2016 CU19`.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) product: ProductLine,
    /// The build of the update it names, without a revision: the name says nothing of security updates.
    pub(super) version: Option<Version>,
}

/// Finds the product, its line and its update in a text.
pub(super) fn product(text: &str, products: &[Product]) -> Option<Named> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .map(plain)
        .filter(|word| !word.is_empty())
        .collect();
    let joined = words.concat();
    let product = products.iter().find(|product| {
        let id = plain(&product.id);
        let first = product.title.en.split(' ').next().map(plain).unwrap_or_default();
        joined.contains(&id) || joined.contains(&first)
    })?;
    let mut lines = product.lines.iter();
    let line = lines
        .find(|line| words.iter().any(|word| *word == plain(&line.line)))
        .or_else(|| {
            product
                .lines
                .iter()
                .find(|line| line.line == "SE" && joined.contains("subscription"))
        });
    let update = line.and_then(|line| {
        let of_line = product
            .builds
            .iter()
            .filter(|build| build.product == line.line && build.security_update.is_none());
        let named = |update: &str| {
            let update = plain(update);
            words.contains(&update)
                || joined.ends_with(&update)
                || joined.contains(&format!("{}{update}", plain(&line.line)))
        };
        // The longest name: `CU1` is in `CU19` too.
        of_line
            .filter(|build| named(&build.cumulative_update))
            .max_by_key(|build| build.cumulative_update.len())
    });
    Some(Named {
        product: ProductLine {
            product: product.id.clone(),
            line: line.map(|line| line.line.clone()),
        },
        version: update.map(|build| Version::from(build.build).without_revision()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_both_languages() {
        for yes in ["oui", "Yes", "VRAI", "x", "1", "Publié", "exposé"] {
            assert_eq!(yes_or_no(yes), Some(Some(true)), "{yes}");
        }
        for no in ["non", "No", "faux", "0", "non publié"] {
            assert_eq!(yes_or_no(no), Some(Some(false)), "{no}");
        }
        for unknown in ["?", "", "inconnu", "N/C", "à vérifier"] {
            assert_eq!(yes_or_no(unknown), Some(None), "{unknown}");
        }
        assert_eq!(yes_or_no("peut-être"), None);
        assert_eq!(topology("Hybride"), Some(Topology::Hybrid));
        assert_eq!(
            topology("hybride (gestion seule)"),
            Some(Topology::HybridManagementOnly)
        );
        assert_eq!(topology("On-Premises"), Some(Topology::OnPrem));
        assert_eq!(topology("Exchange Online"), Some(Topology::Online));
        assert_eq!(topology("lunar"), None);
        assert_eq!(mission_impact("Critique"), Some(MissionImpact::MissionFailure));
    }

    #[test]
    fn products_as_people_write_them() {
        let products = Product::embedded().unwrap_or_default();
        let told = |text: &str| {
            let named = product(text, &products)?;
            let line = named.product.line.unwrap_or_default();
            let version = named
                .version
                .map(|version| version.to_string())
                .unwrap_or_default();
            Some(format!("{} {line} {version}", named.product.product))
        };
        assert_eq!(
            told("Microsoft Exchange Server 2016 CU19").as_deref(),
            Some("exchange 2016 15.1.2176")
        );
        assert_eq!(
            told("exchange 2013 cu 23").as_deref(),
            Some("exchange 2013 15.0.1497")
        );
        assert_eq!(told("Exchange 2019").as_deref(), Some("exchange 2019 "));
        assert_eq!(told("Exchange Server SE").as_deref(), Some("exchange SE "));
        assert_eq!(
            told("Exchange Server Subscription Edition RTM").as_deref(),
            Some("exchange SE 15.2.2562")
        );
        assert_eq!(told("Lotus Domino 9"), None);
    }
}
