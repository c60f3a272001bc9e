//! Reports of the largest size, in shapes that take the most memory.

use std::time::{Duration, Instant};

use super::{MIB, TURN, apart, list};
use crate::{
    harness::{API_TOKEN, World},
    process::Serve,
};

/// What the service may take at most.
const MOST: u64 = 200;

/// Bodies that are short as text and large as parsed values.
fn shapes() -> Vec<String> {
    let size = 15 * MIB;
    let turn = r#""role":"user","content":"Hi.""#;
    let names: String = (0..size / 12).map(|n| format!("\"{n:x}\":0,")).collect();
    let small = list(r#"{"":0}"#, size);
    let deep = (size / 2) as usize;
    vec![
        format!(r#"{{"room":"x","turns":[],"x":{small}}}"#),
        format!(r#"[{{{turn},"x":{small}}}]"#),
        format!(r#"{{{names}"turns":[{{{turn}}}]}}"#),
        format!(r#"{{"turns":[{{{turn}}}],"events":{}}}"#, list("[]", size)),
        format!(r#"{{"turns":[{{{turn}}}],"events":{small}}}"#),
        format!(
            r#"{{"turns":[{{{turn}}}],"x":{}{}}}"#,
            "[".repeat(deep),
            "]".repeat(deep)
        ),
        format!(
            r#"[{{{turn}}},{}]"#,
            list("0", size).trim_matches(['[', ']'])
        ),
        format!(
            r#"[{{"role":"user","content":{}}}]"#,
            list(r#"{"a":[]}"#, size)
        ),
        list(r#"["a","b"]"#, size),
        list(&format!("{{{turn}}}"), size),
    ]
}

async fn send(world: &World, room: &str, body: String) -> u16 {
    let url = world.url(&format!("/v1/transcripts?room={room}"));
    let request = world.http.post(url).bearer_auth(API_TOKEN).body(body);
    let sent = request.timeout(Duration::from_secs(300)).send().await;
    sent.unwrap().status().as_u16()
}

/// Waits until intake has nothing to do.
pub(crate) async fn settled(serve: &Serve) {
    let begun = Instant::now();
    loop {
        let before = serve.cpu_ticks();
        tokio::time::sleep(Duration::from_secs(1)).await;
        if serve.cpu_ticks() - before < 20 {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(240), "still at work");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_shape_of_a_body_takes_much_memory() {
    let _turn = TURN.acquire().await.unwrap();
    let mut world = World::with(&[("RECORD_ON", "manual")]).await;
    world.stop().await;
    let mut serve = apart(&mut world).await;
    for n in 0..shapes().len() {
        let call = world.livekit.open_room(&format!("shape-{n}"));
        world.row_is(&call, "Live").await;
    }
    for (n, body) in shapes().into_iter().enumerate() {
        let status = send(&world, &format!("shape-{n}"), body).await;
        settled(&serve).await;
        let peak = serve.peak_bytes() / MIB;
        println!("shape {n}: {status}, at most {peak} MiB");
        assert!([202, 400].contains(&status), "shape {n}: {status}");
        assert!(peak < MOST, "shape {n}: {peak} MiB");
    }
    assert_eq!(serve.stop().await, Some(0));
    // What was stored is no danger at the next start.
    let mut serve = apart(&mut world).await;
    settled(&serve).await;
    let peak = serve.peak_bytes() / MIB;
    assert!(peak < MOST, "{peak} MiB");
    assert_eq!(serve.stop().await, Some(0));
}
