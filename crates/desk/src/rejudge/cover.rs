//! Which findings the catalogue covers.

use std::collections::{BTreeMap, HashMap};

use vigie_detect::sigma::Placeholders;
use vigie_hunt::{SuppressionFile, Suppressions};

use crate::catalogue::{self, InForce};
use crate::db::{Reader, Sql, params};
use crate::desk::Tx;
use crate::findings::FindingState;
use crate::{CampaignId, DismissalId, FindingId, HuntId, Result, ServerId, TenantId, Time};

/// A finding as far as judging needs it.
pub(super) struct Stored {
    pub(super) id: FindingId,
    pub(super) tenant: TenantId,
    pub(super) server: ServerId,
    pub(super) campaign: CampaignId,
    pub(super) basis: String,
    rule: String,
    state: FindingState,
    count: i64,
    sources: Vec<String>,
    covered_by: Option<DismissalId>,
    dismissal_id: Option<DismissalId>,
    decided_at: Option<Time>,
    revision: i64,
    hunt: HuntId,
}

impl Stored {
    pub(super) const COLUMNS: &str = "f.id, f.tenant_id, f.server_id, f.campaign_id, f.basis, f.rule_id, f.state, f.count, \
         f.sources, f.covered_by, f.dismissal_id, f.decided_at, f.revision, f.hunt_id";

    pub(super) fn read(row: &mut Reader) -> Result<Stored> {
        Ok(Stored {
            id: row.get()?,
            tenant: row.get()?,
            server: row.get()?,
            campaign: row.get()?,
            basis: row.get()?,
            rule: row.get()?,
            state: row.get()?,
            count: row.get()?,
            sources: row.json()?,
            covered_by: row.get()?,
            dismissal_id: row.get()?,
            decided_at: row.get()?,
            revision: row.get()?,
            hunt: row.get()?,
        })
    }
}

/// The entries that hold now, ready to be asked.
pub(super) struct Catalogue {
    entries: Vec<InForce>,
    matcher: Suppressions,
    /// By entry: its place in the matcher, which has none for what it refuses.
    places: HashMap<usize, usize>,
}

/// What is known of a finding's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    /// This entry takes all of them.
    By(usize),
    /// All that were kept are taken, and there were more.
    Undecided,
    /// There are some that no entry takes.
    No,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Became {
    /// As it was.
    Same,
    /// It stays open, since not all its events were kept.
    Undecided,
    /// It is covered now.
    Covered,
    /// It is not any more.
    Uncovered,
}

