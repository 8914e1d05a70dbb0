//! Where fuzzing starts: the samples of the checkout, and small files written here, the same each time.

use std::fs;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use vigie_simulate::evtx::{Data, Event, EvtxWriter, Kind, Value};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::{EXCHANGE, PACK_FILES, pack_file};

/// One input to start from.
type Seed = (String, Vec<u8>);

/// Writes the target's seeds into the folder `VIGIE_FUZZ_SEEDS` names; does nothing when it names none.
pub fn write(target: &str) {
    let Some(folder) = std::env::var_os("VIGIE_FUZZ_SEEDS").map(PathBuf::from) else {
        return;
    };
    if let Err(error) = write_all(target, &folder) {
        panic!(
            "cannot write the seeds of {target} into {}: {error}",
            folder.display()
        );
    }
}

fn write_all(target: &str, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let seeds = seeds(target)?;
    assert!(!seeds.is_empty(), "{target} has no seeds");
    for (name, bytes) in seeds {
        fs::write(folder.join(format!("seed-{name}")), bytes)?;
    }
    Ok(())
}

fn seeds(target: &str) -> io::Result<Vec<Seed>> {
    let text = "crates/evidence/tests/samples/text";
    let windows = "crates/evidence/tests/samples/windows";
    let pack = "packs/hafnium-2021";
    Ok(match target {
        "evtx" => vec![("log".into(), event_log()?)],
        // A chunk without the file's header before it.
        "evtx_chunk" => vec![("chunk".into(), event_log()?.split_off(4_096))],
        "w3c" => samples(&format!("{text}/iis"), &["log", "txt"])?,
        "httperr" => samples(&format!("{text}/httperr"), &["log"])?,
        "exchange" => exchange(text)?,
        "documents" => documents("crates/evidence/tests/samples/files")?,
        "windows_json" => samples(windows, &["json", "jsonl", "ndjson", "txt"])?,
        "windows_csv" => samples(windows, &["csv"])?,
        "windows_xml" => samples(windows, &["xml"])?,
        "recognise" => recognise(text, windows)?,
        "zip" => archives(windows)?,
        "sigma" => samples(&format!("{pack}/rules"), &["yml", "yaml"])?,
        "indicators" => samples(pack, &["csv"])?,
        "pack" => pack_files()?,
        "advisory" => [
            (
                "csaf",
                r#"{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"category":"vendor","name":"a","namespace":"https://a.example"},"title":"t","tracking":{"current_release_date":"2021-07-21T10:00:00Z","id":"A","initial_release_date":"2021-07-21T10:00:00Z","revision_history":[{"date":"2021-07-21T10:00:00Z","number":"1","summary":"s"}],"status":"final","version":"1"}},"product_tree":{"full_product_names":[{"name":"P 1.2","product_id":"P"}]},"vulnerabilities":[{"cve":"CVE-2021-1234","notes":[{"category":"summary","text":"n"}],"product_status":{"fixed":["P"]},"scores":[{"products":["P"],"cvss_v3":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}}]}]}"#,
            ),
            ("epss", "#model_version:v1,score_date:2024-01-01\ncve,epss,percentile\nCVE-2021-1234,0.5,0.9\n"),
            (
                "cve",
                r#"{"dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2021-1234"},"containers":{"cna":{"affected":[{"product":"P","versions":[{"version":"1","status":"affected","lessThan":"1.2"}]}]}}}"#,
            ),
            ("kev", r#"{"catalogVersion":"1","dateReleased":"d","vulnerabilities":[{"cveID":"CVE-2021-1234","dateAdded":"2021-11-03"}]}"#),
        ]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .collect(),
        "yara" => samples(&format!("{pack}/yara"), &["yar"])?,
        "time" => [
            "2021-03-03",
            "2021-03-03T06:49:46.123456Z",
            "2021-03-03 06:49:46,1+01:00",
        ]
        .into_iter()
        .map(|text| (text.replace([':', ' ', ','], "_"), text.as_bytes().to_vec()))
        .collect(),
        "probe" => answers()?,
        "inventory" => inventories()?,
        other => panic!("no seeds are known for {other}"),
    })
}

/// Answers of servers and a scope, each behind the byte that chooses its reader.
fn answers() -> io::Result<Vec<Seed>> {
    let manifest = "<?xml version=\"1.0\"?><a:assembly xmlns:a=\"urn:schemas-microsoft-com:asm.v1\"><assemblyIdentity \
                    name=\"microsoft.exchange.ediscovery.exporttool.application\" version=\"15.1.2176.9\"/></a:assembly>";
    let page = "<link href=\"/owa/auth/15.1.2176/themes/resources/favicon.ico\">";
    let head = "HTTP/1.1 200 OK\r\nX-OWA-Version: 15.1.2176.9\r\nX-FEServer: EX01\r\n";
    let mut seeds: Vec<Seed> = [
        (
            "header",
            format!("{head}Content-Length: {}\r\n\r\n{page}", page.len()),
        ),
        (
            "chunks",
            format!("{head}Transfer-Encoding: chunked\r\n\r\n4\r\n<htm\r\n2;a=b\r\nl>\r\n0\r\n\r\n"),
        ),
        (
            "manifest",
            format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{manifest}"),
        ),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), [b"\0", text.as_bytes()].concat()))
    .collect();
    let scope = fs::read(root().join("docs/probe.scope.example.yaml"))?;
    seeds.push(("scope".to_owned(), [b"\x02".as_slice(), &scope].concat()));
    Ok(seeds)
}

