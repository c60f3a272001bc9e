//! However DATABASE_URL names the SQLite file, the database and what is beside it are for their owner only.

use std::{
    fs::{Permissions, metadata, read_dir, set_permissions},
    os::unix::fs::PermissionsExt,
};

use crate::{harness::World, process::run};

/// The files in a folder that others than their owner have access to.
fn open_to_others(folder: &std::path::Path) -> Vec<String> {
    let mode = |path: &std::path::Path| metadata(path).unwrap().permissions().mode();
    let files = read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let open = files.filter(|path| mode(path) & 0o077 != 0);
    open.map(|path| path.display().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_the_url_protects_the_same_files() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    for (n, form) in [
        "calls.db",
        "calls.db?mode=rwc",
        "calls.db?cache=private&mode=rwc",
        "my%20calls%3F.db",
        "calls%2Edb?mode=rwc",
    ]
    .into_iter()
    .enumerate()
    {
        let folder = world.folder.path().join(format!("data {n}"));
        std::fs::create_dir(&folder).unwrap();
        let shown = folder.display().to_string().replace(' ', "%20");
        world.set("DATABASE_URL", &format!("sqlite://{shown}/{form}"));
        world.start().await;
        let call = world.livekit.open_room(&format!("desk-{n}"));
        world.row_is(&call, "Live").await;
        assert_eq!(open_to_others(&folder), [""; 0], "{form}");
        let listed = run(world.folder.path(), &["calls", "list"], world.settings()).await;
        assert!(listed.stdout.contains(&call), "{form}: {listed:?}");
        world.stop().await;
        let mut names: Vec<_> = read_dir(&folder)
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(
            names.len(),
            3,
            "the database, its lock and the secret: {names:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_must_be_there_is_protected_and_never_created() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let file = world.folder.path().join("calls.db");
    set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    world.set(
        "DATABASE_URL",
        &format!("sqlite:{}?mode=rw", file.display()),
    );
    world.start().await;
    assert_eq!(metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    world.stop().await;
    std::fs::remove_file(&file).unwrap();
    let done = run(world.folder.path(), &["serve"], world.settings()).await;
    assert_ne!(done.code, Some(0));
    assert!(!file.exists(), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_refused_and_keeps_its_permissions() {
    let mut world = World::new().await;
    world.stop().await;
    let folder = world.folder.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    for url in [
        format!("sqlite:{}", folder.display()),
        format!("sqlite:file://{}", folder.display()),
    ] {
        world.set("DATABASE_URL", &url);
        let done = run(world.folder.path(), &["serve"], world.settings()).await;
        assert_eq!(done.code, Some(64), "{url}: {done:?}");
        assert!(
            done.stderr
                .contains("DATABASE_URL: is a folder or a device"),
            "{done:?}"
        );
        let mode = metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{url}");
    }
}
