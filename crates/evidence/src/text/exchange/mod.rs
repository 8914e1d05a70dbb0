//! Exchange logs: one CSV reader, and what each log has of its own.
//!
//! Source of the formats: the logs' own headers (`#Fields:`), Microsoft's message tracking and protocol logging
//! documentation, and published samples of build 15.1.2375.

mod audit;
mod ecp;
mod httpproxy;
mod layouts;
mod oab;
mod probe;
mod reader;
mod transport;

use vigie_event::Source;

pub(super) use self::probe::source_of;
#[cfg(test)]
pub(super) use self::reader::read;
use self::reader::{Dialect, Nothing};
use crate::format::{Format, Head};

/// Front-end requests of all protocols: `Logging\HttpProxy\<protocol>`.
pub(super) static HTTPPROXY: Format = Format {
    name: "httpproxy",
    source: Source::HttpProxy,
    recognise: |head| probe::claims(head, Source::HttpProxy),
    parse: |input, context, emit| reader::read(Source::HttpProxy, input, context, emit).0,
};

/// Exchange control panel, requests: `Logging\ECP\Server`.
pub(super) static ECP_SERVER: Format = Format {
    name: "ecp_server",
    source: Source::EcpServer,
    recognise: |head| probe::claims(head, Source::EcpServer),
    parse: |input, context, emit| reader::read(Source::EcpServer, input, context, emit).0,
};

/// Exchange control panel, activity: `Logging\ECP\Activity`.
pub(super) static ECP_ACTIVITY: Format = Format {
    name: "ecp_activity",
    source: Source::EcpActivity,
    recognise: |head| probe::claims(head, Source::EcpActivity),
    parse: |input, context, emit| reader::read(Source::EcpActivity, input, context, emit).0,
};

/// Offline address book generation: `Logging\OABGeneratorLog`.
pub(super) static OAB_GENERATOR: Format = Format {
    name: "oab_generator",
    source: Source::OabGenerator,
    recognise: |head| probe::claims(head, Source::OabGenerator),
    parse: |input, context, emit| reader::read(Source::OabGenerator, input, context, emit).0,
};

/// Remote PowerShell: `Logging\CmdletInfra`.
pub(super) static CMDLET_INFRA: Format = Format {
    name: "cmdlet_infra",
    source: Source::CmdletInfra,
    recognise: |head| probe::claims(head, Source::CmdletInfra),
    parse: |input, context, emit| reader::read(Source::CmdletInfra, input, context, emit).0,
};

/// Exchange web services: `Logging\Ews`.
pub(super) static EWS: Format = Format {
    name: "ews",
    source: Source::Ews,
    recognise: |head| probe::claims(head, Source::Ews),
    parse: |input, context, emit| reader::read(Source::Ews, input, context, emit).0,
};

/// MAPI over HTTP, back end: `Logging\MapiHttp`.
pub(super) static MAPI_HTTP: Format = Format {
    name: "mapi_http",
    source: Source::MapiHttp,
    recognise: |head| probe::claims(head, Source::MapiHttp),
    parse: |input, context, emit| reader::read(Source::MapiHttp, input, context, emit).0,
};

/// Message tracking: `TransportRoles\Logs\MessageTracking`.
pub(super) static MESSAGE_TRACKING: Format = Format {
    name: "message_tracking",
    source: Source::MessageTracking,
    recognise: |head| probe::claims(head, Source::MessageTracking),
    parse: |input, context, emit| reader::read(Source::MessageTracking, input, context, emit).0,
};

/// SMTP sessions, received and sent: `TransportRoles\Logs\*\ProtocolLog`.
pub(super) static SMTP_PROTOCOL: Format = Format {
    name: "smtp_protocol",
    source: Source::SmtpProtocol,
    recognise: |head| probe::claims(head, Source::SmtpProtocol),
    parse: |input, context, emit| reader::read(Source::SmtpProtocol, input, context, emit).0,
};

/// Transport agents: `TransportRoles\Logs\*\AgentLog`.
pub(super) static AGENT_LOG: Format = Format {
    name: "agent_log",
    source: Source::TransportAgent,
    recognise: |head| probe::claims(head, Source::TransportAgent),
    parse: |input, context, emit| reader::read(Source::TransportAgent, input, context, emit).0,
};

/// Admin audit: `Logging\CosmosQueue\audit`.
pub(super) static ADMIN_AUDIT: Format = Format {
    name: "admin_audit",
    source: Source::AdminAudit,
    recognise: |head| probe::claims(head, Source::AdminAudit),
    parse: |input, context, emit| reader::read(Source::AdminAudit, input, context, emit).0,
};

/// Whether the file is named or placed like one of these logs.
pub(super) fn has_known_name(head: &Head<'_>) -> bool {
    probe::by_name(head).is_some()
}

/// What each log has of its own.
fn dialect(source: Source) -> Dialect {
    let plain = Dialect {
        host: None,
        layout: |_| None,
        free_text: false,
        extra: Box::new(Nothing),
    };
    match source {
        Source::HttpProxy => Dialect {
            host: Some("ServerHostName"),
            layout: layouts::httpproxy,
            extra: Box::new(httpproxy::Canary::default()),
            ..plain
        },
        Source::EcpServer | Source::EcpActivity => Dialect {
            host: Some("ServerName"),
            layout: layouts::ecp,
            extra: Box::new(ecp::EventData::default()),
            ..plain
        },
        Source::OabGenerator => Dialect {
            layout: layouts::oab,
            free_text: true,
            extra: Box::new(oab::Download::default()),
            ..plain
        },
        Source::CmdletInfra | Source::Ews => Dialect {
            host: Some("ServerHostName"),
            ..plain
        },
        Source::MessageTracking => Dialect {
            layout: layouts::tracking,
            extra: Box::new(transport::Writer::default()),
            ..plain
        },
        Source::SmtpProtocol => Dialect {
            layout: layouts::smtp,
            extra: Box::new(transport::Receiver::default()),
            ..plain
        },
        Source::AdminAudit => Dialect {
            host: Some("Server"),
            extra: Box::new(audit::Data::default()),
            ..plain
        },
        _ => plain,
    }
}
