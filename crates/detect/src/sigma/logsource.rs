//! Where a rule's events are: log sources to channels, event identifiers and tables.

use vigie_event::{EventBatch, EventType, Source};

use super::LogSource;

const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";
const POWERSHELL: &str = "Microsoft-Windows-PowerShell/Operational";
const POWERSHELL_CORE: &str = "PowerShellCore/Operational";
const DEFENDER: &str = "Microsoft-Windows-Windows Defender/Operational";

/// Windows services and their channels.
const SERVICES: &[(&str, &[&str])] = &[
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
    (
        "microsoft-servicebus-client",
        &[
            "Microsoft-ServiceBus-Client",
            "Microsoft-ServiceBus-Client/Operational",
            "Microsoft-ServiceBus-Client/Admin",
        ],
    ),
    (
        "kernel-event-tracing",
        &["Microsoft-Windows-Kernel-EventTracing/Admin"],
    ),
    (
        "kernel-shimengine",
        &["Microsoft-Windows-Kernel-ShimEngine/Operational"],
    ),
    (
        "application-experience",
        &[
            "Microsoft-Windows-Application-Experience/Program-Telemetry",
            "Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant",
        ],
    ),
    ("bitlocker", &["Microsoft-Windows-BitLocker/BitLocker Management"]),
    ("dhcp", &["Microsoft-Windows-DHCP-Server/Operational"]),
    (
        "hyper-v-worker",
        &[
            "Microsoft-Windows-Hyper-V-Worker-Admin",
            "Microsoft-Windows-Hyper-V-Worker",
        ],
    ),
    ("ntfs", &["Microsoft-Windows-Ntfs/Operational"]),
    ("sense", &["Microsoft-Windows-SENSE/Operational"]),
    (
        "servicebus-client",
        &[
            "Microsoft-ServiceBus-Client/Operational",
            "Microsoft-ServiceBus-Client/Admin",
        ],
    ),
];

/// Windows categories: channel and event identifiers, those of the typical event first.
const CATEGORIES: &[(&str, &str, &[u32])] = &[
    ("process_creation", SYSMON, &[1]),
    ("process_creation", "Security", &[4688]),
    ("file_change", SYSMON, &[2]),
    ("network_connection", SYSMON, &[3]),
    ("network_connection", "Security", &[5156]),
    ("process_termination", SYSMON, &[5]),
    ("driver_load", SYSMON, &[6]),
    ("image_load", SYSMON, &[7]),
    ("create_remote_thread", SYSMON, &[8]),
    ("raw_access_thread", SYSMON, &[9]),
    ("raw_access_read", SYSMON, &[9]),
    ("process_access", SYSMON, &[10]),
    ("file_event", SYSMON, &[11]),
    ("registry_add", SYSMON, &[12]),
    ("registry_delete", SYSMON, &[12]),
    ("registry_set", SYSMON, &[13]),
    ("registry_set", "Security", &[4657]),
    ("registry_rename", SYSMON, &[14]),
    ("registry_event", SYSMON, &[13, 12, 14]),
    ("registry_event", "Security", &[4657]),
    ("create_stream_hash", SYSMON, &[15]),
    ("pipe_created", SYSMON, &[17, 18]),
    ("wmi_event", SYSMON, &[19, 20, 21]),
    ("dns_query", SYSMON, &[22]),
    ("file_delete", SYSMON, &[23, 26]),
    ("file_delete_detected", SYSMON, &[26]),
    ("clipboard_capture", SYSMON, &[24]),
    ("process_tampering", SYSMON, &[25]),
    ("file_block_executable", SYSMON, &[27]),
    ("file_block_shredding", SYSMON, &[28]),
    ("file_executable_detected", SYSMON, &[29]),
    ("sysmon_status", SYSMON, &[4, 16]),
    ("sysmon_error", SYSMON, &[255]),
    ("ps_script", POWERSHELL, &[4104]),
    ("ps_script", POWERSHELL_CORE, &[4104]),
    ("ps_module", POWERSHELL, &[4103]),
    ("ps_module", POWERSHELL_CORE, &[4103]),
    ("ps_classic_start", "Windows PowerShell", &[400]),
    ("ps_classic_provider_start", "Windows PowerShell", &[600]),
    ("ps_classic_script", "Windows PowerShell", &[800]),
    (
        "antivirus",
        DEFENDER,
        &[
            1116, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1017, 1018, 1019, 1115, 1117,
        ],
    ),
];

/// Categories whose events an ETW provider writes, whatever the channel they were recorded to.
const PROVIDERS: &[(&str, &str)] = &[
    ("file_access", "Microsoft-Windows-Kernel-File"),
    ("file_rename", "Microsoft-Windows-Kernel-File"),
];

