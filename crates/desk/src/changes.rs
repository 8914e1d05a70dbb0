//! What a client's own person is told of changes: that something he may read is not what it was, and nothing else. Not what
//! was done, by whom, or that anybody did something he could not see.

use serde_json::Value as Json;

use crate::audit::{self, Entry};
use crate::cases::is_shared;
use crate::db::Sql;
use crate::{Access, Desk, Result, TenantId, Time, Verb};

/// Something that is to be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The record it follows from, to know it again.
    pub record: String,
    /// When.
    pub at: Time,
    /// `tenant`, `server`, `campaign`, `case`; `all` when something is no longer there for him.
    pub kind: &'static str,
    /// Which one; empty for `all`.
    pub id: String,
    /// Whose it is; `None` for a campaign as a whole.
    pub tenant_id: Option<TenantId>,
}

/// Changes from `since` on, newest first, at most so many records looked through; and whether there were more.
pub fn since(desk: &Desk, access: &Access, since: Time, most: u32) -> Result<(Vec<Change>, bool)> {
    access.require(Verb::Read)?;
    desk.read(|tx| {
        let mut sql = Sql::new("SELECT ");
        sql.push(Entry::COLUMNS)
            .push(" FROM audit WHERE at >= ")
            .bind(since);
        sql.push(" AND ((")
            .tenants("chain", access)
            .push(") OR (chain = ")
            .bind(audit::PROVIDER);
        sql.push(
            " AND action IN ('campaign.revise', 'campaign.close', 'campaign.reopen') AND subject_id IN \
             (SELECT campaign_id FROM campaign_tenant WHERE ",
        )
        .tenants("tenant_id", access);
        sql.push(")))");
        // What is never told must not push out what is.
        sql.push(" AND ").one_of("action", TOLD);
        sql.push(" ORDER BY at DESC, chain DESC, seq DESC LIMIT ")
            .bind(i64::from(most) + 1);
        let entries = audit::entries(tx, &sql)?;
        let more = entries.len() > most as usize;
        let mut changes = Vec::new();
        for entry in entries.iter().take(most as usize) {
            let Some((kind, id)) = told(entry) else {
                continue;
            };
            let (kind, id) = match kind {
                "case" if !is_shared(tx, access, &id)? => {
                    if !was_withdrawn(entry) {
                        continue;
                    }
                    // It is gone for him. That there was one is all he knew, and which one he is not told again.
                    ("all", String::new())
                }
                _ => (kind, id),
            };
            changes.push(Change {
                record: format!("{} {}", entry.chain, entry.seq),
                at: entry.at,
                kind,
                id,
                tenant_id: entry.chain.parse().ok(),
            });
        }
        Ok((changes, more))
    })
}

/// Acts after which something reads otherwise for the client.
const TOLD: [&str; 31] = [
    "tenant.create",
    "tenant.change",
    "tenant.archive",
    "tenant.restore",
    "observation.import",
    "server.create",
    "server.change",
    "server.archive",
    "server.restore",
    "server.rejudge",
    "observation.add",
    "cell.say",
    "evidence.receive",
    "evidence.expire",
    "job.enqueue",
    "hunt.done",
    "campaign.join",
    "campaign.leave",
    "campaign.assess",
    "campaign.revise",
    "campaign.close",
    "campaign.reopen",
    "case.open",
    "case.change",
    "case.servers",
    "case.state",
    "case.take",
    "case.assign",
    "case.note",
    "case.note_change",
    "case.note_remove",
];

/// What reads otherwise after an act.
fn told(entry: &Entry) -> Option<(&'static str, String)> {
    let subject = entry.subject.id.clone();
    let whole = || Some(("tenant", entry.chain.clone()));
    match entry.subject.kind.as_str() {
        "tenant" => Some(("tenant", subject)),
        "server" => Some(("server", subject)),
        "campaign" => Some(("campaign", subject)),
        "hunt" => entry.campaign_id.as_ref().map(|id| ("campaign", id.to_string())),
        // A cell says that a hunt waits; other jobs change nothing that he reads.
        "job" if entry.details["kind"] == "hunt" => whole(),
        "evidence" => whole(),
        "case" if entry.action.starts_with("case.note") && !was_shared(&entry.details) => None,
        "case" => Some(("case", subject)),
        _ => None,
    }
}

/// Whether a case was the client's to read until then.
fn was_withdrawn(entry: &Entry) -> bool {
    let was = |name: &str| entry.details[name]["shared"] == true;
    entry.action == "case.change" && was("before") && !was("after")
}

