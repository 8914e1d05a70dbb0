//! Where a rule's events are: log sources to channels and tables, Sigma's field names to columns.

use vigie_event::{EventBatch, Source};

use super::LogSource;

const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

/// Windows services and their channels.
const SERVICES: [(&str, &[&str]); 44] = [
    ("security", &["Security"]),
    ("system", &["System"]),
    ("application", &["Application"]),
    ("sysmon", &[SYSMON]),
    (
        "powershell",
        &[
            "Microsoft-Windows-PowerShell/Operational",
            "PowerShellCore/Operational",
        ],
    ),
    ("powershell-classic", &["Windows PowerShell"]),
    ("windefend", &["Microsoft-Windows-Windows Defender/Operational"]),
    ("taskscheduler", &["Microsoft-Windows-TaskScheduler/Operational"]),
    ("wmi", &["Microsoft-Windows-WMI-Activity/Operational"]),
    ("msexchange-management", &["MSExchange Management"]),
    (
        "iis-configuration",
        &[
            "Microsoft-IIS-Configuration/Operational",
            "Microsoft-Windows-IIS-Configuration/Operational",
        ],
    ),
    ("dns-server", &["DNS Server"]),
    (
        "dns-server-analytic",
        &["Microsoft-Windows-DNS-Server/Analytical"],
    ),
    ("dns-server-audit", &["Microsoft-Windows-DNS-Server/Audit"]),
    ("dns-client", &["Microsoft-Windows-DNS Client Events/Operational"]),
    ("ntlm", &["Microsoft-Windows-NTLM/Operational"]),
    ("bits-client", &["Microsoft-Windows-Bits-Client/Operational"]),
    (
        "driver-framework",
        &["Microsoft-Windows-DriverFrameworks-UserMode/Operational"],
    ),
    (
        "applocker",
        &[
            "Microsoft-Windows-AppLocker/MSI and Script",
            "Microsoft-Windows-AppLocker/EXE and DLL",
            "Microsoft-Windows-AppLocker/Packaged app-Deployment",
            "Microsoft-Windows-AppLocker/Packaged app-Execution",
        ],
    ),
    (
        "firewall-as",
        &["Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"],
    ),
    (
        "codeintegrity-operational",
        &["Microsoft-Windows-CodeIntegrity/Operational"],
    ),
    ("smbclient-security", &["Microsoft-Windows-SmbClient/Security"]),
    (
        "smbclient-connectivity",
        &["Microsoft-Windows-SmbClient/Connectivity"],
    ),
    (
        "smbserver-connectivity",
        &["Microsoft-Windows-SMBServer/Connectivity"],
    ),
    (
        "terminalservices-localsessionmanager",
        &["Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"],
    ),
    (
        "terminalservices-remoteconnectionmanager",
        &["Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational"],
    ),
    ("openssh", &["OpenSSH/Operational"]),
    ("ldap_debug", &["Microsoft-Windows-LDAP-Client/Debug"]),
    ("ldap", &["Microsoft-Windows-LDAP-Client/Debug"]),
    ("shell-core", &["Microsoft-Windows-Shell-Core/Operational"]),
    (
        "security-mitigations",
        &[
            "Microsoft-Windows-Security-Mitigations/Kernel Mode",
            "Microsoft-Windows-Security-Mitigations/User Mode",
        ],
    ),
    (
        "diagnosis-scripted",
        &["Microsoft-Windows-Diagnosis-Scripted/Operational"],
    ),
    ("printservice-admin", &["Microsoft-Windows-PrintService/Admin"]),
    (
        "printservice-operational",
        &["Microsoft-Windows-PrintService/Operational"],
    ),
    (
        "appxdeployment-server",
        &["Microsoft-Windows-AppXDeploymentServer/Operational"],
    ),
    (
        "appxpackaging-om",
        &["Microsoft-Windows-AppxPackaging/Operational"],
    ),
    ("appmodel-runtime", &["Microsoft-Windows-AppModel-Runtime/Admin"]),
    ("capi2", &["Microsoft-Windows-CAPI2/Operational"]),
    (
        "certificateservicesclient-lifecycle-system",
        &["Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational"],
    ),
    ("lsa-server", &["Microsoft-Windows-LSA/Operational"]),
    ("vhdmp", &["Microsoft-Windows-VHDMP/Operational"]),
    ("microsoft-servicebus-client", &["Microsoft-ServiceBus-Client"]),
    (
        "kernel-event-tracing",
        &["Microsoft-Windows-Kernel-EventTracing/Admin"],
    ),
    (
        "kernel-shimengine",
        &["Microsoft-Windows-Kernel-ShimEngine/Operational"],
    ),
];