/// Inventories of every format, mappings and decisions, each behind the byte that chooses what it is.
fn inventories() -> io::Result<Vec<Seed>> {
    let mut seeds = everything("crates/exposure/tests/samples")?;
    for (name, bytes) in &mut seeds {
        bytes.insert(0, u8::from(name.contains("test_proxylogon")));
    }
    let sheet = "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>server</t></is></c></row>\
                 <row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>EX01</t></is></c></row></sheetData></worksheet>";
    let related = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" \
                   Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>";
    let book = "<workbook xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets>\
                <sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>";
    let workbook = archive(&[
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", related.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])?;
    seeds.push(("workbook".to_owned(), [b"\0".as_slice(), &workbook].concat()));
    let clixml = "<Objs><Obj><Props><S N=\"ServerName\">EX01</S><DT N=\"GenerationTime\">2021-03-10T10:15:00+01:00</DT></Props></Obj></Objs>";
    let hunt = "{\"hosts\":[{\"host\":\"EX01\",\"tenant\":null,\"observations\":[{\"kind\":\"exchange_build\",\"value\":\"15.1.2176.9\",\
                \"from\":\"2021-03-02T00:00:00Z\",\"to\":null,\"path\":\"a.log\"}]}]}";
    let mapping = "tables:\n- columns: {Kiste: server, Stand: '?'}\n  values: {tenant: A}\nsources:\n- {file: '*.xml', scanned_from: outside}\n";
    let decisions =
        "- apart: [EX01, {name: EX02, in: a.csv}]\n  tenant: A\n  who: a\n  when: 2021-03-04\n  why: b\n";
    for (name, choice, text) in [
        ("clixml", 0, clixml),
        ("hunt", 0, hunt),
        ("mapping", 2, mapping),
        ("decisions", 3, decisions),
    ] {
        seeds.push((name.to_owned(), [&[choice], text.as_bytes()].concat()));
    }
    Ok(seeds)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files below a folder of the checkout with one of these extensions.
fn samples(folder: &str, extensions: &[&str]) -> io::Result<Vec<Seed>> {
    files(folder, &|extension| extensions.contains(&extension))
}

/// All samples of a format, without what is expected of them.
fn everything(folder: &str) -> io::Result<Vec<Seed>> {
    if !root().join(folder).is_dir() {
        return Ok(Vec::new());
    }
    files(folder, &|extension| extension != "snap")
}

fn files(folder: &str, wanted: &dyn Fn(&str) -> bool) -> io::Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let extension = path
                .extension()
                .map(|extension| extension.to_string_lossy().to_lowercase());
            if path.is_dir() {
                folders.push(path);
            } else if wanted(extension.as_deref().unwrap_or_default()) {
                let bytes = fs::read(&path)?;
                let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
                seeds.push((name.replace(['/', '\\', ' '], "_"), bytes));
            }
        }
    }
    seeds.sort();
    Ok(seeds)
}

/// Samples of every Exchange log, after the byte that chooses its parser.
fn exchange(text: &str) -> io::Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for (number, format) in EXCHANGE.iter().enumerate() {
        let folder = match *format {
            "agent_log" => "transport_agent",
            same => same,
        };
        for (name, mut bytes) in samples(&format!("{text}/{folder}"), &["log", "csv", "txt"])? {
            bytes.insert(0, number as u8);
            seeds.push((name, bytes));
        }
    }
    Ok(seeds)
}

