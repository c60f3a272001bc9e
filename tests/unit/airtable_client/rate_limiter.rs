//! When requests go: the rate, the start, and after a 429.

use std::time::{Duration, Instant};

use livekit_airtable::airtable::Class;
use serde_json::json;

use super::refusals::refused;
use super::script::{client, start};

#[tokio::test]
async fn after_a_429_every_call_waits_for_the_whole_base() {
    let limited = json!({"error": {"type": "RATE_LIMIT_REACHED", "message": "m"}});
    let (script, addr) = start(&[(429, Some("0.3"), limited)]).await;
    let client = client(addr, 50.0);
    assert_eq!(client.paused(), None);
    let error = client.tables().await.unwrap_err();
    let Class::Locked { after } = error.class() else {
        panic!("{error:?}");
    };
    assert!(
        after >= Duration::from_millis(300) && after < Duration::from_millis(1300),
        "{after:?}"
    );
    assert!(client.paused().unwrap() <= after);
    assert_eq!(client.requests_per_second(), 25.0);
    client.tables().await.unwrap();
    assert_eq!(client.paused(), None);
    let asked = script.asked.lock().unwrap();
    assert!(asked[1].at - asked[0].at >= after);
}

#[tokio::test]
async fn a_429_without_retry_after_locks_for_thirty_seconds() {
    let error = refused(
        429,
        None,
        json!({"errors": [{"error": "RATE_LIMIT_REACHED"}]}),
    )
    .await;
    let Class::Locked { after } = error.class() else {
        panic!("{error:?}");
    };
    assert!((30..=31).contains(&after.as_secs()), "{after:?}");
}

#[tokio::test]
async fn no_sliding_second_holds_more_than_the_rate_also_the_first() {
    let (script, addr) = start(&[]).await;
    let client = client(addr, 5.0);
    let started = Instant::now();
    client.not_before(Duration::from_millis(300));
    let calls = (0..12).map(|_| client.tables());
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    let mut at: Vec<Instant> = script
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|asked| asked.at)
        .collect();
    at.sort();
    assert!(at[0] - started >= Duration::from_millis(300));
    for window in at.windows(6) {
        assert!(
            window[5] - window[0] >= Duration::from_secs(1),
            "{:?}",
            window[5] - window[0]
        );
    }
    for pair in at.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(150), "a burst");
    }
}
