//! The set as callers see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use vigie_event::{BatchBuilder, EventBatch, Source};

use super::*;

fn batch(source: Source, rows: &[&[(&str, &str)]]) -> EventBatch {
    let mut builder = BatchBuilder::new(source);
    for (record, row) in rows.iter().enumerate() {
        builder.begin_row(None, record as u64 + 1, 0);
        for (name, value) in *row {
            let column = builder.column(name);
            builder.set(column, value);
        }
        builder.end_row();
    }
    builder.finish().unwrap()
}

/// `row column value` of every hit.
fn hits(set: &IndicatorSet, batch: &EventBatch) -> Vec<String> {
    let mut hits = Vec::new();
    set.evaluate(batch, &mut hits);
    hits.iter()
        .map(|hit| {
            let indicator = set.get(hit.indicator).unwrap();
            format!("{} {} {}", hit.row, hit.column, indicator.value)
        })
        .collect()
}

fn set(indicators: &[(IndicatorKind, &str)]) -> IndicatorSet {
    let indicators = indicators
        .iter()
        .map(|(kind, value)| Indicator::new(*kind, value))
        .collect();
    let (set, refused) = IndicatorSet::compile(indicators);
    assert_eq!(refused, []);
    set
}

use IndicatorKind::*;

#[test]
fn addresses_are_found_in_the_columns_of_each_log() {
    let set = set(&[(Ip, "203[.]0[.]113[.]7"), (Cidr, "198.51.100.0/24")]);
    let iis = batch(
        Source::Iis,
        &[
            &[("c-ip", "203.0.113.7"), ("s-ip", "203.0.113.7")],
            &[
                ("c-ip", "10.0.0.1"),
                ("X-Forwarded-For", "198.51.100.9,+10.0.0.2"),
            ],
            &[("c-ip", "203.0.113.8")],
        ],
    );
    assert_eq!(
        hits(&set, &iis),
        ["0 c-ip 203.0.113.7", "1 X-Forwarded-For 198.51.100.0/24"]
    );
    let proxy = batch(Source::HttpProxy, &[&[("ClientIPAddress", "::ffff:203.0.113.7")]]);
    assert_eq!(hits(&set, &proxy), ["0 ClientIPAddress 203.0.113.7"]);
    let sysmon = batch(
        Source::WindowsEvent,
        &[&[
            ("DestinationIp", "198.51.100.255"),
            ("QueryResults", "::ffff:203.0.113.7;"),
        ]],
    );
    assert_eq!(
        hits(&set, &sysmon),
        ["0 QueryResults 203.0.113.7", "0 DestinationIp 198.51.100.0/24"]
    );
    let smtp = batch(
        Source::SmtpProtocol,
        &[&[("remote-endpoint", "203.0.113.7:40112")]],
    );
    assert_eq!(hits(&set, &smtp), ["0 remote-endpoint 203.0.113.7"]);
}

#[test]
fn hashes_are_found_alone_and_in_lists() {
    let sha256 = "8e90ed33c7ee82c0b64078ea36ec95f7420ba435c693b3b3dd728b494abf7dfc";
    let md5 = "099c8625c58b315b6c11f5baeb859f4c";
    let set = set(&[(Sha256, sha256), (Md5, md5)]);
    let files = batch(Source::FileInventory, &[&[("SHA256", &sha256.to_uppercase())]]);
    assert_eq!(hits(&set, &files), [format!("0 SHA256 {sha256}")]);
    let listed = format!("SHA1=0000000000000000000000000000000000000000,MD5={md5},SHA256={sha256}");
    let sysmon = batch(
        Source::WindowsEvent,
        &[&[("Hashes", &listed)], &[("Hashes", "MD5=00")]],
    );
    assert_eq!(
        hits(&set, &sysmon),
        [format!("0 Hashes {sha256}"), format!("0 Hashes {md5}")]
    );
}

#[test]
fn a_domain_stands_for_its_sub_domains_only() {
    let set = set(&[(Domain, "evil.example")]);
    let queries = batch(
        Source::WindowsEvent,
        &[
            &[("QueryName", "C2.Evil.Example.")],
            &[("QueryName", "notevil.example")],
            &[("QueryName", "evil.example.org")],
            &[("RemoteUrl", "https://evil.example:8443/x")],
        ],
    );
    assert_eq!(
        hits(&set, &queries),
        ["0 QueryName evil.example", "3 RemoteUrl evil.example"]
    );
}

