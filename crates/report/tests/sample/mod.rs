//! A result with one server of every verdict, as the hunt for a made-up provider would give it.

#![allow(dead_code, unreachable_pub, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use vigie_hunt::message::{Code, Message};
use vigie_hunt::{
    Confidence, Coverage, EvidenceLine, Finding, Gap, HostResult, HuntResult, ManifestEntry,
    ObservationEntry, Outcome, PackInfo, SCHEMA_VERSION, Severity, SkipEntry, Span, StageInfo, Stats,
    Storyline, SuppressedOn, SuppressionEntry, SuppressionState, Text, Verdict,
};

pub const FROM: &str = "2021-01-03T00:00:00Z";
pub const TO: &str = "2021-03-12T00:00:00Z";

/// Text an intruder might put into a log to fool the reader.
pub const HOSTILE: &str =
    "<script>alert(\"x\")</script> '\u{202e}gpj.exe\u{1b}[31m\u{0} =cmd|' /C calc'!A0 & </td>";

pub fn text(en: &str, fr: &str) -> Text {
    Text {
        en: en.into(),
        fr: fr.into(),
    }
}

pub fn span(from: &str, to: &str) -> Span {
    Span {
        from: from.into(),
        to: to.into(),
    }
}

pub fn stages() -> Vec<StageInfo> {
    [
        ("scan", "Scanning", "Reconnaissance externe"),
        ("ssrf", "Request forgery", "Falsification de requête"),
        ("session", "Session stolen", "Session volée"),
        (
            "vdir_write",
            "Virtual directory changed",
            "Répertoire virtuel modifié",
        ),
        ("web_shell", "Web shell dropped", "Web shell déposé"),
        ("web_shell_use", "Web shell used", "Web shell utilisé"),
        ("execution", "Commands run", "Commandes exécutées"),
        ("discovery", "Discovery", "Reconnaissance interne"),
        ("credential_access", "Credentials taken", "Vol d’identifiants"),
        ("command_and_control", "Remote control", "Prise de contrôle"),
        ("collection", "Mail collected", "Collecte de courriels"),
        ("exfiltration", "Data taken out", "Exfiltration"),
        ("persistence", "Persistence", "Persistance"),
        ("defense_evasion", "Traces hidden", "Dissimulation"),
        ("lateral_movement", "Lateral movement", "Déplacement latéral"),
        ("impact", "Impact", "Impact"),
    ]
    .into_iter()
    .map(|(id, en, fr)| StageInfo {
        id: id.into(),
        title: text(en, fr),
    })
    .collect()
}

pub fn pack() -> PackInfo {
    PackInfo {
        name: "hafnium-2021".into(),
        version: "1.0.0".into(),
        title: text(
            "HAFNIUM and ProxyLogon on Exchange, 2021",
            "HAFNIUM et ProxyLogon sur Exchange, 2021",
        ),
        from: FROM.into(),
        to: TO.into(),
        stages: stages(),
    }
}

pub fn line(path: &str, line: u64, time: &str, excerpt: &str) -> EvidenceLine {
    let fields = excerpt
        .split(' ')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    EvidenceLine {
        path: path.into(),
        record: None,
        line: Some(line),
        time: Some(time.into()),
        excerpt: excerpt.into(),
        fields: fields.collect(),
    }
}

#[allow(clippy::too_many_arguments)]
pub fn finding(
    id: &str,
    (stage, attack): (&str, &str),
    (severity, outcome): (Severity, Outcome),
    (time, end, count): (&str, Option<&str>, u64),
    title: &str,
    statement: Text,
    evidence: Vec<EvidenceLine>,
) -> Finding {
    Finding {
        id: id.into(),
        rule_id: format!("3f0c8f0e-0000-4000-8000-{:0>12}", id.trim_start_matches('F')),
        title: title.into(),
        statement,
        severity,
        time: Some(time.into()),
        end_time: Some(end.unwrap_or(time).into()),
        count,
        attack: vec![attack.into()],
        stage: stage.into(),
        outcome,
        pack: Some("hafnium-2021".into()),
        storyline: Some("S1".into()),
        confidence: Confidence::Strong,
        sources: BTreeSet::new(),
        evidence,
    }
}

