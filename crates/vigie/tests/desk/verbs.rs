//! A crisis from the command line, and what one is told when something is wrong.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::line::Line;
use crate::scene::{ALL_VERBS, Scene, call, noise, until};

fn id(of: &Value) -> &str {
    of["id"].as_str().unwrap()
}

#[test]
fn a_crisis_is_played_without_a_browser() {
    let scene = Scene::new();
    let tenant = scene.json(&[
        "tenant",
        "add",
        "Étude Martin",
        "--contract",
        "managed",
        "--agency",
        "Lyon",
    ]);
    assert_eq!(
        (&tenant["contract"], &tenant["agency"]),
        (&json!("managed"), &json!("Lyon"))
    );
    // What is not named stays.
    let tenant = scene.json(&["tenant", "set", "étude martin", "--note", "call first"]);
    assert_eq!(
        (&tenant["agency"], &tenant["note"]),
        (&json!("Lyon"), &json!("call first"))
    );
    scene.vigie(&[
        "tenant",
        "add-server",
        "Étude Martin",
        "EX01",
        "--fqdn",
        "ex01.martin.example",
    ]);
    let said = scene.vigie(&["tenant", "list"]);
    assert!(
        said.contains("NAME") && said.contains("Étude Martin") && said.contains("managed"),
        "{said}"
    );
    let said = scene.vigie(&["tenant", "list", "--lang", "fr"]);
    assert!(said.contains("CONTRAT") && said.contains("infogérance"), "{said}");
    assert!(
        scene
            .vigie(&["tenant", "servers", "Étude Martin"])
            .contains("ex01.martin.example")
    );
    assert_eq!(
        scene.json(&["tenant", "server", "ex01.martin.example"])["name"],
        "EX01"
    );

    let campaign = scene.json(&[
        "campaign",
        "open",
        "Exchange",
        "--pack",
        "hafnium-2021",
        "--all-tenants",
    ]);
    assert_eq!(campaign["tenants"], 1);
    let board = scene.vigie(&["campaign", "board", "exchange"]);
    let lines: Vec<&str> = board.lines().collect();
    assert!(
        lines[0].starts_with("TENANT") && lines[1].contains("EX01") && lines[1].contains("unknown"),
        "{board}"
    );
    assert!(board.contains("1 of 1 servers, 1 of 1 tenants"), "{board}");
    let board = scene.json(&["campaign", "board", "hafnium-2021", "--contract", "soc"]);
    assert_eq!(board["servers_matching"], 0);
    let said = scene.vigie(&["campaign", "show", "Exchange", "--lang", "fr"]);
    assert!(
        said.contains("sur 1 serveurs") && said.contains("inconnu"),
        "{said}"
    );

    let case = scene.json(&[
        "case",
        "open",
        "Is EX01 clean?",
        "--tenant",
        "Étude Martin",
        "--severity",
        "high",
        "--server-name",
        "EX01",
    ]);
    let said = scene.vigie(&["case", "queue"]);
    assert!(said.contains("Is EX01 clean?") && said.contains("high"), "{said}");
    // A key takes it for whoever made it.
    let taken = scene.json(&["case", "take"]);
    assert_eq!(taken["assigned_to"], scene.get("/people")[0]["id"]);
    assert_eq!(scene.json(&["case", "take"]), Value::Null);
    scene.vigie(&[
        "case",
        "note",
        "1",
        "--tenant",
        "Étude Martin",
        "The client **knows**.",
    ]);
    scene.vigie(&["case", "task", id(&case), "Collect the logs"]);
    let said = scene.vigie(&["case", "show", "is ex01 clean?"]);
    assert!(
        said.contains("in progress") && said.contains("**knows**") && said.contains("Collect the logs"),
        "{said}"
    );
    let said = scene.fails(1, &["case", "state", id(&case), "closed"]);
    assert!(said.contains("resolution"), "{said}");
    scene.vigie(&[
        "case",
        "state",
        id(&case),
        "closed",
        "--resolution",
        "clean over the window",
    ]);
    assert_eq!(scene.json(&["case", "list", "--unfinished"]), json!([]));

    scene.vigie(&["journal", "say", "Directors told", "--campaign", "Exchange"]);
    assert!(scene.vigie(&["journal"]).contains("Directors told"));
    let said = scene.vigie(&["journal", "list", "--action", "say"]);
    assert!(
        said.contains("Directors told") && said.contains("command line (Alex)"),
        "{said}"
    );
    let closed = scene.json(&["campaign", "close", "Exchange"]);
    assert!(closed["closed_at"].is_string());
    let said = scene.fails(1, &["campaign", "add", "Exchange", "Étude Martin"]);
    assert!(said.lines().count() >= 2, "what happened, and what to do: {said}");
}

