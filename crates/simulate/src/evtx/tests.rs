use std::io::Cursor;

use evtx::{EvtxParser, ParserSettings};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::chunk::name_hash;
use super::*;

const LOGON: Kind = Kind {
    provider: "Microsoft-Windows-Security-Auditing",
    guid: Some(Guid(0x54849625_5478_4994_a5ba_3e3b0328c30d)),
    event_id: 4624,
    qualifiers: None,
    version: 2,
    level: 0,
    task: 12_544,
    opcode: 0,
    keywords: 0x8020_0000_0000_0000,
};

const CMDLET: Kind = Kind {
    provider: "MSExchange CmdletLogs",
    guid: None,
    event_id: 1,
    qualifiers: Some(16_384),
    version: 0,
    level: 4,
    task: 1,
    opcode: 0,
    keywords: 0x80_0000_0000_0000,
};

/// 2021-03-03T06:49:46.210123Z
const TIME: Timestamp = 1_614_754_186_210_123;

fn event<'a>(kind: &'a Kind, data: Data<'a>) -> Event<'a> {
    Event {
        time: TIME,
        kind,
        process_id: 640,
        thread_id: 5_204,
        user: None,
        data,
    }
}

fn written(channel: &str, events: &[Event<'_>]) -> Vec<u8> {
    let mut log = EvtxWriter::new(Cursor::new(Vec::new()), channel, "EX01.durand.example").unwrap();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(log.write(event).unwrap(), index as u64 + 1);
    }
    log.finish().unwrap().into_inner()
}

fn read(bytes: Vec<u8>) -> Vec<Json> {
    let settings = ParserSettings::new().num_threads(1).validate_checksums(true);
    let mut parser = EvtxParser::from_buffer(bytes)
        .unwrap()
        .with_configuration(settings);
    parser
        .records_json_value()
        .map(|record| record.unwrap().data)
        .collect()
}

#[test]
fn names_are_hashed_as_windows_does() {
    // Hashes found in logs written by Windows.
    for (name, hash) in [
        ("Event", 0x0cba),
        ("xmlns", 0x0fbc),
        ("System", 0x546f),
        ("EventData", 0x8244),
        ("Data", 0x6f8a),
    ] {
        assert_eq!(name_hash(name), hash, "{name}");
    }
}

#[test]
fn named_data_reads_back_with_all_types() {
    let guid = Guid(0x0123_4567_89ab_4cde_8f01_2345_6789_abcd);
    let data = [
        (
            "TargetUserSid",
            Value::Sid(Sid::account([1, 2, 4_000_000_000], 500)),
        ),
        ("TargetUserName", Value::Text("Système d'été \u{1F980}")),
        ("TargetLogonId", Value::Hex64(0x3e7)),
        ("LogonType", Value::U32(3)),
        ("LogonGuid", Value::Guid(guid)),
        ("Elevated", Value::Bool(true)),
        ("Mask", Value::Hex32(0x1fffff)),
        ("Bytes", Value::U64(u64::MAX)),
        ("IpAddress", Value::Null),
    ];
    let mut logon = event(&LOGON, Data::Named(&data));
    logon.user = Some(Sid::SYSTEM);
    let records = read(written("Security", &[logon]));

    assert_eq!(
        records[0]["Event"]["EventData"],
        json!({
            "TargetUserSid": "S-1-5-21-1-2-4000000000-500",
            "TargetUserName": "Système d'été \u{1F980}",
            "TargetLogonId": "0x3e7",
            "LogonType": 3,
            "LogonGuid": "{01234567-89ab-4cde-8f01-23456789abcd}",
            "Elevated": true,
            "Mask": "0x1fffff",
            "Bytes": u64::MAX,
            "IpAddress": "",
        })
    );
    let system = &records[0]["Event"]["System"];
    assert_eq!(system["Provider"]["#attributes"]["Name"], LOGON.provider);
    assert_eq!(
        system["Provider"]["#attributes"]["Guid"],
        "{54849625-5478-4994-a5ba-3e3b0328c30d}"
    );
    assert_eq!(system["EventID"], 4624);
    assert_eq!(system["Version"], 2);
    assert_eq!(system["Level"], 0);
    assert_eq!(system["Task"], 12_544);
    assert_eq!(system["Keywords"], "0x8020000000000000");
    assert_eq!(
        system["TimeCreated"]["#attributes"]["SystemTime"],
        "2021-03-03T06:49:46.2101230Z"
    );
    assert_eq!(system["EventRecordID"], 1);
    assert_eq!(
        system["Execution"]["#attributes"],
        json!({"ProcessID": 640, "ThreadID": 5204})
    );
    assert_eq!(system["Channel"], "Security");
    assert_eq!(system["Computer"], "EX01.durand.example");
    assert_eq!(system["Security"]["#attributes"]["UserID"], "S-1-5-18");
}

#[test]
fn unnamed_data_reads_back_in_order() {
    let texts = ["Set-OabVirtualDirectory", "-Identity \"OAB\"", "", "fr-FR"];
    let records = read(written(
        "MSExchange Management",
        &[event(&CMDLET, Data::Unnamed(&texts))],
    ));
    let event = &records[0]["Event"];
    assert_eq!(event["EventData"]["Data"]["#text"], json!(texts));
    assert_eq!(event["System"]["EventID"]["#attributes"]["Qualifiers"], 16_384);
    assert_eq!(event["System"]["EventID"]["#text"], 1);
}