pub fn coverage(
    source: &str,
    title: (&str, &str),
    required: bool,
    seen: Option<(&str, &str, f64)>,
) -> Coverage {
    let mut gaps = Vec::new();
    let gap = |from: &str, to: &str, kind: &str, en: &str, fr: &str| Gap {
        from: from.into(),
        to: to.into(),
        kind: kind.into(),
        why: text(en, fr),
    };
    match seen {
        None => gaps.push(gap(
            FROM,
            TO,
            "before_first_record",
            "never collected, or rolled over before the collection",
            "jamais collecté, ou effacé par rotation avant la collecte",
        )),
        Some((from, to, _)) => {
            if from > FROM {
                gaps.push(gap(
                    FROM,
                    from,
                    "before_first_record",
                    "rolled over before the collection",
                    "effacé par rotation avant la collecte",
                ));
            }
            if to < TO {
                gaps.push(gap(
                    to,
                    TO,
                    "after_last_record",
                    "collected before",
                    "collecté avant",
                ));
            }
        }
    }
    Coverage {
        source: source.into(),
        title: text(title.0, title.1),
        required,
        from: seen.map(|seen| seen.0.into()),
        to: seen.map(|seen| seen.1.into()),
        ratio: seen.map_or(0.0, |seen| seen.2),
        covered: seen.map(|seen| span(seen.0, seen.1)).into_iter().collect(),
        gaps,
        records: if seen.is_some() { 48_211 } else { 0 },
    }
}

pub const PROXY: (&str, &str) = ("Exchange HttpProxy", "HttpProxy d’Exchange");
pub const IIS: (&str, &str) = ("IIS access logs", "Journaux d’accès IIS");
pub const ECP: (&str, &str) = ("Exchange ECP server", "Serveur ECP d’Exchange");
pub const SECURITY: (&str, &str) = ("Windows Security", "Sécurité de Windows");

fn full_coverage() -> Vec<Coverage> {
    vec![
        coverage("httpproxy", PROXY, true, Some((FROM, TO, 1.0))),
        coverage("iis", IIS, true, Some((FROM, TO, 1.0))),
        coverage("ecp_server", ECP, true, Some((FROM, TO, 1.0))),
        coverage(
            "windows_event/Security",
            SECURITY,
            false,
            Some(("2021-03-01T04:00:00Z", TO, 0.16)),
        ),
    ]
}

fn host(tenant: &str, name: &str, verdict: Verdict, reasons: Vec<Text>) -> HostResult {
    HostResult {
        host: name.into(),
        host_source: Some("ServerHostName".into()),
        tenant: Some(tenant.into()),
        verdict,
        window: Some(span(FROM, TO)),
        sees_all: true,
        reasons,
        coverage: full_coverage(),
        storylines: Vec::new(),
        findings: Vec::new(),
        suppressed: 0,
        observations: Vec::new(),
        events: BTreeMap::from([("httpproxy".into(), 48_211), ("iis".into(), 1_203_554)]),
    }
}

fn compromised() -> HostResult {
    let mut host = host(
        "Acme Health",
        "EX01",
        Verdict::Compromised,
        vec![
            text(
                "A virtual directory was rewritten with script in its address on 28 February 2021, and the file it \
                 wrote was called from outside the next day.",
                "Un répertoire virtuel a été réécrit avec du script dans son adresse le 28 février 2021, et le fichier \
                 ainsi écrit a été appelé de l’extérieur le lendemain.",
            ),
            text(
                "The web server started a command shell that dumped credentials.",
                "Le serveur web a lancé un interpréteur de commandes qui a extrait des identifiants.",
            ),
        ],
    );
    host.findings = compromised_findings();
    host.storylines = vec![Storyline {
        id: "S1".into(),
        title: text(
            "From 203.0.113.45, somebody forged requests as the server itself, planted a web shell and used it to take \
             credentials.",
            "Depuis 203.0.113.45, quelqu’un a forgé des requêtes au nom du serveur, déposé un web shell et s’en est servi \
             pour prendre des identifiants.",
        ),
        outcome: Outcome::PostExploitation,
        severity: Severity::Critical,
        from: "2021-02-28T09:12:05Z".into(),
        to: "2021-03-01T02:41:17Z".into(),
        stages: [
            "ssrf",
            "vdir_write",
            "web_shell",
            "web_shell_use",
            "credential_access",
        ]
        .map(Into::into)
        .into(),
        attack: vec!["T1190".into(), "T1505.003".into(), "T1003.001".into()],
        links: vec!["address 203.0.113.45".into(), "canary 9f2c…".into()],
        findings: (2..=6).map(|n| format!("F{n}")).collect(),
        hosts: vec!["EX02".into()],
    }];
    host.observations = vec![
        ObservationEntry {
            kind: "exchange_build".into(),
            value: "15.1.2106.2".into(),
            from: Some(FROM.into()),
            to: Some("2021-03-05T21:30:00Z".into()),
            path: "Acme Health/EX01/HttpProxy/Ecp/HttpProxy_2021022809-1.LOG".into(),
        },
        ObservationEntry {
            kind: "check_result".into(),
            value: "Test-ProxyLogon: suspicious activity".into(),
            from: None,
            to: None,
            path: "Acme Health/EX01/Test-ProxyLogon.csv".into(),
        },
    ];
    host
}

