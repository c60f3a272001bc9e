//! A database on a network file system.

use std::process::{Command, Stdio};

use crate::harness::{World, eventually};

/// Runs `serve` with a list of mounts in which the database's folder is of this type, and returns what it has printed once it
/// listens.
async fn said(world: &World, file_system: &str) -> String {
    let folder = world.folder.path();
    let mounts = format!(
        "22 1 254:0 / / rw - ext4 /dev/vda rw\n30 22 0:25 / {} rw - {file_system} server:/export rw\n",
        folder.display()
    );
    let list = folder.join("mountinfo");
    std::fs::write(&list, mounts).unwrap();
    let address = folder.join("address");
    std::fs::remove_file(&address).ok();
    let log = folder.join("log");
    let mut command = Command::new("unshare");
    command.args(["--mount", "/bin/sh", "-ec"]);
    command.arg("mount --bind \"$1\" /proc/$$/mountinfo; exec \"$0\" serve --addr-file \"$2\"");
    command.arg(env!("CARGO_BIN_EXE_livekit-airtable"));
    command
        .args([&list, &address])
        .current_dir(folder)
        .env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.envs(world.settings().iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut serve = command
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let listens = eventually(|| {
        let ended = serve.try_wait().unwrap().is_some();
        (address.exists() || ended).then_some(())
    });
    let listens = listens.await;
    serve.kill().ok();
    serve.wait().unwrap();
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(listens.is_some() && address.exists(), "{log}");
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_file_system_is_named_at_start() {
    let mut world = World::new().await;
    world.stop().await;
    for file_system in ["nfs4", "smb3", "9p", "virtiofs", "vboxsf", "fuse.rclone"] {
        let said = said(&world, file_system).await;
        assert!(
            said.contains("on a network file system"),
            "{file_system}: {said}"
        );
        assert!(said.contains(file_system), "{said}");
    }
    let said = said(&world, "ext4").await;
    assert!(!said.contains("network file system"), "{said}");
}