/// Samples of every document format, after the byte that chooses its parser.
fn documents(folder: &str) -> io::Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for (number, format) in crate::documents().iter().enumerate() {
        let files = match *format {
            "event_text" => samples("crates/evidence/tests/samples/windows", &["txt"])?,
            format => everything(&format!("{folder}/{format}"))?,
        };
        for (name, mut bytes) in files {
            bytes.insert(0, number as u8);
            seeds.push((name, bytes));
        }
    }
    Ok(seeds)
}

fn recognise(text: &str, windows: &str) -> io::Result<Vec<Seed>> {
    let mut seeds = samples(text, &["log", "csv", "txt"])?;
    seeds.extend(samples(
        windows,
        &["csv", "json", "jsonl", "ndjson", "txt", "xml"],
    )?);
    let mut log = event_log()?;
    log.truncate(4_096 + 512);
    seeds.push(("evtx".into(), log));
    Ok(seeds)
}

/// The files of a pack, each after the byte that chooses it.
fn pack_files() -> io::Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for (number, name) in PACK_FILES.iter().enumerate() {
        let mut bytes = vec![number as u8];
        bytes.extend(fs::read(pack_file(name))?);
        seeds.push(((*name).to_owned(), bytes));
    }
    Ok(seeds)
}

/// A small event log: two providers, named and unnamed data, several value types.
fn event_log() -> io::Result<Vec<u8>> {
    let kind = |provider, event_id, version| Kind {
        provider,
        guid: None,
        event_id,
        qualifiers: Some(0),
        version,
        level: 4,
        task: 1,
        opcode: 0,
        keywords: 0x8020_0000_0000_0000,
    };
    let (process, service) = (
        kind("Microsoft-Windows-Security-Auditing", 4688, 2),
        kind("MSExchange CmdletLogs", 1, 0),
    );
    let mut log = EvtxWriter::new(Cursor::new(Vec::new()), "Security", "EX01.example.org")?;
    for second in 0..4 {
        let named = [
            (
                "NewProcessName",
                Value::Text("C:\\Windows\\System32\\inetsrv\\w3wp.exe"),
            ),
            (
                "CommandLine",
                Value::Text("w3wp.exe -ap \"MSExchangeOWAAppPool\""),
            ),
        ];
        for (kind, data) in [
            (&process, Data::Named(&named)),
            (
                &service,
                Data::Unnamed(&["Get-Mailbox", "-Identity x", "example.org/Users/ada"]),
            ),
        ] {
            log.write(&Event {
                time: 1_614_750_000_000_000 + second * 1_000_000,
                kind,
                process_id: 4,
                thread_id: 8,
                user: None,
                data,
            })?;
        }
    }
    Ok(log.finish()?.into_inner())
}

/// Archives: zip stored and deflated, tar, gzip; nested, with hostile names.
fn archives(windows: &str) -> io::Result<Vec<Seed>> {
    let log = fs::read(root().join(windows).join("nxlog.json"))?;
    let inner = archive(&[(
        "u_ex210303.log",
        b"#Fields: date time c-ip\r\n2021-03-03 06:49:42 ::1\r\n",
    )])?;
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in [("EX01/events.json", log.as_slice()), ("EX01/more.zip", &inner)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        tar.append_data(&mut header, name, bytes)?;
    }
    let tar = tar.into_inner()?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar)?;
    Ok(vec![
        ("gzip".into(), gzip.finish()?),
        ("tar".into(), tar),
        ("log".into(), archive(&[("EX01/events.json", &log)])?),
        (
            "nested".into(),
            archive(&[("data.zip", &inner), ("../up.txt", b"x")])?,
        ),
        (
            "names".into(),
            archive(&[
                ("uploads/C%3A/inetpub/a.aspx", b"a"),
                ("NUL", b"b"),
                ("/abs", b"c"),
            ])?,
        ),
        ("empty".into(), archive(&[])?),
    ])
}

fn archive(entries: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (number, (name, bytes)) in entries.iter().enumerate() {
        let method = if number % 2 == 0 {
            CompressionMethod::Deflated
        } else {
            CompressionMethod::Stored
        };
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method))?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}
