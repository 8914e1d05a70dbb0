//! What advisory and records say, brought together by vulnerability.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{KnownProduct, Sources};
use crate::csaf::syntax::is_cve;
use crate::cvss::Vector;
use crate::json::{Json, Node};

/// Fixed builds that a draft takes over; advisories about whole operating systems have thousands.
const MOST_BUILDS: usize = 5_000;

/// Everything a draft says.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) title: Option<String>,
    pub(super) summary: Option<String>,
    /// The advisory's day, `2021-03-02`.
    pub(super) date: Option<String>,
    pub(super) references: Vec<String>,
    pub(super) vulnerabilities: Vec<Vulnerability>,
    pub(super) products: BTreeSet<String>,
}

#[derive(Default)]
pub(super) struct Vulnerability {
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) cvss: Option<f64>,
    pub(super) without_account: Option<bool>,
    pub(super) automatable: Option<bool>,
    pub(super) public_poc: bool,
    pub(super) active: bool,
    pub(super) published: Option<String>,
    pub(super) fixed: BTreeSet<Fix>,
}

/// A product and the version that holds the fix, as the source writes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fix {
    pub(super) product: String,
    pub(super) version: Option<String>,
}

/// Where a fix stands in a pack.
pub(super) struct Place {
    pub(super) line: String,
    pub(super) cumulative_update: String,
    pub(super) build: [u32; 4],
}

/// A version as four numbers: two to four are written, the rest is nought.
pub fn version_parts(text: &str) -> Option<[u32; 4]> {
    let text = text.trim().trim_start_matches(['v', 'V', '<', '=', ' ']);
    let mut parts = [0; 4];
    let mut count = 0;
    for part in text.split('.') {
        if count == 4 || part.is_empty() || part.len() > 6 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        parts[count] = part.parse().ok()?;
        count += 1;
    }
    (count >= 2).then_some(parts)
}

pub(super) fn gather(sources: &Sources<'_>) -> Facts {
    let mut facts = Facts::default();
    let mut by_id: BTreeMap<String, Vulnerability> = BTreeMap::new();
    if let Some(advisory) = sources.advisory {
        of_advisory(advisory, &mut facts, &mut by_id);
    }
    for record in sources.records.iter().filter(|record| !record.rejected) {
        of_record(record, &mut facts, &mut by_id);
    }
    let mut left = MOST_BUILDS;
    for vulnerability in by_id.values_mut() {
        while vulnerability.fixed.len() > left {
            vulnerability.fixed.pop_last();
        }
        left -= vulnerability.fixed.len();
    }
    facts.vulnerabilities = by_id.into_values().collect();
    facts
}

fn day(text: Option<&str>) -> Option<String> {
    let day = text?.get(..10)?;
    let shape = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    day.bytes().enumerate().all(shape).then(|| day.to_owned())
}

fn of_advisory(advisory: &Json, facts: &mut Facts, by_id: &mut BTreeMap<String, Vulnerability>) {
    let root = Node::root(advisory);
    let text = |keys: &[&str]| root.at(keys).and_then(|node| node.value.as_text());
    facts.title = text(&["document", "title"]).map(str::to_owned);
    facts.date = day(text(&["document", "tracking", "initial_release_date"]));
    if let Some(head) = root.get("document") {
        facts.summary = note(&head, &["summary", "description", "general"]);
        for reference in head.list("references") {
            facts.add_reference(reference.text("url"));
        }
    }
    let products = products(&root);
    for item in root.list("vulnerabilities") {
        let Some(id) = item.text("cve").filter(|id| is_cve(id)) else {
            continue;
        };
        let one = by_id.entry(id.to_owned()).or_default();
        id.clone_into(&mut one.id);
        one.title = one.title.take().or_else(|| item.text("title").map(str::to_owned));
        one.description = one
            .description
            .take()
            .or_else(|| note(&item, &["description", "summary", "details"]));
        one.published = day(item.text("release_date")).or(one.published.take());
        for score in item.list("scores") {
            if let Some(cvss) = score.get("cvss_v3") {
                let base = cvss.value.get("baseScore").and_then(Json::as_number);
                one.add_score(base, cvss.text("vectorString"));
            }
        }
        for threat in item.list("threats") {
            let details = threat.text("details").unwrap_or_default().to_lowercase();
            one.active |= threat.text("category") == Some("exploit_status")
                && (details.contains("exploited:yes") || details.contains("actively exploited"));
        }
        let status = item.get("product_status");
        for name in ["first_fixed", "fixed", "recommended"] {
            for id in status.iter().flat_map(|status| status.list(name)) {
                if let Some(fix) = id.value.as_text().and_then(|id| products.get(id)) {
                    facts.products.insert(fix.product.clone());
                    one.fixed.insert(fix.clone());
                }
            }
        }
        for reference in item.list("references") {
            facts.add_reference(reference.text("url"));
        }
    }
}

fn note(node: &Node<'_>, categories: &[&str]) -> Option<String> {
    let notes = node.list("notes");
    let of = |category: &&str| notes.iter().find(|note| note.text("category") == Some(category));
    categories.iter().find_map(of)?.text("text").map(str::to_owned)
}

