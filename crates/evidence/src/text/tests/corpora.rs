//! Real logs: every file is recognised as what it is, and every row is read.

use super::*;

fn check(corpus: &str, expected: &[(&str, Source)]) {
    let Some(folder) = corpora(corpus) else {
        return;
    };
    for &(name, source) in expected {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let (format, confidence) =
            recognise(name, &bytes).unwrap_or_else(|| panic!("{name} is not recognised"));
        assert_eq!(format.source, source, "{name}");
        assert_eq!(confidence, Confidence::Certain, "{name}");
        let reading = read(source, name, &bytes, &Limits::default());
        let text = String::from_utf8_lossy(&bytes);
        let rows = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .count();
        assert_eq!(reading.outcome.records, rows as u64, "{name}");
        assert_eq!(reading.ledger.lost(), 0, "{name}: {:?}", reading.outcome.skipped);
        assert!(column(&reading, "_Line").iter().all(Option::is_none), "{name}");
        let untimed = reading
            .batches
            .iter()
            .flat_map(|batch| (0..batch.rows()).map(|row| batch.time(row)));
        assert!(untimed.into_iter().all(|time| time.is_some()), "{name}");
    }
}

#[test]
fn exchange_logs_of_a_real_server_are_read_whole() {
    check(
        "exchange-logs-qazeer",
        &[
            ("AgentLog20220913-1.LOG", Source::TransportAgent),
            ("Autodiscover_HttpProxy_2023010919-1.LOG", Source::HttpProxy),
            ("ECPActivity_11500_20230111-1.LOG", Source::EcpActivity),
            ("ECPServer20230111-1.LOG", Source::EcpServer),
            ("Eas_HttpProxy_2023011116-1.LOG", Source::HttpProxy),
            ("Ecp_HttpProxy_2023010611-1.LOG", Source::HttpProxy),
            ("Ews_2023010616-1.LOG", Source::Ews),
            ("Ews_HttpProxy_2023010601-1.LOG", Source::HttpProxy),
            ("MSGTRKMS2022091915-1.LOG", Source::MessageTracking),
            ("Mapi_HttpProxy_2023010601-1.LOG", Source::HttpProxy),
            ("Owa_HttpProxy_2023010602-1.LOG", Source::HttpProxy),
            ("PowerShell_HttpProxy_2023011116-1.LOG", Source::HttpProxy),
            ("RECV2023011116-1.LOG", Source::SmtpProtocol),
            ("RpcHttp_HttpProxy_2023010708-1.LOG", Source::HttpProxy),
            ("Rps_Cmdlet_2023011116-1.LOG", Source::CmdletInfra),
            ("audit20230111-1.LOG", Source::AdminAudit),
        ],
    );
}

#[test]
fn the_iis_samples_of_plaso_are_read_whole() {
    check(
        "iis-plaso",
        &[
            ("iis10.log", Source::Iis),
            ("iis10_cookies.log", Source::Iis),
            ("iis10_edge_cases.log", Source::Iis),
            ("iis6.log", Source::Iis),
            ("iis7_owa.log", Source::Iis),
            ("iis7_sqli.log", Source::Iis),
            ("iis_without_date.log", Source::Iis),
        ],
    );
}

#[test]
fn headerless_logs_of_a_log_shipper_are_known_by_their_rows() {
    let Some(folder) = corpora("crowdsec-hub-tests") else {
        return;
    };
    let recognised = |name: &str| {
        let bytes = std::fs::read(folder.join(".tests").join(name)).unwrap();
        let found = recognise(name, &bytes).map(|(format, _)| format.source);
        found.map(|source| (source, read(source, name, &bytes, &Limits::default())))
    };
    let (source, reading) = recognised("exchange-smtp-bf/exchange-smtp-bf.log").unwrap();
    assert_eq!(source, Source::SmtpProtocol);
    assert_eq!((reading.outcome.records, reading.ledger.lost()), (9, 0));
    for other in [
        "exchange-imap-bf/exchange-imap-bf.log",
        "exchange-pop-logs/exchange-pop-logs.log",
        "iis-xml-logs/iis-logs.log",
        "windows-bf/windows-bf.log",
        "CVE-2022-41697/CVE-2022-41697.log",
    ] {
        assert!(recognised(other).is_none(), "{other}");
    }
}

#[test]
fn edge_cases_of_iis_land_in_their_columns() {
    let Some(folder) = corpora("iis-plaso") else {
        return;
    };
    let bytes = std::fs::read(folder.join("iis10_edge_cases.log")).unwrap();
    let reading = read(Source::Iis, "iis10_edge_cases.log", &bytes, &Limits::default());
    let users = column(&reading, "cs-username");
    assert_eq!(users[0].as_deref(), Some("random\\ranuser1"));
    assert_eq!(users[3], None);
    assert_eq!(users[6].as_deref(), Some("RanDomain\\EX04$"));
    assert!(
        column(&reading, "c-ip")
            .iter()
            .all(|ip| matches!(ip.as_deref(), Some("::1" | "10.10.10.10")))
    );
}
