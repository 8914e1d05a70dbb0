//! A simulated machine's identity: names, addresses, accounts, builds.

use vigie_event::Timestamp;

use crate::evtx::{Guid, Sid};
use crate::rng::Rng;

/// Given and family names of mailbox users.
const GIVEN: [&str; 12] = [
    "claire", "julien", "nadia", "thomas", "helene", "marc", "sofia", "antoine", "ines", "paul", "lucie",
    "karim",
];
const FAMILY: [&str; 10] = [
    "martin",
    "bernard",
    "petit",
    "moreau",
    "garcia",
    "leroy",
    "roux",
    "fontaine",
    "chevalier",
    "lambert",
];

/// One Exchange build in the forms logs use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Build {
    /// `15.01.2106.002`.
    pub(crate) long: String,
    /// `15.1.2106.2`.
    pub(crate) short: String,
    /// `15,1,2106,2`.
    pub(crate) columns: String,
    /// `15.01.2106.000`, as proxy targets are shown.
    pub(crate) target: String,
    /// `15.1.2106`, as web folders are named.
    pub(crate) folder: String,
    /// The number `FEAuth=BEVersion-` shows.
    pub(crate) number: u64,
}

impl Build {
    pub(crate) fn new(minor: u64, build: u64, revision: u64) -> Build {
        Build {
            long: format!("15.{minor:02}.{build:04}.{revision:03}"),
            short: format!("15.{minor}.{build}.{revision}"),
            columns: format!("15,{minor},{build},{revision}"),
            target: format!("15.{minor:02}.{build:04}.000"),
            folder: format!("15.{minor}.{build}"),
            // Exchange's packed version: a marker, 15 << 22, the minor version, a marker, the build.
            number: 0x73c0_8000 | minor << 16 | build,
        }
    }
}

/// A mailbox user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// `claire.martin`.
    pub(crate) name: String,
    /// `DURAND\claire.martin`.
    pub(crate) account: String,
    /// `claire.martin@durand.example`.
    pub(crate) mail: String,
    /// `Sid~S-1-5-21-...`.
    pub(crate) sid_anchor: String,
    /// `MailboxGuid~...`.
    pub(crate) mailbox_anchor: String,
    /// The query of MAPI requests, `mailboxId=...`.
    pub(crate) mailbox_query: String,
    /// The query of ActiveSync requests.
    pub(crate) eas_query: String,
    pub(crate) sid: Sid,
    /// The address the user comes from outside the office.
    pub(crate) outside: String,
    /// The address in the office.
    pub(crate) inside: String,
}

/// What a machine is.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) tenant: String,
    /// `EX01`.
    pub(crate) name: String,
    /// `DURAND`.
    pub(crate) domain: String,
    /// `durand.example`.
    pub(crate) dns_domain: String,
    /// `EX01.durand.example`.
    pub(crate) fqdn: String,
    /// `mail.durand.example`.
    pub(crate) public_name: String,
    pub(crate) address: String,
    /// `fe80::...%6`, the server talking to itself.
    pub(crate) link_local: String,
    pub(crate) domain_sid: [u32; 3],
    pub(crate) users: Vec<User>,
    /// `DURAND\HealthMailbox0a1b2c3`.
    pub(crate) health_mailbox: String,
    pub(crate) health_sid_anchor: String,
    pub(crate) database: Guid,
    /// Builds by the time they were installed, oldest first.
    pub(crate) builds: Vec<(Timestamp, Build)>,
    /// Whether Windows speaks French.
    pub(crate) french: bool,
}

impl Host {
    /// A machine of a tenant; what all machines of a tenant share comes from `shared`.
    pub(crate) fn new(
        tenant: &str,
        number: u32,
        name: &str,
        builds: Vec<(Timestamp, Build)>,
        seed: u64,
    ) -> Host {
        let mut shared = Rng::new(seed, &[tenant]);
        let mut own = Rng::new(seed, &[tenant, name]);
        let label = tenant.rsplit('-').next().unwrap_or(tenant);
        let dns_domain = format!("{tenant}.example");
        let domain = label.to_uppercase();
        let domain_sid = [(); 3].map(|()| shared.between(400_000_000, 4_000_000_000) as u32);
        let subnet = format!("10.{}.{}", 10 + number / 200, number % 200 + 1);
        let health = format!("HealthMailbox{:07x}", shared.below(1 << 28));
        let users = users(&mut shared, &domain, &dns_domain, domain_sid, &subnet);
        // Mail servers end in .21, .22...; domain controllers in .11...
        let last: u32 = name
            .chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
            .parse()
            .unwrap_or(1);
        let base = if name.starts_with("DC") { 10 } else { 20 };
        Host {
            tenant: tenant.to_owned(),
            name: name.to_owned(),
            fqdn: format!("{name}.{dns_domain}"),
            public_name: format!("mail.{dns_domain}"),
            address: format!("{subnet}.{}", base + last),
            link_local: format!(
                "fe80::{:x}:{:x}:{:x}:{:x}%6",
                own.between(1, 65_535),
                own.between(1, 65_535),
                own.between(1, 65_535),
                own.between(1, 65_535)
            ),
            health_mailbox: format!("{domain}\\{health}"),
            health_sid_anchor: format!("Sid~{}", Sid::account(domain_sid, 1_142)),
            database: Guid::random(&mut own),
            french: !number.is_multiple_of(3),
            domain,
            dns_domain,
            domain_sid,
            users,
            builds,
        }
    }

    /// The build installed at `time`.
    pub(crate) fn build(&self, time: Timestamp) -> &Build {
        let newer = self.builds.iter().rev().find(|(since, _)| *since <= time);
        &newer.unwrap_or(&self.builds[0]).1
    }

    /// The account's identifier in this domain.
    pub(crate) fn sid(&self, rid: u32) -> Sid {
        Sid::account(self.domain_sid, rid)
    }

    /// How this Windows names the built-in administrator.
    pub(crate) fn administrator(&self) -> &'static str {
        if self.french {
            "Administrateur"
        } else {
            "Administrator"
        }
    }

    /// How this Windows names the authority of the local system and the system itself.
    pub(crate) fn system(&self) -> (&'static str, &'static str) {
        if self.french {
            ("AUTORITE NT", "Système")
        } else {
            ("NT AUTHORITY", "SYSTEM")
        }
    }
}

fn users(rng: &mut Rng, domain: &str, dns: &str, sid: [u32; 3], subnet: &str) -> Vec<User> {
    (0..24u32)
        .map(|n| {
            let given = GIVEN[n as usize % GIVEN.len()];
            let family = FAMILY[(n as usize * 7 + 3) % FAMILY.len()];
            let name = format!("{given}.{family}");
            let mailbox = Guid::random(rng);
            let account = Sid::account(sid, 1_200 + n);
            User {
                account: format!("{domain}\\{name}"),
                mail: format!("{name}@{dns}"),
                sid_anchor: format!("Sid~{account}"),
                mailbox_anchor: format!("MailboxGuid~{mailbox}"),
                mailbox_query: format!("mailboxId={mailbox}@{dns}"),
                eas_query: format!(
                    "Cmd=Ping&User={domain}%5C{name}&DeviceId={:016X}&DeviceType=iPhone",
                    rng.next()
                ),
                sid: account,
                outside: format!("192.0.2.{}", rng.between(1, 199)),
                inside: format!("{subnet}.{}", 100 + n),
                name,
            }
        })
        .collect()
}
