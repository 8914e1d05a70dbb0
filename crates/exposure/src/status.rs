//! What a build says about a vulnerability.
//!
//! The rules, in order, for one line of the product:
//!
//! 1. The advisory declares the line not to be affected: `not_affected`.
//! 2. It has no fix for the line: a line that came out later is `not_affected`, one that was out of support is
//!    `unknown` (nobody looked), any other is `not_affected`: the advisory does not name it.
//! 3. The build's cumulative update got a fix: the revision decides. Without a revision, or from a source that security
//!    updates do not change, it is `unknown`, unless the update as it came out already holds the fix. A revision above
//!    the fix that nobody published is `unknown` too.
//! 4. The cumulative update is newer than all that got a fix: `fixed`. Older ones are `vulnerable`: they must be
//!    updated first. Older than the first affected one: `not_affected`.
//! 5. A cumulative update that nobody published is `unknown`.
//! 6. Where numbers alone tell which build is newer (`ordered` in `product.yaml`), a build need not be among the published
//!    ones: not its revision, or, where all parts grow, none of it.
//! 7. What a fix needs besides the update must have been seen to be set.
//!
//! Where a build that decides is not certain to be the vendor's, the reason says so.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use vigie_event::{Timestamp, parse_utc};
use vigie_pack::{Build, BuildNumber, Confidence, Cve, FixedIn, Ordered, Product};

use crate::observation::identifiers;
use crate::{BuildSource, Said, Version};

identifiers!(
    /// Whether a server is open to a vulnerability, best news last.
    Status {
        /// Nobody can tell.
        Unknown = "unknown",
        /// It is open.
        Vulnerable = "vulnerable",
        /// It is closed for now, by something that the next cumulative update removes.
        Mitigated = "mitigated",
        /// It was never open.
        NotAffected = "not_affected",
        /// The update is there.
        Fixed = "fixed",
    }
);

impl Status {
    /// The worst of several: what is open is worse than what nobody knows; then come the others, worst first.
    pub fn worst(statuses: impl Iterator<Item = Status>) -> Status {
        let rank = |status: &Status| match status {
            Status::Vulnerable => 0,
            Status::Unknown => 1,
            Status::Mitigated => 2,
            Status::Fixed => 3,
            Status::NotAffected => 4,
        };
        statuses.min_by_key(rank).unwrap_or(Status::Unknown)
    }
}

/// The published builds of a product, by their first three parts.
pub(crate) struct Builds<'a> {
    product: &'a Product,
    by_base: HashMap<[u32; 3], Vec<&'a Build>, RandomState>,
    sorted: Vec<&'a Build>,
}

impl<'a> Builds<'a> {
    pub(crate) fn new(product: &'a Product) -> Builds<'a> {
        let mut sorted: Vec<&Build> = product.builds.iter().collect();
        sorted.sort_by_key(|build| build.build);
        let mut by_base: HashMap<_, Vec<&Build>, _> = HashMap::default();
        for build in &sorted {
            by_base.entry(base(build.build)).or_default().push(build);
        }
        Builds {
            product,
            by_base,
            sorted,
        }
    }

    /// The published builds with these first three parts, lowest first.
    pub(crate) fn of(&self, version: Version) -> &[&'a Build] {
        self.by_base.get(&version.base).map_or(&[], Vec::as_slice)
    }

    /// Where the build of the product is read for certain.
    pub(crate) fn read_from(&self) -> Said {
        match &self.product.build_from {
            Some(text) => Said::new(text.en.clone(), text.fr.clone()),
            None => Said::new("the build on the server itself", "le build sur le serveur même"),
        }
    }

    /// The published build that this is.
    pub(crate) fn exact(&self, version: Version) -> Option<&'a Build> {
        let revision = version.revision?;
        self.of(version)
            .iter()
            .find(|build| build.build.0[3] == revision)
            .copied()
    }

    /// The line a build belongs to, published or not: that of the nearest published build below it with the same first
    /// two parts.
    pub(crate) fn line(&self, version: Version) -> Option<&'a str> {
        if let Some(build) = self.of(version).first() {
            return Some(&build.product);
        }
        let [major, minor, build] = version.base;
        let below = self
            .sorted
            .partition_point(|known| base(known.build) <= [major, minor, build]);
        let near = self.sorted[..below].last().or(self.sorted.get(below))?;
        let (one, two) = (near.build.0[0], near.build.0[1]);
        (one == major && two == minor).then_some(&near.product)
    }

    /// The sentence, with what is not certain about the published builds it rests on.
    fn doubting(&self, said: Said, versions: [Version; 2]) -> Said {
        let unsure = |version: &Version| self.exact(*version).filter(|build| !build.confidence.is_sure());
        match versions.iter().find_map(unsure) {
            Some(build) => {
                let doubt = doubt(build);
                Said::new(
                    format!("{}; {}: {}", said.en, build.build, doubt.en),
                    format!("{} ; {} : {}", said.fr, build.build, doubt.fr),
                )
            }
            None => said,
        }
    }

    /// What is not certain about the published build that this is.
    pub(crate) fn doubt(&self, version: Version) -> Option<Said> {
        let build = self.exact(version)?;
        (build.confidence != Confidence::Published).then(|| doubt(build))
    }

    /// `Exchange Server 2016 CU19` for a build, for people.
    pub(crate) fn name(&self, version: Version) -> String {
        match (self.exact(version), self.of(version).first()) {
            (Some(build), _) => build.name.clone(),
            (None, Some(build)) => format!("{} {}", self.product.title.en, update(build)),
            (None, None) => version.to_string(),
        }
    }
}

