//! Every published build against every vulnerability of the embedded packs.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::sync::Arc;

use vigie_event::parse_utc;
use vigie_exposure::{
    BuildSource, Estate, Fact, Observation, Options, Origin, ProductLine, Server, Status, Subject, Version,
    assess,
};
use vigie_pack::Pack;

const AS_OF: &str = "2026-11-24T00:00:00Z";

fn server(name: &str, facts: Vec<Fact>) -> Server {
    let origin = Origin {
        reader: "test",
        file: "test".into(),
        place: None,
    };
    let observations = facts.into_iter().map(|fact| Observation {
        subject: Arc::new(Subject::default()),
        fact,
        at: parse_utc("2026-11-01T00:00:00Z"),
        origin: origin.clone(),
    });
    Server {
        name: name.to_owned(),
        observations: observations.collect(),
        ..Server::default()
    }
}

fn build(version: Version, source: BuildSource) -> Fact {
    Fact::Build { version, source }
}

/// One letter per vulnerability.
fn letters(pack: &Pack, facts: Vec<Vec<Fact>>) -> Vec<String> {
    let name = |index: usize| format!("{index:05}");
    let servers = facts
        .into_iter()
        .enumerate()
        .map(|(index, facts)| server(&name(index), facts));
    let estate = Estate {
        servers: servers.collect(),
        ..Estate::default()
    };
    let mut result = assess(&estate, pack, parse_utc(AS_OF).unwrap(), &Options::default());
    result.servers.sort_by(|one, two| one.server.cmp(&two.server));
    let letter = |status: Status| match status {
        Status::Vulnerable => 'V',
        Status::Fixed => 'F',
        Status::NotAffected => '-',
        Status::Unknown => '?',
        Status::Mitigated => 'M',
    };
    let row = |server: &vigie_exposure::result::ServerExposure| {
        server
            .cves
            .iter()
            .map(|cve| letter(cve.status))
            .collect::<String>()
    };
    result.servers.iter().map(row).collect()
}

/// A row per build, a letter per vulnerability: as the file says it, and as its first three parts alone say it.
#[test]
fn every_published_build_has_the_status_the_advisories_give_it() {
    for name in vigie_pack::embedded_names() {
        let pack = Pack::load_embedded(&name).unwrap();
        let versions: Vec<Version> = pack
            .product
            .builds
            .iter()
            .map(|build| build.build.into())
            .collect();
        let exact = versions
            .iter()
            .map(|version| vec![build(*version, BuildSource::ExSetup)]);
        let short = versions
            .iter()
            .map(|version| vec![build(version.without_revision(), BuildSource::Path)]);
        let exact = letters(&pack, exact.collect());
        let short = letters(&pack, short.collect());
        let mut table = String::new();
        for (number, cve) in pack.cves.iter().enumerate() {
            writeln!(table, "{:>2} {}", number + 1, cve.id).unwrap();
        }
        for ((known, exact), short) in pack.product.builds.iter().zip(exact).zip(short) {
            let update = known.security_update.as_deref().unwrap_or("");
            let title = format!("{} {} {update}", known.product, known.cumulative_update);
            writeln!(
                table,
                "{:<16} {title:<30} {exact}  {short}",
                known.build.to_string()
            )
            .unwrap();
        }
        insta::assert_snapshot!(name, table);
    }
}

