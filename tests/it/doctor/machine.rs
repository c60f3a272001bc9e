//! The machine that `doctor` runs on: disks that are full, slow or elsewhere, low limits, a port that is taken.

use std::process::Command;

use serde_json::json;
use sqlx::{Connection, Executor};

use super::{Checked, changed, doctor};
use crate::{failing_disk::failing, harness::World, process::Done, sqlite::connection};

/// `doctor --json` after a script has changed what it sees of the machine. The script is in a mount namespace of its own, has the
/// folder of the world as `$DIR`, and its mounts end with it.
async fn on_machine(world: &World, script: &str, changes: &[(&str, &str)]) -> Checked {
    let mut command = Command::new("unshare");
    command.args(["--mount", "/bin/sh", "-ec"]);
    command.arg(format!("{script}\nexec \"$0\" doctor --json"));
    command.arg(env!("CARGO_BIN_EXE_livekit-airtable"));
    let folder = world.folder.path();
    command.current_dir(folder).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("DIR", folder);
    command.envs(changed(world.settings(), changes));
    let output = tokio::task::spawn_blocking(move || command.output());
    let done: Done = output.await.unwrap().unwrap().into();
    Checked::of(&done)
}

/// A world whose service has ended after it took transcripts of so many MiB.
async fn fed(mebibytes: usize) -> World {
    let mut world = World::new().await;
    let call = world.livekit.open_room("fed");
    world.row_is(&call, "Live").await;
    for n in 0..mebibytes {
        let text = format!("{n} {}", "a word ".repeat((1 << 20) / 7));
        let turns = json!([{ "speaker": "agent", "text": text }]);
        let report = json!({ "room_id": call, "job_id": format!("AJ_{n}"), "turns": turns });
        let sent = world.post("/v1/transcripts", &report).await;
        assert_eq!(sent.status(), 202);
    }
    world.stop().await;
    world
}

fn assert_finding(checked: &Checked, (group, check): (&str, &str), level: &str, texts: &[&str]) {
    let found = checked.find(group, check);
    assert_eq!(found["level"], level, "{found:#}");
    let remedy = found["remedy"].as_str().unwrap_or_default();
    let all = format!("{}\n→ {remedy}", found["detail"].as_str().unwrap());
    for text in texts {
        assert!(all.contains(text), "{all}");
    }
    let exit_code = if level == "failure" { Some(1) } else { Some(0) };
    assert_eq!(checked.code, exit_code, "{all}");
}

/// Mounts a small disk with a copy of the database.
fn small_disk(mebibytes: usize) -> String {
    format!("mkdir -p disk\nmount -t tmpfs -o size={mebibytes}m tmpfs disk\ncp calls.db disk/")
}

const ON_DISK: [(&str, &str); 1] = [("DATABASE_URL", "sqlite:disk/calls.db")];

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_lasts_days_or_weeks_is_named() {
    let world = fed(4).await;
    // Each day, as much comes in as today: at least 4 MiB.
    for (mebibytes, level) in [(16, "failure"), (64, "warning"), (2048, "ok")] {
        let checked = on_machine(&world, &small_disk(mebibytes), &ON_DISK).await;
        let found = checked.find("Here", "disk");
        assert_eq!(found["level"], level, "{found:#}");
        let detail = checked.detail("Here", "disk");
        assert!(detail.contains(" at this week's growth"), "{detail}");
        if level != "ok" {
            let remedy = ["free space on the disk of DATABASE_URL", "lower KEEP"];
            assert_finding(&checked, ("Here", "disk"), level, &remedy);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_with_what_cannot_be_written() {
    let world = fed(1).await;
    let full = format!(
        "{}\ndd if=/dev/zero of=disk/other bs=4k 2>/dev/null || true",
        small_disk(16)
    );
    let checked = on_machine(&world, &full, &ON_DISK).await;
    let texts = ["0 MiB free", "use a larger one", "row \"Here: disk\""];
    assert_finding(&checked, ("Here", "disk"), "failure", &texts);
    let texts = ["full", "DATABASE_URL", "row \"Here: database\""];
    assert_finding(&checked, ("Here", "database"), "failure", &texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_file_system_is_named() {
    let world = fed(0).await;
    let listed = "printf '22 1 254:0 / / rw - ext4 /dev/vda rw\\n30 22 0:25 / %s rw - nfs4 server:/export rw\\n' \"$DIR\" > mountinfo
mount --bind mountinfo /proc/$$/mountinfo";
    let checked = on_machine(&world, listed, &[]).await;
    let texts = [
        "calls.db is on nfs4",
        "calls can get lost",
        "a file on a local disk",
    ];
    assert_finding(&checked, ("Here", "file system"), "warning", &texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn low_limits_are_named() {
    let world = fed(0).await;
    let checked = on_machine(&world, "ulimit -n 512", &[]).await;
    let texts = [
        "512 open files are allowed, and 1024 are needed",
        "LimitNOFILE",
    ];
    assert_finding(&checked, ("Here", "limits"), "warning", &texts);
    let memory = "mount -t tmpfs tmpfs /sys/fs/cgroup\necho 134217728 > /sys/fs/cgroup/memory.max\nulimit -n 4096";
    let checked = on_machine(&world, memory, &[]).await;
    let texts = [
        "128 MiB of memory are allowed, and 512 MiB are needed",
        "MemoryMax",
    ];
    assert_finding(&checked, ("Here", "limits"), "warning", &texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_is_named() {
    let world = fed(0).await;
    let environment = failing(world.folder.path(), "SLOW");
    std::fs::write(world.folder.path().join("SLOW"), "").unwrap();
    let changes: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let checked = doctor(&world, &[], &changes).await;
    let texts = [
        "a write took ",
        "each webhook waits for one",
        "a faster disk",
    ];
    assert_finding(&checked, ("Here", "database"), "warning", &texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_a_reader_keeps_from_being_written_back_is_named() {
    let world = fed(0).await;
    let file = world.folder.path().join("calls.db");
    let (mut reader, mut writer) = (connection(&file).await, connection(&file).await);
    reader.execute("BEGIN").await.unwrap();
    let counted = reader.fetch_all("SELECT COUNT(*) FROM calls").await;
    counted.unwrap();
    writer.execute("CREATE TABLE large (bytes)").await.unwrap();
    for _ in 0..17 {
        let insert = "INSERT INTO large VALUES (ZEROBLOB(16 << 20))";
        writer.execute(insert).await.unwrap();
    }
    writer.execute("DROP TABLE large").await.unwrap();
    let checked = doctor(&world, &[], &[]).await;
    let texts = ["the write-ahead log has 2", " MiB", "end it"];
    assert_finding(&checked, ("Here", "database"), "warning", &texts);
    reader.execute("ROLLBACK").await.unwrap();
    reader.close().await.unwrap();
    writer.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_another_program_has_is_named() {
    let world = fed(0).await;
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let changes = [
        ("LISTEN_ADDR", taken.as_str()),
        ("DATABASE_URL", "sqlite:new.db"),
    ];
    let checked = doctor(&world, &[], &changes).await;
    let listens = format!("another program listens on {taken}");
    let texts = [
        listens.as_str(),
        "LISTEN_ADDR",
        "give doctor the DATABASE_URL of `serve`",
    ];
    assert_finding(&checked, ("LiveKit", "webhook"), "failure", &texts);
}
