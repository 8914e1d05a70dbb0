//! Whose evidence it is: from the names of folders and archives to machines.
//!
//! People hand over `TENANT/SERVER/...`, one folder or archive per server beside each other, all servers in one
//! archive, one server in several parts, or whatever a collector makes. So the tree of names is looked at as a whole:
//! a folder that holds what only a machine has (`C/`, `inetpub/`, `uploads/`, a collector's own files) is a machine;
//! the folders above it name it and its tenant.

use std::collections::BTreeMap;

use super::names::{drive, is_generic, machine};

/// Folders that are looked at in one tree; what is deeper or beyond belongs to what is above it.
const MOST_NODES: usize = 50_000;
const DEEPEST: usize = 12;

/// Folders that only a machine has.
const INSIDE_A_MACHINE: [&str; 18] = [
    "inetpub",
    "windows",
    "program files",
    "program files (x86)",
    "programdata",
    "users",
    "logging",
    "httpproxy",
    "logfiles",
    "httperr",
    "winevt",
    "uploads",
    "transportroles",
    "ecp",
    "frontend",
    "clientaccess",
    "exchangesetuplogs",
    "wwwroot",
];

/// What kind of container a machine's evidence is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    Zip,
    Velociraptor,
    Kape,
    ExchangeLogCollector,
    /// Files beside machines that belong to none of them.
    Loose,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Folder => "folder",
            Kind::Zip => "zip",
            Kind::Velociraptor => "velociraptor",
            Kind::Kape => "kape",
            Kind::ExchangeLogCollector => "exchange_log_collector",
            Kind::Loose => "loose",
        }
    }
}

/// A machine's place in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The path below which everything is its own; empty for the whole tree.
    pub(crate) prefix: String,
    /// The names that lead there.
    pub(crate) names: Vec<String>,
    pub(crate) kind: Kind,
    /// Something only a machine has is in it.
    pub(crate) certain: bool,
}

/// A tree of names.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    root: Node,
    nodes: usize,
}

#[derive(Debug, Default)]
struct Node {
    children: BTreeMap<String, Node>,
    /// Archives, and whether a machine is certainly in them.
    archives: BTreeMap<String, bool>,
    /// Files that may be evidence.
    files: bool,
    /// Files that surely are not: notes, checksums.
    notes: bool,
    velociraptor: bool,
    kape: bool,
}

impl Tree {
    /// Adds a file.
    pub(crate) fn file(&mut self, path: &str) {
        if path.split('/').any(|part| part == "__MACOSX") {
            // What macOS adds to an archive of its own; it follows the tree of the files.
            return;
        }
        let (node, name) = self.node(path);
        let lower = name.to_ascii_lowercase();
        let velociraptor = ["client_info.json", "collection_context.json", "uploads.json"];
        let kape = [
            "_consolelog.txt",
            "_copylog.csv",
            "_skiplog.csv",
            "_skiplog.csv.csv",
        ];
        node.velociraptor |= velociraptor.contains(&lower.as_str());
        node.kape |= kape.iter().any(|end| lower.ends_with(end)) || lower == "$mft";
        if is_note(&lower) {
            node.notes = true;
        } else {
            node.files = true;
        }
    }

    /// Adds an archive; `certain` when a machine is in it for sure.
    pub(crate) fn archive(&mut self, path: &str, certain: bool) {
        let (node, name) = self.node(path);
        if node.archives.len() < MOST_NODES {
            node.archives.insert(name.to_owned(), certain);
        } else {
            node.files = true;
        }
    }

    /// The folder of a path, and the name in it.
    fn node<'p>(&mut self, path: &'p str) -> (&mut Node, &'p str) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut node = &mut self.root;
        for part in folder.split('/').filter(|part| !part.is_empty()).take(DEEPEST) {
            if !node.children.contains_key(part) {
                if self.nodes >= MOST_NODES {
                    break;
                }
                self.nodes += 1;
            }
            node = node.children.entry(part.to_owned()).or_default();
        }
        (node, name)
    }

    /// The machines in it, in the order of their paths. Folders of a machine may be given to it as a whole.
    pub(crate) fn places(&self, kind: Kind) -> Vec<Place> {
        let mut places = self.root.places("", &[], kind);
        places.sort_by(|a, b| a.prefix.cmp(&b.prefix));
        places
    }
}