#[test]
fn what_cannot_be_told_is_unknown() {
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    let first = |facts: Vec<Fact>| letters(&pack, vec![facts]).remove(0).remove(0);
    let seen = |text: &str, source| build(text.parse().unwrap(), source);
    let exchange = |line: &str| {
        Fact::Product(ProductLine {
            product: "exchange".into(),
            line: Some(line.into()),
        })
    };
    use BuildSource::{AdminDisplayVersion, ExSetup, ExportTool, Path, XOwaVersion};
    // Three parts cannot tell 15.1.2106.2 from 15.1.2106.13, and AdminDisplayVersion never changes.
    assert_eq!(first(vec![seen("15.1.2106", Path)]), '?');
    assert_eq!(first(vec![seen("15.1.2106.2", AdminDisplayVersion)]), '?');
    assert_eq!(
        first(vec![seen("Version 15.1 (Build 32106.2)", AdminDisplayVersion)]),
        '?'
    );
    // Where every build with these parts says the same, three are enough.
    assert_eq!(first(vec![seen("15.1.2242", Path)]), 'F');
    assert_eq!(first(vec![seen("15.1.1261", Path)]), 'V');
    assert_eq!(first(vec![seen("14.3.513", Path)]), '-');
    // Whoever shows the revision, shows the fix.
    for source in [ExSetup, ExportTool, XOwaVersion] {
        assert_eq!(first(vec![seen("15.1.2106.13", source)]), 'F');
        assert_eq!(first(vec![seen("15.1.2106.2", source)]), 'V');
    }
    // Never published: below the fix it lacks it whatever it is, above it nobody knows.
    assert_eq!(first(vec![seen("15.1.2106.5", ExSetup)]), 'V');
    assert_eq!(first(vec![seen("15.1.2106.999", ExSetup)]), '?');
    assert_eq!(first(vec![seen("15.1.2150.1", ExSetup)]), '?');
    assert_eq!(first(vec![seen("15.9.1.1", ExSetup)]), '?');
    // Without a build the line may be enough.
    assert_eq!(first(vec![exchange("2010")]), '-');
    assert_eq!(first(vec![exchange("2016")]), '?');
    assert_eq!(first(vec![exchange("SE")]), '-');
    assert_eq!(first(vec![]), '?');
}

/// The statuses of one build for the vulnerabilities of a pack, as `V?F`.
fn told(pack: &Pack, text: &str, source: BuildSource) -> String {
    letters(pack, vec![vec![build(text.parse().unwrap(), source)]]).remove(0)
}

/// Not from the table above, which only says what the code says: every fix of every advisory, from both sides.
#[test]
fn the_build_before_a_fix_is_open_and_the_fix_and_all_after_it_are_not() {
    let mut checked = 0;
    for name in vigie_pack::embedded_names() {
        let pack = Pack::load_embedded(&name).unwrap();
        let statuses = letters(
            &pack,
            pack.product
                .builds
                .iter()
                .map(|known| vec![build(known.build.into(), BuildSource::ExSetup)])
                .collect(),
        );
        let status = |known: &vigie_pack::Build, index: usize| {
            let at = pack
                .product
                .builds
                .iter()
                .position(|other| other.build == known.build);
            statuses[at.unwrap()].chars().nth(index).unwrap()
        };
        for (index, cve) in pack.cves.iter().enumerate() {
            for fix in &cve.fixed {
                let at = format!("{} {}", cve.id, fix.build);
                let of_line = || {
                    pack.product
                        .builds
                        .iter()
                        .filter(|known| known.product == fix.product)
                };
                let same = |known: &&vigie_pack::Build| known.build.0[..3] == fix.build.0[..3];
                let first = cve
                    .fixed
                    .iter()
                    .filter(|other| other.build.0[..3] == fix.build.0[..3]);
                let first = first.map(|other| other.build).min().unwrap();
                for before in of_line().filter(same).filter(|known| known.build < first) {
                    assert_eq!(status(before, index), 'V', "{at}: {}", before.build);
                    checked += 1;
                }
                // A setting that nobody looked at keeps it from being fixed, and nothing makes it open.
                let newest = cve.fixed.iter().filter(|other| other.product == fix.product);
                let newest = newest.map(|other| other.build).max().unwrap();
                let later = |known: &&vigie_pack::Build| {
                    same(known) && known.build >= fix.build || known.build.0[..3] > newest.0[..3]
                };
                for after in of_line().filter(later) {
                    let closed = status(after, index);
                    let unseen = closed == '?' && !cve.settings.is_empty();
                    assert!(closed == 'F' || unseen, "{at}: {} {closed}", after.build);
                    checked += 1;
                }
            }
            for none in &cve.not_affected {
                let line = pack
                    .product
                    .builds
                    .iter()
                    .filter(|known| known.product == none.product);
                assert!(
                    line.into_iter().all(|known| status(known, index) == '-'),
                    "{} {}",
                    cve.id,
                    none.product
                );
            }
        }
    }
    assert!(checked > 1_500, "{checked}");
}