/// Advanced-hunting tables that hold the events of a category.
const HUNTING_TABLES: &[(&str, &str)] = &[
    ("process_creation", "DeviceProcessEvents"),
    ("file_event", "DeviceFileEvents"),
    ("file_delete", "DeviceFileEvents"),
    ("file_rename", "DeviceFileEvents"),
    ("network_connection", "DeviceNetworkEvents"),
    ("image_load", "DeviceImageLoadEvents"),
    ("registry_set", "DeviceRegistryEvents"),
    ("registry_event", "DeviceRegistryEvents"),
];

const WEB: [&str; 2] = ["webserver", "proxy"];

/// Whether a rule with this log source is about the events of a batch. `public` says it was not written for Vigie:
/// what such rules say about web servers holds for Exchange's front end as well.
pub(super) fn matches(logsource: &LogSource, public: bool, batch: &EventBatch) -> bool {
    let [category, product, service] = parts(logsource);
    match batch.source() {
        Source::WindowsEvent => {
            product.as_deref().is_none_or(|product| product == "windows")
                && windows(category.as_deref(), service.as_deref(), batch.event_type())
        }
        Source::AdvancedHunting => {
            product.as_deref().is_none_or(|product| product == "windows")
                && HUNTING_TABLES
                    .iter()
                    .any(|(name, table)| Some(*name) == category.as_deref() && *table == batch.table())
        }
        source => {
            let id = Some(source.id());
            let is_web = category.as_deref().is_some_and(|name| WEB.contains(&name));
            let takes_web = source == Source::Iis || (public && source == Source::HttpProxy);
            service.as_deref() == id
                || category.as_deref() == id
                || (is_web && takes_web && service.as_deref().is_none_or(|service| service == "iis"))
        }
    }
}

fn parts(logsource: &LogSource) -> [Option<String>; 3] {
    [&logsource.category, &logsource.product, &logsource.service]
        .map(|part| part.as_ref().map(|part| part.to_ascii_lowercase()))
}

fn windows(category: Option<&str>, service: Option<&str>, event: Option<&EventType>) -> bool {
    let Some(event) = event else {
        return category.is_none();
    };
    let is_channel = |channel: &&str| event.channel.eq_ignore_ascii_case(channel);
    let in_category = |category: &str| {
        CATEGORIES.iter().any(|(name, channel, ids)| {
            *name == category && is_channel(channel) && ids.contains(&event.event_id)
        }) || PROVIDERS
            .iter()
            .any(|(name, provider)| *name == category && event.provider.eq_ignore_ascii_case(provider))
    };
    let in_service =
        |service: &str| channels(service).is_some_and(|channels| channels.iter().any(is_channel));
    category.is_none_or(in_category) && service.is_none_or(in_service)
}

fn channels(service: &str) -> Option<&'static [&'static str]> {
    SERVICES
        .iter()
        .find(|(name, _)| *name == service)
        .map(|(_, channels)| *channels)
}

/// What a reader must know about a rule's log source.
pub(super) fn note(logsource: &LogSource, public: bool) -> Option<String> {
    let [category, product, service] = parts(logsource);
    let (category, product, service) = (category.as_deref(), product.as_deref(), service.as_deref());
    let is_web = category.is_some_and(|name| WEB.contains(&name));
    let is_source = [category, service]
        .iter()
        .flatten()
        .any(|name| Source::from_id(name).is_some());
    if is_web && service.is_none_or(|service| service == "iis") {
        return public.then(|| {
            "written for web logs of any kind: looked for in IIS and Exchange HttpProxy logs; cs-uri-query is taken for path and query together"
                .to_owned()
        });
    }
    let is_windows_category = |name: &str| {
        CATEGORIES.iter().any(|(known, _, _)| *known == name)
            || PROVIDERS.iter().any(|(known, _)| *known == name)
    };
    let on_windows = product.is_none_or(|product| product == "windows")
        && category.is_none_or(is_windows_category)
        && service.is_none_or(|service| channels(service).is_some())
        && (product.is_some() || category.is_some() || service.is_some());
    if is_source || on_windows {
        return None;
    }
    let names: Vec<String> = [("product", product), ("category", category), ("service", service)]
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key} {}", value?)))
        .collect();
    Some(format!(
        "never matches: Vigie reads no log of {}",
        if names.is_empty() {
            "an unnamed source".to_owned()
        } else {
            names.join(", ")
        }
    ))
}

/// The event a rule's fixture is, when the log source alone says it: channel and event identifier.
pub(super) fn typical_event(logsource: &LogSource) -> Option<(&'static str, Option<u32>)> {
    if let Some(category) = logsource.category.as_deref() {
        let (_, channel, ids) = CATEGORIES.iter().find(|(name, _, _)| *name == category)?;
        return Some((channel, ids.first().copied()));
    }
    let channels = channels(logsource.service.as_deref()?)?;
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
