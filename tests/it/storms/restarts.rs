//! SIGTERM and start again under load, with a socket that is held meanwhile and without.

use std::{
    net::TcpListener,
    os::fd::OwnedFd,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    kills::stormy,
    load::{self, Load, Tally},
    losses::all_in_rows,
    say, sized,
};
use crate::{
    harness::{World, eventually},
    play::{PROGRAM, Serve},
};

/// What systemd does for a `.socket` unit: the socket is file descriptor 3 of the process that it starts.
const HANDED_ON: &str = r#"exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" serve --addr-file address"#;

/// Starts `serve` on this socket; it is returned when it accepts connections.
async fn hand_on(world: &World, socket: &TcpListener) -> Serve {
    let address = world.folder.path().join("address");
    std::fs::remove_file(&address).ok();
    let mut command = Command::new("sh");
    command.args(["-c", HANDED_ON, PROGRAM]);
    command.current_dir(world.folder.path());
    command.env_clear().envs(world.settings().to_vec());
    let socket = OwnedFd::from(socket.try_clone().unwrap());
    let command = command.stdin(Stdio::from(socket)).stderr(Stdio::null());
    let serve = Serve(command.spawn().unwrap());
    let listens = eventually(|| address.exists().then_some(())).await;
    listens.expect("serve listens");
    serve
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_held_socket_a_restart_under_load_refuses_nobody() {
    let world = stormy(&[]).await;
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let calls = 0..sized(80, 1000);
    load::put_recordings(&world, calls.clone());
    let mut serve = hand_on(&world, &socket).await;
    let load = Load::on_fresh_connections(address, 120);
    let loading = tokio::spawn(async move { load.run(calls).await });
    let mut restarts = 0;
    while !loading.is_finished() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ends_well(serve).await;
        serve = hand_on(&world, &socket).await;
        restarts += 1;
    }
    let tally = loading.await.unwrap();
    say(&format!(
        "accepted {}, restarts {restarts}, refused {}, the longest wait {:?}",
        tally.accepted,
        tally.failures.len(),
        tally.longest
    ));
    assert!(restarts >= 2, "it was restarted {restarts} times only");
    assert_eq!(tally.failures, [""; 0]);
    all_in_rows(&world, 0..sized(80, 1000)).await;
    ends_well(serve).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_one_the_gap_is_short_and_nothing_is_lost() {
    let mut world = stormy(&[]).await;
    let calls = 0..sized(80, 1000);
    load::put_recordings(&world, calls.clone());
    let mut serve = world.serve().await;
    let load = Load::on_fresh_connections(world.address.to_string(), 120);
    let loading = tokio::spawn(async move { load.run(calls).await });
    let mut gaps = Vec::new();
    while !loading.is_finished() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let asked = Instant::now();
        ends_well(serve).await;
        serve = world.serve().await;
        gaps.push(asked.elapsed());
    }
    let Tally {
        accepted, longest, ..
    } = loading.await.unwrap();
    gaps.sort();
    say(&format!(
        "accepted {accepted}, restarts {}, gap (median) {:?}, the longest wait {longest:?}",
        gaps.len(),
        gaps[gaps.len() / 2]
    ));
    assert!(longest < Duration::from_secs(60), "{longest:?}");
    all_in_rows(&world, 0..sized(80, 1000)).await;
    ends_well(serve).await;
}

async fn ends_well(serve: Serve) {
    let (status, time) = serve.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert!(time < Duration::from_secs(20), "{time:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_start_of_a_recording_holds_no_sigterm_up() {
    use livekit_airtable_sim::livekit::StartFault;
    let mut world = stormy(&[]).await;
    let slow = StartFault::Slow(Duration::from_secs(25));
    world.livekit.fail_next_start(1, slow);
    let serve = world.serve().await;
    let call = world.livekit.open_room("live-1");
    world.starts("live-1", 1).await;
    ends_well(serve).await;
    let serve = world.serve().await;
    world.livekit.speak("live-1");
    world
        .row_where(&call, |row| row.contains_key("Egress ID"))
        .await;
    world.livekit.close_room("live-1");
    world.row_is(&call, "Complete").await;
    let once = eventually(|| Some(world.livekit.starts().len()));
    assert_eq!(once.await, Some(1));
    ends_well(serve).await;
}
