//! For spreadsheets: one row per server, in the order of work.

use std::io::{self, Write};

use ::csv::{Terminator, WriterBuilder};
use vigie_event::format_utc;
use vigie_exposure::result::{Assessment, ServerExposure};

use super::{age, decision, published, status};
use crate::csv::defuse;
use crate::lang::Lang;

const ENGLISH: [&str; 19] = [
    "rank",
    "tenant",
    "server",
    "fqdn",
    "product",
    "build",
    "build_source",
    "observed_at",
    "stale",
    "conflicts",
    "published",
    "topology",
    "status",
    "window_from",
    "window_to",
    "decision",
    "because",
    "next_step",
    "cves",
];
const FRENCH: [&str; 19] = [
    "rang",
    "client",
    "serveur",
    "fqdn",
    "produit",
    "build",
    "source du build",
    "relevé le",
    "ancien",
    "contradictions",
    "publié",
    "topologie",
    "état",
    "fenêtre du",
    "fenêtre au",
    "décision",
    "parce que",
    "étape suivante",
    "cve",
];

/// Writes one row per server. For Excel: in French `;` between cells and a byte order mark, in English `,`; lines end in
/// CR LF, times are RFC 3339 UTC, and no cell can be taken for a formula.
///
/// # Errors
/// Only those of `out`.
pub fn exposure_csv(result: &Assessment, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let (delimiter, header) = match lang {
        Lang::Fr => (b';', FRENCH),
        Lang::En => (b',', ENGLISH),
    };
    out.write_all("\u{feff}".as_bytes())?;
    let mut writer = WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(Terminator::CRLF)
        .from_writer(out);
    writer.write_record(header)?;
    for (rank, server) in result.servers.iter().enumerate() {
        writer.write_record(row(rank + 1, server, lang).map(|cell| defuse(&cell)))?;
    }
    writer.flush()
}

fn row(rank: usize, server: &ServerExposure, lang: Lang) -> [String; 19] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let time = |time: Option<i64>| time.map(format_utc).unwrap_or_default();
    let conflicts = server.build.conflicts.iter();
    let conflicts: Vec<String> = conflicts
        .map(|conflict| format!("{} ({})", conflict.value, conflict.source))
        .collect();
    let cves: Vec<String> = server
        .cves
        .iter()
        .map(|cve| format!("{} {}", cve.cve, status(cve.status, lang)))
        .collect();
    [
        rank.to_string(),
        text(&server.tenant),
        server.server.clone(),
        text(&server.fqdn),
        server.product.clone(),
        text(&server.build.value),
        server
            .build
            .source
            .map(|source| source.id().to_owned())
            .unwrap_or_default(),
        time(server.build.observed_at),
        age(server, lang).unwrap_or_default(),
        conflicts.join(", "),
        published(server.published, lang).to_owned(),
        server
            .topology
            .map(|topology| topology.id().to_owned())
            .unwrap_or_default(),
        status(server.status, lang).to_owned(),
        time(server.window.map(|window| window.from)),
        time(server.window.and_then(|window| window.to)),
        decision(server.ssvc.decision, lang).to_owned(),
        lang.typeset(server.ssvc.because.get(lang.code())).into_owned(),
        server
            .path
            .first()
            .map(|step| lang.typeset(step.title.get(lang.code())).into_owned())
            .unwrap_or_default(),
        cves.join(", "),
    ]
}
