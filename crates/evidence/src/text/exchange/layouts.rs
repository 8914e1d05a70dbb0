//! Layouts of rows that lost their header, told by how many fields there are and what some of them look like.

use super::reader::{Guess, time};
use crate::text::csv::Row;

/// HttpProxy since Exchange 2013 CU6 or so. Up to `GenericErrors` (69 columns) the list did not change; later
/// builds added columns at the end.
#[rustfmt::skip]
const HTTPPROXY: [&str; 74] = [
    "DateTime", "RequestId", "MajorVersion", "MinorVersion", "BuildVersion", "RevisionVersion", "ClientRequestId",
    "Protocol", "UrlHost", "UrlStem", "ProtocolAction", "AuthenticationType", "IsAuthenticated", "AuthenticatedUser",
    "Organization", "AnchorMailbox", "UserAgent", "ClientIpAddress", "ServerHostName", "HttpStatus", "BackEndStatus",
    "ErrorCode", "Method", "ProxyAction", "TargetServer", "TargetServerVersion", "RoutingType", "RoutingHint",
    "BackEndCookie", "ServerLocatorHost", "ServerLocatorLatency", "RequestBytes", "ResponseBytes",
    "TargetOutstandingRequests", "AuthModulePerfContext", "HttpPipelineLatency", "CalculateTargetBackEndLatency",
    "GlsLatencyBreakup", "TotalGlsLatency", "AccountForestLatencyBreakup", "TotalAccountForestLatency",
    "ResourceForestLatencyBreakup", "TotalResourceForestLatency", "ADLatency", "SharedCacheLatencyBreakup",
    "TotalSharedCacheLatency", "ActivityContextLifeTime", "ModuleToHandlerSwitchingLatency", "ClientReqStreamLatency",
    "BackendReqInitLatency", "BackendReqStreamLatency", "BackendProcessingLatency", "BackendRespInitLatency",
    "BackendRespStreamLatency", "ClientRespStreamLatency", "KerberosAuthHeaderLatency", "HandlerCompletionLatency",
    "RequestHandlerLatency", "HandlerToModuleSwitchingLatency", "ProxyTime", "CoreLatency", "RoutingLatency",
    "HttpProxyOverhead", "TotalRequestTime", "RouteRefresherLatency", "UrlQuery", "BackEndGenericInfo", "GenericInfo",
    "GenericErrors", "EdgeTraceId", "DatabaseGuid", "UserADObjectGuid", "PartitionEndpointLookupLatency",
    "RoutingStatus",
];
const HTTPPROXY_LEAST: usize = 69;
const HTTPPROXY_MOST: usize = 81;

/// HttpProxy of Exchange 2013 at its release: no `UrlHost`, no `RoutingType`, one column without a name.
#[rustfmt::skip]
const HTTPPROXY_2013: [&str; 54] = [
    "DateTime", "RequestId", "MajorVersion", "MinorVersion", "BuildVersion", "RevisionVersion", "ClientRequestId",
    "Protocol", "UrlStem", "ProtocolAction", "AuthenticationType", "IsAuthenticated", "AuthenticatedUser",
    "Organization", "AnchorMailbox", "UserAgent", "ClientIpAddress", "ServerHostName", "HttpStatus", "BackEndStatus",
    "ErrorCode", "Method", "ProxyAction", "TargetServer", "", "TargetServerVersion", "RoutingHint", "BackEndCookie",
    "ServerLocatorHost", "ServerLocatorLatency", "RequestBytes", "ResponseBytes", "TargetOutstandingRequests",
    "AuthModulePerfContext", "HttpPipelineLatency", "CalculateTargetBackEndLatency", "GlsLatencyBreakup",
    "TotalGlsLatency", "AccountForestLatencyBreakup", "TotalAccountForestLatency", "ResourceForestLatencyBreakup",
    "TotalResourceForestLatency", "ADLatency", "ActivityContextLifeTime", "ModuleToHandlerSwitching",
    "FirstResponseByteReceived", "ProxyTime", "RequestHandlerLatency", "HandlerToModuleSwitching",
    "HttpProxyOverhead", "TotalRequestTime", "UrlQuery", "GenericInfo", "GenericErrors",
];

