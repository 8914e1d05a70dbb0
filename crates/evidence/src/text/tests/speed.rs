//! How fast one thread reads, by its own processor time where the system tells it. Run with
//! `cargo test --release -p vigie-evidence --lib speed -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use super::*;

const SIZE: usize = 200 << 20;

/// How long this thread has run so far.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace()
        .next()?
        .parse()
        .ok()
        .map(Duration::from_nanos)
}

fn measure(name: &str, source: Source, header: &str, rows: &[String]) {
    let mut text = header.to_owned();
    while text.len() < SIZE {
        for row in rows {
            text.push_str(row);
            text.push_str("\r\n");
        }
    }
    let file = FileRef {
        id: FileId(0),
        unit: UnitId(0),
        path: "x.log".to_owned(),
        original_path: None,
        size: None,
        modified: None,
        created: None,
        source: Some(source),
    };
    let limits = Limits::default();
    let context = Context::new(&file, &limits);
    let format = FORMATS.iter().find(|format| format.source == source).unwrap();
    for _ in 0..3 {
        let mut rows = 0;
        let (start, wall) = (processor_time(), Instant::now());
        let outcome = (format.parse)(&mut text.as_bytes(), &context, &mut |batch| rows += batch.rows());
        let busy = processor_time().zip(start).map(|(end, start)| end - start);
        let seconds = busy.unwrap_or_else(|| wall.elapsed()).as_secs_f64();
        let megabytes = text.len() as f64 / 1e6;
        println!(
            "{name}: {:.0} MB/s, {:.2} million rows/s",
            megabytes / seconds,
            rows as f64 / 1e6 / seconds
        );
        assert_eq!(outcome.records, rows as u64);
        assert!(outcome.skipped.is_empty(), "{:?}", outcome.skipped);
    }
}

#[test]
#[ignore = "a measurement, meaningful in release builds only"]
fn iis_and_httpproxy() {
    let iis = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n";
    let rows = (0..1_000).map(|n| {
        format!(
            "2021-03-03 06:{:02}:{:02} 192.0.2.21 POST /Microsoft-Server-ActiveSync/default.eas User=u{n}@example.org&DeviceId=ABCDEF{n:06}&Cmd=Ping&CorrelationID=<empty>;&cafeReqId=1b2c3d4e-0000-4000-8000-{n:012}; 443 EXAMPLE\\user{n} 203.0.113.{} Apple-iPhone12C1/1801.5 - 200 0 0 {n}",
            n / 60 % 60, n % 60, n % 250
        )
    });
    measure("IIS", Source::Iis, iis, &rows.collect::<Vec<_>>());
    let sample = std::fs::read_to_string(samples().join("httpproxy/HttpProxy_2021030306-1.LOG")).unwrap();
    let header: String = sample
        .lines()
        .skip(1)
        .take(5)
        .map(|line| format!("{line}\r\n"))
        .collect();
    let rows = (0..1_000).map(|n| {
        format!("2023-01-09T19:{:02}:{:02}.130Z,5e58f5e5-1ddc-48d3-82c6-{n:012},15,1,2375,7,,Mapi,mail.example.org,/mapi/emsmdb/,,Negotiate,true,EXAMPLE\\user{n},example.local,MailboxGuid~fb7adba2-51f4-47e3-b170-{n:012},Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; Pro),203.0.113.{},EX01,200,200,,POST,Proxy,ex01.example.local,15.01.2375.000,IntraForest,MailboxGuidWithDomain,Database~fb7adba2-51f4-47e3-b170-fd39f85aaf35~~2023-02-08T18:59:59~example.local~1,,,336,327,,,0,0,,0,,0,,0,0,,0,13,0,1,0,0,11,0,0,0,0,0,13,0,11,1,1,1,13,,?mailboxId=fb7adba2-51f4-47e3-b170-{n:012}@example.local,,BeginRequest=2023-01-09T19:00:00.116Z;CorrelationID=<empty>;ProxyState-Run=None;RandomBE=ex01.example.local~1942063431;FEAuth=BEVersion-1942063431;EndRequest=2023-01-09T19:00:00.130Z;,,,|RoutingDB:fb7adba2-51f4-47e3-b170-fd39f85aaf35,,,CafeV1", n / 60 % 60, n % 60, n % 250)
    });
    measure("HttpProxy", Source::HttpProxy, &header, &rows.collect::<Vec<_>>());
    let quoted = "#Fields: TimeStamp,ServerName,EventId,EventData\r\n";
    let rows = (0..1_000).map(|n| {
        format!("2021-03-03T06:{:02}:{:02}.389Z,EX01,ECP.Request,\"S:TIME={n};S:SID=0a;S:CMD=Get-Mailbox.ResultSize=\"\"1\"\".Identity='user{n}, x';S:REQID=;S:URL=/ecp/DDI/DDIService.svc/GetObject?msExchEcpCanary=kVq0.&schema=X;S:EX=;S:BLD=15.1.2106.2\"", n / 60 % 60, n % 60)
    });
    measure(
        "ECP (quoted)",
        Source::EcpServer,
        quoted,
        &rows.collect::<Vec<_>>(),
    );
}
