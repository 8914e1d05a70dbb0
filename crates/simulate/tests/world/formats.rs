//! Every log looks like a real one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vigie_event::{MICROS_PER_SECOND, Timestamp, parse_utc};
use vigie_simulate::Plan;

use crate::support::{HOUR, cells, demo, records, small, with_extension, world};

#[test]
fn exchange_logs_have_their_headers_columns_and_order() {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for path in with_extension(demo().path(), "LOG") {
        let shown = path.display();
        if path.file_name().unwrap().to_string_lossy().starts_with("u_ex") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with('\u{feff}'), "{shown}: byte order mark");
        assert!(
            text.ends_with("\r\n") && !text.replace("\r\n", "").contains('\n'),
            "{shown}: line ends"
        );
        let text = text.trim_start_matches('\u{feff}');
        let header: Vec<&str> = text
            .lines()
            .take_while(|l| l.starts_with('#') || l.contains("Time,") || l.starts_with("TimeStamp,"))
            .collect();
        let fields = header
            .last()
            .and_then(|l| l.strip_prefix("#Fields: "))
            .expect("fields come last");
        let kind = header.iter().find_map(|l| l.strip_prefix("#Log-type: ")).unwrap();
        let transport = kind == "Message Tracking Log";
        assert_eq!(header.len(), if transport { 5 } else { 6 }, "{shown}");
        assert!(
            transport || header[0] == fields,
            "{shown}: the bare header comes first"
        );
        let columns = fields.split(',').count();
        let mut last = String::new();
        for line in text.lines().skip(header.len()) {
            let cells = cells(line);
            assert_eq!(cells.len(), columns, "{shown}\n{line}");
            assert!(cells[0].len() == 24 && cells[0].ends_with('Z'), "{shown}\n{line}");
            assert!(cells[0] >= last, "{shown}: order\n{line}");
            last.clone_from(&cells[0]);
            *kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }
    let expected = [
        "ECP Server Log",
        "HttpProxy Logs",
        "Message Tracking Log",
        "OABGenerator Log",
        "Rps Cmdlet Logs",
    ];
    assert_eq!(kinds.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(kinds["HttpProxy Logs"] > 10_000, "{kinds:?}");
}

/// Real logs, published as samples, have the field lists that are simulated.
#[test]
fn field_lists_are_those_of_real_logs() {
    let corpora = std::env::var_os("VIGIE_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let samples = corpora.join("exchange-logs-qazeer");
    if !samples.is_dir() {
        println!("skipped: no samples in {}", samples.display());
        return;
    }
    let fields = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let fields = text.lines().find_map(|line| line.strip_prefix("#Fields: "));
        fields.unwrap().trim_end().to_owned()
    };
    let exchange = demo()
        .path()
        .join("atelier-durand/EX01/C/Program Files/Microsoft/Exchange Server/V15");
    for (ours, real) in [
        ("Logging/HttpProxy/Mapi", "Mapi_HttpProxy_2023010601-1.LOG"),
        ("Logging/ECP/Server", "ECPServer20230111-1.LOG"),
        ("Logging/CmdletInfra", "Rps_Cmdlet_2023011116-1.LOG"),
        ("TransportRoles/Logs/MessageTracking", "MSGTRKMS2022091915-1.LOG"),
    ] {
        let simulated = with_extension(&exchange.join(ours), "LOG");
        assert_eq!(fields(&simulated[0]), fields(&samples.join(real)), "{ours}");
    }
}

#[test]
fn iis_logs_have_their_header_fields_and_order_and_join_the_proxy() {
    let world = demo();
    let server = world.path().join("atelier-durand/EX01/C");
    let mut requests = 0;
    let mut joined = std::collections::HashSet::new();
    for path in with_extension(&server.join("inetpub/logs"), "log") {
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(
            lines[0],
            "#Software: Microsoft Internet Information Services 10.0"
        );
        assert_eq!(lines[1], "#Version: 1.0");
        assert!(lines[2].starts_with("#Date: 2021-"));
        let columns = lines[3].strip_prefix("#Fields: ").unwrap().split(' ').count();
        assert_eq!(columns, 15);
        let mut last = "";
        for line in &lines[4..] {
            let values: Vec<&str> = line.split(' ').collect();
            assert_eq!(values.len(), columns, "{line}");
            assert!(&line[..19] >= last, "{line}");
            last = &line[..19];
            let day = line[2..10].replace('-', "");
            assert!(path.ends_with(format!("u_ex{day}.log")), "{line}");
            requests += 1;
            if let Some((_, id)) = values[5].split_once("cafeReqId=") {
                joined.insert(id.trim_end_matches(';').to_owned());
            }
        }
    }
    assert!(requests > 1_000);
    let mut proxied = 0;
    for path in with_extension(
        &server.join("Program Files/Microsoft/Exchange Server/V15/Logging/HttpProxy"),
        "LOG",
    ) {
        for line in fs::read_to_string(&path).unwrap().lines().skip(6) {
            assert!(joined.contains(line.split(',').nth(1).unwrap()), "{line}");
            proxied += 1;
        }
    }
    assert_eq!(proxied, joined.len());
}

#[test]
fn servers_without_evidence_have_logs_over_the_whole_window() {
    let world = demo();
    let window = parse_utc("2021-01-03").unwrap()..parse_utc(&world.truth.to).unwrap();
    for server in world.truth.servers.iter().filter(|s| s.verdict == "no_evidence") {
        let root = world.path().join(&server.tenant).join(&server.server).join("C");
        let exchange = root.join("Program Files/Microsoft/Exchange Server/V15/Logging");
        for (folder, silence) in [
            (root.join("inetpub/logs/LogFiles/W3SVC1"), 2 * HOUR),
            (exchange.join("HttpProxy"), 2 * HOUR),
            (exchange.join("ECP/Server"), 25 * HOUR),
            (exchange.join("OABGeneratorLog"), 25 * HOUR),
            (exchange.join("CmdletInfra"), 25 * HOUR),
        ] {
            let mut times: Vec<Timestamp> = vec![window.start, window.end];
            for path in with_extension(&folder, "log") {
                let text = fs::read_to_string(&path).unwrap();
                let found = text.lines().filter_map(|line| line.get(..19).and_then(parse_utc));
                times.extend(found.filter(|time| window.contains(time)));
            }
            times.sort_unstable();
            let gap = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(
                gap <= silence,
                "{} {}: {} s",
                server.server,
                folder.display(),
                gap / MICROS_PER_SECOND
            );
        }
    }
}

#[test]
fn event_logs_of_servers_without_evidence_have_no_long_silence() {
    let world = demo();
    for server in world.truth.servers.iter().filter(|s| s.verdict == "no_evidence") {
        let logs = world
            .path()
            .join(&server.tenant)
            .join(&server.server)
            .join("C/Windows/System32/winevt/Logs");
        for (name, silence) in [
            ("Security", 24 * HOUR),
            ("Microsoft-Windows-Sysmon%4Operational", 24 * HOUR),
            ("Application", 48 * HOUR),
            ("System", 72 * HOUR),
            ("MSExchange Management", 72 * HOUR),
        ] {
            let mut times = vec![
                parse_utc("2021-01-03").unwrap(),
                parse_utc(&world.truth.to).unwrap(),
            ];
            times.extend(
                records(&logs.join(format!("{name}.evtx")))
                    .iter()
                    .filter_map(|record| {
                        let time = &record["Event"]["System"]["TimeCreated"]["#attributes"]["SystemTime"];
                        time.as_str().and_then(parse_utc)
                    }),
            );
            times.sort_unstable();
            let gap = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(gap <= silence, "{} {name}: {} h", server.server, gap / HOUR);
        }
    }
}

#[test]
fn the_build_in_the_headers_changes_with_the_update() {
    let folder = "notaires-delta/EX02/C/Program Files/Microsoft/Exchange Server/V15/Logging/HttpProxy";
    let update = "2021-03-02T23:30";
    let mut seen = [0; 2];
    for path in with_extension(&demo().path().join(folder), "LOG") {
        let text = fs::read_to_string(&path).unwrap();
        let header = |name| text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let updated = &header("#Date: ")[..16] >= update;
        seen[usize::from(updated)] += 1;
        let (long, columns) = match updated {
            false => ("15.02.0792.003", ",15,2,792,3,"),
            true => ("15.02.0792.010", ",15,2,792,10,"),
        };
        assert_eq!(header("#Version: "), long, "{}", path.display());
        assert!(text.lines().skip(6).all(|line| line.contains(columns)));
    }
    assert!(seen.iter().all(|&files| files > 100), "{seen:?}");
}

#[test]
fn french_servers_speak_french() {
    let logs = "logistique-boreal/EX01/C/Windows/System32/winevt/Logs";
    let sysmon = records(
        &demo()
            .path()
            .join(logs)
            .join("Microsoft-Windows-Sysmon%4Operational.evtx"),
    );
    let users = sysmon
        .iter()
        .filter_map(|record| record["Event"]["EventData"]["User"].as_str());
    let users: std::collections::BTreeSet<&str> = users.collect();
    assert_eq!(users.into_iter().collect::<Vec<_>>(), [r"AUTORITE NT\Système"]);
}

#[test]
fn most_requests_are_probes() {
    let world = world(&Plan {
        size: Some(8_000_000),
        ..small(3)
    });
    let (mut people, mut probes) = (0u64, 0u64);
    for path in with_extension(&world.path().join("atelier-durand/EX01"), "LOG") {
        if !path.to_string_lossy().contains("HttpProxy") {
            continue;
        }
        for line in fs::read_to_string(path).unwrap().lines().skip(6) {
            let user = cells(line)[13].clone();
            match user.contains("HealthMailbox") {
                true => probes += 1,
                false => people += u64::from(!user.is_empty()),
            }
        }
    }
    let share = people as f64 / (people + probes) as f64;
    assert!((0.09..0.18).contains(&share), "{people} of {}", people + probes);
}

#[test]
fn event_logs_read_back_with_checksums_and_channel_names() {
    let root = demo().path().join("atelier-durand");
    let mut channels: BTreeMap<String, usize> = BTreeMap::new();
    for path in with_extension(&root, "evtx") {
        let records = records(&path);
        let name = path.file_stem().unwrap().to_string_lossy().replace("%4", "/");
        let mut last = String::new();
        for (index, record) in records.iter().enumerate() {
            let system = &record["Event"]["System"];
            assert_eq!(system["EventRecordID"], index + 1);
            assert_eq!(system["Channel"], *name);
            let time = system["TimeCreated"]["#attributes"]["SystemTime"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(time >= last, "{}: order", path.display());
            last = time;
        }
        *channels.entry(name).or_default() += records.len();
    }
    assert_eq!(channels.len(), 7, "{channels:?}");
    assert!(channels["Security"] > 500, "{channels:?}");
}
