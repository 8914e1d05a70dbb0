//! The check against servers that answer as each build does, and as nobody should.

#![allow(clippy::unwrap_used)]

mod server;

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use server::{Server, export_tool, page, reply};
use vigie_exposure::{BuildSource, Fact};
use vigie_probe::{
    Journal, Options, Outcome, PAGES, Plan, ProbeReport, Prober, Publication, Scope, TargetReport, Trust,
};

/// A log that the test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn scope(addresses: &str, more: &str) -> Scope {
    let text = format!(
        "owner: Clara Weber\ncontact: soc@msp.example\nsigned_by: J. Martin\ndate: 2021-03-04\nreason: test\n\
         timeout: 2\nrate: {{per_host: 5, total: 100}}\n{more}addresses:\n{addresses}"
    );
    Scope::read("scope.yaml", &text, vigie_probe::now()).unwrap()
}

fn at(server: &Server) -> String {
    format!(
        "  - {{ip: 127.0.0.1, port: {}, tenant: Client, server: EX01}}\n",
        server.address.port()
    )
}

fn run(scope: &Scope, all: bool, log: &Log) -> ProbeReport {
    let journal = Journal::new(log.clone());
    let stop = AtomicBool::new(false);
    let resolve = |name: &str| -> std::io::Result<Vec<IpAddr>> {
        match name {
            "mail.client.example" => Ok(vec!["127.0.0.1".parse().unwrap()]),
            "twice.client.example" => Ok(vec!["127.0.0.1".parse().unwrap(), "127.0.0.9".parse().unwrap()]),
            _ => Err(std::io::Error::other("no such name")),
        }
    };
    let plan = Plan::of(scope, &resolve, Some(&journal), &stop).unwrap();
    let options = Options {
        all,
        ..Options::default()
    };
    Prober::new(scope, options).run(&plan, &journal, &stop).unwrap()
}

fn check(server: &Server) -> TargetReport {
    one(run(&scope(&at(server), ""), false, &Log::default()))
}

fn one(report: ProbeReport) -> TargetReport {
    let [target] = <[TargetReport; 1]>::try_from(report.targets).unwrap();
    target
}

fn build(target: &TargetReport) -> (String, &'static str) {
    let build = target.build.as_ref().unwrap();
    (build.value.to_string(), build.source.id())
}

#[test]
fn the_header_is_enough() {
    let full = reply(
        200,
        "X-OWA-Version: 15.1.2176.9\r\nX-FEServer: EX01\r\nServer: Microsoft-IIS/10.0",
        &page("15.1.2176"),
    );
    let server = Server::pages(&[
        (PAGES[0], full),
        (PAGES[1], reply(200, "", &export_tool("15.1.2176.9"))),
    ]);
    let log = Log::default();
    let report = run(&scope(&at(&server), ""), false, &log);
    assert_eq!(server.lines(), ["GET /owa/ HTTP/1.1"]);
    let head = server.requests()[0].1.to_ascii_lowercase();
    assert!(
        head.contains("user-agent: vigie/") && head.contains("+soc@msp.example)"),
        "{head}"
    );
    assert!(!head.contains("cookie") && !head.contains("authorization"));

    let observations = report.observations();
    assert!(observations.iter().any(|one| matches!(
        &one.fact,
        Fact::Build { version, source: BuildSource::XOwaVersion } if version.to_string() == "15.1.2176.9"
    )));
    assert!(
        observations
            .iter()
            .any(|one| matches!(&one.fact, Fact::Product(line) if line.product == "exchange"))
    );
    assert!(
        !observations
            .iter()
            .any(|one| matches!(one.fact, Fact::Published(_))),
        "loopback is not the Internet"
    );
    assert_eq!(observations[0].subject.name.as_deref(), Some("EX01"));
    assert!(observations.iter().all(|one| one.at.is_some()));

    let target = one(report);
    assert_eq!(build(&target), ("15.1.2176.9".into(), "x_owa_version"));
    assert_eq!(
        (target.outcome, target.publication),
        (Outcome::Exchange, Publication::Unknown)
    );
    assert_eq!(target.headers["X-FEServer"], "EX01");
    let tls = target.tls.unwrap();
    assert_eq!(tls.version.as_deref(), Some("TLSv1_3"));
    assert_eq!(tls.trust, Trust::UnknownIssuer);
    let certificate = tls.certificate.unwrap();
    assert_eq!(certificate.names, ["mail.client.example", "127.0.0.1"]);
    assert_eq!(certificate.sha256.len(), 64);

    let lines = log.lines();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["scope", "request", "answer"]);
    assert_eq!(lines[0]["signed_by"], "J. Martin");
    assert_eq!(
        (&lines[1]["path"], &lines[1]["method"]),
        (&"/owa/".into(), &"GET".into())
    );
    assert_eq!(lines[2]["status"], 200);
    assert!(
        lines[2]["build"]
            .as_str()
            .unwrap()
            .starts_with("x_owa_version 15.1.2176.9")
    );
}

