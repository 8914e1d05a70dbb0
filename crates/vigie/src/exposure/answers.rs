//! What a version check shows: the scope, the plan, the answers.

use std::fmt::Write as _;
use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};
use vigie_exposure::{BuildSource, Said};
use vigie_probe::{Outcome, PAGES, Plan, ProbeReport, Publication, Scope, TargetReport, Trust};
use vigie_report::Lang;

use crate::tell;

fn said(said: &Said, lang: Lang) -> String {
    lang.typeset(said.get(lang.code())).into_owned()
}

/// Who signed for what, before anything is sent.
pub(super) fn scope(scope: &Scope, lang: Lang) -> String {
    let say = |english, french| tell(lang, english, french);
    let colon = say(":", "\u{a0}:");
    let mut lines = vec![
        (say("Owner", "Responsable"), scope.owner.clone()),
        (
            say("Signed off by", "Validé par"),
            format!("{}, {}", scope.signed_by, scope.date),
        ),
        (say("Reason", "Motif"), scope.reason.clone()),
    ];
    if let Some(expires) = &scope.expires {
        lines.push((say("Expires", "Expire"), format!("{expires} (UTC)")));
    }
    lines.push((say("Entries", "Entrées"), scope.entries.len().to_string()));
    let pace = format!(
        "{} {}, {} {}, {} {}, {} s",
        scope.rate.per_host,
        say("requests/s per address", "requête(s)/s par adresse"),
        scope.rate.total,
        say("in all", "au total"),
        scope.concurrency,
        say("at the same time", "en même temps"),
        scope.timeout.as_secs_f64()
    );
    lines.push((say("Pace", "Rythme"), pace));
    lines.push((say("Sent as", "Envoyé sous"), scope.user_agent()));
    let lines: Vec<String> = lines
        .iter()
        .map(|(name, value)| format!("{name}{colon} {value}"))
        .collect();
    lines.join("\n")
}

/// Each request that would be sent.
pub(super) fn plan(plan: &Plan, scope: &Scope, all: bool, lang: Lang) -> String {
    let mut out = String::new();
    for target in &plan.targets {
        let server = target.server.as_deref().unwrap_or("-");
        for (index, page) in PAGES.iter().enumerate() {
            let when = if index > 0 && !all {
                tell(
                    lang,
                    "  (only when the first does not say the full build)",
                    "  (seulement si la première ne dit pas la version complète)",
                )
            } else {
                ""
            };
            let url = target.url();
            let _ = writeln!(
                out,
                "GET {url}{page}  {}  {}  {server}{when}",
                std::net::SocketAddr::new(target.address, target.port),
                target.tenant
            );
        }
    }
    for left in &plan.left {
        let _ = writeln!(
            out,
            "-   {}:{}  {}  {}",
            left.host,
            left.port,
            left.tenant,
            said(&left.why, lang)
        );
    }
    for warning in &plan.warnings {
        let _ = writeln!(out, "{}", said(warning, lang));
    }
    let _ = writeln!(
        out,
        "{}{} {}",
        tell(
            lang,
            "Dry run: no request was sent. User agent",
            "À blanc\u{a0}: aucune requête envoyée. Agent"
        ),
        tell(lang, ":", "\u{a0}:"),
        scope.user_agent()
    );
    out
}

/// One address on one line.
pub(super) fn line(target: &TargetReport, lang: Lang) -> String {
    let build = match &target.build {
        Some(_) => build(target, lang),
        None => tell(lang, "build unknown", "version inconnue").to_owned(),
    };
    let (colon, stop) = (tell(lang, ":", "\u{a0}:"), tell(lang, ";", "\u{202f};"));
    format!(
        "{}{colon} {build}{stop} {}",
        target.place(),
        said(&target.reason, lang)
    )
}

fn build(target: &TargetReport, lang: Lang) -> String {
    match &target.build {
        Some(build) if build.value.revision.is_none() => {
            format!("{}.? ({})", build.value, source(build.source))
        }
        Some(build) => format!("{} ({})", build.value, source(build.source)),
        None => tell(lang, "unknown", "inconnue").to_owned(),
    }
}

fn source(source: BuildSource) -> &'static str {
    match source {
        BuildSource::ExportTool => "export tool",
        BuildSource::XOwaVersion => "X-OWA-Version",
        other => other.id(),
    }
}

