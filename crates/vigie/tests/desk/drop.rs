//! Evidence that is put into a folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{Scene, Server, noise, until};

/// A desk that takes what lies in `drop/`.
fn scene(rest: &str) -> (Scene, PathBuf) {
    let mut scene = Scene::new();
    scene.server.take().unwrap().kill();
    let folder = scene.folder.path().join("drop");
    serve(&mut scene, &folder, rest);
    (scene, folder)
}

fn serve(scene: &mut Scene, folder: &Path, rest: &str) {
    let more = ["--drop", folder.to_str().unwrap(), "--drop-rest", rest];
    scene.server = Some(Server::start(&scene.data, scene.port, &more));
}

/// Puts a file there, and its folders.
fn put(folder: &Path, path: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

fn evidence(scene: &Scene) -> Vec<Value> {
    scene.get("/evidence")["items"].as_array().unwrap().clone()
}

#[test]
fn what_comes_to_rest_is_evidence_and_moves_away() {
    let (scene, folder) = scene("4");
    let tenant = scene.tenant("Clinique Saint-Roch");
    let server = scene.server_of(&tenant, "MAIL01");
    let logs = noise(3_000_000, 31);
    put(&folder, "Clinique Saint-Roch/mail01/logs/u_ex210303.log", &logs);
    put(&folder, &format!("{tenant}/for nobody in particular.zip"), b"zip");
    put(
        &folder,
        "Clinique Saint-Roch/MAIL01/still-coming.zip.part",
        b"half",
    );
    // A log that somebody goes on writing is left alone.
    let growing = put(&folder, "Clinique Saint-Roch/MAIL01/growing.log", b"");
    let done = folder.join("done/Clinique Saint-Roch/mail01/logs/u_ex210303.log");
    let mut line = 0;
    until("two pieces of evidence", || {
        line += 1;
        std::fs::write(&growing, format!("line {line}")).unwrap();
        evidence(&scene).len() == 2 && done.exists()
    });
    for _ in 0..60 {
        line += 1;
        std::fs::write(&growing, format!("line {line}")).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    let found = evidence(&scene);
    assert_eq!(found.len(), 2, "{found:?}");
    let log = found.iter().find(|one| one["size"] == logs.len()).unwrap();
    assert_eq!(
        (&log["name"], &log["server_id"]),
        (&json!("logs/u_ex210303.log"), &json!(server))
    );
    assert_eq!(log["received_by"], "drop folder");
    assert!(
        log["note"]
            .as_str()
            .unwrap()
            .contains("Clinique Saint-Roch/mail01/logs/u_ex210303.log")
    );
    assert!(std::fs::read(&done).unwrap() == logs);
    let said = std::fs::read_to_string(
        folder.join("done/Clinique Saint-Roch/mail01/logs/u_ex210303.log.evidence.txt"),
    )
    .unwrap();
    assert!(
        said.contains(log["id"].as_str().unwrap()) && said.contains(log["sha256"].as_str().unwrap()),
        "{said}"
    );
    let custody = scene.vigie(&["evidence", "custody", log["id"].as_str().unwrap()]);
    assert!(
        custody.contains("drop folder") && custody.contains("evidence.receive"),
        "{custody}"
    );
    until("the rest of it", || evidence(&scene).len() == 3);
    // The same name again is another file, and neither is written over.
    put(
        &folder,
        "Clinique Saint-Roch/mail01/logs/u_ex210303.log",
        b"the next day",
    );
    until("the next day", || {
        folder
            .join("done/Clinique Saint-Roch/mail01/logs/2-u_ex210303.log")
            .exists()
    });
    assert!(std::fs::read(&done).unwrap() == logs);
    assert!(
        folder
            .join("Clinique Saint-Roch/MAIL01/still-coming.zip.part")
            .exists()
    );
}

#[test]
fn what_cannot_be_taken_is_refused_with_the_reason_beside_it() {
    let (scene, folder) = scene("1");
    scene.tenant("Client");
    let secret = scene.write("secret", b"not to be read");
    put(&folder, "nobody.zip", b"1");
    put(&folder, "Stranger/EX01/a.zip", b"2");
    put(&folder, "Client/EX99/b.zip", b"3");
    put(&folder, &format!("Client/{}", "n".repeat(210)), b"4");
    put(&folder, &format!("Client/{}", "é".repeat(120)), b"5");
    put(&folder, &format!("Stranger/{}", "é".repeat(127)), b"6");
    std::os::unix::fs::symlink(&secret, folder.join("Client/link.zip")).unwrap();
    std::os::unix::fs::symlink(scene.folder.path(), folder.join("Client/folder")).unwrap();
    std::fs::hard_link(&secret, folder.join("Client/hard.zip")).unwrap();
    let pipe = Command::new("mkfifo")
        .arg(folder.join("Client/pipe.log"))
        .status();
    assert!(pipe.unwrap().success());
    let long = format!("Client/{}", "n".repeat(50));
    let longest = format!("Stranger/{}", "é".repeat(50));
    let refused = [
        ("nobody.zip", "put it into TENANT/SERVER/"),
        ("Stranger/EX01/a.zip", "no tenant named \"Stranger\""),
        ("Client/EX99/b.zip", "no server named \"EX99\""),
        (&long, "at most 200"),
        (&longest, "no tenant"),
        ("Client/link.zip", "links are not followed"),
        ("Client/folder", "links are not followed"),
        ("Client/hard.zip", "hard links"),
        ("Client/pipe.log", "it is no file"),
    ];
    for (path, why) in refused {
        let place = folder.join("refused").join(path);
        until(path, || place.symlink_metadata().is_ok());
        let said = std::fs::read_to_string(folder.join(format!("refused/{path}.why.txt"))).unwrap();
        assert!(said.contains(why), "{path}: {said}");
    }
    let taken = evidence(&scene);
    assert_eq!((taken.len(), &taken[0]["name"]), (1, &json!("é".repeat(120))));
    assert_eq!(std::fs::read(secret).unwrap(), b"not to be read");
}

#[test]
fn nothing_is_lost_or_taken_twice_when_the_server_is_killed() {
    let (mut scene, folder) = scene("1");
    let tenant = scene.tenant("Client");
    scene.server_of(&tenant, "EX01");
    let logs = noise(150_000_000, 41);
    let other = noise(100_000, 43);
    let path = put(&folder, "Client/EX01/a.evtx", &logs);
    until("the first bytes", || {
        scene.get("/uploads")[0]["received"]
            .as_u64()
            .is_some_and(|received| received > 0)
    });
    scene.server.take().unwrap().kill();
    assert!(path.exists());
    // As when it was killed after it took a file and before it moved it.
    serve(&mut scene, &folder, "1");
    let done = folder.join("done/Client/EX01/a.evtx");
    until("the file", || done.exists());
    assert_eq!(evidence(&scene).len(), 1);
    assert_eq!(scene.get("/uploads"), json!([]), "the torn one was given up");
    scene.server.take().unwrap().kill();
    std::fs::rename(&done, &path).unwrap();
    put(&folder, "Client/EX01/b.evtx", &other);
    serve(&mut scene, &folder, "1");
    until("both files", || {
        folder.join("done/Client/EX01/b.evtx").exists() && !path.exists()
    });
    let found = evidence(&scene);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        scene
            .vigie(&["evidence", "verify"])
            .contains("all as they were received")
    );
}

#[test]
fn a_folder_that_cannot_be_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let inside = data.join("drop");
    for drop in [&data, &inside] {
        let output = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .arg("--drop")
            .arg(drop)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("must not lie in each other"), "{said}");
    }
}