#[test]
fn the_export_tool_wins_and_contradictions_show() {
    let server = Server::pages(&[
        (
            PAGES[0],
            reply(200, "X-OWA-Version: 15.1.2176.2", &page("15.1.2176")),
        ),
        (PAGES[1], reply(200, "", &export_tool("15.1.2176.9"))),
    ]);
    let report = run(&scope(&at(&server), ""), true, &Log::default());
    assert_eq!(server.lines().len(), 2);
    let target = one(report);
    assert_eq!(build(&target), ("15.1.2176.9".into(), "exporttool"));
    assert_eq!(
        target.build.as_ref().unwrap().conflicts[0].value.to_string(),
        "15.1.2176.2"
    );
    assert!(target.notes.iter().any(|note| note.en.contains("contradict")));
}

#[test]
fn without_the_header_the_export_tool_is_asked() {
    let server = Server::pages(&[
        (PAGES[0], reply(200, "", &page("15.2.792"))),
        (PAGES[1], reply(200, "", &export_tool("15.2.792.10"))),
    ]);
    let target = check(&server);
    assert_eq!(server.lines().len(), 2);
    assert_eq!(build(&target), ("15.2.792.10".into(), "exporttool"));
    assert!(
        target.build.unwrap().conflicts.is_empty(),
        "three parts do not contradict four"
    );
}

#[test]
fn three_parts_stay_three_parts() {
    let target = check(&Server::pages(&[(PAGES[0], reply(200, "", &page("15.0.1497")))]));
    assert_eq!(build(&target), ("15.0.1497".into(), "path"));
    assert!(target.answers[0].trap.en.contains("three parts"));
}

#[test]
fn exchange_without_a_build_is_unknown() {
    let target = check(&Server::pages(&[(
        PAGES[0],
        reply(401, "X-FEServer: EX01\r\nWWW-Authenticate: Negotiate", ""),
    )]));
    assert_eq!((target.outcome, target.build), (Outcome::Exchange, None));
    assert!(target.reason.en.contains("shows no build"));
}

#[test]
fn a_proxy_is_not_exchange() {
    let proxy = reply(200, "Server: nginx", "<html>Welcome</html>");
    let target = check(&Server::pages(&[(PAGES[0], proxy)]));
    assert_eq!(
        (target.outcome, target.publication),
        (Outcome::NotExchange, Publication::Unknown)
    );
    assert!(
        target
            .reason
            .en
            .contains("open, not Exchange: HTTP 200, Server nginx"),
        "{:?}",
        target.reason
    );
    let asks = check(&Server::pages(&[(PAGES[0], reply(401, "Server: gate", ""))]));
    assert!(asks.reason.en.contains("wants credentials first"));
}

