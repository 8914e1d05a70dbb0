//! Channels everybody knows: how Windows spells them, and which provider writes to which.

/// Providers that write to one channel, with that channel.
const PROVIDERS: [(&str, &str); 11] = [
    ("Microsoft-Windows-Security-Auditing", "Security"),
    ("Service Control Manager", "System"),
    ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational"),
    (
        "Microsoft-Windows-PowerShell",
        "Microsoft-Windows-PowerShell/Operational",
    ),
    ("PowerShell", "Windows PowerShell"),
    (
        "Microsoft-Windows-TaskScheduler",
        "Microsoft-Windows-TaskScheduler/Operational",
    ),
    (
        "Microsoft-Windows-WMI-Activity",
        "Microsoft-Windows-WMI-Activity/Operational",
    ),
    (
        "Microsoft-Windows-Windows Defender",
        "Microsoft-Windows-Windows Defender/Operational",
    ),
    (
        "Microsoft-Windows-Bits-Client",
        "Microsoft-Windows-Bits-Client/Operational",
    ),
    ("MSExchange CmdletLogs", "MSExchange Management"),
    ("MSExchange Unified Messaging", "Application"),
];

/// Channels of a single word, which exports like to write in other cases.
const CLASSIC: [&str; 3] = ["Security", "System", "Application"];

/// How Windows spells a channel, when `name` spells it differently.
pub(super) fn spelling(name: &str) -> Option<&'static str> {
    CLASSIC
        .into_iter()
        .chain(PROVIDERS.iter().map(|(_, channel)| *channel))
        .find(|known| known.eq_ignore_ascii_case(name))
        .filter(|known| *known != name)
}

/// The channel a provider writes to.
pub(super) fn of_provider(provider: &str) -> Option<&'static str> {
    PROVIDERS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(provider))
        .map(|(_, channel)| *channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_spelled_as_windows_does() {
        assert_eq!(spelling("security"), Some("Security"));
        assert_eq!(spelling("Security"), None);
        assert_eq!(
            spelling("microsoft-windows-sysmon/operational"),
            Some("Microsoft-Windows-Sysmon/Operational")
        );
        assert_eq!(spelling("Key Management Service"), None);
    }

    #[test]
    fn a_provider_names_its_channel() {
        assert_eq!(
            of_provider("Microsoft-Windows-Security-Auditing"),
            Some("Security")
        );
        assert_eq!(of_provider("Somebody Else"), None);
    }
}
