//! The optional column that lists every part of a call.

use std::time::Duration;

use crate::{
    harness::{World, in_time},
    play::text,
};

const SCHEMA: &str = include_str!("../../../schema/airtable.toml");

#[tokio::test(flavor = "multi_thread")]
async fn all_recordings_are_listed_with_length_and_link() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let off = "from = \"all_recordings\"\nenabled = false";
    assert!(SCHEMA.contains(off));
    std::fs::write(
        file.path(),
        SCHEMA.replace(off, "from = \"all_recordings\""),
    )
    .unwrap();
    for public in [None, Some("https://calls.example.com")] {
        let mut settings = vec![("AIRTABLE_SCHEMA", file.path().to_str().unwrap())];
        settings.extend(public.map(|url| ("PUBLIC_URL", url)));
        let world = World::with(&settings).await;
        let (call, first) = world.talk("desk").await;
        world.livekit.set_recording_length(Duration::from_secs(65));
        world.livekit.egress_limit_reached(&first);
        let again = |row: &_| text(row, "All recordings").contains(&first);
        world.row_where(&call, again).await;
        world.starts("desk", 2).await;
        in_time(async {
            while world.egresses().await.len() < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        world.livekit.set_recording_length(Duration::from_secs(5));
        world.livekit.close_room("desk");
        world.row_is(&call, "Complete").await;
        let both = |row: &_| text(row, "All recordings").lines().count() == 2;
        let row = world.row_where(&call, both).await;
        let lines: Vec<&str> = text(&row, "All recordings").lines().collect();
        assert!(
            lines[0].contains("0:01:05") && lines[1].contains("0:00:05"),
            "{lines:#?}"
        );
        for line in lines {
            let link = line.split(' ').next_back().unwrap();
            match public {
                Some(url) => assert!(link.starts_with(url), "{link}"),
                None => assert_eq!(world.http.get(link).send().await.unwrap().status(), 200),
            }
        }
    }
}