#[test]
fn redirects_stay_on_the_server() {
    let logon = "/owa/auth/logon.aspx?url=https%3a%2f%2fx%2fowa%2f&reason=0";
    let server = Server::pages(&[
        (PAGES[0], reply(302, &format!("Location: {logon}"), "")),
        (logon, reply(200, "X-OWA-Version: 15.1.2176.9", "")),
    ]);
    let target = check(&server);
    assert_eq!(build(&target).0, "15.1.2176.9");
    assert_eq!(target.answers[0].path, logon);

    // A second server that must never hear of it.
    let other = Server::pages(&[]);
    let port = other.address.port();
    for (to, why) in [
        (format!("https://127.0.0.1:{port}/owa/"), "out of scope"),
        (format!("https://evil.example:{port}/owa/"), "out of scope"),
        (format!("http://127.0.0.1:{port}/owa/"), "not encrypted"),
        (format!("//127.0.0.1:{port}/owa/"), "out of scope"),
        ("/owa/../autodiscover/autodiscover.json".to_owned(), "not a page"),
        ("/powershell/".to_owned(), "not a page"),
    ] {
        let server = Server::pages(&[(PAGES[0], reply(302, &format!("Location: {to}"), ""))]);
        let target = check(&server);
        assert!(
            target.notes.iter().any(|note| note.en.contains(why)),
            "{to}: {:?}",
            target.notes
        );
        assert_eq!(server.lines().len(), 2, "{to}");
        assert!(
            target.reason.en.contains("leads elsewhere"),
            "{:?}",
            target.reason
        );
    }
    assert!(other.lines().is_empty());

    // In scope, but another server: its build is not this one's.
    let first = Server::pages(&[(
        PAGES[0],
        reply(302, &format!("Location: https://127.0.0.1:{port}/owa/"), ""),
    )]);
    let both = scope(&format!("{}{}", at(&first), at(&other)), "");
    let report = run(&both, false, &Log::default());
    assert!(
        report.targets[0]
            .notes
            .iter()
            .any(|note| note.en.contains("another server of the scope"))
    );
    assert_eq!(other.lines().len(), 2, "asked for itself, not for the other");

    let circle = Server::tls(|head, out| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let _ = out.write_all(reply(302, &format!("Location: {path}x"), "").as_bytes());
    });
    let target = check(&circle);
    assert_eq!(circle.lines().len(), 8, "a page and three redirects, twice");
    assert!(
        target
            .notes
            .iter()
            .any(|note| note.en.contains("more than 3 redirects"))
    );
}