#[test]
fn urls_ignore_scheme_case_and_fragment() {
    let set = set(&[(Url, "hxxp://evil[.]example/Drop/a.ps1"), (UrlPath, "/ecp/y.js")]);
    let rows = batch(
        Source::AdvancedHunting,
        &[
            &[("RemoteUrl", "https://EVIL.example/drop/A.ps1#top")],
            &[("RemoteUrl", "https://evil.example/drop/b.ps1")],
        ],
    );
    assert_eq!(hits(&set, &rows), ["0 RemoteUrl http://evil.example/Drop/a.ps1"]);
    let iis = batch(
        Source::Iis,
        &[&[("cs-uri-stem", "/ECP/y.js")], &[("cs-uri-stem", "/ecp/yy.js")]],
    );
    assert_eq!(hits(&set, &iis), ["0 cs-uri-stem /ecp/y.js"]);
}

#[test]
fn paths_do_not_depend_on_the_drive_but_on_the_folder() {
    let set = set(&[
        (FilePath, r"\FrontEnd\HttpProxy\owa\auth\bob.aspx"),
        (FilePath, r"C:\mscoree.dll"),
        (FileName, "supp0rt.aspx"),
        (Folder, r"C:\Users\Public\opera\"),
        (FilePathRegex, r"\\aspnet_client\\[^\\]{1,40}\.aspx$"),
    ]);
    let files = batch(
        Source::FileInventory,
        &[
            &[(
                "TargetFilename",
                r"D:\Exchange\FrontEnd\HttpProxy\owa\auth\BOB.aspx",
            )],
            &[("TargetFilename", r"C:\FrontEnd\HttpProxy\owa\auth\notbob.aspx")],
            &[("TargetFilename", r"C:\Windows\System32\mscoree.dll")],
            &[("TargetFilename", r"c:\MSCOREE.DLL")],
            &[
                ("TargetFilename", r"C:\x\supp0rt.aspx"),
                ("FileName", "supp0rt.aspx"),
            ],
            &[("TargetFilename", "C/Users/Public/Opera/sub/a.dll")],
            &[("TargetFilename", r"C:\x\Users\Public\opera\a.dll")],
            &[("TargetFilename", "inetpub/wwwroot/aspnet_client/q.ASPX")],
        ],
    );
    assert_eq!(
        hits(&set, &files),
        [
            r"0 TargetFilename \FrontEnd\HttpProxy\owa\auth\bob.aspx",
            r"3 TargetFilename C:\mscoree.dll",
            "4 TargetFilename supp0rt.aspx",
            r"5 TargetFilename C:\Users\Public\opera\",
            r"7 TargetFilename \\aspnet_client\\[^\\]{1,40}\.aspx$",
        ]
    );
    assert_eq!(
        hits(
            &self::set(&[(FilePath, r"\x\cmd.exe")]),
            &batch(
                Source::WindowsEvent,
                &[
                    &[("Image", r"C:\Windows\System32\cmd.exe")],
                    &[("Image", r"C:\x\cmd.exe")]
                ],
            )
        ),
        [r"1 Image \x\cmd.exe"]
    );
    let defender = batch(
        Source::WindowsEvent,
        &[&[("Path", r"containerfile:_C:\a.zip; file:_C:\a\supp0rt.aspx")]],
    );
    assert_eq!(hits(&set, &defender), ["0 Path supp0rt.aspx"]);
}

#[test]
fn user_agents_are_whole_and_case_matters() {
    let set = set(&[
        (
            UserAgent,
            "Mozilla/5.0+(compatible;+Bingbot/2.0;++http://www.bing.com/bingbot.htm)",
        ),
        (UserAgent, "antSword/*"),
    ]);
    let iis = batch(
        Source::Iis,
        &[
            &[(
                "cs(User-Agent)",
                "Mozilla/5.0+(compatible;+Bingbot/2.0;++http://www.bing.com/bingbot.htm)",
            )],
            &[(
                "cs(User-Agent)",
                "Mozilla/5.0+(compatible;+bingbot/2.0;++http://www.bing.com/bingbot.htm)",
            )],
            &[("cs(User-Agent)", "antSword/v2.1")],
        ],
    );
    let found = hits(&set, &iis);
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with("0 ") && found[1].starts_with("2 "));
}

