use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::*;
use crate::campaigns::{self, NewCampaign};
use crate::catalogue::{self, Scope};
use crate::cells::{self, Stage};
use crate::findings::{self, Decision, FindingFilter, FindingState};
use crate::jobs::JobState;
use crate::servers::{self, ServerFields, ServerFilter};
use crate::testing::{Bench, analyst, assert_hidden, director, on_each_database, strangers};
use crate::uploads::{self, NewUpload};
use crate::worker::{Handler, run_one};
use crate::{Access, CampaignId, EvidenceId, PageRequest, ServerId, TenantId, Verb, packs};

/// A line of HttpProxy as ProxyLogon leaves it, and the lines around it.
pub(crate) fn logs(attacked: bool) -> Vec<(String, String)> {
    let mut text = String::from(
        "#Software: Microsoft Exchange Server\n#Version: 15.01.2176.002\n#Log-type: HttpProxy Logs\n\
         DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,ClientRequestId,Protocol,UrlHost,UrlStem,\
         ProtocolAction,AuthenticationType,IsAuthenticated,AuthenticatedUser,Organization,AnchorMailbox,UserAgent,\
         ClientIpAddress,ServerHostName,HttpStatus,BackEndStatus,ErrorCode,Method\n",
    );
    for hour in 0..24 {
        text.push_str(&format!(
            "2021-03-02T{hour:02}:10:00.000Z,r{hour},15,1,2176,2,,Owa,mail.client.example,/owa/,,Basic,True,user@client.example,,\
             Sid~x,Mozilla,198.51.100.7,EX01,200,200,,GET\n"
        ));
        if attacked && hour == 3 {
            text.push_str(
                "2021-03-02T03:11:00.000Z,ra,15,1,2176,2,,Ecp,mail.client.example,/ecp/y.js,,,False,,,\
                 ServerInfo~a]@ex01.client.example:444/autodiscover/autodiscover.xml?#,python-requests/2.25,203.0.113.45,EX01,\
                 200,200,,POST\n",
            );
        }
    }
    vec![("EX01/HttpProxy/Ecp/HttpProxy_2021030200-1.LOG".into(), text)]
}