/// Windows categories: channel and event identifiers.
const CATEGORIES: [(&str, &str, &[u32]); 35] = [
    ("process_creation", SYSMON, &[1]),
    ("process_creation", "Security", &[4688]),
    ("file_change", SYSMON, &[2]),
    ("network_connection", SYSMON, &[3]),
    ("process_termination", SYSMON, &[5]),
    ("driver_load", SYSMON, &[6]),
    ("image_load", SYSMON, &[7]),
    ("create_remote_thread", SYSMON, &[8]),
    ("raw_access_thread", SYSMON, &[9]),
    ("process_access", SYSMON, &[10]),
    ("file_event", SYSMON, &[11]),
    ("registry_add", SYSMON, &[12]),
    ("registry_delete", SYSMON, &[12]),
    ("registry_set", SYSMON, &[13]),
    ("registry_rename", SYSMON, &[14]),
    ("registry_event", SYSMON, &[12, 13, 14]),
    ("registry_set", "Security", &[4657]),
    ("registry_event", "Security", &[4657]),
    ("create_stream_hash", SYSMON, &[15]),
    ("pipe_created", SYSMON, &[17, 18]),
    ("wmi_event", SYSMON, &[19, 20, 21]),
    ("dns_query", SYSMON, &[22]),
    ("file_delete", SYSMON, &[23, 26]),
    ("clipboard_capture", SYSMON, &[24]),
    ("process_tampering", SYSMON, &[25]),
    ("file_block_executable", SYSMON, &[27]),
    ("file_executable_detected", SYSMON, &[29]),
    ("sysmon_status", SYSMON, &[4, 16]),
    ("sysmon_error", SYSMON, &[255]),
    ("ps_script", "Microsoft-Windows-PowerShell/Operational", &[4104]),
    ("ps_module", "Microsoft-Windows-PowerShell/Operational", &[4103]),
    ("ps_classic_start", "Windows PowerShell", &[400]),
    ("ps_classic_provider_start", "Windows PowerShell", &[600]),
    ("ps_classic_script", "Windows PowerShell", &[800]),
    ("file_rename", SYSMON, &[71]),
];

/// Advanced-hunting tables that hold the events of a category.
const HUNTING_TABLES: [(&str, &str); 7] = [
    ("process_creation", "DeviceProcessEvents"),
    ("file_event", "DeviceFileEvents"),
    ("file_delete", "DeviceFileEvents"),
    ("network_connection", "DeviceNetworkEvents"),
    ("image_load", "DeviceImageLoadEvents"),
    ("registry_set", "DeviceRegistryEvents"),
    ("registry_event", "DeviceRegistryEvents"),
];

/// Whether a rule with this log source is about the events of a batch.
pub(super) fn matches(logsource: &LogSource, batch: &EventBatch) -> bool {
    let category = logsource.category.as_deref();
    let product = logsource.product.as_deref();
    let service = logsource.service.as_deref();
    match batch.source() {
        Source::WindowsEvent => {
            product.is_none_or(|product| product == "windows") && windows(category, service, batch)
        }
        Source::AdvancedHunting => {
            product.is_none_or(|product| product == "windows")
                && HUNTING_TABLES
                    .iter()
                    .any(|(name, table)| Some(*name) == category && *table == batch.table())
        }
        Source::Iis => matches!(category, Some("webserver" | "proxy")) || service == Some("iis"),
        source => {
            service == Some(source.id())
                || category == Some(source.id())
                || (source == Source::FileInventory && category == Some("file_inventory"))
        }
    }
}