/// All addresses for people: what is unknown comes first.
pub(super) fn table(report: &ProbeReport, lang: Lang) -> String {
    let say = |english, french| tell(lang, english, french);
    let colon = say(":", "\u{a0}:");
    let mut targets: Vec<&TargetReport> = report.targets.iter().collect();
    targets.sort_by_key(|target| {
        let rank = match &target.build {
            None => 0,
            Some(build) if !build.conflicts.is_empty() => 1,
            Some(build) if build.value.revision.is_none() => 2,
            Some(_) => 3,
        };
        (rank, target.tenant.clone())
    });
    let mut out = String::new();
    for target in &targets {
        let server = target
            .server
            .as_deref()
            .map(|server| format!(" {server}"))
            .unwrap_or_default();
        let _ = writeln!(out, "{}{server}  {}", target.tenant, target.place());
        let _ = writeln!(out, "  {:<12} {}", say("build", "version"), build(target, lang));
        let _ = writeln!(
            out,
            "  {:<12} {}",
            say("answer", "réponse"),
            said(&target.reason, lang)
        );
        let published = match target.publication {
            Publication::Yes => say("yes, seen from here", "oui, vu d’ici"),
            Publication::Unknown => say("unknown", "inconnu"),
        };
        let _ = writeln!(out, "  {:<12} {published}", say("TCP/443", "TCP/443"));
        for answer in &target.answers {
            let trap = said(&answer.trap, lang);
            let _ = writeln!(
                out,
                "  {:<12} {} {}{colon} {trap}",
                "",
                source(answer.source),
                answer.value
            );
        }
        if let Some(tls) = &target.tls {
            let version = tls.version.as_deref().unwrap_or("?");
            let certificate = tls.certificate.as_ref().map_or_else(String::new, |certificate| {
                format!(
                    ", {}, {} {}",
                    certificate.subject,
                    say("until", "jusqu’au"),
                    certificate.not_after
                )
            });
            let _ = writeln!(out, "  {:<12} {version}{certificate}", "TLS");
        }
        for note in &target.notes {
            let _ = writeln!(out, "  {:<12} {}", say("note", "note"), said(note, lang));
        }
        out.push('\n');
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "{}", said(warning, lang));
    }
    let full = |target: &&&TargetReport| {
        target
            .build
            .as_ref()
            .is_some_and(|build| build.value.revision.is_some())
    };
    let exchange = targets
        .iter()
        .filter(|target| target.outcome == Outcome::Exchange)
        .count();
    let _ = writeln!(
        out,
        "{} {}, {exchange} Exchange, {} {}, {} {}, {} {}",
        targets.len(),
        say("address(es)", "adresse(s)"),
        targets.iter().filter(full).count(),
        say("full build(s)", "version(s) complète(s)"),
        targets.iter().filter(|target| target.build.is_none()).count(),
        say("unknown", "inconnue(s)"),
        report.requests,
        say("request(s)", "requête(s)")
    );
    if !report.complete {
        let _ = writeln!(
            out,
            "{}",
            say(
                "Incomplete: the run was stopped.",
                "Incomplet\u{a0}: l’exécution a été arrêtée."
            )
        );
    }
    out
}

/// The columns: first those of an inventory, so that the file can be read as one.
const HEADER: [&str; 18] = [
    "tenant",
    "server",
    "fqdn",
    "product",
    "build",
    "build_source",
    "published",
    "topology",
    "observed_at",
    "address",
    "port",
    "outcome",
    "reason",
    "conflicts",
    "tls",
    "certificate",
    "certificate_until",
    "certificate_trust",
];

/// One row per address. In French as Excel wants it there: `;` and a byte order mark; cells that a spreadsheet would take
/// for a formula start with an apostrophe.
pub(super) fn csv(report: &ProbeReport, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let delimiter = match lang {
        Lang::En => b',',
        Lang::Fr => {
            out.write_all("\u{feff}".as_bytes())?;
            b';'
        }
    };
    let mut writer = WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(Terminator::CRLF)
        .from_writer(out);
    writer.write_record(HEADER)?;
    for target in &report.targets {
        writer.write_record(row(target, lang).map(defuse))?;
    }
    writer.flush()
}

fn row(target: &TargetReport, lang: Lang) -> [String; 18] {
    let tls = target.tls.as_ref();
    let certificate = tls.and_then(|tls| tls.certificate.as_ref());
    let conflicts: Vec<String> = target
        .build
        .iter()
        .flat_map(|build| &build.conflicts)
        .map(|answer| format!("{} {}", answer.source, answer.value))
        .collect();
    let product = if target.outcome == Outcome::Exchange {
        "exchange"
    } else {
        ""
    };
    [
        target.tenant.clone(),
        target.server.clone().unwrap_or_default(),
        target.host.clone().unwrap_or_default(),
        product.to_owned(),
        target
            .build
            .as_ref()
            .map(|build| build.value.to_string())
            .unwrap_or_default(),
        target
            .build
            .as_ref()
            .map(|build| build.source.to_string())
            .unwrap_or_default(),
        target.publication.id().to_owned(),
        String::new(),
        target.observed_at.clone().unwrap_or_default(),
        target
            .address
            .map(|address| address.to_string())
            .unwrap_or_default(),
        target.port.to_string(),
        target.outcome.id().to_owned(),
        said(&target.reason, lang),
        conflicts.join(", "),
        tls.and_then(|tls| tls.version.clone()).unwrap_or_default(),
        certificate
            .map(|certificate| certificate.subject.clone())
            .unwrap_or_default(),
        certificate
            .map(|certificate| certificate.not_after.clone())
            .unwrap_or_default(),
        tls.map(|tls| trust(&tls.trust).to_owned()).unwrap_or_default(),
    ]
}

fn trust(trust: &Trust) -> &'static str {
    match trust {
        Trust::Valid => "valid",
        Trust::Expired => "expired",
        Trust::NotYetValid => "not_yet_valid",
        Trust::UnknownIssuer => "unknown_issuer",
        Trust::WrongName => "wrong_name",
        Trust::Invalid(_) => "invalid",
    }
}

fn defuse(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell
    }
}
