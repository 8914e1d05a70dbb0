//! A desk filled as a large provider fills it in a crisis, for measuring how fast it answers: `cargo xtask bench desk`.

mod work;

use std::collections::{BTreeMap, BTreeSet};

use crate::accounts::{self, AccountFields};
use crate::campaigns::{self, NewCampaign};
use crate::cases::{self, CaseFields, NewCase};
use crate::cells::{self, Put, Stage};
use crate::db::{Value, params};
use crate::findings::FindingState;
use crate::servers::{self, ServerFields};
use crate::tenants::{self, Contract, Locale, TenantFields};
use crate::{
    Access, CampaignId, Desk, FindingId, HuntId, Result, Role, ServerId, Severity, TenantId, TenantSet,
};

/// The password of all accounts.
pub const PASSWORD: &str = "measured-lantern-42-oyster";
/// Tenants and findings written in one transaction.
const AT_ONCE: usize = 20_000;
/// Rules that the findings come of.
const RULES: usize = 200;
/// The title of the findings.
const TITLE: &str = "Suspicious request to a static file of ECP";
/// Cases that wait.
const CASES: usize = 200;

/// A server and whose it is.
type OfTenant = (TenantId, ServerId);

/// How much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Tenants.
    pub tenants: usize,
    /// Servers of each.
    pub servers: usize,
    /// Findings, over all servers.
    pub findings: usize,
    /// Analysts with an account, `analyst-00` and so on; `half` is one of them for every second tenant, `few` for a
    /// twentieth of them.
    pub analysts: usize,
}

/// Fills an empty desk: a campaign over all tenants, in every stage of every cell something said; findings, what hunts
/// and people leave behind, cases, and accounts: `director`, `half`, `few`, `analyst-00`.
///
/// # Errors
/// When the desk is not empty, or cannot be written to.
pub fn fill(desk: &Desk, size: Size) -> Result<()> {
    let access = Access::system("load");
    let (tenants, servers) = add_servers(desk, &access, size)?;
    let pack = crate::packs::load(desk, "hafnium-2021")?;
    let new = NewCampaign {
        title: "Exchange".into(),
        pack: pack.name,
        pack_version: pack.version,
        tenants: tenants.clone(),
        stale_hours: BTreeMap::new(),
    };
    let campaign = campaigns::open(desk, &access, &new)?.id;
    say(desk, &access, &campaign, &servers)?;
    add_findings(desk, &campaign, &servers, size.findings)?;
    work::add(desk, &campaign, &servers)?;
    for number in 0..CASES.min(servers.len()) {
        let (tenant, server) = &servers[number * servers.len() / CASES.min(servers.len())];
        let new = NewCase {
            tenant_id: tenant.clone(),
            campaign_id: Some(campaign.clone()),
            servers: vec![server.clone()],
            fields: CaseFields {
                title: format!("case {number}"),
                severity: Severity::ALL[number % Severity::ALL.len()],
                due_at: None,
                shared: false,
            },
        };
        cases::open(desk, &access, &new)?;
    }
    add_people(desk, &access, &tenants, size.analysts)
}

fn add_servers(desk: &Desk, access: &Access, size: Size) -> Result<(Vec<TenantId>, Vec<OfTenant>)> {
    desk.write(|tx| {
        let (mut all, mut servers) = (Vec::new(), Vec::new());
        for number in 0..size.tenants {
            let fields = TenantFields {
                contract: [Contract::Soc, Contract::Managed, Contract::None][number % 3],
                agency: Some(format!("agency {}", number % 12)),
                ..TenantFields::named(&format!("Tenant {number:05}"))
            };
            let tenant = tenants::insert(tx, access, &fields)?;
            for server in 0..size.servers {
                let fields = ServerFields::named(&format!("EX{server:02}"));
                servers.push((tenant.clone(), servers::insert(tx, &tenant, &fields)?));
            }
            all.push(tenant);
        }
        Ok((all, servers))
    })
}

