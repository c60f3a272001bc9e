//! Recordings are listened to for their waveforms, as far as somebody can see them.

use std::time::{Duration, Instant};

use livekit_airtable::{domain::Waveform, store::Store, telemetry::now};

use super::{ON, PUBLIC_URL, browse, link};
use crate::{
    harness::{PATIENCE, World},
    words_in_time::{
        File, both, ended_with,
        sound::{recorded, talk},
    },
};

/// The waveform in the page, once there is one: the values of each channel.
async fn drawn(world: &World, path: &str) -> Vec<Vec<u8>> {
    let begun = Instant::now();
    loop {
        let page = browse(world, path).await.text().await.unwrap();
        if let Some((_, rest)) = page.split_once("data-peaks=\"") {
            let text = rest.split('"').next().unwrap();
            assert!(text.len() < 2_500, "{}", text.len());
            text.parse::<Waveform>().unwrap();
            return text.split('.').map(decode).collect();
        }
        assert!(begun.elapsed() < PATIENCE, "{page}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn decode(text: &str) -> Vec<u8> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.decode(text).unwrap()
}

/// The share of points that are loud in these seconds of a file of this length.
fn loud(channel: &[u8], spans: &[(i64, i64)], length: f64) -> f64 {
    let at = |ms: i64| (ms as f64 / 1e3 / length * channel.len() as f64) as usize;
    let inside = spans.iter().flat_map(|(from, to)| at(*from) + 1..at(*to));
    let points: Vec<u8> = inside.filter_map(|at| channel.get(at).copied()).collect();
    points.iter().filter(|point| **point > 12).count() as f64 / points.len() as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_in_two_channels_has_two_waveforms() {
    for world in both(&[PUBLIC_URL, ON]).await {
        let talk = talk(0.0);
        recorded(&world, "RM_dual", &talk, &talk.mp3()).await;
        let path = link(&world, "RM_dual").await;
        let channels = drawn(&world, &path).await;
        assert_eq!(channels.len(), 2);
        let [agent, caller] = [&talk.said.agent, &talk.said.caller];
        for (channel, own, other) in [(0, agent, caller), (1, caller, agent)] {
            let (own, other) = (
                loud(&channels[channel], own, talk.length()),
                loud(&channels[channel], other, talk.length()),
            );
            assert!(own > 0.7 && other < 0.2, "{channel}: {own}, {other}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_without_words_has_one_and_what_is_no_mp3_has_none() {
    let world = World::with(&[PUBLIC_URL, ON]).await;
    let talk = talk(0.0).mixed();
    let file = |egress| File {
        egress,
        begin: 2.0,
        length: talk.length(),
    };
    ended_with(&world, "RM_junk", &[(file("one"), &[0; 5_000])]).await;
    ended_with(&world, "RM_wordless", &[(file("one"), &talk.mp3())]).await;
    let channels = drawn(&world, &link(&world, "RM_wordless").await).await;
    assert_eq!(channels.len(), 1);
    assert!(loud(&channels[0], &talk.said.agent, talk.length()) > 0.7);
    let junk = browse(&world, &link(&world, "RM_junk").await).await;
    let page = junk.text().await.unwrap();
    assert!(
        page.contains("<audio") && !page.contains("data-peaks"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_listened_to_that_nobody_can_see() {
    for (token, play, is_noted) in [("", "off", false), ("", "on", true)] {
        let world = World::with(&[PUBLIC_URL, ("API_TOKEN", token), ("PLAY_PAGE", play)]).await;
        let (call, _) = world.talk("unseen").await;
        world.livekit.close_room("unseen");
        world.row_is(&call, "Complete").await;
        let store = Store::open(&world.database(), now()).await.unwrap();
        let later = now() + Duration::from_secs(3_600);
        let due = store.with_waveforms().next_waveform(later).await.unwrap();
        let is_due = due.is_some_and(|due| due.call_id == call);
        assert_eq!(is_due, is_noted, "{play}");
    }
}
