//! Traces, received by a small collector of the test's own, which decodes what comes.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use common::{Bench, PASSWORD, scene};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use vigie_desk::Role;
use vigie_server::{Settings, Traces};

/// A collector: its endpoint, and what it received.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut head, mut line) = (String::new(), String::new());
            while reader.read_line(&mut line).unwrap() > 2 {
                head.push_str(&line.to_ascii_lowercase());
                line.clear();
            }
            let length = head.split("content-length:").nth(1).unwrap();
            let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            if sender.send((head, body)).is_err() {
                return;
            }
        }
    });
    (endpoint, received)
}

fn text_of(value: &AnyValue) -> String {
    match value.value.as_ref().unwrap() {
        any_value::Value::StringValue(text) => text.clone(),
        any_value::Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn attributes(span: &Span) -> BTreeMap<&str, String> {
    span.attributes
        .iter()
        .map(|pair| (pair.key.as_str(), text_of(pair.value.as_ref().unwrap())))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_followed_to_the_desk_and_tell_nothing_of_clients() {
    let (endpoint, received) = collector();
    let traces = Traces::to(&endpoint).unwrap();
    let bench = Bench::with_settings(Settings {
        traces: Some(traces.clone()),
        ..Settings::default()
    });
    let admin = bench.admin().await;
    let (tenant, _) = scene::tenant(&admin, "Zanzibar", "EX-SECRET").await;
    let ours = [(
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )];
    let path = format!("/api/v1/tenants/{tenant}?q=Zanzibar");
    admin.send("GET", &path, &ours, Vec::new()).await.ok();
    admin
        .get("/api/v1/tenants/nobody")
        .await
        .refused(400, "bad-request");
    bench.contact_of("claude", &tenant).await;
    assert!(Role::ALL.len() > 3);
    let stopping = traces.clone();
    tokio::task::spawn_blocking(move || stopping.stop())
        .await
        .unwrap();

    let mut spans = Vec::new();
    let mut raw = Vec::new();
    while let Ok((head, body)) = received.try_recv() {
        assert!(head.starts_with("post /v1/traces "), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        raw.extend_from_slice(&body);
        let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        for resource in request.resource_spans {
            let named = &resource.resource.as_ref().unwrap().attributes;
            let service = named.iter().find(|pair| pair.key == "service.name").unwrap();
            assert_eq!(text_of(service.value.as_ref().unwrap()), "vigie");
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    let named = |name: &str| -> Vec<&Span> { spans.iter().filter(|span| span.name == name).collect() };
    let gets = named("GET /api/v1/tenants/{id}");
    assert_eq!(gets.len(), 2, "{spans:?}");
    let good = gets
        .iter()
        .find(|span| attributes(span)["http.response.status_code"] == "200")
        .unwrap();
    assert!(
        gets.iter()
            .any(|span| attributes(span)["http.response.status_code"] == "400")
    );
    assert_eq!(attributes(good)["http.route"], "/api/v1/tenants/{id}");
    assert_eq!(attributes(good).len(), 3, "{:?}", good.attributes);
    // Who asks from anywhere does not say which trace it belongs to.
    assert_ne!(
        good.trace_id,
        0x0af7651916cd43dd8448eb211c80319c_u128.to_be_bytes()
    );
    let waits: Vec<&Span> = named("desk")
        .into_iter()
        .filter(|span| span.parent_span_id == good.span_id && span.trace_id == good.trace_id)
        .collect();
    // To recognise who asks, and to find what they ask for.
    assert_eq!(waits.len(), 2, "{spans:?}");
    assert!(waits.iter().all(|span| {
        span.start_time_unix_nano >= good.start_time_unix_nano
            && span.end_time_unix_nano <= good.end_time_unix_nano
            && span.attributes.is_empty()
    }));
    let raw = String::from_utf8_lossy(&raw).into_owned();
    let cookie = admin.cookie.clone().unwrap();
    for secret in [
        "Zanzibar",
        "EX-SECRET",
        "nobody",
        "alex",
        "claude",
        PASSWORD,
        &tenant,
        cookie.split('=').nth(1).unwrap(),
    ] {
        assert!(!raw.contains(secret), "{secret} is in the traces");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_is_in_nobody_s_way() {
    // Nothing listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let traces = Traces::to(&format!("http://127.0.0.1:{port}/v1/traces")).unwrap();
    let bench = Bench::with_settings(Settings {
        traces: Some(traces.clone()),
        ..Settings::default()
    });
    bench.admin().await.get("/api/v1/tenants").await.ok();
    let begun = std::time::Instant::now();
    tokio::task::spawn_blocking(move || traces.stop()).await.unwrap();
    assert!(begun.elapsed().as_secs() < 5);
    assert!(Traces::to("not an address").is_err());
}