#[test]
fn names_are_taken_where_they_are_clear() {
    let scene = Scene::new();
    let (one, two) = (scene.tenant("Alpha"), scene.tenant("Beta"));
    for tenant in [&one, &two] {
        scene.server_of(tenant, "EX01");
    }
    let said = scene.fails(1, &["tenant", "show", "Alp"]);
    assert!(
        said.contains("no tenant named \"Alp\"") && said.contains("there is Alpha"),
        "{said}"
    );
    let said = scene.fails(1, &["tenant", "server", "EX01"]);
    assert!(
        said.contains("2 fit") && said.contains("give the identifier"),
        "{said}"
    );
    let server = scene.json(&["tenant", "server", "EX01", "--tenant", "Beta"]);
    assert_eq!(server["tenant_id"], two);
    assert_eq!(
        scene.json(&["tenant", "show", &one.to_uppercase()])["name"],
        "Alpha"
    );
    // Lists are read to their end when asked for, and say when they are not.
    for number in 0..12 {
        scene.tenant(&format!("Tenant {number}"));
    }
    let output = scene
        .command(&["tenant", "list", "--limit", "5"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 6);
    assert!(String::from_utf8_lossy(&output.stderr).contains("there are more"));
    assert_eq!(
        scene.json(&["tenant", "list", "--all"]).as_array().unwrap().len(),
        14
    );
    // So many that their names are read at once.
    scene.write("x.log", b"x");
    for number in 0..24 {
        let name = format!("Many {number}");
        scene.tenant(&name);
        scene.vigie(&["push", "x.log", "--tenant", &name]);
    }
    let said = scene.vigie(&["evidence", "list"]);
    for number in 0..24 {
        assert!(said.contains(&format!("  Many {number} ")), "{said}");
    }
    // A name that would move the cursor of whoever reads it does not.
    scene.write("x", b"x");
    let bad = json!({"tenant_id": one, "fields": {"name": "EX02", "note": "a\u{1b}[2Jb"}});
    scene.api("POST", "/servers", &bad);
    assert!(!scene.vigie(&["tenant", "servers", "Alpha"]).contains('\u{1b}'));
}

#[test]
fn evidence_is_followed_taken_out_and_verified() {
    let scene = Scene::new();
    scene.tenant("Client");
    let logs = noise(2_500_000, 21);
    scene.write("a.evtx", &logs);
    scene.write("b.evtx", b"another");
    let sent = scene.json(&["push", "a.evtx", "b.evtx", "--tenant", "Client"]);
    let ids: Vec<&str> = sent["evidence"].as_array().unwrap().iter().map(id).collect();
    scene.vigie(&[
        "evidence",
        "export",
        "a.evtx",
        "--reason",
        "for the forensic lab",
        "-o",
        "out.evtx",
    ]);
    assert!(std::fs::read(scene.folder.path().join("out.evtx")).unwrap() == logs);
    let said = scene.fails(
        1,
        &[
            "evidence", "export", "a.evtx", "--reason", "again", "-o", "out.evtx",
        ],
    );
    assert!(said.contains("exists"), "{said}");
    let hold = scene.json(&["evidence", "hold", "a.evtx", "--reason", "court"]);
    assert!(scene.vigie(&["evidence", "holds", "Client"]).contains("court"));
    assert!(
        scene
            .vigie(&["evidence", "list", "--tenant", "Client"])
            .contains("yes")
    );
    scene.vigie(&["evidence", "lift", id(&hold), "--reason", "over"]);
    let said = scene.vigie(&["evidence", "custody", "a.evtx"]);
    for act in [
        "evidence.receive",
        "evidence.export",
        "for the forensic lab",
        "evidence.hold",
    ] {
        assert!(said.contains(act), "{act}: {said}");
    }

    let data = scene.data.to_str().unwrap();
    assert!(
        scene
            .vigie(&["evidence", "verify"])
            .contains("2 pieces of evidence, 2.5 MB: all as they were received")
    );
    assert_eq!(scene.json(&["evidence", "verify", "--data", data])["pieces"], 2);

    // One bit of one blob, and the other gone.
    let blobs = blobs(&scene);
    let mut bytes = std::fs::read(&blobs[1].1).unwrap();
    bytes[1_000_000] ^= 1;
    std::fs::write(&blobs[1].1, bytes).unwrap();
    let said = scene.fails_with_output(3, &["evidence", "verify"]);
    assert!(
        said.contains(ids[0]) && !said.contains(ids[1]) && said.contains("1 DAMAGED"),
        "{said}"
    );
    std::fs::remove_file(&blobs[0].1).unwrap();
    for place in [&[][..], &["--data", data]] {
        let mut arguments = vec!["evidence", "verify", "--format", "json"];
        arguments.extend(place);
        let said: Value = serde_json::from_str(&scene.fails_with_output(3, &arguments)).unwrap();
        assert_eq!(
            (&said["sound"], said["broken"].as_array().unwrap().len()),
            (&json!(false), 2)
        );
    }
    let said = scene.fails(
        1,
        &[
            "evidence",
            "export",
            "a.evtx",
            "--reason",
            "lab",
            "-o",
            "broken.evtx",
        ],
    );
    assert!(said.contains("broke off"), "{said}");
    assert!(!scene.folder.path().join("broken.evtx").exists());
}

/// The files of blobs, the smallest first.
fn blobs(scene: &Scene) -> Vec<(u64, std::path::PathBuf)> {
    let mut found = Vec::new();
    for fan in std::fs::read_dir(scene.data.join("blobs")).unwrap() {
        for blob in std::fs::read_dir(fan.unwrap().path()).unwrap() {
            let blob = blob.unwrap();
            found.push((blob.metadata().unwrap().len(), blob.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn findings_are_decided_one_by_one() {
    let scene = Scene::new();
    let folder = scene.folder.path().join("world");
    let folder = folder.to_str().unwrap();
    scene.vigie(&[
        "simulate",
        "--seed",
        "7",
        "--tenants",
        "1",
        "--days",
        "7",
        "--out",
        folder,
    ]);
    let tenant = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    let tenant = match tenant.ends_with("evidence") {
        true => std::fs::read_dir(&tenant)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path(),
        false => tenant,
    };
    scene.tenant("Client");
    scene.vigie(&[
        "campaign",
        "open",
        "Exchange",
        "--pack",
        "hafnium-2021",
        "--tenant",
        "Client",
    ]);
    scene.vigie(&[
        "push",
        tenant.to_str().unwrap(),
        "--tenant",
        "Client",
        "--hunt",
        "Exchange",
        "--wait",
    ]);
    let findings = scene.json(&["finding", "list", "--tenant", "Client", "--all"]);
    let ids: Vec<&str> = findings.as_array().unwrap().iter().map(id).collect();
    assert!(ids.len() >= 3, "{findings}");
    let said = scene.vigie(&["finding", "show", ids[0], "--lang", "fr"]);
    assert!(said.contains("constat") && said.contains("EXTRAIT"), "{said}");
    let said = scene.vigie(&["finding", "decide", ids[0], ids[1], "--accept"]);
    assert_eq!(said.matches("accepted").count(), 2, "{said}");
    scene.vigie(&[
        "finding",
        "decide",
        ids[2],
        "--escalate",
        "--reason",
        "needs a look",
    ]);
    assert_eq!(scene.json(&["case", "list"]).as_array().unwrap().len(), 1);
    let said = scene.fails(2, &["finding", "decide", ids[0]]);
    assert!(said.contains("--accept"), "{said}");
    let said = scene.fails(
        1,
        &[
            "finding",
            "decide",
            ids[0],
            "--dismiss",
            "--reason",
            "ours",
            "--expires",
            "2020-01-01T00:00:00Z",
        ],
    );
    assert!(
        said.contains("could not be decided") || said.contains("expires"),
        "{said}"
    );
    // Without the right to judge.
    let reader: Vec<&str> = ALL_VERBS
        .iter()
        .copied()
        .filter(|verb| *verb != "judge")
        .collect();
    let key = scene.new_key(&json!("all"), &reader);
    let output = scene
        .command(&["finding", "decide", ids[0], "--take-back", "--reason", "no"])
        .env("VIGIE_KEY", key)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("right Judge"));
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for() {
    let scene = Scene::new();
    let url = format!("{}/api/v1/tenants", scene.url);
    let bearer = format!("Bearer {}", scene.key);
    let waits = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !waits.load(Ordering::SeqCst) {
                    call("GET", &url, &[("Authorization", &bearer)], &Value::Null);
                }
            });
        }
        // Until one of them is told to wait; all of them get their answer.
        let end = Instant::now() + Duration::from_secs(120);
        while !waits.load(Ordering::SeqCst) {
            assert!(Instant::now() < end, "nobody was told to wait");
            let mut child = scene
                .command(&["tenant", "list"])
                .stderr(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            for line in BufReader::new(child.stderr.take().unwrap())
                .lines()
                .map_while(Result::ok)
            {
                if line.contains("trying again in") {
                    waits.store(true, Ordering::SeqCst);
                }
            }
            assert!(child.wait().unwrap().success());
        }
    });
}

#[test]
fn an_answer_that_is_lost_on_its_way_is_got_by_asking_again() {
    let mut scene = Scene::new();
    let tenants = [scene.tenant("Leaves"), scene.tenant("Stays")];
    let version = scene.get("/packs/hafnium-2021")["version"].clone();
    let new =
        json!({"title": "Exchange", "pack": "hafnium-2021", "pack_version": version, "tenants": tenants});
    let campaign = scene.api("POST", "/campaigns", &new)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let line = Line::that_loses_answers(scene.port, &["DELETE", "PUT", "POST"]);
    scene.url = line.url.clone();

    let output = scene
        .command(&["campaign", "remove", &campaign, "Leaves"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("trying again"), "{said}");
    let output = scene
        .command(&["tenant", "set", "Stays", "--note", "kept"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("trying again"), "{said}");
    let output = scene.command(&["tenant", "add", "New"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("trying again"), "{said}");

    let done = |action: &str| {
        let items = scene.get("/journal?limit=1000")["items"].clone();
        let all = items.as_array().unwrap().iter();
        all.filter(|entry| entry["action"] == action).count()
    };
    assert_eq!(done("campaign.leave"), 1);
    assert_eq!(done("tenant.change"), 1);
    assert_eq!(done("tenant.create"), 3);
    // Where nobody is, it is said at once.
    scene.server.take().unwrap().kill();
    scene.url = format!("http://127.0.0.1:{}", scene.port);
    let begun = std::time::Instant::now();
    scene.fails(1, &["tenant", "add", "Newer"]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_verification_that_is_cut_off_says_where_it_stopped() {
    let mut scene = Scene::new();
    scene.tenant("Client");
    // The newest is verified first.
    for (name, seed) in [("older.zip", 7), ("newer.zip", 8)] {
        scene.write(name, &noise(1_000, seed));
        scene.vigie(&["push", name, "--tenant", "Client"]);
    }
    let line = Line::that_stops(scene.port, "/verify", 1);
    scene.url = line.url.clone();
    let command = scene
        .command(&["evidence", "verify", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the second piece", || line.is_stopped());
    line.cut();
    let output = command.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("it stopped at") && said.contains("older.zip"),
        "{said}"
    );
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&told["sound"], &told["pieces"], &told["stopped_at"]["name"]),
        (&Value::Null, &json!(1), &json!("older.zip"))
    );
}
