use vigie_desk::Options;
use vigie_desk::tenants::TenantFields;

use super::*;

#[test]
fn a_file_that_took_another_s_place_is_not_put_away_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(&Options::in_folder(folder.path().join("data"))).unwrap();
    let access = Access::system("test");
    tenants::create(&desk, &access, &TenantFields::named("Client")).unwrap();
    let root = folder.path().canonicalize().unwrap().join("drop");
    std::fs::create_dir_all(root.join("Client")).unwrap();
    let (path, stop) = (Path::new("Client/a.log"), AtomicBool::new(false));
    std::fs::write(root.join(path), "first").unwrap();
    let first = Seen::of(&root.join(path).symlink_metadata().unwrap());
    let held = Folder::open(&root).unwrap();
    let taker = Taker::new(&desk, &held, &stop);
    std::fs::write(root.join(path), "another").unwrap();
    assert!(matches!(taker.take(path, &first), Outcome::Later));
    let word = || ("evidence.txt", String::new());
    assert!(taker.put_away(path, &first, DONE, word()).is_err());
    assert_eq!(std::fs::read(root.join(path)).unwrap(), b"another");
    assert!(!root.join(DONE).exists());

    let now = Seen::of(&root.join(path).symlink_metadata().unwrap());
    assert!(matches!(taker.take(path, &now), Outcome::Moved));
    assert_eq!(std::fs::read(root.join(DONE).join(path)).unwrap(), b"another");
    let all = evidence::list(
        &desk,
        &access,
        &EvidenceFilter::default(),
        &PageRequest::default(),
    )
    .unwrap();
    assert_eq!(all.items.len(), 1);
}

/// A drop folder with a file of a tenant in it, and what lies outside.
#[cfg(unix)]
fn with_outside(work: impl FnOnce(&Desk, &Path, &Path)) {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(&Options::in_folder(folder.path().join("data"))).unwrap();
    tenants::create(&desk, &Access::system("test"), &TenantFields::named("Client")).unwrap();
    let here = folder.path().canonicalize().unwrap();
    let (root, outside) = (here.join("drop"), here.join("outside"));
    std::fs::create_dir_all(root.join("Client")).unwrap();
    std::fs::create_dir_all(root.join(DONE)).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(root.join("Client/a.log"), "first").unwrap();
    work(&desk, &root, &outside);
}

#[cfg(unix)]
fn seen(path: &Path) -> Seen {
    Seen::of(&path.symlink_metadata().unwrap())
}

#[cfg(unix)]
#[test]
fn a_pipe_that_took_a_file_s_place_is_not_waited_for() {
    with_outside(|desk, root, _| {
        let (path, stop) = (Path::new("Client/a.log"), AtomicBool::new(false));
        let file = root.join(path);
        let before = seen(&file);
        std::fs::remove_file(&file).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
        assert!(made.success());
        let held = Folder::open(root).unwrap();
        let taker = Taker::new(desk, &held, &stop);
        // Nobody ever writes to it: to open it as files are opened would never end.
        assert!(matches!(taker.take(path, &before), Outcome::Later));
        assert!(file.symlink_metadata().is_ok());
        assert!(matches!(taker.take(path, &seen(&file)), Outcome::Moved));
        let said = std::fs::read_to_string(root.join("refused/Client/a.log.why.txt")).unwrap();
        assert!(said.contains("it is no file"), "{said}");
    });
}

#[cfg(unix)]
#[test]
fn links_that_took_the_place_of_folders_lead_nowhere() {
    use std::os::unix::fs::symlink;
    with_outside(|desk, root, outside| {
        let (path, stop) = (Path::new("Client/a.log"), AtomicBool::new(false));
        let held = Folder::open(root).unwrap();
        let taker = Taker::new(desk, &held, &stop);
        let before = seen(&root.join(path));
        let word = || ("evidence.txt", String::new());

        // Where it would go to.
        symlink(outside, root.join("done/Client")).unwrap();
        let error = taker.put_away(path, &before, DONE, word()).unwrap_err();
        assert!(error.to_string().contains("links are not followed"), "{error}");
        std::fs::remove_file(root.join("done/Client")).unwrap();
        std::fs::remove_dir(root.join(DONE)).unwrap();
        symlink(outside, root.join(DONE)).unwrap();
        assert!(taker.put_away(path, &before, DONE, word()).is_err());
        std::fs::remove_file(root.join(DONE)).unwrap();

        // Where it lies.
        std::fs::rename(root.join("Client"), outside.join("Client")).unwrap();
        symlink(outside.join("Client"), root.join("Client")).unwrap();
        assert!(matches!(taker.take(path, &before), Outcome::Later));
        assert!(taker.put_away(path, &before, DONE, word()).is_err());
        assert_eq!(std::fs::read_dir(outside).unwrap().count(), 1);
        assert_eq!(std::fs::read(outside.join("Client/a.log")).unwrap(), b"first");
        std::fs::remove_file(root.join("Client")).unwrap();
        std::fs::rename(outside.join("Client"), root.join("Client")).unwrap();

        // What would be written beside it: neither is written through.
        std::fs::create_dir_all(root.join("done/Client")).unwrap();
        let secret = outside.join("secret");
        std::fs::write(&secret, "kept").unwrap();
        symlink(&secret, root.join("done/Client/a.log.evidence.txt")).unwrap();
        symlink(outside.join("new"), root.join("done/Client/2-a.log")).unwrap();
        assert!(matches!(taker.take(path, &before), Outcome::Moved));
        assert_eq!(std::fs::read(&secret).unwrap(), b"kept");
        assert!(!outside.join("new").exists());
        assert_eq!(std::fs::read(root.join("done/Client/3-a.log")).unwrap(), b"first");
        let said = std::fs::read_to_string(root.join("done/Client/3-a.log.evidence.txt")).unwrap();
        assert!(said.starts_with("Client/a.log\nevidence "), "{said}");
    });
}
