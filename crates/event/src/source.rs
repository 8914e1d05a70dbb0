//! The log sources Vigie reads, with the name of the table their rows land in.

use std::fmt;

/// One kind of log. Tables carry the name Microsoft Sentinel or Defender gives them where such a table exists,
/// so that published queries can run on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A Windows event log record, from EVTX or from any JSON or CSV rendering of one.
    WindowsEvent,
    /// A row of a Microsoft Defender or Sentinel advanced-hunting export whose table is not a Windows event log
    /// (`DeviceProcessEvents`, `DeviceFileEvents`, ...).
    AdvancedHunting,
    /// IIS W3C extended log.
    Iis,
    /// HTTP.sys error log (`httperrN.log`).
    HttpErr,
    /// Exchange `Logging\HttpProxy\<protocol>`.
    HttpProxy,
    /// Exchange `Logging\ECP\Server`.
    EcpServer,
    /// Exchange `Logging\ECP\Activity`.
    EcpActivity,
    /// Exchange `Logging\OABGeneratorLog`.
    OabGenerator,
    /// Exchange `Logging\CmdletInfra` (remote PowerShell cmdlet and HTTP logs).
    CmdletInfra,
    /// Exchange `Logging\Ews`.
    Ews,
    /// Exchange `Logging\MapiHttp`.
    MapiHttp,
    /// Exchange message tracking.
    MessageTracking,
    /// Exchange SMTP send and receive protocol logs.
    SmtpProtocol,
    /// Exchange transport agent log.
    TransportAgent,
    /// Exchange admin audit (`Logging\CosmosQueue\audit`).
    AdminAudit,
    /// A file found in the evidence: path, size, times, SHA-256.
    FileInventory,
    /// One setting of an IIS configuration file: module, handler, rewrite rule, virtual directory.
    IisConfig,
    /// One line of the output of a check somebody ran: Test-ProxyLogon, HealthChecker.
    CheckResult,
}

/// Every source, in the order reports list them.
pub const ALL_SOURCES: [Source; 18] = [
    Source::Iis,
    Source::HttpErr,
    Source::HttpProxy,
    Source::EcpServer,
    Source::EcpActivity,
    Source::OabGenerator,
    Source::CmdletInfra,
    Source::Ews,
    Source::MapiHttp,
    Source::MessageTracking,
    Source::SmtpProtocol,
    Source::TransportAgent,
    Source::AdminAudit,
    Source::WindowsEvent,
    Source::AdvancedHunting,
    Source::FileInventory,
    Source::IisConfig,
    Source::CheckResult,
];

impl Source {
    /// The stable identifier used in packs, JSON and rules (`logsource.service`).
    pub fn id(self) -> &'static str {
        match self {
            Source::WindowsEvent => "windows_event",
            Source::AdvancedHunting => "advanced_hunting",
            Source::Iis => "iis",
            Source::HttpErr => "httperr",
            Source::HttpProxy => "httpproxy",
            Source::EcpServer => "ecp_server",
            Source::EcpActivity => "ecp_activity",
            Source::OabGenerator => "oab_generator",
            Source::CmdletInfra => "cmdlet_infra",
            Source::Ews => "ews",
            Source::MapiHttp => "mapi_http",
            Source::MessageTracking => "message_tracking",
            Source::SmtpProtocol => "smtp_protocol",
            Source::TransportAgent => "transport_agent",
            Source::AdminAudit => "admin_audit",
            Source::FileInventory => "file_inventory",
            Source::IisConfig => "iis_config",
            Source::CheckResult => "check_result",
        }
    }

    /// The source with this identifier.
    pub fn from_id(id: &str) -> Option<Source> {
        ALL_SOURCES.into_iter().find(|source| source.id() == id)
    }

    /// The table the rows of this source land in. Windows events go to `SecurityEvent` (channel Security) or
    /// `Event`; advanced-hunting rows keep the table they were exported from.
    pub fn default_table(self) -> &'static str {
        match self {
            Source::WindowsEvent => "Event",
            Source::AdvancedHunting => "DeviceEvents",
            Source::Iis => "W3CIISLog",
            Source::HttpErr => "HttpErrLog",
            Source::HttpProxy => "ExchangeHttpProxy",
            Source::EcpServer => "ExchangeEcpServer",
            Source::EcpActivity => "ExchangeEcpActivity",
            Source::OabGenerator => "ExchangeOabGenerator",
            Source::CmdletInfra => "ExchangeCmdletInfra",
            Source::Ews => "ExchangeEws",
            Source::MapiHttp => "ExchangeMapiHttp",
            Source::MessageTracking => "MessageTrackingLog",
            Source::SmtpProtocol => "ExchangeSmtpProtocol",
            Source::TransportAgent => "ExchangeAgentLog",
            Source::AdminAudit => "ExchangeAdminAudit",
            Source::FileInventory => "FileInventory",
            Source::IisConfig => "IisConfiguration",
            Source::CheckResult => "CheckResult",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_listed_once_and_found_by_its_id() {
        for source in ALL_SOURCES {
            assert_eq!(Source::from_id(source.id()), Some(source));
        }
        let ids: std::collections::HashSet<_> = ALL_SOURCES.iter().map(|s| s.id()).collect();
        assert_eq!(ids.len(), ALL_SOURCES.len());
    }
}
