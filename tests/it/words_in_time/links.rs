//! A link that plays from a second on.

use reqwest::{Method, StatusCode};

use crate::{harness::World, play::text};

async fn location(world: &World, method: Method, path: &str) -> String {
    let request = world.http.request(method, world.url(path));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND, "{path}");
    answer.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_plays_from_a_second_on() {
    let world = World::with(&[("PUBLIC_URL", "https://calls.example.com")]).await;
    let (call, _) = world.talk("desk").await;
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Complete").await;
    let link = text(&row, "Recording URL");
    let path = link.strip_prefix("https://calls.example.com").unwrap();
    for (query, fragment) in [
        ("?t=83", Some("t=83")),
        ("?t=83.5", Some("t=83.5")),
        ("?t=0", Some("t=0")),
        ("", None),
        ("?t=", None),
        ("?t=-1", None),
        ("?t=NaN", None),
        ("?t=1e999", None),
        ("?t=%23x%26y", None),
        ("?t=83&download=1", None),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let url = location(&world, method.clone(), &format!("{path}{query}")).await;
            let found = url.split_once('#').map(|(_, fragment)| fragment);
            assert_eq!(found, fragment, "{query}");
            let audio = world.http.request(method, &url).send().await.unwrap();
            assert_eq!(
                audio.status(),
                200,
                "the fragment is not sent to the storage"
            );
        }
    }
}
