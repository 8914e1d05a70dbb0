//! The rendered text of an event back to its fields.
//!
//! `Get-WinEvent | Export-Csv`, Splunk and many a mail to the helpdesk hand over an event as the text the Event Viewer
//! shows. Its labels are those of the machine's language; English and French ones are understood. Field names are
//! those of the event's own definition (Microsoft Learn: "4688(S): A new process has been created" and its siblings).

mod labels;

use labels::{Section, field_of, section_of};

/// How many fields one text may give.
const MAX_FIELDS: usize = 256;

/// What an event is, as far as its export says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kind<'a> {
    /// `Microsoft-Windows-Sysmon`, `Microsoft-Windows-Security-Auditing`, ...
    pub(super) provider: &'a str,
    pub(super) event_id: &'a str,
}

/// The fields a rendered text holds, in its order.
pub(super) fn fields(kind: Kind<'_>, text: &str) -> Vec<(String, String)> {
    let provider = kind.provider.to_ascii_lowercase();
    if provider.contains("sysmon") {
        return verbatim(text);
    }
    if provider.contains("powershell") {
        return powershell(kind.event_id, text);
    }
    if provider.starts_with("msexchange") {
        return vec![("Data".to_owned(), text.to_owned())];
    }
    labelled(kind.event_id, text)
}

/// Sysmon's text names its fields as they are: `ParentImage: C:\...`.
fn verbatim(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim(), value.trim()))
        .filter(|(name, value)| {
            !value.is_empty() && !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())
        })
        .take(MAX_FIELDS)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// 4104 holds a script between its heading and its identifier; the others are searched as a whole.
fn powershell(event_id: &str, text: &str) -> Vec<(String, String)> {
    match event_id {
        "4104" => {
            let body = text.split_once('\n').map_or("", |(_, body)| body);
            let last = |needle: &str| body.to_lowercase().rfind(needle);
            let end = [
                "scriptblock id",
                "id de scriptblock",
                "id du scriptblock",
                "id scriptblock",
            ]
            .into_iter()
            .filter_map(last)
            .max();
            let script = end.and_then(|end| body.get(..end)).unwrap_or(body);
            vec![("ScriptBlockText".to_owned(), script.trim().to_owned())]
        }
        "4103" => {
            let cut = ["\nContext:", "\nContexte"]
                .into_iter()
                .find_map(|word| text.find(word));
            let (payload, context) = text.split_at(cut.unwrap_or(text.len()));
            vec![
                ("Payload".to_owned(), payload.trim().to_owned()),
                ("ContextInfo".to_owned(), context.trim().to_owned()),
            ]
        }
        _ => vec![("Data".to_owned(), text.to_owned())],
    }
}

/// Labels and values in sections, as the Security log has them.
fn labelled(event_id: &str, text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut section = Section::None;
    // A value that goes on over the next lines.
    let mut open = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if found.len() >= MAX_FIELDS {
            break;
        }
        if trimmed.is_empty() {
            open = false;
            continue;
        }
        let labelled = split_label(trimmed).and_then(|(label, value)| {
            if value.is_empty() {
                section = section_of(&label);
                return Some(None);
            }
            Some(Some((field_of(event_id, section, &label)?, value)))
        });
        match labelled {
            Some(Some((field, value))) => {
                // `-` is how the Event Viewer says that there is nothing.
                open = value != "-";
                if open && !found.iter().any(|(name, _)| name == field) {
                    found.push((field.to_owned(), value.to_owned()));
                }
            }
            Some(None) => open = false,
            None if open => {
                if let Some((_, value)) = found.last_mut() {
                    value.push('\n');
                    value.push_str(trimmed);
                }
            }
            None => {}
        }
    }
    found
}

