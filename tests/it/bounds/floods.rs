//! Floods of requests that are refused: one line a minute for each reason, with a count.

use std::{collections::BTreeMap, time::Instant};

use livekit_api::access_token::{AccessToken, VideoGrants};

use crate::{
    harness::{API_TOKEN, KEY, PATIENCE, SECRET, World},
    process::Serve,
};

/// Requests of each kind.
const FLOOD: usize = 150;

fn agents() -> String {
    let grants = VideoGrants {
        room_record: true,
        room: "desk".into(),
        ..VideoGrants::default()
    };
    let token = AccessToken::with_api_key(KEY, SECRET).with_grants(grants);
    token.with_identity("greedy").to_jwt().unwrap()
}

/// A request that is refused, and the status of its answer.
async fn refused(world: &World, kind: usize) -> u16 {
    let hook = || world.http.post(world.url("/webhooks/livekit"));
    let words = || world.http.post(world.url("/v1/transcripts?room=desk"));
    let sent = match kind {
        0 => hook().body("{}"),
        1 => hook().header("authorization", "Bearer x").body("{}"),
        2 => hook().body("x".repeat((1 << 20) + 1)),
        3 => words().body("Agent: Hi."),
        4 => words().bearer_auth("a.b.c").body("Agent: Hi."),
        5 => words()
            .bearer_auth(API_TOKEN)
            .header("content-encoding", "br")
            .body("Hi."),
        6 => words()
            .bearer_auth(API_TOKEN)
            .header("content-length", "99999999"),
        _ => world
            .http
            .post(world.url("/v1/recordings"))
            .bearer_auth(agents())
            .body("not JSON"),
    };
    sent.send()
        .await
        .map_or(0, |answer| answer.status().as_u16())
}

/// Lines about refused requests, and the requests that they count, by reason.
fn logged(serve: &Serve) -> BTreeMap<String, (usize, usize)> {
    let mut reasons = BTreeMap::new();
    for line in serve.said().lines() {
        let Some((_, rest)) = line.split_once("reason=\"") else {
            continue;
        };
        let reason = rest.split('"').next().unwrap().to_owned();
        let count = line.split("count=").nth(1);
        let count = count.map_or(1, |rest| rest.split(' ').next().unwrap().parse().unwrap());
        let known: &mut (usize, usize) = reasons.entry(reason).or_default();
        *known = (known.0 + 1, known.1 + count);
    }
    reasons
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_has_one_line_a_minute_and_reason_and_all_of_it_is_counted() {
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    world.address = serve.address.parse().unwrap();
    let begun = Instant::now();
    let mut sent: BTreeMap<u16, usize> = BTreeMap::new();
    for kind in 0..8 {
        for _ in 0..FLOOD {
            *sent.entry(refused(&world, kind).await).or_default() += 1;
        }
    }
    for status in [401, 413, 415, 429] {
        assert!(sent.contains_key(&status), "{sent:?}");
    }
    let wanted: usize = [401, 413, 415, 429].iter().map(|status| sent[status]).sum();
    let counted = |logged: &BTreeMap<String, (usize, usize)>| -> usize {
        logged.values().map(|(_, count)| count).sum()
    };
    while counted(&logged(&serve)) < wanted {
        assert!(
            begun.elapsed() < PATIENCE,
            "{:?} of {sent:?}",
            logged(&serve)
        );
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    let minutes = begun.elapsed().as_secs() as usize / 60;
    let logged = logged(&serve);
    assert!(logged.len() >= 6, "{logged:?}");
    for (reason, (lines, _)) in &logged {
        assert!(
            *lines <= minutes + 1,
            "{reason}: {lines} lines in {minutes} minutes"
        );
    }
    assert_eq!(serve.stop().await, Some(0));
}
