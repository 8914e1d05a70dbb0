//! Whole files, as others write them.

use proptest::prelude::*;

use super::*;
use crate::indicators::IndicatorSet;

fn shown(read: &Import) -> Vec<String> {
    read.list
        .iter()
        .map(|one| format!("{}:{} {} {}", one.line, one.kind, one.value, one.confidence.id()))
        .collect()
}

fn problems(read: &Import) -> Vec<String> {
    read.problems.iter().map(ToString::to_string).collect()
}

const BUNDLE: &str = r#"{
  "type": "bundle",
  "id": "bundle--1",
  "objects": [
    {"type": "indicator", "spec_version": "2.1", "id": "indicator--1", "created_by_ref": "identity--1",
     "created": "2021-03-05T10:00:00Z", "modified": "2021-03-05T10:00:00Z",
     "name": "China Chopper", "description": "web shell\nof March 2021", "indicator_types": ["malicious-activity"],
     "pattern": "[file:hashes.'SHA-256' = '8E90ED33C7EE82C0B64078EA36EC95F7420BA435C693B3B3DD728B494ABF7DFC' AND file:hashes.MD5 = '099c8625c58b315b6c11f5baeb859f4c' AND file:name = 'supp0rt.aspx']",
     "pattern_type": "stix", "valid_from": "2021-03-05T10:00:00Z", "valid_until": "2022-03-05T00:00:00Z", "confidence": 85,
     "kill_chain_phases": [{"kill_chain_name": "lockheed-martin-cyber-kill-chain", "phase_name": "installation"}],
     "external_references": [{"source_name": "alert", "url": "https://cert.example/1"}]},
    {"type": "indicator", "id": "indicator--2", "created": "2021-03-05T10:00:00Z", "valid_from": "2021-01-03T00:00:00Z",
     "pattern": "[ipv4-addr:value = '203.0.113.7' OR domain-name:value IN ('evil.example', 'bad.example')]", "pattern_type": "stix",
     "confidence": 20},
    {"type": "indicator", "id": "indicator--3", "pattern": "[ipv4-addr:value = '203.0.113.8']", "revoked": true},
    {"type": "indicator", "id": "indicator--4", "pattern": "alert tcp any", "pattern_type": "snort"},
    {"type": "indicator", "id": "indicator--5", "pattern": "[file:name = ", "pattern_type": "stix"},
    {"type": "indicator", "id": "indicator--6", "pattern": "[email-addr:value = 'a@b.example' OR ipv4-addr:value = '127.0.0.1']"},
    {"type": "indicator", "id": "indicator--7", "pattern": "[ipv4-addr:value = '203.0.113.9']", "confidence": "high"},
    {"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "203.0.113.10"},
    {"type": "malware", "id": "malware--1", "name": "x"},
    {"type": "identity", "id": "identity--1", "name": "CERT Example"}
  ]
}"#;

#[test]
fn a_bundle_gives_its_indicators() {
    let read = import(BUNDLE.as_bytes(), "bundle.json");
    assert_eq!(read.format, Some(Format::Stix));
    assert_eq!(
        shown(&read),
        [
            "5:sha256 8e90ed33c7ee82c0b64078ea36ec95f7420ba435c693b3b3dd728b494abf7dfc conclusive",
            "5:md5 099c8625c58b315b6c11f5baeb859f4c conclusive",
            "12:ip 203.0.113.7 weak",
            "12:domain evil.example weak",
            "12:domain bad.example weak",
        ]
    );
    let first = read.list.get(0).unwrap();
    assert_eq!(
        first.context,
        "China Chopper: web shell of March 2021 (file name supp0rt.aspx)"
    );
    assert_eq!(first.source, "CERT Example, https://cert.example/1");
    assert_eq!(first.stage.as_deref(), Some("persistence"));
    // The day of writing is no beginning; an earlier one is.
    assert_eq!(first.valid_from, None);
    assert_eq!(first.valid_until, vigie_event::parse_utc("2022-03-05"));
    let second = read.list.get(2).unwrap();
    assert_eq!(second.valid_from, vigie_event::parse_utc("2021-01-03"));
    assert_eq!(second.source, "bundle.json");
    assert_eq!(
        problems(&read),
        [
            "line 17: indicator--5: the pattern ends before a value",
            "line 18: indicator--6: no kind of indicator for email-addr:value",
            "line 18: indicator--6: ip \"127.0.0.1\": loopback and unspecified addresses are in every log",
            "line 19: indicator--7: confidence \"high\" is not a number from 0 to 100",
        ]
    );
    let set_aside: Vec<(&str, u64)> = read
        .set_aside
        .iter()
        .map(|(what, count)| (what.as_str(), *count))
        .collect();
    assert_eq!(
        set_aside,
        [
            ("indicators whose pattern is not STIX: snort", 1),
            ("objects of type identity", 1),
            ("objects of type malware", 1),
            (
                "observed objects, which accuse nothing by themselves: ipv4-addr",
                1
            ),
            ("revoked indicators", 1),
        ]
    );
}

