//! One fact has several names: Sysmon says `Image` where the security log says `NewProcessName` and Defender
//! `FolderPath`. Sentences and links are written with Sigma's names and find the others here.

use std::cell::RefCell;

use arrow_array::Array;
use vigie_event::EventBatch;

/// The value of a field under its own name or, when the event has no such field, under another source's name for the
/// same fact. `get` compares names without case.
pub(crate) fn find<'a, 'n>(get: impl Fn(&'n str) -> Option<&'a str>, name: &'n str) -> Option<&'a str> {
    let told = |name: &'n str| get(name).filter(|value| !value.trim().is_empty() && *value != "-");
    let lower = name.to_ascii_lowercase();
    if lower == "c-ip"
        && let Some(client) = FORWARDED.iter().find_map(|column| forwarded(told(column)?))
    {
        return Some(client);
    }
    told(name)
        .or_else(|| {
            let known = OTHER_NAMES.iter().find(|(known, _)| *known == lower)?;
            known.1.iter().find_map(|other| told(other))
        })
        // A value that says nothing is still better than none.
        .or_else(|| get(name))
}

/// Where the columns of a batch are, each looked for once: the rows of a batch are asked for the same few names.
pub(crate) struct Columns<'b, 'n> {
    batch: &'b EventBatch,
    known: RefCell<Vec<(&'n str, Option<usize>)>>,
}

impl<'b, 'n> Columns<'b, 'n> {
    pub(crate) fn of(batch: &'b EventBatch) -> Columns<'b, 'n> {
        Columns {
            batch,
            known: RefCell::default(),
        }
    }

    /// The value of a row.
    pub(crate) fn get(&self, row: usize, name: &'n str) -> Option<&'b str> {
        let column = self.batch.text_column(self.index(name)?)?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn index(&self, name: &'n str) -> Option<usize> {
        let mut known = self.known.borrow_mut();
        // Names come from rules, so the same name is mostly the same text in memory.
        let found = known.iter().find(|(known, _)| std::ptr::eq(*known, name));
        if let Some((_, index)) = found {
            return *index;
        }
        let index = self.batch.column_index(name);
        known.push((name, index));
        index
    }
}

/// All names under which [`find`] may look for a field.
pub(crate) fn names_of(name: &str) -> impl Iterator<Item = &str> {
    let lower = name.to_ascii_lowercase();
    let others = OTHER_NAMES
        .iter()
        .find(|(known, _)| *known == lower)
        .map_or::<&[&str], _>(&[], |(_, others)| others);
    let forwarded: &[&str] = if lower == "c-ip" { &FORWARDED } else { &[] };
    [name]
        .into_iter()
        .chain(others.iter().copied())
        .chain(forwarded.iter().copied())
}

/// Columns in which IIS is told to log the client a load balancer speaks for; `c-ip` is then the balancer's address.
const FORWARDED: [&str; 4] = [
    "X-Forwarded-For",
    "cs(X-Forwarded-For)",
    "OriginalIP",
    "X-Real-IP",
];

/// The first address of the list, which is the client; IIS writes `+` for the blanks between them.
fn forwarded(value: &str) -> Option<&str> {
    let first = value.split([',', '+', ' ']).next()?;
    crate::links::parse_address(first).map(|_| first)
}

/// Other names of a field, the most telling first. The last ones of a command line are programs: process auditing
/// leaves the command line out unless it is told to keep it.
const OTHER_NAMES: [(&str, &[&str]); 28] = [
    (
        "image",
        &[
            "NewProcessName",
            "InitiatingProcessFolderPath",
            "FolderPath",
            "ProcessName",
        ],
    ),
    (
        "commandline",
        &[
            "ProcessCommandLine",
            "Process Command Line",
            "InitiatingProcessCommandLine",
            "NewProcessName",
            "Image",
            "FolderPath",
        ],
    ),
    (
        "parentimage",
        &["ParentProcessName", "InitiatingProcessFolderPath"],
    ),
    (
        "parentcommandline",
        &["InitiatingProcessCommandLine", "ParentImage", "ParentProcessName"],
    ),
    (
        "user",
        &["SubjectUserName", "AccountName", "InitiatingProcessAccountName"],
    ),
    ("processguid", &["ProcessUniqueId", "SourceProcessGUID"]),
    ("parentprocessguid", &["InitiatingProcessUniqueId"]),
    ("subjectlogonid", &["LogonId", "InitiatingProcessLogonId"]),
    (
        "targetfilename",
        &["FolderPath", "ObjectName", "FileName", "File"],
    ),
    ("objectname", &["TargetFilename", "FolderPath"]),
    ("filename", &["TargetFilename", "FolderPath"]),
    ("sourceimage", &["InitiatingProcessFolderPath", "ProcessName"]),
    ("targetimage", &["FileName", "ObjectName"]),
    ("destinationip", &["RemoteIP", "DestAddress"]),
    ("destinationhostname", &["RemoteUrl", "DestinationIp", "RemoteIP"]),
    ("destinationport", &["RemotePort", "DestPort"]),
    ("sourceip", &["LocalIP", "SourceAddress"]),
    ("imageloaded", &["FolderPath"]),
    ("targetobject", &["RegistryKey", "ObjectName"]),
    ("details", &["RegistryValueData", "NewValue"]),
    ("imagepath", &["ServiceFileName"]),
    ("servicefilename", &["ImagePath"]),
    ("ipaddress", &["ClientAddress", "RemoteIP", "WorkstationName"]),
    ("targetusername", &["AccountName", "MemberName", "SamAccountName"]),
    ("clientipaddress", &["ClientIpAddress", "ClientIp", "c-ip"]),
    (
        "subjectusername",
        &["SubjectUserSid", "InitiatingProcessAccountName"],
    ),
    ("membersid", &["MemberName", "TargetSid"]),
    ("path", &["Threat Path", "ProcessName"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(fields: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
        find(
            |wanted| {
                fields
                    .iter()
                    .find(|(field, _)| field.eq_ignore_ascii_case(wanted))
                    .map(|(_, value)| *value)
            },
            name,
        )
    }

    #[test]
    fn behind_a_balancer_the_client_is_the_one_it_speaks_for() {
        let behind = [
            ("c-ip", "10.0.0.2"),
            ("X-Forwarded-For", "203.0.113.45,+10.0.0.9"),
        ];
        assert_eq!(found(&behind, "c-ip"), Some("203.0.113.45"));
        assert_eq!(
            found(&[("c-ip", "10.0.0.2"), ("X-Forwarded-For", "-")], "c-ip"),
            Some("10.0.0.2")
        );
        assert_eq!(
            found(&[("c-ip", "10.0.0.2"), ("X-Forwarded-For", "unknown")], "c-ip"),
            Some("10.0.0.2")
        );
    }

    #[test]
    fn the_own_name_wins_and_other_logs_names_follow() {
        assert_eq!(
            found(&[("Image", "a"), ("NewProcessName", "b")], "image"),
            Some("a")
        );
        assert_eq!(found(&[("NewProcessName", "b")], "Image"), Some("b"));
        assert_eq!(
            found(&[("CommandLine", ""), ("NewProcessName", "b")], "CommandLine"),
            Some("b")
        );
        assert_eq!(found(&[("IpAddress", "-")], "IpAddress"), Some("-"));
        assert_eq!(found(&[("Image", "a")], "Unheard"), None);
    }
}