const ECP: [&str; 4] = ["TimeStamp", "ServerName", "EventId", "EventData"];

#[rustfmt::skip]
const TRACKING: [&str; 30] = [
    "date-time", "client-ip", "client-hostname", "server-ip", "server-hostname", "source-context", "connector-id",
    "source", "event-id", "internal-message-id", "message-id", "network-message-id", "recipient-address",
    "recipient-status", "total-bytes", "recipient-count", "related-recipient-address", "reference",
    "message-subject", "sender-address", "return-path", "message-info", "directionality", "tenant-id",
    "original-client-ip", "original-server-ip", "custom-data", "transport-traffic-type", "log-id", "schema-version",
];

#[rustfmt::skip]
const SMTP: [&str; 9] = [
    "date-time", "connector-id", "session-id", "sequence-number", "local-endpoint", "remote-endpoint", "event",
    "data", "context",
];

fn number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number_or_nothing(text: &str) -> bool {
    text.is_empty() || number(text)
}

fn capitals(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'))
}

/// With dashes, or without them as Exchange 2013 wrote it.
fn guid(text: &str) -> bool {
    matches!(text.len(), 32 | 36) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Rows of HttpProxy: a request identifier, a version, then a path where one is expected.
pub(super) fn httpproxy(row: &Row<'_>) -> Option<Guess> {
    let version = row.get(2) == "15" && number(row.get(3)) && number(row.get(4)) && number(row.get(5));
    if time(row.get(0)).is_none() || !guid(row.get(1)) || !version {
        return None;
    }
    // From `UrlStem` on, everything stands one column further in the later layout.
    let fits = |stem: usize| {
        let flag = row.get(stem + 3);
        row.get(stem).starts_with('/')
            && (flag.is_empty() || flag.eq_ignore_ascii_case("true") || flag.eq_ignore_ascii_case("false"))
            && number_or_nothing(row.get(stem + 10))
            && (row.get(stem + 13).is_empty() || capitals(row.get(stem + 13)))
    };
    match row.len() {
        count if count == HTTPPROXY_2013.len() && fits(8) => Some(Guess {
            names: &HTTPPROXY_2013,
            open: false,
        }),
        count @ HTTPPROXY_LEAST..=HTTPPROXY_MOST if fits(9) => Some(Guess {
            names: HTTPPROXY.get(..count.min(HTTPPROXY.len()))?,
            open: count > HTTPPROXY.len(),
        }),
        _ => None,
    }
}

/// Rows of both ECP logs: four fields, the last one a list of typed values.
pub(super) fn ecp(row: &Row<'_>) -> Option<Guess> {
    let data = row.get(3);
    let typed = ["S:", "I32:", "Dbl:", "F:"]
        .iter()
        .any(|tag| data.starts_with(tag));
    (row.len() == ECP.len() && time(row.get(0)).is_some() && typed).then_some(Guess {
        names: &ECP,
        open: false,
    })
}

/// Rows of the address book generator: only the time is certain.
pub(super) fn oab(row: &Row<'_>) -> Option<Guess> {
    time(row.get(0)).map(|_| Guess {
        names: &["DateTime"],
        open: true,
    })
}

/// Rows of message tracking: source and event in capitals where they are expected.
pub(super) fn tracking(row: &Row<'_>) -> Option<Guess> {
    let fits = row.len() == TRACKING.len() && capitals(row.get(7)) && capitals(row.get(8));
    (fits && time(row.get(0)).is_some() && number_or_nothing(row.get(14))).then_some(Guess {
        names: &TRACKING,
        open: false,
    })
}

/// Rows of the SMTP protocol logs: a session of 16 hexadecimal digits, a sequence number and one sign for the event.
pub(super) fn smtp(row: &Row<'_>) -> Option<Guess> {
    let session = row.get(2);
    let fits = row.len() == SMTP.len()
        && session.len() == 16
        && session.bytes().all(|byte| byte.is_ascii_hexdigit())
        && number(row.get(3))
        && matches!(row.get(6), "+" | "-" | ">" | "<" | "*");
    (fits && time(row.get(0)).is_some()).then_some(Guess {
        names: &SMTP,
        open: false,
    })
}