/// Products by identifier, with name and version apart.
fn products<'a>(root: &Node<'a>) -> HashMap<&'a str, Fix> {
    let mut found = HashMap::new();
    let Some(tree) = root.get("product_tree") else {
        return found;
    };
    for product in tree.list("full_product_names") {
        if let Some(id) = product.text("product_id") {
            let name = product.text("name").unwrap_or(id);
            found.insert(id, split_name(name));
        }
    }
    let mut open: Vec<(Node<'a>, Option<&'a str>, Option<&'a str>)> = tree
        .list("branches")
        .into_iter()
        .map(|branch| (branch, None, None))
        .collect();
    while let Some((branch, mut name, mut version)) = open.pop() {
        let own = branch.text("name");
        match branch.text("category") {
            Some("product_name") => name = own,
            Some("product_version" | "patch_level" | "service_pack") => version = own,
            Some("product_version_range") => version = own,
            _ => {}
        }
        if let Some(product) = branch.get("product")
            && let Some(id) = product.text("product_id")
        {
            let fix = match (name, version) {
                (Some(name), Some(version)) => Fix {
                    product: name.to_owned(),
                    version: Some(version.to_owned()),
                },
                _ => split_name(product.text("name").unwrap_or(id)),
            };
            found.insert(id, fix);
        }
        open.extend(
            branch
                .list("branches")
                .into_iter()
                .map(|inner| (inner, name, version)),
        );
    }
    found
}

/// `Exchange Server 2016 CU19 15.1.2176.9`: name and version.
fn split_name(name: &str) -> Fix {
    match name.trim().rsplit_once(' ') {
        Some((product, version)) if version_parts(version).is_some() => Fix {
            product: product.trim().to_owned(),
            version: Some(version.to_owned()),
        },
        _ => Fix {
            product: name.trim().to_owned(),
            version: None,
        },
    }
}

fn of_record(record: &crate::cve::CveRecord, facts: &mut Facts, by_id: &mut BTreeMap<String, Vulnerability>) {
    let one = by_id.entry(record.id.clone()).or_default();
    one.id.clone_from(&record.id);
    one.title = one.title.take().or_else(|| record.title.clone());
    one.description = one.description.take().or_else(|| record.description.clone());
    one.published = one.published.take().or_else(|| day(record.published.as_deref()));
    if let Some(score) = record.score() {
        one.add_score(Some(score.base), Some(&score.vector));
    }
    if let Some(ssvc) = &record.ssvc {
        one.automatable = ssvc.automatable.as_deref().map(|answer| answer == "yes");
        one.active |= ssvc.exploitation.as_deref() == Some("active");
        one.public_poc |= matches!(ssvc.exploitation.as_deref(), Some("poc" | "active"));
    }
    one.active |= record.kev_date.is_some();
    for affected in &record.affected {
        let name = affected.product.trim();
        if name.is_empty() || matches!(name, "n/a") {
            continue;
        }
        facts.products.insert(name.to_owned());
        for version in &affected.versions {
            one.fixed.insert(Fix {
                product: name.to_owned(),
                version: version.fixed_in().map(str::to_owned),
            });
        }
    }
    for reference in &record.references {
        facts.add_reference(Some(reference));
    }
    if facts.date.is_none() {
        facts.date = day(record.published.as_deref());
    }
}

impl Facts {
    fn add_reference(&mut self, url: Option<&str>) {
        if let Some(url) = url
            && url.starts_with("http")
            && self.references.len() < 20
            && !self.references.iter().any(|known| known == url)
        {
            self.references.push(url.to_owned());
        }
    }

    /// The known product that everything in here is about.
    pub(super) fn known<'a>(&self, known: &'a [KnownProduct]) -> Option<&'a KnownProduct> {
        known.iter().find(|product| {
            !self.products.is_empty() && self.products.iter().all(|name| product.line_of(name).is_some())
        })
    }
}

impl Vulnerability {
    fn add_score(&mut self, base: Option<f64>, vector: Option<&str>) {
        if self.cvss.is_none() {
            self.cvss = base.filter(|base| (0.0..=10.0).contains(base));
        }
        if self.without_account.is_none()
            && let Some(vector) = vector.and_then(|text| Vector::parse(text).ok())
        {
            self.without_account = vector.get("PR").map(|value| value == "N");
        }
    }
}

impl KnownProduct {
    /// The line a product's name belongs to: the longest title that stands in it.
    fn line_of(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        let standing = self
            .lines
            .iter()
            .filter(|(_, title)| name.contains(&title.to_lowercase()));
        standing
            .max_by_key(|(_, title)| title.len())
            .map(|(line, _)| line.as_str())
    }

    /// Where a fix stands: a published build gives its cumulative update, otherwise the name does.
    pub(super) fn place(&self, fix: &Fix) -> Option<Place> {
        let line = self.line_of(&fix.product)?.to_owned();
        let build = version_parts(fix.version.as_deref()?)?;
        let published = self
            .builds
            .iter()
            .find(|(known, _, number)| *known == line && *number == build)?;
        Some(Place {
            line,
            cumulative_update: published.1.clone(),
            build,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_told_apart() {
        assert_eq!(version_parts("15.01.2176.009"), Some([15, 1, 2176, 9]));
        assert_eq!(version_parts("7.4"), Some([7, 4, 0, 0]));
        assert_eq!(version_parts("7"), None);
        assert_eq!(version_parts("1.2.3.4.5"), None);
        let fix = split_name("Example Gateway 7.4.1");
        assert_eq!(
            (fix.product.as_str(), fix.version.as_deref()),
            ("Example Gateway", Some("7.4.1"))
        );
        assert_eq!(day(Some("2021-03-02T00:00:00Z")).as_deref(), Some("2021-03-02"));
        assert_eq!(day(Some("2021-03-é")), None);
    }
}