#[test]
fn endless_and_dripping_answers_end() {
    let endless = Server::tls(|_, out| {
        let _ = out.write_all(b"HTTP/1.1 200 OK\r\nX-OWA-Version: 15.1.2176.9\r\n\r\n");
        while out.write_all(&[b'a'; 8_192]).is_ok() {}
    });
    let target = check(&endless);
    assert_eq!(build(&target).0, "15.1.2176.9");
    assert!(
        target
            .notes
            .iter()
            .any(|note| note.en.contains("longer than 512 KiB"))
    );

    let slow = Server::tls(|_, out| {
        for byte in b"HTTP/1.1 200 OK\r\nX: ".iter().chain(std::iter::repeat(&b'a')) {
            if out.write_all(&[*byte]).and_then(|()| out.flush()).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let begun = Instant::now();
    let target = check(&slow);
    assert_eq!(target.outcome, Outcome::CutOff);
    assert_eq!(target.requests[0].error, Some("timed_out"));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn what_is_no_web_server_is_said_to_be() {
    let garbage = Server::tls(|_, out| {
        let _ = out.write_all(b"\x00\x01\x02 220 smtp ready\r\n\r\n");
    });
    assert_eq!(check(&garbage).outcome, Outcome::NotHttp);

    let plain = Server::raw(|mut socket| {
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = socket.read(&mut [0; 4_096]);
    });
    let target = check(&plain);
    assert_eq!(target.outcome, Outcome::NotTls);
    assert!(target.reason.en.contains("does not speak TLS"));

    // An alert: handshake_failure.
    let failing = Server::raw(|mut socket| {
        let _ = socket.read(&mut [0; 4_096]);
        let _ = socket.write_all(&[21, 3, 3, 0, 2, 2, 40]);
        let _ = socket.read(&mut [0; 4_096]);
    });
    let target = check(&failing);
    assert_eq!((target.outcome, target.tls), (Outcome::TlsFailed, None));
    assert!(target.reason.fr.contains("TLS a échoué"), "{:?}", target.reason);

    let silent = Server::raw(|_| std::thread::sleep(Duration::from_secs(60)));
    assert_eq!(check(&silent).outcome, Outcome::CutOff);
    let closing = Server::raw(drop);
    assert_eq!(check(&closing).outcome, Outcome::CutOff);
}

#[test]
fn a_refused_connection_is_no_listener_seen_from_here() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("  - {{ip: 127.0.0.1, port: {}, tenant: Client}}\n", free.port());
    let report = run(&scope(&address, ""), false, &Log::default());
    assert_eq!(report.requests, 1, "a refused address is not asked twice");
    assert!(report.observations().is_empty());
    let target = one(report);
    assert_eq!(
        (target.outcome, target.publication),
        (Outcome::Refused, Publication::Unknown)
    );
    assert!(target.reason.en.contains("seen from here"));
}

#[test]
fn names_are_pinned_to_what_the_scope_allows() {
    let server = Server::pages(&[(PAGES[0], reply(200, "X-OWA-Version: 15.1.2176.9", ""))]);
    let port = server.address.port();
    let entry =
        |host: &str, only: &str| format!("  - {{host: {host}, port: {port}, tenant: Client{only}}}\n");
    let log = Log::default();
    let all = [
        entry("mail.client.example", ""),
        entry("twice.client.example", ", only: [127.0.0.1/32]"),
        entry("mail.client.example", ", only: [10.0.0.0/8]"),
        entry("gone.client.example", ""),
    ]
    .concat();
    let report = run(&scope(&all, ""), false, &log);
    let outcomes: Vec<Outcome> = report.targets.iter().map(|target| target.outcome).collect();
    use Outcome::{Exchange, OutOfScope, Unresolved};
    assert_eq!(outcomes, [Exchange, Exchange, OutOfScope, Unresolved]);
    assert!(
        report.warnings[0].en.contains("127.0.0.9"),
        "{:?}",
        report.warnings
    );
    let heads: Vec<String> = server.requests().into_iter().map(|(_, head)| head).collect();
    assert!(
        heads
            .iter()
            .any(|head| head.contains(&format!("Host: mail.client.example:{port}\r\n")))
    );
    let lines = log.lines();
    let resolved: Vec<_> = lines.iter().filter(|line| line["event"] == "resolved").collect();
    assert_eq!(resolved.len(), 4);
    assert_eq!(resolved[1]["left_out"][0], "127.0.0.9");
    assert_eq!(resolved[3]["error"], "no such name");
}

#[test]
fn the_rate_holds_over_all_threads() {
    let server = Server::pages(&[(PAGES[0], reply(200, "X-OWA-Version: 15.1.2176.9", ""))]);
    let other = Server::pages(&[(PAGES[0], reply(200, "X-OWA-Version: 15.1.2176.9", ""))]);
    let all = [at(&server), at(&other)].concat()
        + &format!(
            "  - {{host: mail.client.example, port: {}, tenant: Client}}\n",
            server.address.port()
        );
    let log = Log::default();
    run(&scope(&all, "concurrency: 8\n"), false, &log);
    let mut times: Vec<Instant> = [&server, &other]
        .iter()
        .flat_map(|server| server.requests())
        .map(|(time, _)| time)
        .collect();
    times.sort();
    assert_eq!(times.len(), 3);
    // Three requests to one address at five a second: 400 ms, less what a busy machine moves.
    assert!(
        times[2] - times[0] >= Duration::from_millis(250),
        "{:?}",
        times[2] - times[0]
    );
}

#[test]
fn a_stopped_run_says_what_was_not_asked() {
    let silent = Server::raw(|_| std::thread::sleep(Duration::from_secs(60)));
    let scope = scope(&at(&silent), "");
    let scope = Scope {
        timeout: Duration::from_secs(60),
        ..scope
    };
    let journal = Journal::new(Log::default());
    let stop = AtomicBool::new(false);
    let plan = Plan::of(&scope, &vigie_probe::resolve, Some(&journal), &stop).unwrap();
    let begun = Instant::now();
    let report = std::thread::scope(|threads| {
        threads.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            stop.store(true, Ordering::SeqCst);
        });
        Prober::new(&scope, Options::default())
            .run(&plan, &journal, &stop)
            .unwrap()
    });
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(!report.complete);
    assert_eq!(report.targets[0].outcome, Outcome::NotAsked);
}

#[test]
fn nothing_is_sent_that_cannot_be_logged() {
    /// A disk that is full after the first two lines.
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0 == 0 {
                return Err(std::io::Error::other("the disk is full"));
            }
            self.0 -= 1;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let server = Server::pages(&[]);
    let scope = scope(&at(&server), "");
    let journal = Journal::new(Full(1));
    let stop = AtomicBool::new(false);
    let plan = Plan::of(&scope, &vigie_probe::resolve, Some(&journal), &stop).unwrap();
    let error = Prober::new(&scope, Options::default())
        .run(&plan, &journal, &stop)
        .unwrap_err();
    assert!(error.to_string().contains("the disk is full"));
    assert!(server.lines().is_empty());
}