fn say(desk: &Desk, access: &Access, campaign: &CampaignId, servers: &[OfTenant]) -> Result<()> {
    let words = |stage: Stage, number: usize| stage.details()[number % stage.details().len()].0;
    for (part, some) in servers.chunks(500).enumerate() {
        desk.write(|tx| {
            let open = campaigns::find(tx, access, campaign)?;
            for (number, (tenant, server)) in some.iter().enumerate() {
                for stage in Stage::ALL {
                    let put = Put {
                        campaign,
                        tenant,
                        server,
                        stage: *stage,
                        detail: words(*stage, part + number / 3),
                        basis: "load",
                        as_of: tx.now,
                        proof: serde_json::json!({"reason": {"en": "seen in the logs", "fr": "vu dans les journaux"}}),
                    };
                    cells::put(tx, access, &open, &put)?;
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn add_people(desk: &Desk, access: &Access, tenants: &[TenantId], analysts: usize) -> Result<()> {
    let half: BTreeSet<TenantId> = tenants.iter().step_by(2).cloned().collect();
    // Not every twentieth: those would all be alike, in states, severities and contracts.
    let step = 19.min(tenants.len().div_ceil(3)).max(1);
    let few: BTreeSet<TenantId> = tenants.iter().step_by(step).cloned().collect();
    let mut people = vec![
        ("director".to_owned(), Role::Administrator, TenantSet::All),
        ("half".to_owned(), Role::SocAnalyst, TenantSet::Only(half)),
        ("few".to_owned(), Role::SocAnalyst, TenantSet::Only(few)),
    ];
    people.extend(
        (0..analysts).map(|number| (format!("analyst-{number:02}"), Role::SocAnalyst, TenantSet::All)),
    );
    for (login, role, tenants) in people {
        let fields = AccountFields {
            name: login.clone(),
            login,
            role,
            tenants,
            locale: Locale::Fr,
        };
        let account = accounts::create(desk, access, &fields)?;
        let token = accounts::invite(desk, access, &account.id)?;
        accounts::use_link(desk, &token, PASSWORD)?;
    }
    Ok(())
}

fn add_findings(desk: &Desk, campaign: &CampaignId, servers: &[OfTenant], count: usize) -> Result<()> {
    let rules: Vec<String> = (0..RULES).map(|number| format!("rule-{number}")).collect();
    for begin in (0..count).step_by(AT_ONCE) {
        desk.write(|tx| {
            let hunt = HuntId::new(tx.now, tx.entropy);
            let mut rows: Vec<Vec<Value>> = Vec::new();
            let mut lines: Vec<Vec<Value>> = Vec::new();
            for number in begin..count.min(begin + AT_ONCE) {
                    let (tenant, server) = &servers[number % servers.len()];
                    let severity = Severity::ALL[(number * 7) % 5];
                    let en = format!("203.0.113.{} asked for /ecp/{number}.js", number % 250);
                    let fr = format!("203.0.113.{} a demandé /ecp/{number}.js", number % 250);
                    let state = match number % 20 {
                        0..10 => FindingState::New,
                        10..16 => FindingState::Accepted,
                        _ => FindingState::Dismissed,
                    };
                    let id = FindingId::new(tx.now, tx.entropy);
                    // The first of the queue is one of these.
                    if begin == 0 && severity == Severity::Critical {
                        lines.push(params![&id, 0_i64, "u_ex210301.log", tx.now, en.as_str(), "{}"].to_vec());
                    }
                    rows.push(vec![
                        (&id).into(),
                        tenant.into(),
                        server.into(),
                        campaign.into(),
                        (&hunt).into(),
                        Value::from("load"),
                        format!("{number}").into(),
                        (&rules[(number * 31) % rules.len()]).into(),
                        TITLE.into(),
                        en.as_str().into(),
                        fr.as_str().into(),
                        severity.into(),
                        severity.rank().into(),
                        "attempt".into(),
                        "initial_access".into(),
                        "[\"T1190\"]".into(),
                        1_i64.into(),
                        state.into(),
                        "".into(),
                        tx.now.into(),
                        1_i64.into(),
                        crate::findings::search_text(TITLE, &en, &fr).into(),
                    ]);
            }
            tx.insert_all(
                "finding (id, tenant_id, server_id, campaign_id, hunt_id, basis, fingerprint, rule_id, title, \
                 statement_en, statement_fr, severity, rank, outcome, stage, attack, count, state, reason, found_at, \
                 revision, search_text)",
                "",
                rows,
            )?;
            tx.insert_all("finding_line (finding_id, n, path, at, excerpt, fields)", "", lines)
                .map(|_| ())
        })?;
    }
    Ok(())
}