/// Whether a note was, or is, for the client.
fn was_shared(details: &Json) -> bool {
    ["body", "before", "after"]
        .iter()
        .any(|name| details[*name]["shared"] == true)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cases::items::{self, Body};
    use crate::cases::{self, CaseFields, NewCase};
    use crate::servers::{self, ServerFields};
    use crate::testing::{analyst, director, on_each_database, somebody, strangers};
    use crate::{Role, Severity, TenantSet};

    #[test]
    fn a_client_hears_of_what_he_may_read_and_of_nothing_else() {
        on_each_database(|bench| {
            let (own, other) = (bench.tenant("Own"), bench.tenant("Other"));
            let only = TenantSet::Only(BTreeSet::from([own.clone()]));
            let contact = somebody("claude", Role::ClientContact, only);
            bench.clock.advance_seconds(10);
            let begin = bench.desk.now();
            let heard = || -> Vec<(&'static str, String)> {
                since(&bench.desk, &contact, begin, 100)
                    .unwrap()
                    .0
                    .into_iter()
                    .map(|change| (change.kind, change.id))
                    .collect()
            };
            let fields = |shared| CaseFields {
                title: "shell".into(),
                severity: Severity::High,
                due_at: None,
                shared,
            };
            let open = |tenant: &TenantId, shared| {
                let new = NewCase {
                    tenant_id: tenant.clone(),
                    campaign_id: None,
                    servers: Vec::new(),
                    fields: fields(shared),
                };
                cases::open(&bench.desk, &analyst(), &new).unwrap().id
            };
            let note = |shared| Body::Note {
                text: "called".into(),
                shared,
            };
            servers::create(&bench.desk, &director(), &other, &ServerFields::named("EX01")).unwrap();
            open(&other, true);
            let hidden = open(&own, false);
            items::add(&bench.desk, &analyst(), &hidden, &note(true)).unwrap();
            let remark = crate::audit::Remark {
                tenant_id: Some(own.clone()),
                text: "between us".into(),
                ..Default::default()
            };
            crate::audit::say(&bench.desk, &director(), &remark).unwrap();
            assert_eq!(heard(), []);

            let shared = open(&own, true);
            items::add(&bench.desk, &analyst(), &shared, &note(false)).unwrap();
            assert_eq!(heard(), [("case", shared.to_string())], "and no note of ours");
            items::add(&bench.desk, &analyst(), &shared, &note(true)).unwrap();
            assert_eq!(heard().len(), 2);
            let server =
                servers::create(&bench.desk, &director(), &own, &ServerFields::named("EX01")).unwrap();
            assert!(heard().contains(&("server", server.id.to_string())));
            for stranger in strangers(&other) {
                let (told, _) = since(&bench.desk, &stranger, begin, 100).unwrap();
                assert!(
                    told.iter().all(|change| change.tenant_id.as_ref() != Some(&own)),
                    "{told:?}"
                );
            }
        });
    }

    #[test]
    fn a_case_that_is_no_longer_shared_is_gone_for_the_client_and_not_named() {
        on_each_database(|bench| {
            let (own, other) = (bench.tenant("Own"), bench.tenant("Other"));
            let of = |tenant: &TenantId| {
                let only = TenantSet::Only(BTreeSet::from([tenant.clone()]));
                somebody("claude", Role::ClientContact, only)
            };
            let fields = |shared, title: &str| CaseFields {
                title: title.into(),
                severity: Severity::High,
                due_at: None,
                shared,
            };
            let new = NewCase {
                tenant_id: own.clone(),
                campaign_id: None,
                servers: Vec::new(),
                fields: fields(true, "shell"),
            };
            let case = cases::open(&bench.desk, &analyst(), &new).unwrap();
            bench.clock.advance_seconds(10);
            let begin = bench.desk.now();
            let heard = |whose: &Access| since(&bench.desk, whose, begin, 100).unwrap().0;
            let change = |revision, shared, title| {
                let fields = fields(shared, title);
                cases::change(&bench.desk, &analyst(), &case.id, revision, &fields).unwrap()
            };
            let withdrawn = change(case.revision, false, "shell");
            let told = heard(&of(&own));
            assert_eq!(told.len(), 1, "{told:?}");
            assert_eq!((told[0].kind, told[0].id.as_str()), ("all", ""));
            assert_eq!(heard(&of(&other)), [], "another client hears nothing");

            // What happens to it from then on is not his.
            let renamed = change(withdrawn.revision, false, "web shell");
            assert_eq!(heard(&of(&own)).len(), 1);
            change(renamed.revision, true, "web shell");
            let told = heard(&of(&own));
            assert!(
                told.iter()
                    .all(|change| (change.kind, &change.id) == ("case", &case.id.to_string())),
                "{told:?}"
            );
        });
    }

    #[test]
    fn what_is_never_told_does_not_push_out_what_is() {
        on_each_database(|bench| {
            let own = bench.tenant("Own");
            let only = TenantSet::Only(BTreeSet::from([own.clone()]));
            let contact = somebody("claude", Role::ClientContact, only);
            let begin = bench.desk.now();
            bench.clock.advance_seconds(1);
            let server =
                servers::create(&bench.desk, &director(), &own, &ServerFields::named("EX01")).unwrap();
            for _ in 0..5 {
                bench.clock.advance_seconds(1);
                let remark = crate::audit::Remark {
                    tenant_id: Some(own.clone()),
                    text: "busy".into(),
                    ..Default::default()
                };
                crate::audit::say(&bench.desk, &director(), &remark).unwrap();
            }
            let (told, more) = since(&bench.desk, &contact, begin.plus_seconds(1), 2).unwrap();
            assert_eq!(
                (told.len(), told[0].id.as_str(), more),
                (1, server.id.as_str(), false)
            );
        });
    }
}