pub(crate) fn zip(files: &[(String, String)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        writer
            .start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) struct Scene {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    pub(crate) server: ServerId,
}

pub(crate) fn scene(bench: &Bench) -> Scene {
    let tenant = bench.tenant("Client");
    let server = servers::create(&bench.desk, &director(), &tenant, &ServerFields::named("EX01"))
        .unwrap()
        .id;
    let pack = packs::load(&bench.desk, "hafnium-2021").unwrap();
    let new = NewCampaign {
        title: "HAFNIUM".into(),
        pack: pack.name,
        pack_version: pack.version,
        tenants: vec![tenant.clone()],
        stale_hours: BTreeMap::new(),
    };
    let campaign = campaigns::open(&bench.desk, &director(), &new).unwrap().id;
    Scene {
        tenant,
        campaign,
        server,
    }
}

pub(crate) fn send(
    bench: &Bench,
    scene: &Scene,
    server: Option<&ServerId>,
    name: &str,
    bytes: &[u8],
) -> EvidenceId {
    let new = NewUpload {
        tenant_id: scene.tenant.clone(),
        server_id: server.cloned(),
        campaign_id: Some(scene.campaign.clone()),
        name: name.into(),
        note: String::new(),
        acquired_at: None,
        retention_days: None,
        size: None,
        sha256: None,
    };
    let upload = uploads::begin(&bench.desk, &analyst(), &new).unwrap();
    uploads::append(&bench.desk, &analyst(), &upload.id, 0, &mut &bytes[..]).unwrap();
    uploads::finish(&bench.desk, &analyst(), &upload.id).unwrap().id
}

pub(crate) fn ask(bench: &Bench, scene: &Scene, evidence: &EvidenceId) -> crate::jobs::Job {
    let new = NewHunt {
        campaign_id: scene.campaign.clone(),
        evidence: vec![evidence.clone()],
    };
    start(&bench.desk, &analyst(), &new).unwrap()
}

pub(crate) fn work(bench: &Bench) -> crate::jobs::Job {
    let handler = HuntHandler { threads: 1 };
    let handlers: [&dyn Handler; 1] = [&handler];
    run_one(&bench.desk, "w1", &handlers, &AtomicBool::new(false))
        .unwrap()
        .expect("a job")
}

pub(crate) fn word(bench: &Bench, scene: &Scene, stage: Stage) -> String {
    let cells = cells::of_server(&bench.desk, &director(), &scene.server).unwrap();
    let cells = &cells[&scene.campaign];
    cells
        .iter()
        .find(|cell| cell.stage == stage)
        .unwrap()
        .detail
        .clone()
}

pub(crate) fn all_findings(bench: &Bench) -> Vec<findings::Finding> {
    findings::list(
        &bench.desk,
        &analyst(),
        &FindingFilter::default(),
        &PageRequest::default(),
    )
    .unwrap()
    .0
    .items
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[test]
fn evidence_becomes_findings_and_a_verdict() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let evidence = send(
            bench,
            &scene,
            Some(&scene.server),
            "EX01 logs.zip",
            &zip(&logs(true)),
        );
        assert_eq!(word(bench, &scene, Stage::Evidence), "received");
        let job = ask(bench, &scene, &evidence);
        assert_eq!(word(bench, &scene, Stage::Hunt), "running");
        assert_eq!(ask(bench, &scene, &evidence).id, job.id, "asked twice, it is one");
        let done = work(bench);
        assert_eq!(done.state, JobState::Done, "{:?}", done.error);
        assert_eq!(word(bench, &scene, Stage::Hunt), "hunted");
        assert_ne!(word(bench, &scene, Stage::Verdict), "unknown");
        assert_ne!(word(bench, &scene, Stage::Verdict), "no_evidence");
        let found = all_findings(bench);
        assert!(!found.is_empty());
        assert!(
            found
                .iter()
                .all(|one| one.server_id == scene.server && one.state == FindingState::New)
        );
        let lines = findings::lines(&bench.desk, &analyst(), &found[0].id).unwrap();
        let path = "EX01/EX01_logs.zip!/EX01/HttpProxy/Ecp/HttpProxy_2021030200-1.LOG";
        assert_eq!(lines[0].path, path);
        assert!(
            is_empty(&bench.desk.data().join("work")),
            "what was opened is gone"
        );
        let (hunt, servers) = get(&bench.desk, &analyst(), &done.id.as_str().parse().unwrap()).unwrap();
        assert_eq!((hunt.changes.new as usize, servers.len()), (found.len(), 1));
        assert_eq!(
            of_server(&bench.desk, &analyst(), &scene.server).unwrap(),
            servers
        );
    });
}

#[test]
fn evidence_hunted_again_keeps_what_was_decided_and_says_what_changed() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let evidence = send(bench, &scene, Some(&scene.server), "logs.zip", &zip(&logs(true)));
        ask(bench, &scene, &evidence);
        work(bench);
        let first = all_findings(bench);
        let accept = Decision::Accept {
            reason: "it is real".into(),
        };
        let accepted = findings::decide(&bench.desk, &analyst(), &first[0].id, 1, &accept).unwrap();
        let jobs = rehunt(&bench.desk, &analyst(), &scene.campaign).unwrap();
        assert_eq!(jobs.len(), 1);
        assert_eq!(word(bench, &scene, Stage::Hunt), "hunted", "it was, and still is");
        let done = work(bench);
        let (hunt, _) = get(&bench.desk, &analyst(), &done.id.as_str().parse().unwrap()).unwrap();
        let (before, _) = get(&bench.desk, &analyst(), &first[0].hunt_id).unwrap();
        assert_eq!(hunt.manifest_sha256, before.manifest_sha256, "the same evidence");
        assert_eq!(
            (hunt.changes.new, hunt.changes.known as usize, hunt.changes.gone),
            (0, first.len(), 0)
        );
        let after = findings::get(&bench.desk, &analyst(), &accepted.id).unwrap();
        assert_eq!(
            (after.state, after.revision),
            (FindingState::Accepted, accepted.revision)
        );
    });
}