fn compromised_findings() -> Vec<Finding> {
    let proxy = "Acme Health/EX01/HttpProxy/Ecp/HttpProxy_2021022809-1.LOG";
    let iis = "Acme Health/EX01/W3SVC1/u_ex210301.log";
    let critical = (Severity::Critical, Outcome::Success);
    let active = (Severity::Critical, Outcome::PostExploitation);
    let mut scan = finding(
        "F1",
        ("scan", "T1595.002"),
        (Severity::Low, Outcome::Scan),
        ("2021-02-27T22:04:11Z", Some("2021-03-04T08:00:00Z"), 212),
        "Exchange front end probed",
        text(
            "The server was probed 212 times from 14 addresses.",
            "Le serveur a été sondé 212 fois depuis 14 adresses.",
        ),
        vec![line(
            iis,
            88,
            "2021-02-27T22:04:11Z",
            "cs-uri-stem=/owa/auth/x.js c-ip=198.51.100.23 sc-status=404",
        )],
    );
    scan.storyline = None;
    let mut dump = finding(
        "F6",
        ("credential_access", "T1003.001"),
        active,
        ("2021-03-01T02:41:17Z", None, 1),
        "Credential store dumped by a child of the web server",
        text(
            "Credentials were taken out of memory by a child of w3wp.exe.",
            "Des identifiants ont été extraits de la mémoire par un processus enfant de w3wp.exe.",
        ),
        vec![line(
            "x",
            0,
            "2021-03-01T02:41:17Z",
            "EventID=4688 ParentProcessName=w3wp.exe NewProcessName=rundll32.exe",
        )],
    );
    if let Some(proof) = dump.evidence.first_mut() {
        proof.path = "Acme Health/EX01/evtx/Security.evtx".into();
        proof.line = None;
        proof.record = Some(188_204);
    }
    vec![
        scan,
        finding(
            "F2",
            ("ssrf", "T1190"),
            critical,
            ("2021-02-28T09:12:05Z", Some("2021-02-28T09:12:31Z"), 4),
            "Forged request answered by the back end",
            text(
                "4 requests without sign-in were answered as if they came from the server itself.",
                "4 requêtes sans authentification ont reçu une réponse comme si elles venaient du serveur lui-même.",
            ),
            vec![
                line(
                    proxy,
                    1_042,
                    "2021-02-28T09:12:05Z",
                    "UrlStem=/ecp/y.js HttpStatus=241 ClientIpAddress=203.0.113.45",
                ),
                line(
                    proxy,
                    1_043,
                    "2021-02-28T09:12:09Z",
                    "UrlStem=/ecp/y.js HttpStatus=200 ClientIpAddress=203.0.113.45",
                ),
            ],
        ),
        finding(
            "F3",
            ("vdir_write", "T1505.003"),
            critical,
            ("2021-02-28T09:12:40Z", None, 1),
            "Virtual directory written with script in its URL",
            text(
                "The offline address book's address was set to a text with script in it.",
                "L’adresse du carnet d’adresses hors connexion a reçu un texte contenant du script.",
            ),
            vec![line(
                "Acme Health/EX01/ECP/Server/ECPServer20210228-1.LOG",
                77,
                "2021-02-28T09:12:40Z",
                HOSTILE,
            )],
        ),
        finding(
            "F4",
            ("web_shell", "T1505.003"),
            critical,
            ("2021-02-28T09:12:52Z", None, 1),
            "Script file written into a web folder",
            text(
                "A script file appeared in aspnet_client.",
                "Un fichier de script est apparu dans aspnet_client.",
            ),
            vec![line(
                "Acme Health/EX01/inventory.csv",
                5_012,
                "2021-02-28T09:12:52Z",
                "TargetFilename=aspnet_client\\discover.aspx",
            )],
        ),
        finding(
            "F5",
            ("web_shell_use", "T1505.003"),
            active,
            ("2021-03-01T02:38:00Z", Some("2021-03-01T02:44:00Z"), 1_307),
            "Script in a web folder called from outside",
            text(
                "The file was called 1,307 times from 203.0.113.45.",
                "Le fichier a été appelé 1 307 fois depuis 203.0.113.45.",
            ),
            vec![line(
                iis,
                9_312,
                "2021-03-01T02:38:00Z",
                "cs-method=POST cs-uri-stem=/aspnet_client/discover.aspx c-ip=203.0.113.45 sc-status=200",
            )],
        ),
        dump,
    ]
}

