//! What HealthChecker collected, as an inventory, good and bad.

#![allow(clippy::unwrap_used)]

use vigie_event::format_utc;
use vigie_exposure::inventory::{self, InventoryError, Options, Reading};
use vigie_pack::Product;

const HEAD: &str = r#"<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">"#;

fn read(text: &str) -> Result<Reading, InventoryError> {
    let options = Options {
        products: Product::embedded().unwrap(),
        ..Options::default()
    };
    inventory::read("HealthChecker-EX01-20210310101500.xml", text.as_bytes(), &options)
}

/// The properties of a server.
fn server(name: &str, build: &str, more: &str) -> String {
    format!(
        r#"<S N="ServerName">{name}</S><DT N="GenerationTime">2021-03-10T10:15:00.1234567+01:00</DT>
        <Obj N="OSInformation" RefId="2"><MS><Obj N="NETFramework" RefId="3"><MS>
            <I32 N="MajorVersion">461808</I32><I32 N="RegistryValue">528040</I32></MS></Obj></MS></Obj>
        <Obj N="ExchangeInformation" RefId="4"><MS>
            <Obj N="BuildInformation" RefId="5"><MS>
                <Obj N="ServerRole" RefId="6"><TN RefId="9"><T>HealthChecker.ExchangeServerRole</T></TN>
                    <ToString>Mailbox</ToString><I32>2</I32></Obj>
                <S N="MajorVersion">Exchange2016</S>
                {build}
                <Obj N="KBsInstalledInfo" RefId="7"><LST>
                    <Obj RefId="8"><MS><S N="PackageName">Security Update for Exchange Server 2016 Cumulative Update 19 (KB5000871) &amp; more</S></MS></Obj>
                </LST></Obj>
            </MS></Obj>
            <Obj N="GetExchangeServer" RefId="10"><Props><S N="Fqdn">ex01.hotel.example</S></Props></Obj>
        </MS></Obj>{more}"#
    )
}

const SETUP: &str = r#"<Obj N="ExchangeSetup" RefId="11"><ToString>File: ExSetup.exe</ToString><Props><S N="FileVersion">15.01.2176.009</S></Props></Obj>
    <Obj N="VersionInformation" RefId="12"><MS><Version N="BuildVersion">15.1.2176.9</Version></MS></Obj>"#;

fn analysed(server: &str) -> String {
    format!(
        r#"{HEAD}<Obj RefId="0"><TN RefId="0"><T>HealthChecker.AnalyzedInformation</T></TN><Props>
        <Obj N="HealthCheckerExchangeServer" RefId="1"><Props>{server}</Props></Obj>
        <Obj N="DisplayResults" RefId="90"><LST><Obj RefId="91"><Props><S N="Name">not a server</S></Props></Obj></LST></Obj>
        </Props></Obj></Objs>"#
    )
}