#[test]
fn what_is_dismissed_for_all_hides_it_for_others_and_tells_them_nothing() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let evidence = send(bench, &scene, Some(&scene.server), "logs.zip", &zip(&logs(true)));
        ask(bench, &scene, &evidence);
        work(bench);
        let before = all_findings(bench);
        for one in &before {
            let lines = findings::lines(&bench.desk, &analyst(), &one.id).unwrap();
            let (field, value) = ["ClientIpAddress", "c-ip"]
                .iter()
                .find_map(|name| Some((*name, lines[0].fields.get(*name)?)))
                .expect("an address");
            let dismiss = Decision::Dismiss {
                reason: "our own scanner at Client".into(),
                scope: Scope::All,
                expires_at: bench.desk.now().plus_days(90),
                fields: BTreeMap::from([(field.to_owned(), value.clone())]),
            };
            let done = findings::decide(&bench.desk, &director(), &one.id, one.revision, &dismiss).unwrap();
            assert_eq!(done.state, FindingState::Dismissed);
        }
        let other = bench.tenant("Other");
        let told = bench
            .desk
            .read(|tx| catalogue::in_force(tx, Some(&other), None))
            .unwrap();
        assert_eq!(told.len(), before.len());
        for entry in told {
            let text = entry.file(&other).text;
            let whole: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(whole[0]["author"], "SOC");
            assert!(!text.contains("Client\"") && !text.contains("scanner"), "{text}");
        }

        rehunt(&bench.desk, &analyst(), &scene.campaign).unwrap();
        let done = work(bench);
        let (hunt, servers) = get(&bench.desk, &analyst(), &done.id.as_str().parse().unwrap()).unwrap();
        assert_eq!(hunt.changes.gone as usize, before.len(), "{:?}", hunt.changes);
        assert!(servers[0].suppressed > 0);
        assert!(all_findings(bench).is_empty());
        let used = |access: &Access| {
            let entries = catalogue::list(&bench.desk, access, &PageRequest::default()).unwrap();
            let events: i64 = entries.items.iter().map(|entry| entry.used.events).sum();
            (entries.items.len(), events)
        };
        assert_eq!(used(&director()), (before.len(), servers[0].suppressed));
        // What it hid at one client is no other client's to count.
        for stranger in strangers(&other).iter().filter(|one| one.may(Verb::ReadInternal)) {
            assert_eq!(used(stranger), (0, 0));
        }

        // Taken back, it is shown again.
        let back = Decision::TakeBack {
            reason: "it was no scanner".into(),
        };
        for one in &before {
            findings::decide(&bench.desk, &director(), &one.id, one.revision + 1, &back).unwrap();
        }
        rehunt(&bench.desk, &analyst(), &scene.campaign).unwrap();
        work(bench);
        assert_eq!(all_findings(bench).len(), before.len());
    });
}

#[test]
fn a_machine_nobody_knew_is_entered() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let files: Vec<(String, String)> = logs(true)
            .into_iter()
            .map(|(name, text)| (name.replace("EX01", "EX09"), text.replace("EX01", "EX09")))
            .collect();
        let evidence = send(bench, &scene, None, "all.zip", &zip(&files));
        ask(bench, &scene, &evidence);
        assert_eq!(work(bench).state, JobState::Done);
        let filter = ServerFilter {
            search: Some("EX09".into()),
            ..ServerFilter::default()
        };
        assert_eq!(servers::count(&bench.desk, &director(), &filter).unwrap(), 1);
        assert!(all_findings(bench).iter().all(|one| one.server == "EX09"));
        assert_eq!(word(bench, &scene, Stage::Verdict), "unknown");
    });
}

#[test]
fn what_says_nothing_of_its_server_is_said_to() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let evidence = send(
            bench,
            &scene,
            Some(&scene.server),
            "../../etc/passwd",
            b"nothing of a log",
        );
        ask(bench, &scene, &evidence);
        let done = work(bench);
        assert_eq!(done.state, JobState::Done, "{:?}", done.error);
        assert_ne!(word(bench, &scene, Stage::Hunt), "running");
        assert_eq!(word(bench, &scene, Stage::Verdict), "unknown");
    });
}

