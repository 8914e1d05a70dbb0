//! What a file is taken for.

use super::*;

fn source(path: &str, text: &str) -> Option<(Source, Confidence)> {
    recognise(path, text.as_bytes()).map(|(format, confidence)| (format.source, confidence))
}

#[test]
fn the_log_type_beats_columns_and_name() {
    let text = "#Log-type: ECP Server Log\r\n#Fields: DateTime,AnchorMailbox,ProxyAction,Protocol\r\n";
    assert_eq!(
        source("HttpProxy_2021030306-1.LOG", text),
        Some((Source::EcpServer, Confidence::Certain))
    );
    let unknown = "#Log-type: Http Request Filtering Logs\r\n#Fields: DateTime,UrlHost\r\n";
    assert_eq!(source("HttpProxy_2021030306-1.LOG", unknown), None);
}

#[test]
fn an_unknown_log_type_with_known_columns_is_that_log() {
    let text = "#Log-type: Local Logs\r\n#Fields: DateTime,Cmdlet,Parameters,CmdletUniqueId\r\n";
    assert_eq!(
        source("x.log", text),
        Some((Source::CmdletInfra, Confidence::Content))
    );
}

#[test]
fn columns_beat_the_name() {
    let text = "DateTime,Protocol,AnchorMailbox,ProxyAction\r\n";
    assert_eq!(
        source("Ews_2021030306-1.LOG", text),
        Some((Source::HttpProxy, Confidence::Content))
    );
}

#[test]
fn the_columns_of_microsofts_script_are_no_httpproxy_log() {
    let text = "\"DateTime\",\"RequestId\",\"ClientIPAddress\",\"UrlHost\",\"UrlStem\",\"RoutingHint\",\"UserAgent\",\"AnchorMailbox\",\"HttpStatus\"\r\n";
    assert_eq!(source("EX01-Cve-2021-26855.csv", text), None);
}

#[test]
fn empty_and_padded_files_of_a_known_name_are_that_log_without_rows() {
    for (path, expected) in [
        ("C/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log", Source::Iis),
        ("ex210303.log", Source::Iis),
        ("Windows/System32/LogFiles/HTTPERR/httperr1.log", Source::HttpErr),
        (
            "V15\\Logging\\HttpProxy\\Ecp\\HttpProxy_2021030306-1.LOG",
            Source::HttpProxy,
        ),
        ("Ews_HttpProxy_2021030306-1.LOG", Source::HttpProxy),
        ("ECPServer20210303-1.LOG", Source::EcpServer),
        ("ECPActivity_11500_20210303-1.LOG", Source::EcpActivity),
        ("V15/Logging/OABGeneratorLog/x.log", Source::OabGenerator),
        ("Rps_Http_2021030306-1.LOG", Source::CmdletInfra),
        ("Ews_2021030306-1.LOG", Source::Ews),
        ("MapiHttp_2021030306-1.LOG", Source::MapiHttp),
        ("MSGTRKMD2021030409-1.LOG", Source::MessageTracking),
        ("SEND2021030409-1.LOG", Source::SmtpProtocol),
        ("AGENTLOG20210304-1.LOG", Source::TransportAgent),
        ("audit20210303-1.LOG", Source::AdminAudit),
    ] {
        for text in ["", "\0\0\0\0"] {
            assert_eq!(source(path, text), Some((expected, Confidence::Name)), "{path}");
            let reading = read(expected, path, text.as_bytes(), &Limits::default());
            assert_eq!((reading.outcome.records, reading.ledger.lost()), (0, 0));
            assert_eq!(
                reading.outcome.skipped.iter().map(|skip| skip.bytes).sum::<u64>(),
                text.len() as u64
            );
        }
    }
}

#[test]
fn other_files_are_left_alone() {
    for (path, text) in [
        ("notes.txt", "hello, world\n"),
        ("FrontEnd/HttpProxy/owa/auth/x.txt", "hello, world\n"),
        ("u_ex210303.log", "PK\x03\x04\0\0\0\0binary"),
        (
            "FTPSVC2/u_ex210303.log",
            "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time cs-uri-stem\n",
        ),
        (
            "u_ex210303.log",
            "#Fields: date time c-ip cs-method cs-uri-stem sc-status x-session\n",
        ),
        ("sendmail.log", ""),
        ("auditing.csv", ""),
        (
            "x.log",
            "#Software: Microsoft Exchange Server\n#Log-type: IMAP4 Log\n#Fields: dateTime,sessionId,seqNumber\n",
        ),
    ] {
        assert_eq!(source(path, text), None, "{path}");
    }
}

#[test]
fn ecp_logs_without_a_log_type_are_told_by_their_rows() {
    let header = "TimeStamp,ServerName,EventId,EventData\r\n";
    let row = |event: &str, data: &str| format!("{header}2021-03-03T06:49:51.389Z,EX01,{event},{data}\r\n");
    let told = |text: &str| source("x.csv", text).map(|(source, _)| source);
    assert_eq!(told(&row("ECP.Request", "S:CMD=Get-X")), Some(Source::EcpServer));
    assert_eq!(
        told(&row("Request", "S:URL=/ecp/;S:ActID=1")),
        Some(Source::EcpActivity)
    );
    assert_eq!(told(header), Some(Source::EcpServer));
    let by_name = source("ECPActivity_1_20210303-1.LOG", header);
    assert_eq!(by_name, Some((Source::EcpActivity, Confidence::Content)));
}

#[test]
fn an_excerpt_whose_first_row_is_cut_is_known_by_its_second() {
    let smtp = "\\Default EX01,08D8\r\n2021-03-04T09:59:53.909Z,EX01\\Default Frontend EX01,08D8DEAD00000001,2,192.0.2.21:25,203.0.113.33:56026,<,EHLO,\r\n";
    assert_eq!(
        source("tail.txt", smtp),
        Some((Source::SmtpProtocol, Confidence::Content))
    );
    let reading = read_default(Source::SmtpProtocol, smtp);
    assert_eq!((reading.outcome.records, reading.ledger.lost()), (1, 1));
    let iis = "ozilla/5.0 - 200 0 0 1\r\n2021-03-03 06:49:42 192.0.2.21 GET /owa/ - 443 - 203.0.113.5 x - 200 0 0 1\r\n";
    assert_eq!(source("tail.txt", iis), Some((Source::Iis, Confidence::Content)));
}

#[test]
fn an_iis_log_without_any_columns_is_still_one() {
    let text =
        "#Software: Microsoft Internet Information Services 10.0\r\n2021-03-03 06:49:42 GET /owa/ 200\r\n";
    assert_eq!(source("x.log", text), Some((Source::Iis, Confidence::Content)));
}

#[test]
fn utf_16_is_recognised_by_its_mark() {
    let text =
        "\u{feff}#Log-type: HttpProxy Logs\r\n#Fields: DateTime,Protocol\r\n2021-03-03T06:49:46.210Z,Ecp\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (format, _) = recognise("x.log", &bytes).unwrap();
    assert_eq!(format.source, Source::HttpProxy);
    let reading = read(Source::HttpProxy, "x.log", &bytes, &Limits::default());
    assert_eq!(column(&reading, "Protocol"), [Some("Ecp".to_owned())]);
    assert_eq!(reading.batches[0].offset(0), 2 + 2 * 55);
}