#[test]
fn what_would_match_everything_is_refused() {
    for (kind, value) in [
        (
            Sha256,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (Sha256, "abc"),
        (Sha1, "zz3dd3076ec9abb13c15053234c436406b88fb2b"),
        (Ip, "127.0.0.1"),
        (Ip, "300.1.1.1"),
        (Cidr, "0.0.0.0/0"),
        (Domain, "com"),
        (Domain, "203.0.113.7"),
        (Url, "https://evil.example/"),
        (UrlPath, "/"),
        (UrlPath, "ecp"),
        (UserAgent, "*"),
        (FileName, r"a\b.exe"),
        (FilePath, r"C:\a\"),
        (Folder, r"C:\"),
        (Folder, "\\"),
        (FilePathRegex, ".*"),
        (FilePathRegex, "("),
        (FilePathRegex, r"(?:\w{1000}){1000}"),
        (FileName, "  "),
    ] {
        let (set, refused) = IndicatorSet::compile(vec![Indicator::new(kind, value)]);
        assert!(set.is_empty(), "{kind} {value}");
        assert_eq!(refused.len(), 1, "{kind} {value}");
    }
}

#[test]
fn an_address_cannot_claim_to_be_proof() {
    let mut indicator = Indicator::new(Ip, "203.0.113.7");
    indicator.confidence = Confidence::Conclusive;
    let (_, refused) = IndicatorSet::compile(vec![indicator]);
    assert!(refused[0].reason.contains("weak"));
}

#[test]
fn one_schema_read_as_two_sources_is_bound_twice() {
    let set = set(&[(Ip, "203.0.113.7")]);
    let row: &[&[(&str, &str)]] = &[&[("c-ip", "203.0.113.7")]];
    assert_eq!(hits(&set, &batch(Source::Iis, row)).len(), 1);
    assert_eq!(hits(&set, &batch(Source::Ews, row)).len(), 0);
    assert_eq!(hits(&set, &batch(Source::Iis, row)).len(), 1);
}

#[test]
fn the_csv_keeps_good_rows_and_names_the_bad_ones() {
    let text = "\u{feff}type,value,severity,confidence,stage,context,source\n\
        ip,203[.]0[.]113[.]7,,,ssrf,\"scanner, seen\",us\n\
        telepathy,x,,,,,\n\
        sha256,8e90ed33c7ee82c0b64078ea36ec95f7420ba435c693b3b3dd728b494abf7dfc,urgent,,,,\n\
        domain,evil.example,low\n\
        domain,evil.example,low,strong,,,\n";
    let (indicators, problems) = parse_csv(text, Some("demo"));
    assert_eq!(indicators.len(), 2);
    assert_eq!(indicators[0].value, "203.0.113.7");
    assert_eq!(
        (indicators[0].severity, indicators[0].line),
        (Severity::Medium, 2)
    );
    assert_eq!(indicators[0].stage.as_deref(), Some("ssrf"));
    assert_eq!(indicators[0].pack.as_deref(), Some("demo"));
    assert_eq!(
        (indicators[1].severity, indicators[1].confidence),
        (Severity::Low, Confidence::Strong)
    );
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "line 3: unknown indicator type \"telepathy\"",
            "line 4: unknown severity \"urgent\": use one of informational, low, medium, high, critical",
            "line 5: 3 cells where the header has 7: quote values that hold a comma",
        ]
    );
    let (none, problems) = parse_csv("type,value,colour\nip,203.0.113.7,red\n", None);
    assert!(
        none.is_empty() && problems[0].message.contains("colour"),
        "{problems:?}"
    );
}

#[test]
fn a_plain_list_is_guessed() {
    let text = "# seen on the 3rd\n203[.]0[.]113[.]7 # scanner\n198.51.100.0/24\nevil[.]example\n\
        hxxp://evil.example/a.ps1\n099c8625c58b315b6c11f5baeb859f4c\nC:\\Temp\\a.exe\n\\Temp\\\nshell.aspx\n\
        /ecp/y.js\n\nwhat is this\n";
    let read = import(text.as_bytes(), "list.txt");
    let kinds: Vec<&str> = read.list.iter().map(|indicator| indicator.kind.id()).collect();
    assert_eq!(
        kinds,
        [
            "ip",
            "cidr",
            "domain",
            "url",
            "md5",
            "file_path",
            "folder",
            "file_name",
            "url_path"
        ]
    );
    assert_eq!(read.format, Some(Format::List));
    assert_eq!(read.list.get(0).unwrap().source, "list.txt");
    assert_eq!(read.problems.len(), 1);
    assert_eq!(read.problems[0].line, 12);
}

fn valid(from: Option<&str>, until: Option<&str>) -> Indicator {
    let instant = |text: Option<&str>| text.and_then(vigie_event::parse_utc);
    let mut indicator = Indicator::new(Ip, "203.0.113.7");
    (indicator.valid_from, indicator.valid_until) = (instant(from), instant(until));
    indicator
}

fn at(source: Source, column: &str, times: &[Option<&str>]) -> EventBatch {
    let mut builder = BatchBuilder::new(source);
    for time in times {
        builder.begin_row(time.and_then(vigie_event::parse_utc), 1, 0);
        let column = builder.column(column);
        builder.set(column, "203.0.113.7");
        builder.end_row();
    }
    builder.finish().unwrap()
}

#[test]
fn the_time_of_the_event_decides_whether_an_indicator_is_valid() {
    let (set, _) = IndicatorSet::compile(vec![valid(Some("2021-03-01"), Some("2022-03-01"))]);
    let times = [
        Some("2021-02-28T23:59:59Z"),
        Some("2021-03-01"),
        Some("2022-02-28T23:59:59Z"),
        Some("2022-03-01"),
        None,
    ];
    let mut hits = Vec::new();
    let left_out = set.evaluate(&at(Source::Iis, "c-ip", &times), &mut hits);
    let rows: Vec<u32> = hits.iter().map(|hit| hit.row).collect();
    assert_eq!((rows, left_out), (vec![1, 2, 4], 2));
    let (set, refused) = IndicatorSet::compile(vec![valid(Some("2022-01-01"), Some("2021-01-01"))]);
    assert!(set.is_empty() && refused[0].reason.contains("valid_until"));
}

#[test]
fn a_file_on_a_disk_is_there_whatever_time_it_was_given() {
    let mut indicator = Indicator::new(FileName, "203.0.113.7");
    indicator.valid_from = vigie_event::parse_utc("2021-03-01");
    let (set, _) = IndicatorSet::compile(vec![indicator]);
    let mut hits = Vec::new();
    let listed = at(Source::FileInventory, "FileName", &[Some("2009-07-14")]);
    assert_eq!(set.evaluate(&listed, &mut hits), 0);
    assert_eq!(hits.len(), 1);
    let written = at(Source::WindowsEvent, "FileName", &[Some("2009-07-14")]);
    assert_eq!(set.evaluate(&written, &mut hits), 1);
}

#[test]
fn what_two_lists_say_of_one_value_is_both_told_and_what_one_says_twice_once() {
    let list = |source: &str| -> Arc<IndicatorList> {
        let mut indicator = Indicator::new(Domain, "evil.example");
        indicator.source = source.to_owned();
        Arc::new([indicator.clone(), indicator].into_iter().collect())
    };
    let (set, refused) = IndicatorSet::of_lists(vec![list("one"), list("two"), list("one")]);
    assert_eq!(refused, []);
    assert_eq!((set.len(), set.repeated()), (2, 4));
    let queries = batch(Source::WindowsEvent, &[&[("QueryName", "www.evil.example")]]);
    let mut hits = Vec::new();
    set.evaluate(&queries, &mut hits);
    let sources: Vec<String> = hits
        .iter()
        .map(|hit| set.get(hit.indicator).unwrap().source)
        .collect();
    assert_eq!(sources, ["one", "two"]);
}

#[test]
fn a_thousand_of_each_kind_are_found_and_nothing_else() {
    let value = |kind: IndicatorKind, n: u32| match kind {
        Sha256 => format!("{n:064x}"),
        Sha1 => format!("{n:040x}"),
        Md5 => format!("{n:032x}"),
        Ip => format!("10.{}.{}.7", n / 256, n % 256),
        Cidr => format!("172.{}.{}.0/24", n / 256, n % 256),
        Domain => format!("d{n}.example"),
        Url => format!("http://u{n}.example/a"),
        UrlPath => format!("/p{n}/a"),
        UserAgent => format!("agent/{n}"),
        FilePath => format!("C:\\f{n}\\a.exe"),
        FilePathRegex => format!("r{n}\\.exe$"),
        FileName => format!("n{n}.exe"),
        Folder => format!("\\o{n}\\"),
    };
    for kind in ALL_KINDS {
        let column = match kind {
            Sha256 => "SHA256",
            Sha1 => "SHA1",
            Md5 => "MD5",
            Ip | Cidr => "IpAddress",
            Domain | Url | UrlPath => "RemoteUrl",
            UserAgent => "UserAgent",
            _ => "TargetFilename",
        };
        let shown = |n: u32| match kind {
            Cidr => value(kind, n).replace("0/24", "99"),
            UrlPath => format!("http://other.example{}", value(kind, n)),
            FilePathRegex => format!("C:\\x\\r{n}.exe"),
            FileName => format!("C:\\x\\n{n}.exe"),
            Folder => format!("C:\\x\\o{n}\\y\\z.exe"),
            _ => value(kind, n),
        };
        let indicators = (1..=1_000)
            .map(|n| Indicator::new(kind, &value(kind, n)))
            .collect();
        let (set, refused) = IndicatorSet::compile(indicators);
        assert_eq!((set.len(), refused.len()), (1_000, 0), "{kind}");
        let values: Vec<String> = (1..=1_100).map(shown).collect();
        let cells: Vec<[(&str, &str); 1]> = values.iter().map(|value| [(column, value.as_str())]).collect();
        let rows: Vec<&[(&str, &str)]> = cells.iter().map(<[_; 1]>::as_slice).collect();
        let mut hits = Vec::new();
        set.evaluate(&batch(Source::AdvancedHunting, &rows), &mut hits);
        let found: Vec<(u32, u32)> = hits.iter().map(|hit| (hit.row, hit.indicator)).collect();
        let expected: Vec<(u32, u32)> = (0..1_000).map(|n| (n, n)).collect();
        assert_eq!(found, expected, "{kind}");
    }
}

#[test]
fn identifiers_are_found_by_name() {
    for kind in ALL_KINDS {
        assert_eq!(IndicatorKind::from_id(kind.id()), Some(kind));
    }
    let severities: BTreeMap<&str, Severity> = Severity::ALL.iter().map(|s| (s.id(), *s)).collect();
    assert_eq!(severities.len(), 5);
    assert_eq!(
        Outcome::from_id("post_exploitation"),
        Some(Outcome::PostExploitation)
    );
}

proptest! {
    #[test]
    fn no_list_and_no_csv_panics(text in "\\PC{0,200}") {
        let read = import(text.as_bytes(), "fuzz");
        let (more, _) = parse_csv(&format!("type,value\n{text}"), None);
        let _ = IndicatorSet::compile(read.list.iter().chain(more).collect());
    }

    #[test]
    fn no_value_panics(value in "\\PC{0,60}") {
        let set = set(&[
            (Ip, "203.0.113.7"), (Domain, "evil.example"), (FileName, "a.exe"), (UrlPath, "/a"), (UserAgent, "abc"),
            (Folder, "\\a\\"), (FilePathRegex, "a{2}"), (Md5, "099c8625c58b315b6c11f5baeb859f4c"),
        ]);
        let row = batch(Source::WindowsEvent, &[&[
            ("IpAddress", value.as_str()), ("Hashes", &value), ("Path", &value), ("QueryName", &value),
            ("RemoteUrl", &value), ("UserAgent", &value), ("FileName", &value), ("Image", &value),
        ]]);
        let mut found = Vec::new();
        set.evaluate(&row, &mut found);
    }
}