fn windows(category: Option<&str>, service: Option<&str>, batch: &EventBatch) -> bool {
    let Some(event) = batch.event_type() else {
        return category.is_none();
    };
    if let Some(category) = category {
        return CATEGORIES.iter().any(|(name, channel, ids)| {
            *name == category && event.channel.eq_ignore_ascii_case(channel) && ids.contains(&event.event_id)
        });
    }
    match service {
        None => true,
        Some(service) => SERVICES
            .iter()
            .find(|(name, _)| *name == service)
            .is_some_and(|(_, channels)| {
                channels
                    .iter()
                    .any(|channel| event.channel.eq_ignore_ascii_case(channel))
            }),
    }
}

/// The event a rule's fixture is, when the log source alone says it: channel and event identifier.
pub(super) fn typical_event(logsource: &LogSource) -> Option<(&'static str, Option<u32>)> {
    if let Some(category) = logsource.category.as_deref() {
        let (_, channel, ids) = CATEGORIES.iter().find(|(name, _, _)| *name == category)?;
        return Some((channel, ids.first().copied()));
    }
    let (_, channels) = SERVICES
        .iter()
        .find(|(name, _)| Some(*name) == logsource.service.as_deref())?;
    Some((channels.first()?, None))
}

/// The source whose table a rule's fixture belongs to.
pub(super) fn typical_source(logsource: &LogSource) -> Source {
    let names = [logsource.service.as_deref(), logsource.category.as_deref()];
    if names
        .iter()
        .flatten()
        .any(|name| matches!(*name, "webserver" | "proxy" | "iis"))
    {
        return Source::Iis;
    }
    names
        .iter()
        .flatten()
        .find_map(|name| Source::from_id(name))
        .unwrap_or(Source::WindowsEvent)
}

/// Where a field's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Column(usize),
    /// Path, `?` and query, percent-decoded: stem column, query column.
    Url(usize, Option<usize>),
    /// One algorithm's value out of Sysmon's `Hashes`.
    Hash(usize, &'static str),
    Absent,
}

