//! The largest reports on every path: several at once, in the inbox at a start, read by the API, and by `replay`.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use super::{MIB, TURN, bodies::settled, list};
use crate::{
    harness::{API_TOKEN, PATIENCE, World, eventually, in_time},
    process::{Serve, command, memory_bytes},
    reader::Row,
};

/// What the service may take at most besides its code, in MiB: together with the 15 MiB of a released program's, 200 MB.
const MOST: u64 = 175;
/// Reports at once.
const MANY: usize = 5;

/// A report of 15 MiB with as many turns as are accepted.
fn report(n: usize) -> String {
    let turn = format!(
        r#"{{"role":"user","content":"Number {n}, and some more words than that, so many."}}"#
    );
    list(&turn, 15 * MIB)
}

/// A process of its own, with nothing set that saves memory.
async fn plain(world: &mut World) -> Serve {
    world.serve_apart().await
}

/// Sends it until it is taken: on a busy machine, the system gives up a connection whose turn does not come for long.
async fn send(world: &World, n: usize) -> u16 {
    let begun = Instant::now();
    loop {
        let url = world.url(&format!("/v1/transcripts?room=large-{n}"));
        let request = world.http.post(url).bearer_auth(API_TOKEN).body(report(n));
        match request.timeout(Duration::from_secs(300)).send().await {
            Ok(answer) => return answer.status().as_u16(),
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
    }
}

/// Reads a transcript as a client does, again after a 503: on a busy machine, the answers before it take long. Its bytes.
async fn read_transcript(world: &World, call: &str, form: &str) -> usize {
    loop {
        let path = format!("/v1/calls/{call}/transcript.{form}");
        let answer = world.get(&path).await;
        match answer.status().as_u16() {
            503 => {}
            status => {
                assert_eq!(status, 200);
                return answer.bytes().await.unwrap().len();
            }
        }
    }
}

/// Sends an event as LiveKit does, again after a 503: while a slow disk takes a large report, the write lock is away for long.
async fn deliver(world: &World, event: String) {
    loop {
        match crate::signed_webhooks::send(world, event.clone()).await {
            503 => {}
            status => return assert_eq!(status, 200),
        }
    }
}

fn peak(serve: &Serve, what: &str) {
    let peak = serve.peak_without_code() / MIB;
    assert!(peak < MOST, "{what}: {peak} MiB");
}

async fn all_in_rows(world: &World) {
    let written = eventually(|| {
        let rows = world.airtable.rows("Calls");
        let long = rows.iter().filter(|row| row.contains_key("Transcript URL"));
        (long.count() == MANY).then_some(())
    });
    assert!(written.await.is_some(), "not all rows have their words");
}

/// The most memory that a command takes.
async fn replay(world: &World) -> u64 {
    let mut command = command(world.folder.path(), &["replay"], world.settings());
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let (begun, mut most) = (Instant::now(), 0);
    loop {
        most = most.max(memory_bytes(child.id(), "VmHWM:").unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success());
            return most / MIB;
        }
        assert!(begun.elapsed() < 3 * PATIENCE, "replay does not end");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_reports_take_little_memory_on_every_path() {
    let _turn = TURN.acquire().await.unwrap();
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let mut serve = plain(&mut world).await;
    let mut calls = Vec::new();
    for n in 0..MANY {
        let call = world.livekit.open_room(&format!("large-{n}"));
        world.row_is(&call, "Live").await;
        calls.push(call);
    }
    assert_eq!(send(&world, 0).await, 202);
    settled(&serve).await;
    peak(&serve, "one");
    let sent = join_all((1..MANY).map(|n| send(&world, n))).await;
    assert_eq!(sent, [202; MANY - 1]);
    all_in_rows(&world).await;
    settled(&serve).await;
    peak(&serve, "overlapping");
    for form in ["json", "txt", "vtt"] {
        let read = calls
            .iter()
            .map(async |call| in_time(read_transcript(&world, call, form)).await);
        for length in join_all(read).await {
            assert!(length > 8 * MIB as usize, "{length}");
        }
        peak(&serve, form);
    }
    // An event costs nothing of this.
    let before = serve.cpu_ticks();
    for n in 0..200 {
        let event = format!(
            r#"{{"event":"track_unpublished","id":"EV_{n}","room":{{"sid":"{}","name":"large-0"}}}}"#,
            calls[0]
        );
        in_time(deliver(&world, event)).await;
    }
    settled(&serve).await;
    println!("200 events: {} ticks", serve.cpu_ticks() - before);
    assert_eq!(serve.stop().await, Some(0));
    let most = replay(&world).await;
    println!("replay: at most {most} MiB");
    assert!(most < MOST, "replay: {most} MiB");
}

/// Escaped, each letter takes five bytes.
#[tokio::test(flavor = "multi_thread")]
async fn captions_that_grow_when_they_are_escaped_take_little_memory() {
    let _turn = TURN.acquire().await.unwrap();
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let mut serve = plain(&mut world).await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    let letters = 15 * MIB as usize;
    let words = "&".repeat(letters);
    let report = format!(r#"{{"room":"desk","turns":[{{"speaker":"user","text":"{words}"}}]}}"#);
    let request = world.http.post(world.url("/v1/transcripts"));
    let request = request.bearer_auth(API_TOKEN).body(report);
    assert_eq!(request.send().await.unwrap().status(), 202);
    let has_words = |row: &Row| row.contains_key("Transcript URL");
    world.row_where(&call, has_words).await;
    let captions = world.get(&format!("/v1/calls/{call}/transcript.vtt")).await;
    let length = captions.bytes().await.unwrap().len();
    assert!(length > 5 * letters, "{length}");
    peak(&serve, "escaped captions");
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_reports_in_the_inbox_are_no_danger_at_a_start() {
    let _turn = TURN.acquire().await.unwrap();
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let mut serve = plain(&mut world).await;
    // No call of theirs is known: they wait.
    for n in 0..MANY {
        assert_eq!(send(&world, n).await, 202);
    }
    assert_eq!(serve.stop().await, Some(0));
    let mut serve = plain(&mut world).await;
    for n in 0..MANY {
        world.livekit.open_room(&format!("large-{n}"));
    }
    all_in_rows(&world).await;
    peak(&serve, "restarted");
    assert_eq!(serve.stop().await, Some(0));
}