impl Node {
    fn places(&self, prefix: &str, names: &[String], kind: Kind) -> Vec<Place> {
        let here = |kind, certain| {
            vec![Place {
                prefix: prefix.to_owned(),
                names: names.to_vec(),
                kind,
                certain,
            }]
        };
        if let Some(collector) = self.collector() {
            return here(collector, true);
        }
        let of_a_machine = self.children.keys().any(|name| only_a_machine_has(name));
        if of_a_machine && !self.sorted_by_kind() {
            return here(kind, true);
        }
        let below = |name: &String| {
            let mut names = names.to_vec();
            names.push(name.clone());
            let prefix = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}/{name}")
            };
            (prefix, names)
        };
        let mut places: Vec<Place> = Vec::new();
        for (name, child) in &self.children {
            let (prefix, names) = below(name);
            places.extend(child.places(&prefix, &names, kind));
        }
        let certain =
            places.iter().any(|place| place.certain) || self.archives.values().any(|&certain| certain);
        if self.files && !certain {
            return here(kind, false);
        }
        for (name, &certain) in &self.archives {
            let (prefix, mut names) = below(name);
            if let Some(last) = names.last_mut() {
                *last = super::names::stem(name).to_owned();
            }
            places.push(Place {
                prefix,
                names,
                kind: Kind::Zip,
                certain,
            });
        }
        // `part1`, `part2` or `evtx`, `iis` are not machines beside each other: they are one.
        let nameless = |place: &Place| place.names[names.len()..].iter().all(|name| is_generic(name));
        if !places.is_empty() && places.iter().all(nameless) {
            return here(kind, certain);
        }
        if self.files || self.notes {
            places.extend(here(Kind::Loose, false));
        }
        places
    }

    /// Whether the folders are `IIS/EX01`, `IIS/EX02`, `HttpProxy/EX01`, `HttpProxy/EX02`: by kind of log first, then by
    /// machine. Two names below two kinds must be the same, and none of them may be a part of every machine.
    fn sorted_by_kind(&self) -> bool {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let kinds = self.children.iter().filter(|(kind, _)| is_generic(kind));
        for (_, child) in kinds {
            let names = child.children.keys();
            for name in names.filter(|name| !is_generic(name) && !only_a_machine_has(name)) {
                *seen.entry(name.to_lowercase()).or_default() += 1;
            }
        }
        seen.values().filter(|&&kinds| kinds >= 2).count() >= 2
    }

    /// The collector whose output this folder is.
    fn collector(&self) -> Option<Kind> {
        let has = |name: &str| self.children.keys().any(|child| child.eq_ignore_ascii_case(name));
        if self.velociraptor || (has("uploads") && has("results")) {
            return Some(Kind::Velociraptor);
        }
        let drives = self.children.keys().any(|name| drive(name).is_some());
        let mft = self
            .children
            .iter()
            .any(|(name, child)| drive(name).is_some() && child.kape);
        if drives && (self.kape || mft) {
            return Some(Kind::Kape);
        }
        let logs = self.children.keys().chain(self.archives.keys());
        logs.into_iter()
            .any(|name| collected_logs(name))
            .then_some(Kind::ExchangeLogCollector)
    }
}

fn only_a_machine_has(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let site = lower
        .strip_prefix("w3svc")
        .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    // `A` and `B` are floppies: a folder of that name is rather a tenant's.
    let drive = drive(name).is_some_and(|letter| name.len() > 1 || letter > 'B');
    drive || site || INSIDE_A_MACHINE.contains(&lower.as_str())
}

/// A folder or archive of CSS-Exchange's ExchangeLogCollector: `IIS_W3SVC1_Logs`, `ECP_Proxy_Logs.zip`,
/// `Windows_Event_Logs-1.zip`.
fn collected_logs(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(".zip").unwrap_or(&lower);
    let stem = stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    let known = [
        "iis_",
        "httperr_",
        "ecp_",
        "ews_",
        "owa_",
        "oab_",
        "eas_",
        "mapi_",
        "autod_",
        "rca_",
        "rpc_",
        "powershell_",
        "message_tracking_",
        "hub_",
        "fe_",
        "mbx_",
        "windows_event_",
        "windowseventlogs",
    ];
    (stem.ends_with("_logs") && known.iter().any(|start| stem.starts_with(start)))
        || stem == "windowseventlogs"
}

/// Files people put beside evidence.
fn is_note(lower: &str) -> bool {
    let ends = [
        ".md",
        ".pdf",
        ".docx",
        ".rtf",
        ".sha256",
        ".sha1",
        ".md5",
        ".ds_store",
    ];
    let starts = [
        "readme",
        "notes",
        "sha256sum",
        "md5sum",
        "checksum",
        "thumbs.db",
        "desktop.ini",
        "truth.json",
    ];
    ends.iter().any(|end| lower.ends_with(end)) || starts.iter().any(|start| lower.starts_with(start))
}