fn suspected() -> HostResult {
    let mut host = host(
        "Acme Health",
        "EX02",
        Verdict::Suspected,
        vec![text(
            "A forged request got an answer that only a successful one gets, but nothing was written.",
            "Une requête forgée a reçu une réponse réservée à celles qui aboutissent, mais rien n’a été écrit.",
        )],
    );
    host.findings = vec![finding(
        "F1",
        ("ssrf", "T1190"),
        (Severity::High, Outcome::Success),
        ("2021-03-01T02:50:12Z", None, 1),
        "Forged request answered by the back end",
        text(
            "1 request without sign-in was answered.",
            "1 requête sans authentification a reçu une réponse.",
        ),
        vec![line(
            "Acme Health/EX02/HttpProxy.LOG",
            12,
            "2021-03-01T02:50:12Z",
            "UrlStem=/ecp/y.js HttpStatus=241",
        )],
    )];
    host.storylines = vec![Storyline {
        id: "S1".into(),
        title: text(
            "203.0.113.45 reached the back end once.",
            "203.0.113.45 a atteint une fois le serveur interne.",
        ),
        outcome: Outcome::Success,
        severity: Severity::High,
        from: "2021-03-01T02:50:12Z".into(),
        to: "2021-03-01T02:50:12Z".into(),
        stages: vec!["ssrf".into()],
        attack: vec!["T1190".into()],
        links: vec!["address 203.0.113.45".into()],
        findings: vec!["F1".into()],
        hosts: vec!["EX01".into()],
    }];
    host
}

fn attempted() -> HostResult {
    let mut host = host(
        "Brise Marine",
        "MAIL",
        Verdict::Attempted,
        vec![text(
            "Forged requests were refused on 3 days; nothing shows that one worked.",
            "Des requêtes forgées ont été refusées sur 3 jours ; rien ne montre que l’une a abouti.",
        )],
    );
    host.findings = (0..3)
        .map(|n| {
            let time = format!("2021-03-0{}T11:00:00Z", n + 3);
            let mut finding = finding(
                &format!("F{}", n + 1),
                ("ssrf", "T1190"),
                (Severity::Medium, Outcome::Attempt),
                (&time, None, 6),
                "Forged request refused",
                text(
                    "6 forged requests were refused.",
                    "6 requêtes forgées ont été refusées.",
                ),
                vec![line(
                    "Brise Marine/MAIL/u_ex.log",
                    40 + n,
                    &time,
                    "cs-uri-stem=/ecp/y.js sc-status=401",
                )],
            );
            finding.storyline = None;
            finding
        })
        .collect();
    host
}

fn unknown() -> HostResult {
    let mut host = host(
        "Brise Marine",
        "EXCH-OLD",
        Verdict::Unknown,
        vec![text(
            "The HttpProxy logs start on 4 March 2021, after the window's first 60 days.",
            "Les journaux HttpProxy commencent le 4 mars 2021, après les 60 premiers jours de la période.",
        )],
    );
    host.window = Some(span("2021-03-04T10:00:00Z", TO));
    host.coverage = vec![
        coverage(
            "httpproxy",
            PROXY,
            true,
            Some(("2021-03-04T10:00:00Z", TO, 0.111)),
        ),
        coverage("iis", IIS, true, Some((FROM, TO, 1.0))),
        coverage("ecp_server", ECP, true, None),
        coverage("windows_event/Security", SECURITY, false, None),
    ];
    if let Some(iis) = host.coverage.get_mut(1) {
        iis.covered = vec![
            span(FROM, "2021-02-02T00:00:00Z"),
            span("2021-02-09T06:00:00Z", TO),
        ];
        iis.ratio = 0.893;
        iis.gaps = vec![Gap {
            from: "2021-02-02T00:00:00Z".into(),
            to: "2021-02-09T06:00:00Z".into(),
            kind: "inside".into(),
            why: text("no record for 7 days", "aucun enregistrement pendant 7 jours"),
        }];
    }
    host
}