#[test]
fn templates_are_defined_again_in_every_chunk() {
    let texts = ["Get-Mailbox", "-Identity \"a\""];
    let events: Vec<_> = (0..3_000)
        .map(|n| match n % 2 {
            0 => event(
                &LOGON,
                Data::Named(&[("LogonType", Value::U32(5)), ("IpAddress", Value::Text("-"))]),
            ),
            _ => event(&CMDLET, Data::Unnamed(&texts)),
        })
        .collect();
    let bytes = written("Application", &events);
    assert!(bytes.len() > 4_096 + 3 * 65_536, "{}", bytes.len());
    assert_eq!((bytes.len() - 4_096) % 65_536, 0);

    let records = read(bytes.clone());
    assert_eq!(records.len(), 3_000);
    for (index, record) in records.iter().enumerate() {
        let event = &record["Event"];
        assert_eq!(event["System"]["EventRecordID"], index + 1);
        match index % 2 {
            0 => assert_eq!(event["EventData"], json!({"LogonType": 5, "IpAddress": "-"})),
            _ => assert_eq!(event["EventData"]["Data"]["#text"], json!(texts)),
        }
    }
    // A definition is some hundred bytes: it must not be repeated per record.
    let names = bytes.windows(18).filter(|w| *w == b"E\0v\0e\0n\0t\0D\0a\0t\0a\0");
    assert_eq!(names.count(), (bytes.len() - 4_096) / 65_536);
}

#[test]
fn the_file_header_and_all_checksums_hold() {
    let data = [("Text", Value::Text("x"))];
    let events: Vec<_> = (0..500).map(|_| event(&LOGON, Data::Named(&data))).collect();
    let bytes = written("Security", &events);
    let header = evtx::EvtxFileHeader::from_bytes(&bytes).unwrap();
    assert!(header.validate_checksum());
    assert_eq!(header.next_record_id, 501);
    assert_eq!(u64::from(header.chunk_count), header.last_chunk_number + 1);
    for chunk in bytes[4_096..].chunks(65_536) {
        let chunk = evtx::EvtxChunkData::new(chunk.to_vec(), true).unwrap();
        assert!(chunk.validate_checksum());
    }
}

#[test]
fn no_chunk_is_filled_to_its_last_byte() {
    // Second records of all lengths around the one that would end exactly at the chunk's end.
    let long = "x".repeat(31_000);
    for length in 0..1_500 {
        let rest = "y".repeat(length);
        let texts = [[("Text", Value::Text(&long))], [("Text", Value::Text(&rest))]];
        let events: Vec<_> = texts
            .iter()
            .map(|data| event(&LOGON, Data::Named(data)))
            .collect();
        for chunk in written("Security", &events)[4_096..].chunks(65_536) {
            let chunk = evtx::EvtxChunkData::new(chunk.to_vec(), true).unwrap();
            assert!(chunk.header.free_space_offset < 65_536, "{length}");
        }
    }
}

#[test]
fn an_empty_log_is_a_log() {
    let bytes = written("Security", &[]);
    assert!(read(bytes).is_empty());
}

#[test]
fn an_event_that_fits_no_chunk_is_refused_and_the_log_goes_on() {
    let long = "x".repeat(31_000);
    let longer = "x".repeat(40_000);
    let mut log = EvtxWriter::new(Cursor::new(Vec::new()), "Security", "EX01").unwrap();
    for text in [&long, &long] {
        log.write(&event(&LOGON, Data::Named(&[("Text", Value::Text(text))])))
            .unwrap();
    }
    let refused = log.write(&event(&LOGON, Data::Named(&[("Text", Value::Text(&longer))])));
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    log.write(&event(&LOGON, Data::Named(&[("Text", Value::Text("short"))])))
        .unwrap();
    let records = read(log.finish().unwrap().into_inner());
    assert_eq!(records.len(), 3);
    assert_eq!(records[2]["Event"]["EventData"]["Text"], "short");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any text comes back, whatever the number of records and wherever chunks end.
    #[test]
    fn any_text_reads_back(texts in proptest::collection::vec(("\\PC{0,60}", "\\PC{1,2000}"), 1..60)) {
        let named: Vec<_> = texts
            .iter()
            .map(|(short, long)| [("CommandLine", Value::Text(short)), ("ScriptBlockText", Value::Text(long))])
            .collect();
        let unnamed: Vec<_> = texts.iter().map(|(short, long)| [long.as_str(), short, long]).collect();
        let mut events = Vec::new();
        for (named, unnamed) in named.iter().zip(&unnamed) {
            events.push(event(&LOGON, Data::Named(named)));
            events.push(event(&CMDLET, Data::Unnamed(unnamed)));
        }
        let records = read(written("Security", &events));
        prop_assert_eq!(records.len(), texts.len() * 2);
        for ((short, long), pair) in texts.iter().zip(records.chunks(2)) {
            let expected = json!({"CommandLine": short, "ScriptBlockText": long});
            prop_assert_eq!(&pair[0]["Event"]["EventData"], &expected);
            prop_assert_eq!(&pair[1]["Event"]["EventData"]["Data"]["#text"], &json!([long, short, long]));
        }
    }
}
