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
