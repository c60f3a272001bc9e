//! The service on PostgreSQL.

use std::{
    fs::DirEntry,
    net::TcpStream,
    path::Path,
    process::{Child, Command},
};

use livekit_airtable::store::Store;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

use super::exported;
use crate::{
    harness::{World, agent, caller, eventually},
    process::output,
};

/// The address of a database of its own, for one test.
pub(crate) async fn fresh_database() -> String {
    let server = exported("DATABASE_TEST_POSTGRES");
    let name = format!("test_{}", Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    connection.execute(sqlx::query(create)).await.unwrap();
    let (host, _) = server.rsplit_once('/').unwrap();
    format!("{host}/{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_becomes_a_row_with_a_recording() {
    let database = fresh_database().await;
    let world = World::with(&[("DATABASE_URL", &database)]).await;
    let call = world.livekit.open_room("pg-call");
    world.livekit.join("pg-call", agent());
    world.livekit.join("pg-call", caller("+15551234567"));
    world.starts("pg-call", 1).await;
    world.livekit.speak("pg-call");
    world.livekit.close_room("pg-call");
    let row = world.row_is(&call, "Complete").await;
    assert_eq!(
        (&row["Caller"], &row["Agent"]),
        (&"+15551234567".into(), &"Ava".into())
    );
    assert!(!row.contains_key("Error"), "{row:#?}");
    for path in ["/v1/calls?status=complete", "/metrics", "/readyz"] {
        assert_eq!(world.get(path).await.status(), 200, "{path}");
    }
    assert_eq!(world.livekit.starts().len(), 1, "recorded once");
}

/// Whether the TCP connections of a process send at once (`TCP_NODELAY`), by the port of the other side.
fn send_at_once(process: u32) -> Vec<(u16, bool)> {
    let pid = Pid::from_raw(process.cast_signed()).unwrap();
    let process_file = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let connection = |file: DirEntry| {
        let target = std::fs::read_link(file.path()).ok()?;
        target.to_str()?.starts_with("socket:").then_some(())?;
        let number = file.file_name().to_str()?.parse().ok()?;
        let socket = pidfd_getfd(&process_file, number, PidfdGetfdFlags::empty()).ok()?;
        let socket = TcpStream::from(socket);
        Some((socket.peer_addr().ok()?.port(), socket.nodelay().ok()?))
    };
    files.filter_map(|file| connection(file.ok()?)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_for_an_acknowledgement() {
    let database = fresh_database().await;
    let port = url::Url::parse(&database).unwrap().port().unwrap();
    let mut world = World::with(&[("DATABASE_URL", &database)]).await;
    world.stop().await;
    let serving = world.serve().await;
    // A client that stays connected.
    let client = TcpStream::connect(world.address).unwrap();
    let client_port = client.local_addr().unwrap().port();
    let connections = eventually(|| {
        let all = send_at_once(serving.0.id());
        let has = |wanted| all.iter().any(|(port, _)| *port == wanted);
        (has(port) && has(client_port)).then_some(all)
    });
    let connections = connections.await.expect("a connection to each");
    assert!(
        connections.iter().all(|(_, at_once)| *at_once),
        "{connections:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_after_a_kill() {
    let database = fresh_database().await;
    let mut world = World::with(&[("DATABASE_URL", &database)]).await;
    world.stop().await;
    let (mut killed, address) = serve(&world, "127.0.0.1:0").await;
    let hook = format!("http://{address}/webhooks/livekit");
    world.livekit.set_webhook_urls(vec![hook]);
    let call = world.livekit.open_room("pg-kill");
    world.livekit.join("pg-kill", caller("+15551234567"));
    world.starts("pg-kill", 1).await;
    world.livekit.speak("pg-kill");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    world.livekit.close_room("pg-kill");
    let (mut next, _) = serve(&world, &address).await;
    let row = world.row_is(&call, "Complete").await;
    assert!(row.contains_key("Recording URL"), "{row:#?}");
    assert_eq!(world.livekit.starts().len(), 1, "recorded once");
    next.kill().unwrap();
    next.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_anywhere_stops_nothing() {
    let database = fresh_database().await;
    let world = World::with(&[("DATABASE_URL", &database)]).await;
    let rooms = ["room_id", "room_name", "room"];
    for room in rooms {
        let report = json!({ room: "RM_\0nul", "transcript": "Agent: \0" });
        let answer = world.post("/v1/transcripts", &report).await;
        assert_eq!(answer.status(), 202, "{room}");
    }
    let report = json!({ "transcript": "Agent: Good morning." });
    let asked = world.post("/v1/transcripts?room_id=RM_%00query", &report);
    assert_eq!(asked.await.status(), 202);
    assert_eq!(world.get("/v1/calls/RM_%00").await.status(), 404);
    let page = world.get("/v1/calls?room_name=%00&cursor=1.%00").await;
    assert_eq!(page.status(), 200);
    let call = world.livekit.open_room("pg-\0-nul");
    world.row_is(&call, "Live").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_cannot_hold_is_set_aside_and_the_others_go_on() {
    let database = fresh_database().await;
    let world = World::with(&[("DATABASE_URL", &database)]).await;
    // Longer than an entry of an index may be, also compressed.
    let long: String = (0..1000)
        .map(|_| Uuid::now_v7().simple().to_string())
        .collect();
    for room in [
        json!({ "room": long }),
        json!({ "room_id": format!("RM_{long}") }),
    ] {
        let mut report = room;
        report["transcript"] = "Agent: Good morning.".into();
        let answer = world.post("/v1/transcripts", &report).await;
        assert_eq!(answer.status(), 202);
    }
    let start = json!({ "room_name": long });
    let asked = world.post("/v1/recordings", &start);
    assert_eq!(asked.await.status(), 502);
    let call = world.livekit.open_room("pg-others");
    world.row_is(&call, "Live").await;
}

#[tokio::test]
async fn replicas_that_start_together_make_the_tables_once() {
    let database = fresh_database().await;
    let starting: Vec<_> = (0..6)
        .map(|_| Store::open(&database, livekit_airtable::telemetry::now()))
        .collect();
    for store in futures_util::future::join_all(starting).await {
        store.unwrap().close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_webhook_reported_is_found_here_too() {
    let database = fresh_database().await;
    crate::reconcile::nothing_is_heard(&[("DATABASE_URL", &database)]).await;
    let database = fresh_database().await;
    crate::reconcile::refused_key(&[("DATABASE_URL", &database)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_projects_and_keys_are_distinguished_here_too() {
    let database = fresh_database().await;
    crate::projects::another_projects_call(&[("DATABASE_URL", &database)]).await;
    let database = fresh_database().await;
    crate::projects::second_key(&[("DATABASE_URL", &database)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_transcripts_link_is_permanent_here_too() {
    let database = fresh_database().await;
    crate::links::permanent_transcript(&[("DATABASE_URL", &database)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_reported_at_once() {
    let mut world = World::new().await;
    world.stop().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://{}/x", nobody.local_addr().unwrap());
    drop(nobody);
    let mut serve = world.command(&["serve"]);
    let done = output(serve.env("DATABASE_URL", url));
    let reported = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(69), "{reported}");
    assert!(reported.starts_with("DATABASE_URL: "), "{reported}");
}

/// The program itself, killable; its address once it listens.
async fn serve(world: &World, listen: &str) -> (Child, String) {
    let file = world.folder.path().join(Uuid::now_v7().to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_livekit-airtable"));
    command.env_clear().envs(world.settings().to_vec());
    command
        .env("LISTEN_ADDR", listen)
        .current_dir(world.folder.path());
    command.arg("serve").arg("--addr-file").arg(&file);
    let child = command.spawn().unwrap();
    let address = eventually(|| line(&file)).await;
    (child, address.expect("it listens"))
}

fn line(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    Some(text.strip_suffix('\n')?.to_owned())
}