#[test]
fn where_numbers_tell_which_is_newer_builds_need_not_be_listed() {
    use BuildSource::{ExSetup, Path};
    let sharepoint = Pack::load_embedded("toolshell-2025").unwrap();
    // CVE-2025-53770 needs its keys changed besides, CVE-2025-53771 does not, CVE-2026-45659 came later.
    for (text, expected) in [
        ("16.0.5500.1000", "VVV"),
        ("16.0.5513.1000", "VVV"),
        ("16.0.5513.1002", "?FV"),
        ("16.0.5556.1005", "?FF"),
        ("16.0.10396.20000", "VVV"),
        ("16.0.10417.20027", "VVV"),
        ("16.0.10417.20102", "?FV"),
        ("16.0.18526.20424", "VVV"),
        ("16.0.19127.20100", "?FV"),
        ("16.0.19725.20434", "?FF"),
    ] {
        assert_eq!(told(&sharepoint, text, ExSetup), expected, "{text}");
    }
    // The first build that is listed is not the first there is: three parts tell nothing.
    assert_eq!(told(&sharepoint, "16.0.18526", Path), "??V");
    let windows = Pack::load_embedded("zerologon-2020").unwrap();
    for (text, expected) in [
        ("10.0.14393.3808", "V"),
        ("10.0.14393.4104", "?"),
        ("10.0.14393.6000", "F"),
        ("10.0.17763.1339", "V"),
        ("10.0.17763.5000", "F"),
        ("10.0.20348.2000", "-"),
        // The semi-annual channel is no line of its own here, and not the newer line it looks like.
        ("10.0.18363.900", "?"),
        ("10.0.26100.1", "-"),
        ("6.3.9600.19000", "?"),
    ] {
        assert_eq!(told(&windows, text, ExSetup), expected, "{text}");
    }
}

#[test]
fn what_the_table_of_builds_is_not_sure_of_is_said() {
    let reasons = |pack: &str, text: &str| {
        let pack = Pack::load_embedded(pack).unwrap();
        let estate = Estate {
            servers: vec![server(
                "X",
                vec![build(text.parse().unwrap(), BuildSource::ExSetup)],
            )],
            ..Estate::default()
        };
        let result = assess(&estate, &pack, parse_utc(AS_OF).unwrap(), &Options::default());
        let server = &result.servers[0];
        let doubt = server.build.doubt.as_ref().map(|doubt| doubt.en.clone());
        (
            server.cves[0].reason.en.clone(),
            server.cves[0].reason.fr.clone(),
            doubt,
        )
    };
    let (en, fr, doubt) = reasons("hafnium-2021", "15.1.1466.13");
    assert!(
        en.contains("15.1.1466.13: the tables that list this number contradict each other"),
        "{en}"
    );
    assert!(fr.contains("se contredisent"), "{fr}");
    assert!(doubt.unwrap().contains("contradict"));
    // A vulnerability whose fix is known from others alone says so of every build.
    let (en, _, doubt) = reasons("zerologon-2020", "10.0.14393.3808");
    assert!(
        en.contains("10.0.14393.3866: this number comes from tables of others"),
        "{en}"
    );
    assert_eq!(doubt, None);
    // A day that is derived does not touch the status, and is said of the build alone.
    let (en, _, doubt) = reasons("hafnium-2021", "15.1.2176.4");
    assert!(!en.contains("derived"), "{en}");
    assert!(doubt.unwrap().contains("derived"));
    let (en, _, doubt) = reasons("hafnium-2021", "15.1.2176.9");
    assert!(!en.contains(';'), "{en}");
    assert_eq!(doubt, None);
}