/// Other names of a field, by table; the first that is a column wins.
const ALIASES: [(&str, &str, &[&str]); 40] = [
    ("SecurityEvent", "image", &["NewProcessName", "ProcessName"]),
    ("SecurityEvent", "parentimage", &["ParentProcessName"]),
    ("SecurityEvent", "user", &["SubjectUserName"]),
    ("SecurityEvent", "processid", &["NewProcessId"]),
    ("SecurityEvent", "integritylevel", &["MandatoryLabel"]),
    ("SecurityEvent", "targetobject", &["ObjectName"]),
    ("SecurityEvent", "details", &["NewValue"]),
    ("DeviceProcessEvents", "image", &["FolderPath"]),
    ("DeviceProcessEvents", "commandline", &["ProcessCommandLine"]),
    (
        "DeviceProcessEvents",
        "parentimage",
        &["InitiatingProcessFolderPath"],
    ),
    (
        "DeviceProcessEvents",
        "parentcommandline",
        &["InitiatingProcessCommandLine"],
    ),
    ("DeviceProcessEvents", "user", &["AccountName"]),
    (
        "DeviceProcessEvents",
        "originalfilename",
        &["ProcessVersionInfoOriginalFileName"],
    ),
    ("DeviceFileEvents", "targetfilename", &["FolderPath"]),
    ("DeviceFileEvents", "image", &["InitiatingProcessFolderPath"]),
    (
        "DeviceFileEvents",
        "commandline",
        &["InitiatingProcessCommandLine"],
    ),
    ("DeviceNetworkEvents", "image", &["InitiatingProcessFolderPath"]),
    ("DeviceNetworkEvents", "destinationip", &["RemoteIP"]),
    ("DeviceNetworkEvents", "destinationport", &["RemotePort"]),
    ("DeviceNetworkEvents", "destinationhostname", &["RemoteUrl"]),
    ("DeviceNetworkEvents", "sourceip", &["LocalIP"]),
    ("DeviceImageLoadEvents", "imageloaded", &["FolderPath"]),
    ("DeviceImageLoadEvents", "image", &["InitiatingProcessFolderPath"]),
    ("DeviceRegistryEvents", "targetobject", &["RegistryKey"]),
    ("DeviceRegistryEvents", "details", &["RegistryValueData"]),
    ("DeviceRegistryEvents", "image", &["InitiatingProcessFolderPath"]),
    ("W3CIISLog", "cs-user-agent", &["cs(User-Agent)"]),
    ("W3CIISLog", "c-useragent", &["cs(User-Agent)"]),
    ("W3CIISLog", "cs-referer", &["cs(Referer)"]),
    ("W3CIISLog", "cs-referrer", &["cs(Referer)"]),
    ("W3CIISLog", "cs-cookie", &["cs(Cookie)"]),
    ("W3CIISLog", "cs-host", &["cs-host"]),
    ("", "computer", &["ComputerName", "Hostname"]),
    ("", "computername", &["Computer", "Hostname"]),
    ("", "hostname", &["Computer"]),
    ("", "provider_name", &["SourceName", "ProviderName"]),
    ("", "source", &["Provider_Name"]),
    ("", "eventlog", &["Channel"]),
    ("", "clientipaddress", &["ClientIPAddress", "ClientIp"]),
    ("", "keywords", &["Keywords"]),
];

/// Finds a field of a rule in a batch. `public` says the rule was not written for Vigie: its web paths are looked for
/// in path and query together, because published rules test the path in `cs-uri-query`, where IIS never puts it.
pub(super) fn resolve(batch: &EventBatch, name: &str, public: bool) -> Field {
    let lower = name.to_ascii_lowercase();
    if let Some(url) = url(batch, &lower, public) {
        return url;
    }
    if let Some(index) = batch.column_index(name) {
        return Field::Column(index);
    }
    let aliased = ALIASES
        .iter()
        .filter(|(table, alias, _)| *alias == lower && (table.is_empty() || *table == batch.table()))
        .flat_map(|(_, _, columns)| columns.iter())
        .find_map(|column| batch.column_index(column));
    if let Some(index) = aliased {
        return Field::Column(index);
    }
    let algorithm = match lower.as_str() {
        "sha256" => "SHA256=",
        "sha1" => "SHA1=",
        "md5" => "MD5=",
        "imphash" => "IMPHASH=",
        _ => return Field::Absent,
    };
    batch
        .column_index("Hashes")
        .map_or(Field::Absent, |index| Field::Hash(index, algorithm))
}

fn url(batch: &EventBatch, lower: &str, public: bool) -> Option<Field> {
    let whole = matches!(lower, "url" | "c-uri" | "cs-uri") || (public && lower == "cs-uri-query");
    if !whole {
        return None;
    }
    let (stem, query) = match batch.source() {
        Source::Iis => ("cs-uri-stem", "cs-uri-query"),
        Source::HttpProxy => ("UrlStem", "UrlQuery"),
        _ => return None,
    };
    Some(Field::Url(batch.column_index(stem)?, batch.column_index(query)))
}

/// Undoes percent-encoding up to twice, as servers and proxies in a row do.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut current = text.to_owned();
    for _ in 0..2 {
        if !current.contains('%') {
            break;
        }
        current = decode_once(&current);
    }
    current
}

fn decode_once(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |offset: usize| {
            bytes
                .get(at + offset)
                .and_then(|&digit| (digit as char).to_digit(16))
        };
        match (byte, hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