#[test]
fn what_is_broken_is_lost_alone() {
    let cut = BUNDLE.split_at(BUNDLE.find("\"indicator--3\"").unwrap()).0;
    let read = import(cut.as_bytes(), "x");
    assert_eq!(read.list.len(), 5);
    assert_eq!(problems(&read), ["line 15: the file ends inside this object"]);
    let wrong = BUNDLE.replace("\"revoked\": true", "\"revoked\": yes");
    let read = import(wrong.as_bytes(), "x");
    assert_eq!(read.list.len(), 5);
    assert_eq!(
        problems(&read)[0],
        "line 15: this object is not read: expected value"
    );
    let deep = BUNDLE.replace("true", &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    let read = import(deep.as_bytes(), "x");
    assert_eq!(read.list.len(), 5);
    assert_eq!(
        problems(&read)[0],
        "line 15: this object is not read: recursion limit exceeded"
    );
}

#[test]
fn objects_come_in_envelopes_lists_and_lines() {
    let one =
        r#"{"type": "indicator", "id": "indicator--1", "pattern": "[ipv4-addr:value = '203.0.113.7']"}"#;
    for text in [
        format!(r#"{{"more": false, "objects": [{one}]}}"#),
        format!("[{one}]"),
        format!("{one}\n"),
        format!("\u{feff}{one}\n{one}"),
    ] {
        let read = import(text.as_bytes(), "x");
        assert_eq!(read.format, Some(Format::Stix), "{text}");
        assert!(!read.list.is_empty() && read.problems.is_empty(), "{text}");
    }
    let read = import(br#"{"hello": "world"}"#, "x");
    assert_eq!((read.format, read.refused()), (None, 1));
    assert!(read.problems[0].message.contains("neither STIX"));
}

const EVENT: &str = r#"{"Event": {
  "info": "Exchange, March 2021", "Orgc": {"name": "CERT Example"},
  "Tag": [{"name": "tlp:clear"}, {"name": "admiralty-scale:information-credibility=\"3\""}],
  "Attribute": [
    {"uuid": "a-1", "type": "sha256", "to_ids": true, "deleted": false, "comment": "dropper",
     "value": "8e90ed33c7ee82c0b64078ea36ec95f7420ba435c693b3b3dd728b494abf7dfc",
     "first_seen": "2021-03-01T00:00:00.000000+00:00", "last_seen": "2021-03-05T00:00:00.000000+00:00"},
    {"uuid": "a-2", "type": "filename|md5", "to_ids": "1", "value": "supp0rt.aspx|099c8625c58b315b6c11f5baeb859f4c",
     "Tag": [{"name": "estimative-language:confidence-in-analytic-judgment=\"high\""}]},
    {"uuid": "a-3", "type": "ip-dst|port", "to_ids": true, "value": "203.0.113.7|443"},
    {"uuid": "a-4", "type": "domain|ip", "to_ids": true, "value": "evil.example|203.0.113.8"},
    {"uuid": "a-5", "type": "url", "to_ids": true, "value": "http://bad.example/"},
    {"uuid": "a-6", "type": "ip-src", "to_ids": false, "value": "203.0.113.9"},
    {"uuid": "a-7", "type": "ip-src", "to_ids": true, "deleted": true, "value": "203.0.113.9"},
    {"uuid": "a-8", "type": "AS", "to_ids": true, "value": "64496"},
    {"uuid": "a-9", "type": "md5", "to_ids": true, "value": "d41d8cd98f00b204e9800998ecf8427e"},
    {"uuid": "a-10", "type": "stix2-pattern", "to_ids": true, "value": "[file:name = 'a.exe']"}
  ],
  "Object": [{"name": "file", "Attribute": [
    {"uuid": "o-1", "type": "filename", "object_relation": "filename", "to_ids": true, "value": "C:\\Temp\\x.exe"}]}]
}}"#;

#[test]
fn an_event_gives_its_attributes() {
    let read = import(EVENT.as_bytes(), "event.json");
    assert_eq!(read.format, Some(Format::Misp));
    assert_eq!(
        shown(&read),
        [
            "5:sha256 8e90ed33c7ee82c0b64078ea36ec95f7420ba435c693b3b3dd728b494abf7dfc strong",
            "8:md5 099c8625c58b315b6c11f5baeb859f4c conclusive",
            "10:ip 203.0.113.7 weak",
            "11:domain evil.example strong",
            "11:ip 203.0.113.8 weak",
            "12:domain bad.example strong",
            "17:file_name a.exe weak",
            r"20:file_path C:\Temp\x.exe strong",
        ]
    );
    let first = read.list.get(0).unwrap();
    assert_eq!(
        first.context,
        "Exchange, March 2021 / dropper, seen 2021-03-01 to 2021-03-05"
    );
    assert_eq!((first.source.as_str(), first.valid_until), ("CERT Example", None));
    assert_eq!(
        read.list.get(1).unwrap().context,
        "Exchange, March 2021 / supp0rt.aspx"
    );
    assert_eq!(
        problems(&read),
        ["line 16: a-9: md5 \"d41d8cd98f00b204e9800998ecf8427e\": every empty file has this hash"]
    );
    let set_aside: Vec<&str> = read.set_aside.keys().map(String::as_str).collect();
    assert_eq!(
        set_aside,
        [
            "attributes not for detection (to_ids), which are context",
            "attributes of a type no indicator has: AS",
            "deleted attributes",
        ]
    );
}

#[test]
fn events_and_attributes_come_in_many_envelopes() {
    let attribute =
        r#"{"type": "ip-dst", "to_ids": true, "value": "203.0.113.7", "Event": {"info": "from a search"}}"#;
    for text in [
        EVENT.to_owned(),
        format!("[{EVENT}]"),
        format!(r#"{{"response": [{EVENT}]}}"#),
        format!(r#"{{"response": {{"Attribute": [{attribute}]}}}}"#),
        format!(r#"{{"Attribute": [{attribute}]}}"#),
        format!("[{attribute}]"),
    ] {
        let read = import(text.as_bytes(), "x");
        assert_eq!(read.format, Some(Format::Misp), "{text}");
        assert!(
            !read.list.is_empty() && read.problems.len() < 2,
            "{text}: {:?}",
            read.problems
        );
    }
    let read = import(format!("[{attribute}]").as_bytes(), "x");
    assert_eq!(read.list.get(0).unwrap().context, "from a search");
    let deep = format!("{}{EVENT}", r#"{"response": ["#.repeat(5_000));
    assert!(
        import(deep.as_bytes(), "x").problems[0]
            .message
            .contains("deeper")
    );
}

#[test]
fn csv_of_others_is_read_by_its_header() {
    let text = "DateAdded,FirstSeen,Indicator,IndicatorType,TLP\n\
        2021-03-10,2021-03-05,8e90ed33c7ee82c0b64078ea36ec95f7420ba435c693b3b3dd728b494abf7dfc,sha256,White\n\
        2021-03-10,2021-03-05,C:\\Temp\\x.exe,filepath,White\n\
        2021-03-10,2021-03-05,evil[.]example,domainname,White\n\
        2021-03-10,2021-03-05,x,telepathy,White\n";
    let read = import(text.as_bytes(), "feed.csv");
    assert_eq!(read.format, Some(Format::Csv));
    assert_eq!(read.list.len(), 3);
    assert_eq!(problems(&read), ["line 5: unknown indicator type \"telepathy\""]);
    assert!(
        read.set_aside
            .contains_key("columns not read: DateAdded, FirstSeen, TLP")
    );
    let misp =
        "uuid;type;value;comment;to_ids\n1;ip-dst|port;203.0.113.7|80;scanner;1\n2;ip-src;203.0.113.8;;0\n";
    let read = import(misp.as_bytes(), "misp.csv");
    assert_eq!(shown(&read), ["2:ip 203.0.113.7 weak"]);
    let ours = "type,value,confidence,valid_from,valid_until\n\
        ip,203.0.113.7,conclusive,2021-01-03,2022-01-01T00:00:00Z\ndomain,evil.example,15,soon,\n,198.51.100.0/24,,,\n\
        md5,099c8625c58b315b6c11f5baeb859f4c,50,2022-01-01,2021-01-01\n";
    let read = import(ours.as_bytes(), "ours.csv");
    assert_eq!(
        shown(&read),
        ["2:ip 203.0.113.7 weak", "4:cidr 198.51.100.0/24 weak"]
    );
    assert!(read.list.get(0).unwrap().valid_from.is_some());
    assert_eq!(problems(&read).len(), 2);
}

#[test]
fn problems_are_counted_when_they_are_too_many_to_tell() {
    let text = "what is this\n".repeat(5_000);
    let read = import(text.as_bytes(), "x");
    assert_eq!((read.problems.len(), read.refused()), (1_000, 5_000));
}

#[test]
fn lists_of_powershell_are_utf_16() {
    let wide: Vec<u8> = "\u{feff}203.0.113.7\r\nevil.example\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(import(&wide, "x").list.len(), 2);
}

proptest! {
    #[test]
    fn no_json_panics(at in 0usize..2_000, bytes in prop::collection::vec(prop::num::u8::ANY, 0..4), misp in prop::bool::ANY) {
        let mut text = if misp { EVENT } else { BUNDLE }.as_bytes().to_vec();
        let at = at.min(text.len());
        text.splice(at..(at + bytes.len()).min(text.len()), bytes);
        let read = import(&text, "fuzz");
        let (_, refused) = IndicatorSet::of_lists(vec![std::sync::Arc::new(read.list)]);
        prop_assert!(refused.is_empty());
    }
}