fn base(build: BuildNumber) -> [u32; 3] {
    let [major, minor, build, _] = build.0;
    [major, minor, build]
}

fn doubt(build: &Build) -> Said {
    let (en, fr) = match build.confidence {
        Confidence::Published => ("as the vendor published it", "tel que l’éditeur l’a publié"),
        Confidence::Derived => (
            "its day of release or the name of its update is derived, not the vendor’s",
            "sa date de sortie ou le nom de sa mise à jour est déduit, et ne vient pas de l’éditeur",
        ),
        Confidence::Secondary => (
            "this number comes from tables of others, not from the vendor",
            "ce numéro vient de tables de tiers, non de l’éditeur",
        ),
        Confidence::Doubtful => (
            "the tables that list this number contradict each other",
            "les tables qui citent ce numéro se contredisent",
        ),
        Confidence::Unverified => (
            "this number was noted from memory and nobody has checked it",
            "ce numéro a été noté de mémoire et personne ne l’a vérifié",
        ),
    };
    Said::new(en, fr)
}

/// `2016 CU19`.
fn update(build: &Build) -> String {
    format!("{} {}", build.product, build.cumulative_update)
}

/// A vulnerability, with its fixes by line.
pub(crate) struct Judged<'a> {
    pub(crate) cve: &'a Cve,
    /// When it was made public: the day its first fix came out, unless the pack says.
    pub(crate) published: Option<Timestamp>,
}

impl<'a> Judged<'a> {
    pub(crate) fn new(cve: &'a Cve, builds: &Builds<'_>) -> Judged<'a> {
        let of_fixes = cve.fixed.iter().filter_map(|fixed| {
            let build = builds.exact(Version::from(fixed.build))?;
            parse_utc(&build.release_date)
        });
        let given = cve.published.as_deref().and_then(parse_utc);
        Judged {
            cve,
            published: given.or_else(|| of_fixes.min()),
        }
    }

    /// Since when it was public, or exploited in secret.
    pub(crate) fn known_from(&self) -> Option<Timestamp> {
        let exploited = self.cve.exploited_from.as_deref().and_then(parse_utc);
        [self.published, exploited].into_iter().flatten().min()
    }

    /// What a build says, and why.
    pub(crate) fn status(
        &self,
        builds: &Builds<'_>,
        line: &str,
        version: Version,
        source: BuildSource,
    ) -> (Status, Said) {
        let fixes: Vec<&FixedIn> = self
            .cve
            .fixed
            .iter()
            .filter(|fixed| fixed.product == line)
            .collect();
        let declared = self.cve.not_affected.iter().any(|none| none.product == line);
        let Some(newest) = fixes.iter().map(|fixed| fixed.build).max().filter(|_| !declared) else {
            return self.of_line(builds, line);
        };
        let fix = fixes
            .iter()
            .map(|fixed| fixed.build)
            .filter(|build| base(*build) == version.base)
            .min();
        let listed = !builds.of(version).is_empty() || builds.product.ordered == Ordered::Build;
        let (status, said) = match fix {
            Some(fix) => within_update(builds, fix, version, source),
            None if !listed => (Status::Unknown, unpublished(builds, version)),
            None if version.base > base(newest) => (Status::Fixed, released_later(builds, version)),
            None => self.without_update(builds, line, version),
        };
        let deciding = fix.unwrap_or(newest);
        (status, builds.doubting(said, [Version::from(deciding), version]))
    }

    /// What the line alone says, of which no build got a fix.
    pub(crate) fn of_line(&self, builds: &Builds<'_>, line: &str) -> (Status, Said) {
        if let Some(none) = self.cve.not_affected.iter().find(|none| none.product == line) {
            return (
                Status::NotAffected,
                Said::new(none.why.en.clone(), none.why.fr.clone()),
            );
        }
        let known = builds.product.line(line);
        let title = known.map_or(line, |known| known.title.as_str());
        let day = |day: &Option<String>| day.as_deref().and_then(parse_utc);
        let released = known.and_then(|known| day(&known.released));
        let ended = known.and_then(|known| day(&known.end_of_support));
        if let (Some(released), Some(published)) = (released, self.published)
            && released > published
        {
            let said = Said::new(
                format!("{title} came out after the fix"),
                format!("{title} est sorti après le correctif"),
            );
            return (Status::NotAffected, said);
        }
        if let (Some(ended), Some(published)) = (ended, self.published)
            && ended < published
        {
            let end = known
                .and_then(|known| known.end_of_support.as_deref())
                .unwrap_or_default();
            let said = Said::new(
                format!(
                    "{title} was out of support since {end}: the advisory does not speak of it, treat it as vulnerable"
                ),
                format!(
                    "{title} n’est plus maintenu depuis le {end} : l’avis n’en parle pas, le traiter comme vulnérable"
                ),
            );
            return (Status::Unknown, said);
        }
        let said = Said::new(
            format!("the advisory does not name {title}"),
            format!("l’avis ne cite pas {title}"),
        );
        (Status::NotAffected, said)
    }

    /// A cumulative update that is older than others that got a fix, and got none itself.
    fn without_update(&self, builds: &Builds<'_>, line: &str, version: Version) -> (Status, Said) {
        let first = self.cve.affected_from.iter().find(|first| first.product == line);
        if let Some(first) = first
            && version.base < base(first.build)
        {
            let said = Said::new(
                format!("{line} is affected from {} on", first.cumulative_update),
                format!("{line} n’est touché qu’à partir de {}", first.cumulative_update),
            );
            return (Status::NotAffected, said);
        }
        let name = builds
            .of(version)
            .first()
            .map_or_else(|| version.to_string(), |build| update(build));
        let said = Said::new(
            format!("{name} got no update for this: a newer cumulative update must come first"),
            format!(
                "{name} n’a pas reçu de correctif : il faut d’abord une mise à jour cumulative plus récente"
            ),
        );
        (Status::Vulnerable, said)
    }
}