fn told(reading: &Reading) -> String {
    let each = reading.observations.iter().map(|by| {
        let at = by.at.map(format_utc).unwrap_or_default();
        let place = by
            .origin
            .place
            .as_ref()
            .map(|place| place.said().en)
            .unwrap_or_default();
        format!(
            "{place}: {:?} {:?} {:?} {at}",
            by.subject.name, by.subject.fqdn, by.fact
        )
    });
    let problems = reading.problems.iter().map(ToString::to_string);
    each.chain(["--".to_owned()])
        .chain(problems)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_server_is_read() {
    let reading = read(&analysed(&server("EX01", SETUP, ""))).unwrap();
    assert_eq!((reading.format.id(), reading.rows), ("healthchecker", 1));
    insta::assert_snapshot!(told(&reading));
}

#[test]
fn the_server_alone_and_several_servers_are_read() {
    let of = |name: &str| {
        format!(
            r#"<Obj RefId="1"><Props>{}</Props></Obj>"#,
            server(name, SETUP, "")
        )
    };
    let reading = read(&format!("{HEAD}{}</Objs>", of("EX01"))).unwrap();
    assert_eq!((reading.rows, reading.observations.len()), (1, 5));
    let list = format!(
        "{HEAD}<Obj RefId=\"0\"><LST>{}{}</LST></Obj></Objs>",
        of("EX01"),
        of("EX02")
    );
    let reading = read(&list).unwrap();
    assert_eq!((reading.rows, reading.observations.len()), (2, 10));
    assert_eq!(reading.observations[9].subject.name.as_deref(), Some("EX02"));
}

#[test]
fn without_exsetup_the_build_says_less() {
    let build = r#"<Obj N="ExchangeSetup" RefId="11"><MS><S N="FileVersion">15.1.2176.2</S><B N="FailedGetExSetup">true</B></MS></Obj>"#;
    let reading = read(&analysed(&server("EX01", build, ""))).unwrap();
    assert!(
        told(&reading).contains("AdminDisplayVersion"),
        "{}",
        told(&reading)
    );
}

#[test]
fn what_is_missing_or_odd_is_a_problem() {
    let broken = server("EX01", "", "")
        .replace("528040", "four point eight")
        .replace("(KB5000871)", "")
        .replace("2021-03-10T", "yesterday");
    insta::assert_snapshot!(told(&read(&analysed(&broken)).unwrap()));
    let setup = SETUP.replace("15.01.2176.009", "unknown");
    let reading = read(&analysed(&server("EX01", &setup, ""))).unwrap();
    assert!(
        told(&reading).contains("VersionInformation.BuildVersion: "),
        "{}",
        told(&reading)
    );
    assert_eq!(reading.problems.len(), 1);
}

#[test]
fn a_server_of_which_only_the_name_is_known_is_not_lost() {
    let reading = read(&analysed(r#"<S N="ServerName">EX01</S>"#)).unwrap();
    assert_eq!((reading.observations.len(), reading.problems.len()), (1, 2));
}

fn refusal(text: &str) -> String {
    let error = read(text).unwrap_err();
    assert!(
        matches!(error, InventoryError::Broken { .. } | InventoryError::Unknown(_)),
        "{error}"
    );
    error.to_string()
}

#[test]
fn entities_are_refused() {
    let whole = analysed(&server("EX01", SETUP, ""));
    let mut laughs = String::from(r#"<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol0 "lol">"#);
    for level in 1..10 {
        let before = format!("&lol{};", level - 1).repeat(10);
        laughs += &format!(r#"<!ENTITY lol{level} "{before}">"#);
    }
    let laughs = format!("{laughs}]>{}", whole.replace("EX01", "&lol9;"));
    assert!(refusal(&laughs).contains("DTD"));
    let outside = format!(r#"<!DOCTYPE Objs SYSTEM "file:///etc/hostname">{whole}"#);
    assert!(refusal(&outside).contains("DTD"));
    assert!(refusal(&whole.replace("EX01", "&lol9;")).contains("&lol9;"));
}

#[test]
fn what_is_deep_cut_or_something_else_is_refused() {
    let deep = format!("{HEAD}{}", "<Obj>".repeat(1_000_000));
    assert!(refusal(&deep).contains("deep"));
    assert!(refusal("<run></run>").contains("<run"));
    assert!(
        refusal(&format!(
            r#"{HEAD}<Obj><Props><S N="Name">x</S></Props></Obj></Objs>"#
        ))
        .contains("ServerName")
    );
    let whole = analysed(&server("EX01", SETUP, ""));
    for end in (1..whole.len()).step_by(7) {
        read(&whole[..end]).unwrap_err();
    }
    for at in (0..whole.len()).step_by(5) {
        let mut bytes = whole.clone().into_bytes();
        bytes[at] = b'<';
        let _ = read(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn long_values_are_cut() {
    let long = format!("EX01.{}", "é".repeat(1 << 20));
    let reading = read(&analysed(&server(&long, SETUP, ""))).unwrap();
    assert_eq!(reading.observations[0].subject.name.as_deref(), Some("EX01"));
    let many = "<S>Update (KB5000871)</S>".repeat(5_000);
    let more = format!(
        r#"<Obj N="ExchangeInformation"><MS><Obj N="BuildInformation"><MS><Obj N="KBsInstalled"><LST>{many}</LST></Obj></MS></Obj></MS></Obj>"#
    );
    let reading = read(&analysed(&server("EX01", SETUP, &more))).unwrap();
    assert_eq!(reading.observations.len(), 1_004);
    assert_eq!(
        reading.notes[0].en,
        "4001 updates beyond the first 1000 are not read"
    );
}