#[test]
fn what_no_folder_gives_to_a_server_goes_by_its_name() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let evidence = send(
            bench,
            &scene,
            None,
            "C:\\recu\\réponse.du.client.txt",
            b"nothing of a log",
        );
        ask(bench, &scene, &evidence);
        assert_eq!(work(bench).state, JobState::Done);
        let count = |name: &str| {
            let filter = ServerFilter {
                search: Some(name.into()),
                ..ServerFilter::default()
            };
            servers::count(&bench.desk, &director(), &filter).unwrap()
        };
        // Not the folder that stands for its tenant while it is hunted.
        assert_eq!((count("tenant"), count("réponse")), (0, 1));
    });
}

#[test]
fn damaged_evidence_ends_the_hunt_with_the_reason() {
    let bench = Bench::sqlite();
    let scene = scene(&bench);
    let evidence = send(&bench, &scene, Some(&scene.server), "logs.zip", &zip(&logs(true)));
    let blobs = walk(&bench.desk.data().join("blobs"));
    std::fs::write(&blobs[0], b"not what was written").unwrap();
    ask(&bench, &scene, &evidence);
    let failed = work(&bench);
    assert_eq!(failed.state, JobState::Failed);
    assert!(failed.error.unwrap().contains("damaged"));
    assert_eq!(word(&bench, &scene, Stage::Hunt), "failed");
    assert!(all_findings(&bench).is_empty());
    assert!(is_empty(&bench.desk.data().join("work")));
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .collect()
}

#[test]
fn a_hunt_that_was_stopped_does_not_run_for_ever_on_the_board() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let evidence = send(bench, &scene, Some(&scene.server), "logs.zip", &zip(&logs(true)));
        let job = ask(bench, &scene, &evidence);
        assert_eq!(settle(&bench.desk).unwrap(), 0);
        crate::jobs::cancel(&bench.desk, &analyst(), &job.id).unwrap();
        assert_eq!(settle(&bench.desk).unwrap(), 1);
        assert_eq!(word(bench, &scene, Stage::Hunt), "failed");
    });
}

#[test]
fn what_a_dead_hunt_left_open_is_removed() {
    let bench = Bench::sqlite();
    let left = bench
        .desk
        .data()
        .join("work")
        .join("0177f562-8c00-7000-8000-000000000000-1");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("secret.log"), "x").unwrap();
    assert_eq!(clean(&bench.desk).unwrap(), 1);
    assert!(!left.exists());
}

#[test]
fn strangers_start_and_see_no_hunts() {
    on_each_database(|bench| {
        let desk = &bench.desk;
        let scene = scene(bench);
        let evidence = send(bench, &scene, Some(&scene.server), "logs.zip", &zip(&logs(true)));
        ask(bench, &scene, &evidence);
        let hunt = work(bench).id.as_str().parse().unwrap();
        let found = all_findings(bench);
        let dismiss = Decision::Dismiss {
            reason: "known here".into(),
            scope: Scope::Server,
            expires_at: desk.now().plus_days(9),
            fields: BTreeMap::new(),
        };
        let entry = findings::decide(desk, &analyst(), &found[1].id, 1, &dismiss)
            .unwrap()
            .dismissal_id
            .unwrap();
        let other = bench.tenant("Other");
        let new = NewHunt {
            campaign_id: scene.campaign.clone(),
            evidence: vec![evidence],
        };
        for access in strangers(&other) {
            assert_hidden(start(desk, &access, &new));
            assert_hidden(rehunt(desk, &access, &scene.campaign));
            assert_hidden(catalogue::revoke(desk, &access, &entry));
            assert_hidden(of_server(desk, &access, &scene.server));
            let accept = Decision::Accept {
                reason: String::new(),
            };
            assert_hidden(findings::decide(desk, &access, &found[0].id, 1, &accept));
            if access.may(Verb::ReadInternal) {
                assert_hidden(get(desk, &access, &hunt));
                assert_hidden(findings::get(desk, &access, &found[0].id));
                assert_hidden(findings::lines(desk, &access, &found[0].id));
                for search in [None, Some(found[0].statement_en.clone())] {
                    let filter = FindingFilter {
                        search,
                        ..FindingFilter::default()
                    };
                    let (page, total) =
                        findings::list(desk, &access, &filter, &PageRequest::default()).unwrap();
                    assert_eq!((page.items.len(), page.next), (0, None));
                    assert_eq!((total.count, total.at_least), (0, false));
                }
                assert!(
                    list(desk, &access, None, None, &PageRequest::default())
                        .unwrap()
                        .items
                        .is_empty()
                );
                assert!(
                    catalogue::list(desk, &access, &PageRequest::default())
                        .unwrap()
                        .items
                        .is_empty()
                );
            }
        }
    });
}