impl Catalogue {
    /// For one tenant, or about one rule.
    pub(super) fn load(tx: &mut Tx<'_>, tenant: Option<&TenantId>, rule: Option<&str>) -> Result<Catalogue> {
        let entries = catalogue::in_force(tx, tenant, rule)?;
        let files: Vec<SuppressionFile> = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| SuppressionFile {
                path: index.to_string(),
                ..entry.file(&entry.tenant)
            })
            .collect();
        let matcher = Suppressions::read(&files, &Placeholders::default());
        let places = matcher
            .entries
            .iter()
            .enumerate()
            .filter_map(|(place, entry)| Some((entry.path.parse().ok()?, place)))
            .collect();
        Ok(Catalogue {
            entries,
            matcher,
            places,
        })
    }

    fn holds(&self, id: &DismissalId) -> bool {
        self.entries.iter().any(|entry| entry.id == *id)
    }

    /// The entries that are about a finding, the one that covers it first, then the one it became.
    fn about(&self, finding: &Stored) -> Vec<usize> {
        let mut about: Vec<usize> = (0..self.entries.len())
            .filter(|&index| {
                let entry = &self.entries[index];
                entry.rule == finding.rule && entry.is_on(&finding.tenant, &finding.server)
            })
            .collect();
        about.sort_by_key(|&index| {
            let id = Some(&self.entries[index].id);
            (
                id != finding.covered_by.as_ref(),
                id != finding.dismissal_id.as_ref(),
            )
        });
        about
    }

    fn cover(&self, finding: &Stored, about: &[usize], lines: &[BTreeMap<String, String>]) -> Cover {
        let mut found = Cover::No;
        for &index in about {
            let Some(&place) = self.places.get(&index) else {
                continue;
            };
            if self.entries[index].fields.is_empty() {
                return Cover::By(index);
            }
            let takes = |fields: &BTreeMap<String, String>| {
                let holds = |source: &String| self.matcher.holds(place, source, fields);
                !finding.sources.is_empty() && finding.sources.iter().all(holds)
            };
            if lines.is_empty() || !lines.iter().all(takes) {
                continue;
            }
            if finding.count <= lines.len() as i64 {
                return Cover::By(index);
            }
            found = Cover::Undecided;
        }
        found
    }

    /// Judges findings, and says what became of each.
    pub(super) fn judge(&self, tx: &mut Tx<'_>, findings: &[Stored]) -> Result<Vec<Became>> {
        let about: Vec<Vec<usize>> = findings.iter().map(|finding| self.about(finding)).collect();
        let lines = self.lines(tx, findings, &about)?;
        let mut became = Vec::new();
        for (finding, about) in findings.iter().zip(&about) {
            let lines = lines.get(&finding.id).map_or(&[][..], Vec::as_slice);
            became.push(self.apply(tx, finding, self.cover(finding, about, lines))?);
        }
        Ok(became)
    }

    /// The fields of the lines of proof, where an entry asks for some.
    fn lines(
        &self,
        tx: &mut Tx<'_>,
        findings: &[Stored],
        about: &[Vec<usize>],
    ) -> Result<HashMap<FindingId, Vec<BTreeMap<String, String>>>> {
        let asked = findings.iter().zip(about).filter(|(_, about)| {
            let asks = |&index: &usize| !self.entries[index].fields.is_empty();
            about.iter().any(asks)
        });
        let mut sql = Sql::new("SELECT finding_id, fields FROM finding_line WHERE ");
        sql.one_of("finding_id", asked.map(|(finding, _)| &finding.id));
        let mut lines: HashMap<FindingId, Vec<BTreeMap<String, String>>> = HashMap::new();
        for row in tx.rows(&sql)? {
            let mut row = row.reader();
            lines.entry(row.get()?).or_default().push(row.json()?);
        }
        Ok(lines)
    }

    fn apply(&self, tx: &mut Tx<'_>, finding: &Stored, cover: Cover) -> Result<Became> {
        let by_person = finding.dismissal_id.is_some();
        let holds = finding.dismissal_id.as_ref().is_some_and(|id| self.holds(id));
        let entry = match cover {
            Cover::By(index) => self.entries.get(index),
            _ => None,
        };
        // What somebody decided after the entry was made, knowing it, is not decided again.
        let decided_since = |entry: &InForce| finding.decided_at.is_some_and(|at| at > entry.created_at);
        let entry = match finding.state {
            FindingState::Accepted | FindingState::Escalated => None,
            FindingState::New => entry.filter(|entry| !decided_since(entry)),
            FindingState::Dismissed => entry,
        };
        let changed = match entry {
            Some(entry) if finding.covered_by.as_ref() == Some(&entry.id) && (holds || !by_person) => false,
            // Dismissed by a person whose entry holds: it stays theirs.
            Some(entry) if finding.state == FindingState::Dismissed && by_person && holds => {
                self.set(tx, finding, "covered_by = $4", &[(&entry.id).into()])?
            }
            Some(entry) => {
                let (reason, author) = entry.told_to(&finding.tenant);
                self.set(
                    tx,
                    finding,
                    "covered_by = $4, state = 'dismissed', dismissal_id = NULL, decided_by = $5, decided_at = $6, \
                     reason = $7, revision = revision + 1",
                    &[(&entry.id).into(), author.into(), tx.now.into(), reason.into()],
                )?
            }
            None if finding.state == FindingState::Dismissed
                && !holds
                && (by_person || finding.covered_by.is_some()) =>
            {
                self.set(
                    tx,
                    finding,
                    "covered_by = NULL, state = 'new', dismissal_id = NULL, decided_by = NULL, decided_at = NULL, \
                     reason = '', revision = revision + 1",
                    &[],
                )?
            }
            None if finding.covered_by.is_some() => self.set(tx, finding, "covered_by = NULL", &[])?,
            None => false,
        };
        Ok(match (changed, entry, cover) {
            (true, Some(_), _) => Became::Covered,
            (true, None, _) => Became::Uncovered,
            (false, None, Cover::Undecided) if finding.state == FindingState::New => Became::Undecided,
            _ => Became::Same,
        })
    }

    /// Changes a finding, unless somebody decided or a hunt found it meanwhile: they knew the catalogue.
    fn set(
        &self,
        tx: &mut Tx<'_>,
        finding: &Stored,
        what: &str,
        values: &[crate::db::Value],
    ) -> Result<bool> {
        let mut all = params![&finding.id, finding.revision, &finding.hunt].to_vec();
        all.extend_from_slice(values);
        let changed = tx.execute(
            &format!("UPDATE finding SET {what} WHERE id = $1 AND revision = $2 AND hunt_id = $3"),
            &all,
        )?;
        Ok(changed > 0)
    }
}