/// The revision decides.
fn within_update(
    builds: &Builds<'_>,
    fix: BuildNumber,
    version: Version,
    source: BuildSource,
) -> (Status, Said) {
    let published = builds.of(version);
    // Where not every build is listed, one that is not may be older than the fix.
    let all_listed = builds.product.ordered == Ordered::No;
    let holds_from_start = all_listed && published.first().is_some_and(|first| first.build >= fix);
    let revision = version.revision.filter(|_| source.shows_security_updates());
    let Some(revision) = revision else {
        if holds_from_start {
            return (Status::Fixed, released_later(builds, version));
        }
        let older = published.first().filter(|first| first.build < fix);
        let older = older.map_or_else(String::new, |first| format!("{} ", first.build));
        let said = Said::new(
            format!(
                "{} cannot tell {older}(vulnerable) from {fix} (fixed): read {}",
                seen(version, source),
                builds.read_from().en
            ),
            format!(
                "{} ne distingue pas {older}(vulnérable) de {fix} (corrigé) : lire {}",
                seen_fr(version, source),
                builds.read_from().fr
            ),
        );
        return (Status::Unknown, said);
    };
    if revision < fix.0[3] {
        let said = Said::new(
            format!(
                "{} is older than {fix}, the first build with the fix",
                builds.name(version)
            ),
            format!(
                "{} est antérieur à {fix}, premier build corrigé",
                builds.name(version)
            ),
        );
        return (Status::Vulnerable, said);
    }
    if builds.exact(version).is_none() && builds.product.ordered == Ordered::No {
        let said = Said::new(
            format!(
                "{version} is above {fix}, which holds the fix, but nobody published it: read {} again",
                builds.read_from().en
            ),
            format!(
                "{version} est au-dessus de {fix}, qui contient le correctif, mais n’a jamais été publié : relire {}",
                builds.read_from().fr
            ),
        );
        return (Status::Unknown, said);
    }
    let said = Said::new(
        format!("{} holds the fix ({fix} or later)", builds.name(version)),
        format!(
            "{} contient le correctif ({fix} ou plus récent)",
            builds.name(version)
        ),
    );
    (Status::Fixed, said)
}

fn seen(version: Version, source: BuildSource) -> String {
    match source {
        BuildSource::AdminDisplayVersion => format!("{version} from AdminDisplayVersion or the registry"),
        _ => version.without_revision().to_string(),
    }
}

fn seen_fr(version: Version, source: BuildSource) -> String {
    match source {
        BuildSource::AdminDisplayVersion => format!("{version} lu dans AdminDisplayVersion ou le registre"),
        _ => version.without_revision().to_string(),
    }
}

fn released_later(builds: &Builds<'_>, version: Version) -> Said {
    let name = builds.name(version);
    Said::new(
        format!("{name} came out after the fix and holds it"),
        format!("{name} est sorti après le correctif et le contient"),
    )
}

fn unpublished(builds: &Builds<'_>, version: Version) -> Said {
    Said::new(
        format!(
            "{version} is not among the published builds: read {} again, or update the pack",
            builds.read_from().en
        ),
        format!(
            "{version} ne figure pas parmi les builds publiés : relire {}, ou mettre le pack à jour",
            builds.read_from().fr
        ),
    )
}