#[test]
fn a_hunt_says_in_french_what_it_could_not_read_and_forgets_no_older_words() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let mut cut = zip(&logs(true));
        cut.truncate(cut.len() - 30);
        let evidence = send(bench, &scene, Some(&scene.server), "EX01.zip", &cut);
        ask(bench, &scene, &evidence);
        let done = work(bench);
        assert_eq!(done.state, JobState::Done, "{:?}", done.error);
        let id = done.id.as_str().parse().unwrap();
        let (hunt, _) = get(&bench.desk, &analyst(), &id).unwrap();
        let damaged = "EX01/EX01.zip: the archive is damaged or cut short";
        assert!(
            hunt.warnings.iter().any(|warning| warning.starts_with(damaged)),
            "{:?}",
            hunt.warnings
        );
        let french = hunt.in_french();
        let endommagee = "EX01/EX01.zip\u{a0}: l’archive est endommagée ou tronquée";
        assert!(
            french
                .warnings
                .iter()
                .any(|warning| warning.starts_with(endommagee)),
            "{:?}",
            french.warnings
        );

        // As hunts were kept before warnings had codes.
        let old = r#"UPDATE hunt SET warnings = '["what was said"]'"#;
        bench.desk.write(|tx| tx.execute(old, &[])).unwrap();
        let (old, _) = get(&bench.desk, &analyst(), &id).unwrap();
        assert_eq!(old.warnings, ["what was said"]);
        assert_eq!(old.in_french().warnings, ["what was said"]);
    });
}

#[test]
fn a_hunt_counts_all_that_it_left_out_and_lists_what_was_read_in_part_first() {
    on_each_database(|bench| {
        let scene = scene(bench);
        let mut files: Vec<(String, String)> = (0..600)
            .map(|n| (format!("EX01/a/{n:03}.bin"), format!("\u{1}\u{2}\u{3}{n}")))
            .collect();
        files.extend(logs(false));
        files
            .last_mut()
            .unwrap()
            .1
            .push_str("2021-03-02T99:99:99.000Z,broken\n");
        let evidence = send(bench, &scene, Some(&scene.server), "EX01.zip", &zip(&files));
        ask(bench, &scene, &evidence);
        let done = work(bench);
        assert_eq!(done.state, JobState::Done, "{:?}", done.error);
        let id = done.id.as_str().parse().unwrap();
        let (hunt, _) = get(&bench.desk, &analyst(), &id).unwrap();
        // The archive that was opened is none of them.
        let all = LeftOut {
            partly: 1,
            unknown: 600,
        };
        assert_eq!(hunt.left_out, all);
        assert_eq!(hunt.skipped.len(), 500);
        let log = hunt.skipped[0]["path"].as_str().unwrap();
        assert!(log.ends_with("HttpProxy_2021030200-1.LOG"), "{log}");
        assert!(
            hunt.skipped[1..]
                .iter()
                .all(|file| file["skipped"] == json!([]) && file["format"].is_null())
        );

        // As hunts were kept before this was counted: what is listed, opened archives too.
        let old = json!([
            {"path": "EX01/EX01.zip", "size": 9, "format": null, "skipped": []},
            {"path": "EX01/EX01.zip!/a.bin", "size": 1, "format": null, "skipped": []},
            {"path": "EX01/EX01.zip!/b.log", "size": 1, "format": "csv", "skipped": [{"why": "why"}]},
        ]);
        let sql = format!("UPDATE hunt SET skipped = '{old}'");
        bench.desk.write(|tx| tx.execute(&sql, &[])).unwrap();
        let (old, _) = get(&bench.desk, &analyst(), &id).unwrap();
        let two = LeftOut {
            partly: 1,
            unknown: 1,
        };
        assert_eq!(old.left_out, two);
        let paths: Vec<_> = old
            .skipped
            .iter()
            .map(|file| file["path"].as_str().unwrap())
            .collect();
        assert_eq!(paths, ["EX01/EX01.zip!/b.log", "EX01/EX01.zip!/a.bin"]);
    });
}