/// `Account Name:  SYSTEM` to `account name` and `SYSTEM`; French puts a no-break space before the colon.
fn split_label(line: &str) -> Option<(String, &str)> {
    const LONGEST: usize = 96;
    let (label, value) = line.split_once(':')?;
    if label.len() > LONGEST {
        return None;
    }
    let words: Vec<&str> = label
        .split(|c: char| c.is_whitespace() || c == '\u{a0}' || c == '\u{202f}')
        .filter(|word| !word.is_empty())
        .collect();
    let label = words.join(" ").to_lowercase().replace('\u{2019}', "'");
    (!label.is_empty()).then(|| {
        (
            label,
            value.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}'),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(kind: Kind<'_>, text: &str, name: &str) -> Option<String> {
        let found = fields(kind, text);
        found
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.clone())
    }

    const SECURITY: &str = "Microsoft-Windows-Security-Auditing";

    #[test]
    fn a_new_process_in_english_and_french() {
        let kind = Kind {
            provider: SECURITY,
            event_id: "4688",
        };
        let english = "A new process has been created.\r\n\r\nCreator Subject:\r\n\tSecurity ID:\t\tS-1-5-18\r\n\t\
            Account Name:\t\tEX01$\r\n\tAccount Domain:\t\tEXAMPLE\r\n\tLogon ID:\t\t0x3E7\r\n\r\nTarget Subject:\r\n\t\
            Account Name:\t\t-\r\n\r\nProcess Information:\r\n\tNew Process ID:\t\t0x1a0c\r\n\t\
            New Process Name:\tC:\\Windows\\System32\\cmd.exe\r\n\tCreator Process ID:\t0x9f4\r\n\t\
            Creator Process Name:\tC:\\Windows\\System32\\inetsrv\\w3wp.exe\r\n\tProcess Command Line:\tcmd.exe /c whoami\r\n";
        let french = "Un nouveau processus a été créé.\n\nSujet du créateur\u{a0}:\n\tID de sécurité\u{a0}:\t\tS-1-5-18\n\t\
            Nom du compte\u{a0}:\t\tEX01$\n\tDomaine du compte\u{a0}:\t\tEXAMPLE\n\tID d\u{2019}ouverture de session\u{a0}:\t\t0x3E7\n\n\
            Informations sur le processus\u{a0}:\n\tID du nouveau processus\u{a0}:\t\t0x1a0c\n\t\
            Nom du nouveau processus\u{a0}:\tC:\\Windows\\System32\\cmd.exe\n\tID du processus créateur\u{a0}:\t0x9f4\n\t\
            Nom du processus créateur\u{a0}:\tC:\\Windows\\System32\\inetsrv\\w3wp.exe\n\t\
            Ligne de commande du processus\u{a0}:\tcmd.exe /c whoami\n";
        for text in [english, french] {
            for (name, value) in [
                ("SubjectUserSid", "S-1-5-18"),
                ("SubjectUserName", "EX01$"),
                ("SubjectDomainName", "EXAMPLE"),
                ("SubjectLogonId", "0x3E7"),
                ("NewProcessId", "0x1a0c"),
                ("NewProcessName", r"C:\Windows\System32\cmd.exe"),
                ("ProcessId", "0x9f4"),
                ("ParentProcessName", r"C:\Windows\System32\inetsrv\w3wp.exe"),
                ("CommandLine", "cmd.exe /c whoami"),
            ] {
                assert_eq!(get(kind, text, name).as_deref(), Some(value), "{name} in {text}");
            }
            assert_eq!(get(kind, text, "TargetUserName"), None);
        }
    }

    #[test]
    fn a_log_on_keeps_who_and_whom_apart() {
        let kind = Kind {
            provider: SECURITY,
            event_id: "4624",
        };
        let text = "An account was successfully logged on.\n\nSubject:\n\tAccount Name:\t\t-\n\nLogon Information:\n\t\
            Logon Type:\t\t3\n\nNew Logon:\n\tSecurity ID:\t\tS-1-5-21-1-500\n\tAccount Name:\t\tAdministrator\n\t\
            Logon ID:\t\t0x8dcdc\n\nNetwork Information:\n\tWorkstation Name:\tEX01\n\tSource Network Address:\t10.0.0.5\n";
        assert_eq!(
            get(kind, text, "TargetUserName").as_deref(),
            Some("Administrator")
        );
        assert_eq!(get(kind, text, "SubjectUserName"), None);
        assert_eq!(get(kind, text, "LogonType").as_deref(), Some("3"));
        assert_eq!(get(kind, text, "IpAddress").as_deref(), Some("10.0.0.5"));
        assert_eq!(get(kind, text, "TargetLogonId").as_deref(), Some("0x8dcdc"));
    }

    #[test]
    fn a_service_has_the_names_of_its_log() {
        let text = "A service was installed in the system.\n\nService Name:  PSEXESVC\n\
            Service File Name:  %SystemRoot%\\PSEXESVC.exe\nService Type:  user mode service\n\
            Service Start Type:  demand start\nService Account:  LocalSystem";
        let system = Kind {
            provider: "Service Control Manager",
            event_id: "7045",
        };
        assert_eq!(
            get(system, text, "ImagePath").as_deref(),
            Some(r"%SystemRoot%\PSEXESVC.exe")
        );
        let security = Kind {
            provider: SECURITY,
            event_id: "4697",
        };
        assert_eq!(
            get(security, text, "ServiceFileName").as_deref(),
            Some(r"%SystemRoot%\PSEXESVC.exe")
        );
    }

    #[test]
    fn sysmon_scripts_and_long_values() {
        let sysmon = Kind {
            provider: "Microsoft-Windows-Sysmon",
            event_id: "1",
        };
        let text = "Process Create:\nRuleName: -\nUtcTime: 2021-03-03 06:49:46.210\nImage: C:\\Windows\\System32\\cmd.exe";
        assert_eq!(
            get(sysmon, text, "Image").as_deref(),
            Some(r"C:\Windows\System32\cmd.exe")
        );
        assert_eq!(
            get(sysmon, text, "UtcTime").as_deref(),
            Some("2021-03-03 06:49:46.210")
        );
        let script = Kind {
            provider: "Microsoft-Windows-PowerShell",
            event_id: "4104",
        };
        let text = "Creating Scriptblock text (1 of 1):\nGet-Date\nGet-Host\n\nScriptBlock ID: 6e0d\nPath: ";
        assert_eq!(
            get(script, text, "ScriptBlockText").as_deref(),
            Some("Get-Date\nGet-Host")
        );
        let task = Kind {
            provider: SECURITY,
            event_id: "4698",
        };
        let text = "A scheduled task was created.\n\nTask Information:\n\tTask Name: \t\t\\x\n\tTask Content: \t\t\
            <?xml version=\"1.0\"?>\n<Task>\n<Exec>\n</Exec>\n</Task>";
        let content = get(task, text, "TaskContent").unwrap();
        assert!(content.ends_with("</Task>"), "{content}");
    }
}
