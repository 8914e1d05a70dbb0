//! One fact has several names: Sysmon says `Image` where the security log says `NewProcessName` and Defender
//! `FolderPath`. Sentences and links are written with Sigma's names and find the others here.

use arrow_array::Array;
use vigie_event::EventBatch;

/// The value of a field under its own name or, when the event has no such field, under another source's name for the
/// same fact. `get` compares names without case.
pub(crate) fn find<'a>(get: impl Fn(&str) -> Option<&'a str>, name: &str) -> Option<&'a str> {
    let (forwarded, others) = other_names(name);
    choose(
        forwarded.iter().map(|other| get(other)),
        get(name),
        others.iter().map(|other| get(other)),
    )
}

/// The value that tells most; one that says nothing is still better than none.
fn choose<'a>(
    forwarded: impl Iterator<Item = Option<&'a str>>,
    own: Option<&'a str>,
    others: impl Iterator<Item = Option<&'a str>>,
) -> Option<&'a str> {
    let tells = |value: &&str| !value.trim().is_empty() && *value != "-";
    let clients = forwarded.flatten().filter(tells);
    clients
        .filter_map(first_forwarded)
        .next()
        .or_else(|| own.filter(tells))
        .or_else(|| others.flatten().find(tells))
        .or(own)
}

/// Where in the rows of a batch the value of a field is.
#[derive(Debug)]
struct Sought {
    forwarded: Vec<usize>,
    own: Option<usize>,
    others: Vec<usize>,
}

impl Sought {
    fn of(batch: &EventBatch, name: &str) -> Sought {
        let (forwarded, others) = other_names(name);
        let columns = |names: &[&str]| names.iter().filter_map(|name| batch.column_index(name)).collect();
        Sought {
            forwarded: columns(forwarded),
            own: batch.column_index(name),
            others: columns(others),
        }
    }

    fn is_nowhere(&self) -> bool {
        self.own.is_none() && self.forwarded.is_empty() && self.others.is_empty()
    }

    fn value<'b>(&self, batch: &'b EventBatch, row: usize) -> Option<&'b str> {
        let get = |index: &usize| {
            let column = batch.text_column(*index)?;
            column.is_valid(row).then(|| column.value(row))
        };
        choose(
            self.forwarded.iter().map(get),
            self.own.as_ref().and_then(get),
            self.others.iter().map(get),
        )
    }
}

/// Where the fields that tie events together are in a batch, looked for once for each list of them: many detectors
/// have the same.
pub(crate) struct Columns<'b, 'n> {
    batch: &'b EventBatch,
    known: Vec<(&'n [String], Fields<'n>)>,
}

/// The fields of a list that have a column, by name.
type Fields<'n> = Vec<(&'n str, Sought)>;

impl<'b, 'n> Columns<'b, 'n> {
    pub(crate) fn of(batch: &'b EventBatch) -> Columns<'b, 'n> {
        Columns {
            batch,
            known: Vec::new(),
        }
    }

    /// The fields of a row that have a value, with it.
    pub(crate) fn values(
        &mut self,
        row: usize,
        names: &'n [String],
    ) -> impl Iterator<Item = (&'n str, &'b str)> {
        let batch = self.batch;
        let known = self
            .known
            .iter()
            .position(|(known, _)| std::ptr::eq(*known, names) || *known == names);
        let at = known.unwrap_or_else(|| {
            let sought = names.iter().map(|name| (name.as_str(), Sought::of(batch, name)));
            self.known
                .push((names, sought.filter(|(_, sought)| !sought.is_nowhere()).collect()));
            self.known.len() - 1
        });
        let sought = self.known.get(at).map_or(&[][..], |(_, sought)| sought);
        sought
            .iter()
            .filter_map(move |(name, sought)| Some((*name, sought.value(batch, row)?)))
    }
}

/// All names under which [`find`] may look for a field.
pub(crate) fn names_of(name: &str) -> impl Iterator<Item = &str> {
    let (forwarded, others) = other_names(name);
    [name]
        .into_iter()
        .chain(others.iter().copied())
        .chain(forwarded.iter().copied())
}

/// Columns that name the client a balancer speaks for, and other names of a field.
fn other_names(name: &str) -> (&'static [&'static str], &'static [&'static str]) {
    let others = OTHER_NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or::<&[&str], _>(&[], |(_, others)| others);
    let forwarded: &[&str] = if name.eq_ignore_ascii_case("c-ip") {
        &FORWARDED
    } else {
        &[]
    };
    (forwarded, others)
}

/// Columns in which IIS is told to log the client a load balancer speaks for; `c-ip` is then the balancer's address.
const FORWARDED: [&str; 4] = [
    "X-Forwarded-For",
    "cs(X-Forwarded-For)",
    "OriginalIP",
    "X-Real-IP",
];

/// The first address of the list, which is the client; IIS writes `+` for the blanks between them.
fn first_forwarded(value: &str) -> Option<&str> {
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
