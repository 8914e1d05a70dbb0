//! The updates of one line that there are on one day.

use std::collections::{BTreeMap, BTreeSet};

use vigie_event::{Timestamp, parse_utc};
use vigie_pack::{Build, BuildNumber, LineRemedy, Remediation, Update};

use super::node::StepId;
use crate::knowledge::Knowledge;
use crate::{BuildSource, Status, Version};

/// An update of a line: all builds with the same first three parts.
pub(crate) struct Offer<'p> {
    pub(crate) base: [u32; 3],
    /// The update as it came out.
    pub(crate) first: &'p Build,
    /// The newest security update for it that everybody gets.
    pub(crate) newest: Option<&'p Build>,
    /// All builds on offer, oldest first.
    pub(crate) builds: Vec<&'p Build>,
    /// Whether `first` and `newest` close everything.
    pub(crate) first_closed: bool,
    pub(crate) newest_closed: bool,
    /// Whether newer updates already get security updates that this one did not get.
    pub(crate) superseded: bool,
    pub(crate) needs: Option<&'p Update>,
    /// Indices of the supported versions of the .NET Framework; empty when not known.
    pub(crate) supported: Vec<usize>,
    /// A rollup of Exchange 2010, which is a patch within its service pack.
    pub(crate) rollup: bool,
}

/// The updates of one line on one day.
pub(crate) struct Catalogue<'p> {
    pub(crate) remediation: &'p Remediation,
    /// Index of what the remediation says of the line.
    pub(crate) line: Option<usize>,
    pub(crate) title: String,
    /// Lowest build first.
    pub(crate) offers: Vec<Offer<'p>>,
    /// Whether no update will come any more.
    pub(crate) ended: bool,
    /// Whether the last hybrid server can be replaced by tools.
    pub(crate) tools: bool,
    /// Risk and minutes at P50 of each step, by its number in [`StepId::ALL`].
    costs: Vec<(u32, u32)>,
}

impl<'p> Catalogue<'p> {
    pub(crate) fn new(
        knowledge: &Knowledge<'p>,
        public_cves: &[usize],
        remediation: &'p Remediation,
        line: &str,
        as_of: Timestamp,
    ) -> Catalogue<'p> {
        let product = knowledge.product();
        let known = product.line(line);
        let remedy = remediation.line(line);
        let day = |day: &Option<String>| day.as_deref().and_then(parse_utc);
        let end = known.and_then(|known| day(&known.end_of_support));
        let last = known.and_then(|known| day(&known.extended_until)).or(end);
        let public = |build: &Build| {
            let released = parse_utc(&build.release_date);
            released.is_some_and(|released| released <= as_of && end.is_none_or(|end| released <= end))
                || remedy.is_some_and(|remedy| remedy.public_exceptions.contains(&build.build))
                    && released.is_some_and(|released| released <= as_of)
        };
        let mut by_base: BTreeMap<[u32; 3], Vec<&'p Build>> = BTreeMap::new();
        let usable = |build: &&Build| {
            build.product == line
                && public(build)
                && build.cumulative_update != "Preview"
                && build
                    .security_update
                    .as_deref()
                    .is_none_or(|name| !name.starts_with("IU"))
        };
        for build in product.builds.iter().filter(usable) {
            let [major, minor, number, _] = build.build.0;
            by_base.entry([major, minor, number]).or_default().push(build);
        }
        let closed = |build: BuildNumber| {
            let answers = knowledge.answers(Some(line), Version::from(build), BuildSource::ExSetup);
            public_cves
                .iter()
                .filter_map(|index| answers.get(*index))
                .all(|(status, _)| matches!(status, Status::Fixed | Status::NotAffected))
        };
        let mut offers: Vec<Offer<'p>> = by_base
            .into_iter()
            .filter_map(|(base, builds)| offer(base, builds, remediation, &closed))
            .collect();
        mark_superseded(&mut offers);
        let tools = day(&remediation.management_tools_since).is_some_and(|since| since <= as_of);
        Catalogue {
            remediation,
            line: remediation.lines.iter().position(|known| known.line == line),
            title: known.map_or_else(|| line.to_owned(), |known| known.title.clone()),
            offers,
            ended: last.is_some_and(|last| last < as_of),
            tools,
            costs: StepId::ALL
                .iter()
                .map(|step| {
                    let text = remediation.steps.get(step.id());
                    text.map_or((0, 0), |text| (text.risk, text.p50_h.0))
                })
                .collect(),
        }
    }

    /// What the remediation says of the line.
    pub(crate) fn remedy(&self) -> Option<&'p LineRemedy> {
        self.remediation.lines.get(self.line?)
    }

    /// Risk and minutes at P50 of a step.
    pub(super) fn cost(&self, step: StepId) -> (u32, u32) {
        self.costs.get(step as usize).copied().unwrap_or_default()
    }
}

fn offer<'p>(
    base: [u32; 3],
    mut builds: Vec<&'p Build>,
    remediation: &'p Remediation,
    closed: &impl Fn(BuildNumber) -> bool,
) -> Option<Offer<'p>> {
    builds.sort_by_key(|build| build.build);
    let rollup = builds.iter().any(|build| build.cumulative_update.contains(" RU"));
    let first = if rollup {
        builds.last().copied()?
    } else {
        let plain = builds.iter().rev().find(|build| build.security_update.is_none());
        plain.copied()?
    };
    let newest = builds.last().copied().filter(|newest| newest.build > first.build);
    let needs = remediation
        .updates
        .iter()
        .find(|update| update.base() == Some(base));
    let dotnet = |release: &u32| {
        let known = &remediation.dotnet;
        known.iter().position(|version| version.release == *release)
    };
    let supported = needs.map(|needs| needs.dotnet.iter().filter_map(dotnet).collect());
    Some(Offer {
        base,
        first,
        newest,
        first_closed: closed(first.build),
        newest_closed: newest.is_some_and(|newest| closed(newest.build)),
        superseded: false,
        needs,
        supported: supported.unwrap_or_default(),
        rollup,
        builds,
    })
}

/// An update is superseded when a newer one got a security update that this one, already out, did not get.
fn mark_superseded(offers: &mut [Offer<'_>]) {
    let mut newer: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut rollup_above = false;
    for offer in offers.iter_mut().rev() {
        let own: BTreeSet<&str> = offer
            .builds
            .iter()
            .filter_map(|build| build.security_update.as_deref())
            .collect();
        let released = offer.first.release_date.as_str();
        offer.superseded = rollup_above
            || newer
                .iter()
                .any(|(name, day)| *day > released && !own.contains(name));
        rollup_above |= offer.rollup;
        for build in &offer.builds {
            if let Some(name) = build.security_update.as_deref() {
                newer.insert((name, build.release_date.as_str()));
            }
        }
    }
}
