//! Which columns hold what, per source.

use vigie_event::Source;

/// How the value of a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reading {
    /// One address, with or without port.
    Address,
    /// Addresses between commas, semicolons, `+` or spaces.
    AddressList,
    /// One hash of any kind.
    Hash,
    /// `SHA256=...,MD5=...`, as Sysmon writes them.
    HashList,
    /// A file's path, or the command that starts it.
    Path,
    /// `file:_C:\a;containerfile:_C:\b`, as Defender writes them.
    PathList,
    /// The last part of a path.
    FileName,
    /// A DNS name, an address, or both between `;`.
    Host,
    /// A URL or the beginning of one.
    Url,
    /// The path of a request.
    UrlPath,
    /// A user agent.
    UserAgent,
}

/// The columns that text logs have, by source.
const TEXT_LOGS: &[(Source, &str, Reading)] = &[
    (Source::Iis, "c-ip", Reading::Address),
    (Source::Iis, "X-Forwarded-For", Reading::AddressList),
    (Source::Iis, "cs(X-Forwarded-For)", Reading::AddressList),
    (Source::Iis, "cs(User-Agent)", Reading::UserAgent),
    (Source::Iis, "cs-uri-stem", Reading::UrlPath),
    (Source::Iis, "cs(Referer)", Reading::Url),
    (Source::HttpErr, "c-ip", Reading::Address),
    (Source::HttpErr, "cs-uri", Reading::UrlPath),
    (Source::HttpProxy, "ClientIpAddress", Reading::AddressList),
    (Source::HttpProxy, "UserAgent", Reading::UserAgent),
    (Source::HttpProxy, "UrlStem", Reading::UrlPath),
    (Source::Ews, "ClientIpAddress", Reading::Address),
    (Source::Ews, "UserAgent", Reading::UserAgent),
    (Source::MapiHttp, "ClientIpAddress", Reading::Address),
    (Source::MapiHttp, "UserAgent", Reading::UserAgent),
    (Source::CmdletInfra, "ClientIpAddress", Reading::Address),
    (Source::CmdletInfra, "UserAgent", Reading::UserAgent),
    (Source::EcpActivity, "ClientIpAddress", Reading::Address),
    (Source::EcpActivity, "UserAgent", Reading::UserAgent),
    (Source::MessageTracking, "client-ip", Reading::Address),
    (Source::MessageTracking, "original-client-ip", Reading::Address),
    (Source::MessageTracking, "server-ip", Reading::Address),
    (Source::MessageTracking, "client-hostname", Reading::Host),
    (Source::SmtpProtocol, "remote-endpoint", Reading::Address),
    (Source::TransportAgent, "RemoteEndpoint", Reading::Address),
    (Source::TransportAgent, "EnteredOrgFromIP", Reading::Address),
    (Source::AdminAudit, "ClientIP", Reading::Address),
    (Source::FileInventory, "TargetFilename", Reading::Path),
    (Source::FileInventory, "FileName", Reading::FileName),
    (Source::FileInventory, "SHA256", Reading::Hash),
    (Source::FileInventory, "SHA1", Reading::Hash),
    (Source::FileInventory, "MD5", Reading::Hash),
    (Source::IisConfig, "physicalPath", Reading::Path),
    (Source::IisConfig, "image", Reading::Path),
];

/// The fields of Windows events (Security, System, Sysmon, Defender) and of advanced-hunting tables. Their names mean
/// the same in every channel and table.
const WINDOWS: &[(&str, Reading)] = &[
    ("IpAddress", Reading::Address),
    ("SourceIp", Reading::Address),
    ("DestinationIp", Reading::Address),
    ("SourceAddress", Reading::Address),
    ("DestAddress", Reading::Address),
    ("ClientAddress", Reading::Address),
    ("SourceNetworkAddress", Reading::Address),
    ("RemoteAddress", Reading::Address),
    ("RemoteIP", Reading::Address),
    ("LocalIP", Reading::Address),
    ("IPAddress", Reading::Address),
    ("ClientIP", Reading::Address),
    ("FileOriginIP", Reading::Address),
    ("QueryResults", Reading::AddressList),
    ("Hashes", Reading::HashList),
    ("Hash", Reading::HashList),
    ("SHA256", Reading::Hash),
    ("SHA1", Reading::Hash),
    ("MD5", Reading::Hash),
    ("InitiatingProcessSHA256", Reading::Hash),
    ("InitiatingProcessSHA1", Reading::Hash),
    ("InitiatingProcessMD5", Reading::Hash),
    ("Image", Reading::Path),
    ("ParentImage", Reading::Path),
    ("ImageLoaded", Reading::Path),
    ("SourceImage", Reading::Path),
    ("TargetImage", Reading::Path),
    ("TargetFilename", Reading::Path),
    ("NewProcessName", Reading::Path),
    ("ParentProcessName", Reading::Path),
    ("ProcessName", Reading::Path),
    ("ObjectName", Reading::Path),
    ("RelativeTargetName", Reading::Path),
    ("Application", Reading::Path),
    ("ServiceFileName", Reading::Path),
    ("ImagePath", Reading::Path),
    ("FolderPath", Reading::Path),
    ("PreviousFolderPath", Reading::Path),
    ("InitiatingProcessFolderPath", Reading::Path),
    ("Path", Reading::PathList),
    ("Process Name", Reading::PathList),
    ("FileName", Reading::FileName),
    ("PreviousFileName", Reading::FileName),
    ("InitiatingProcessFileName", Reading::FileName),
    ("QueryName", Reading::Host),
    ("DestinationHostname", Reading::Host),
    ("RemoteHost", Reading::Host),
    ("RemoteDeviceName", Reading::Host),
    ("RemoteUrl", Reading::Url),
    ("FileOriginUrl", Reading::Url),
    ("FileOriginReferrerUrl", Reading::Url),
    ("UserAgent", Reading::UserAgent),
];

/// How a column of this source is read, if indicators look at it at all.
pub(super) fn reading_of(source: Source, column: &str) -> Option<Reading> {
    if matches!(source, Source::WindowsEvent | Source::AdvancedHunting) {
        return WINDOWS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(column))
            .map(|&(_, reading)| reading);
    }
    TEXT_LOGS
        .iter()
        .find(|(of, name, _)| *of == source && name.eq_ignore_ascii_case(column))
        .map(|&(_, _, reading)| reading)
}