fn no_evidence() -> HostResult {
    host(
        "Cyprès Conseil",
        "EX-NEW",
        Verdict::NoEvidence,
        vec![text(
            "All needed logs cover the window, and no rule matched.",
            "Tous les journaux nécessaires couvrent la période, et aucune règle n’a trouvé.",
        )],
    )
}

pub fn manifest_entry(host: &str, path: &str, source: Option<&str>, records: u64) -> ManifestEntry {
    ManifestEntry {
        path: path.into(),
        host: Some(host.into()),
        original_path: None,
        size: 7_340_032,
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        source: source.map(Into::into),
        format: source.map(Into::into),
        records,
        first: source.map(|_| FROM.into()),
        last: source.map(|_| TO.into()),
        skipped: Vec::new(),
        clock_offset_s: None,
    }
}

/// One server of every verdict.
pub fn sample() -> HuntResult {
    let mut broken = manifest_entry(
        "EX01",
        "Acme Health/EX01/W3SVC1/u_ex210301.log",
        Some("iis"),
        1_203_554,
    );
    broken.skipped = vec![SkipEntry {
        why: Message::new(Code::LineTooLong, [("bytes", 1_048_576_u64.into())]),
        records: 2,
        bytes: 4_200_117,
        first_at: Some("line 17".into()),
    }];
    let mut foreign = manifest_entry("MAIL", "Brise Marine/MAIL/notes.docx", None, 0);
    foreign.skipped = vec![SkipEntry {
        why: Code::ContentTooLarge.into(),
        records: 0,
        bytes: 7_340_032,
        first_at: None,
    }];
    let mut clock = manifest_entry(
        "EX02",
        "Acme Health/EX02/HttpProxy.LOG",
        Some("httpproxy"),
        48_211,
    );
    clock.clock_offset_s = Some(-3_600.0);
    HuntResult {
        schema_version: SCHEMA_VERSION.into(),
        pack: vec![pack()],
        stats: Stats {
            bytes: 12_400_000_000,
            events: 6_254_118,
            files: 1_844,
            skipped: 2,
            elapsed_s: 41.3,
            rules: 214,
            rules_left_out: 0,
            refused: 0,
            interrupted: false,
        },
        hosts: vec![compromised(), suspected(), attempted(), unknown(), no_evidence()],
        suppressions: suppressions(),
        manifest: vec![
            manifest_entry(
                "EX01",
                "Acme Health/EX01/HttpProxy/Ecp/HttpProxy_2021022809-1.LOG",
                Some("httpproxy"),
                48_211,
            ),
            broken,
            clock,
            foreign,
        ],
        manifest_sha256: "4b7a1c0e5f2d93a86b1e7c45d0f89a3216fbc5d7e9a0438b2c6d1f0e8a79b354".into(),
        warnings: vec![Message::new(
            Code::At,
            [
                ("path", "Brise Marine/MAIL/old.zip".into()),
                (
                    "said",
                    Message::new(Code::ArchivesTooDeep, [("most", 4_u64.into())]).into(),
                ),
            ],
        )],
    }
}

/// One entry that hid something, one that had nothing to hide, one that is over.
pub fn suppressions() -> Vec<SuppressionEntry> {
    let entry = |line, rule: &str, state, expires: &str| SuppressionEntry {
        path: "suppressions.yaml".into(),
        line: Some(line),
        rule: rule.into(),
        host: None,
        tenant: None,
        fields: BTreeMap::new(),
        reason: "The backup starts it every night.".into(),
        author: "N. Martin".into(),
        expires: expires.into(),
        state,
        events: 0,
        findings: 0,
        hosts: Vec::new(),
    };
    vec![
        SuppressionEntry {
            host: Some("EX0*".into()),
            tenant: Some("Acme Health".into()),
            fields: BTreeMap::from([("Image|endswith".to_owned(), "\\backup.exe".to_owned())]),
            events: 42,
            findings: 2,
            hosts: vec![SuppressedOn {
                host: "EX01".into(),
                tenant: Some("Acme Health".into()),
                events: 42,
                findings: 2,
                from: Some("2021-02-28T01:00:00Z".into()),
                to: Some("2021-03-09T01:00:00Z".into()),
            }],
            ..entry(3, "Shell of a service", SuppressionState::Applied, "2021-12-31")
        },
        entry(12, "web_shell_*", SuppressionState::Idle, "2021-12-31"),
        entry(
            17,
            "929a690e-bef0-4204-a928-ef5e620d6fcc",
            SuppressionState::Expired,
            "2021-01-31",
        ),
    ]
}