/// Tenant and host out of the names that lead to a machine.
pub(crate) fn whose(names: &[String], kind: Kind) -> (Option<String>, Option<String>) {
    let mut telling = names.iter().filter(|name| !is_generic(name)).rev();
    let host = telling
        .next()
        .map(|name| machine(name, kind == Kind::ExchangeLogCollector));
    (telling.next().cloned(), host)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn places(paths: &[&str]) -> Vec<(String, Option<String>, Option<String>, Kind)> {
        let mut tree = Tree::default();
        for path in paths {
            if path.ends_with(".zip") {
                tree.archive(path, true);
            } else {
                tree.file(path);
            }
        }
        tree.places(Kind::Folder)
            .into_iter()
            .map(|place| {
                let (tenant, host) = whose(&place.names, place.kind);
                (place.prefix, tenant, host, place.kind)
            })
            .collect()
    }

    fn place(
        prefix: &str,
        tenant: &str,
        host: &str,
        kind: Kind,
    ) -> (String, Option<String>, Option<String>, Kind) {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (prefix.to_owned(), some(tenant), some(host), kind)
    }

    #[test]
    fn servers_below_tenants() {
        assert_eq!(
            places(&[
                "ACME/EX01/C/x.log",
                "ACME/EX02/x.log",
                "GLOBEX/EX01/inetpub/x.log",
                "truth.json"
            ]),
            [
                place("", "", "", Kind::Loose),
                place("ACME/EX01", "ACME", "EX01", Kind::Folder),
                place("ACME/EX02", "ACME", "EX02", Kind::Folder),
                place("GLOBEX/EX01", "GLOBEX", "EX01", Kind::Folder),
            ]
        );
    }

    #[test]
    fn archives_beside_each_other() {
        assert_eq!(
            places(&["ACME/EX01.zip", "ACME/EX02.zip", "ACME/readme.txt"]),
            [
                place("ACME", "", "ACME", Kind::Loose),
                place("ACME/EX01.zip", "ACME", "EX01", Kind::Zip),
                place("ACME/EX02.zip", "ACME", "EX02", Kind::Zip),
            ]
        );
    }

    #[test]
    fn names_that_look_like_something_else() {
        assert_eq!(
            places(&["A/EX01/C/x.log", "B/EX01/C/x.log"]),
            [
                place("A/EX01", "A", "EX01", Kind::Folder),
                place("B/EX01", "B", "EX01", Kind::Folder),
            ]
        );
        assert_eq!(
            places(&["EX01/C/x.log", "__MACOSX/EX01/C/._x.log"]),
            [place("EX01", "", "EX01", Kind::Folder)]
        );
    }

    #[test]
    fn by_kind_first_and_then_by_server() {
        let found = places(&[
            "ACME/IIS/EX01/u_ex.log",
            "ACME/IIS/EX02/u_ex.log",
            "ACME/HttpProxy/EX01/Owa/x.log",
            "ACME/HttpProxy/EX02/Ecp/x.log",
            "ACME/evtx/DC01/Security.evtx",
        ]);
        let whose: Vec<_> = found
            .iter()
            .map(|(_, tenant, host, _)| (tenant.as_deref(), host.as_deref()))
            .collect();
        let acme = |host| (Some("ACME"), Some(host));
        assert_eq!(
            whose,
            [
                acme("EX01"),
                acme("EX02"),
                acme("EX01"),
                acme("EX02"),
                acme("DC01")
            ]
        );
        // A machine's own folders have names in common too.
        let one = [place("EX01", "", "EX01", Kind::Folder)];
        assert_eq!(
            places(&[
                "EX01/Windows/Temp/x",
                "EX01/Windows/System32/x",
                "EX01/inetpub/temp/x",
                "EX01/inetpub/history/x",
                "EX01/Logging/Ews/x.log",
                "EX01/Logging/Ecp/Server/x.log",
                "EX01/Logging/HttpProxy/Ecp/x.log",
            ]),
            one
        );
    }

    #[test]
    fn parts_of_one_server() {
        let one = [place("ACME/EX01", "ACME", "EX01", Kind::Folder)];
        assert_eq!(
            places(&["ACME/EX01/part1/C/x.log", "ACME/EX01/part2/C/x.log"]),
            one
        );
        assert_eq!(places(&["ACME/EX01/evtx/x.evtx", "ACME/EX01/iis/x.log"]), one);
        assert_eq!(places(&["ACME/EX01/2021-03-05/C/x.log"]), one);
    }

    #[test]
    fn collectors_are_recognised() {
        for (path, kind) in [
            ("EX01/uploads.json", Kind::Velociraptor),
            ("EX01/20210305T101010_ConsoleLog.txt", Kind::Kape),
            ("EX01/C/$MFT", Kind::Kape),
            ("EX01/ECP_Proxy_Logs.zip", Kind::ExchangeLogCollector),
            ("EX01/IIS_W3SVC1_Logs/x.log", Kind::ExchangeLogCollector),
        ] {
            let found = places(&[path, "EX01/C/x.log"]);
            assert_eq!(found, [place("EX01", "", "EX01", kind)], "{path}");
        }
        assert_eq!(
            places(&["clients/EX01-C.0123456789abcdef/collections/F.CRS2A7T0G1/uploads/auto/C%3A/x.log"])[0]
                .2,
            Some("EX01".to_owned())
        );
    }
}