/// A result about nothing.
pub fn empty() -> HuntResult {
    HuntResult {
        hosts: Vec::new(),
        suppressions: Vec::new(),
        manifest: Vec::new(),
        warnings: Vec::new(),
        stats: Stats::default(),
        ..sample()
    }
}

/// One server with `count` findings spread over ten days, a third of them at one instant.
pub fn busy(count: usize) -> HuntResult {
    let mut result = sample();
    result.hosts.truncate(1);
    let stages = stages();
    if let Some(host) = result.hosts.first_mut() {
        host.findings = (0..count)
            .map(|n| {
                let minute = if n % 3 == 0 { 0 } else { n };
                let time = format!(
                    "2021-02-{:02}T{:02}:{:02}:00Z",
                    10 + minute / 1_440 % 10,
                    minute / 60 % 24,
                    minute % 60
                );
                let stage = &stages[n % stages.len()].id;
                let outcome = [
                    Outcome::Scan,
                    Outcome::Attempt,
                    Outcome::Success,
                    Outcome::PostExploitation,
                ][n % 4];
                let mut finding = finding(
                    &format!("F{}", n + 1),
                    (stage, "T1190"),
                    (Severity::High, outcome),
                    (&time, None, 1 + n as u64 % 50),
                    "A rule of many",
                    text("One of many findings.", "Un constat parmi beaucoup."),
                    vec![line("u_ex.log", n as u64, &time, "sc-status=200")],
                );
                if n % 7 == 0 {
                    finding.time = None;
                    finding.end_time = None;
                }
                finding
            })
            .collect();
        if let Some(storyline) = host.storylines.first_mut() {
            storyline.findings = host.findings.iter().map(|finding| finding.id.clone()).collect();
        }
    }
    result
}

/// The sample with every text an intruder could choose made hostile or very long.
pub fn hostile() -> HuntResult {
    let mut result = sample();
    let long = format!("{HOSTILE}{}", "A".repeat(200_000));
    result.warnings = vec![Message::other(long.clone())];
    result.manifest_sha256 = HOSTILE.into();
    for file in &mut result.manifest {
        file.path = long.clone();
        file.source = Some(HOSTILE.into());
        file.sha256 = HOSTILE.into();
        file.skipped = vec![SkipEntry {
            why: Message::other(long.clone()),
            records: 1,
            bytes: 1,
            first_at: Some(long.clone()),
        }];
    }
    for host in &mut result.hosts {
        host.host = HOSTILE.into();
        host.tenant = Some(HOSTILE.into());
        host.host_source = Some(HOSTILE.into());
        host.reasons = vec![text(&long, &long)];
        host.window = Some(span(HOSTILE, "2021-99-99"));
        for coverage in &mut host.coverage {
            coverage.source = HOSTILE.into();
            coverage.title = text(HOSTILE, HOSTILE);
            coverage
                .covered
                .push(span("9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"));
            coverage.ratio = f64::NAN;
        }
        for storyline in &mut host.storylines {
            storyline.title = text(&long, &long);
            storyline.links = vec![long.clone()];
            storyline.hosts = vec![long.clone()];
            storyline.from = HOSTILE.into();
        }
        for finding in &mut host.findings {
            finding.title = long.clone();
            finding.rule_id = HOSTILE.into();
            finding.statement = text(&long, &long);
            finding.stage = HOSTILE.into();
            finding.attack = vec![HOSTILE.into()];
            finding.count = u64::MAX;
            for proof in &mut finding.evidence {
                proof.path = long.clone();
                proof.excerpt = long.clone();
                proof.time = Some(HOSTILE.into());
            }
        }
        for observation in &mut host.observations {
            observation.kind = HOSTILE.into();
            observation.value = long.clone();
        }
    }
    result
}
