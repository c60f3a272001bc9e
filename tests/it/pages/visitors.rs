//! Who gets the page of a link, and who the file.

use reqwest::{Method, Response};

use super::{BROWSER, ON, PUBLIC_URL, browse, recorded};
use crate::{harness::World, process::output, words_in_time::both};

async fn ask(world: &World, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = world.http.request(method, world.url(path));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().await.unwrap()
}

fn leads_to_bucket(answer: &Response, world: &World) -> bool {
    let location = answer.headers().get("location");
    let location = location.and_then(|it| it.to_str().ok()).unwrap_or_default();
    answer.status() == 302 && location.starts_with(&world.storage.url())
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_get_the_page_and_everybody_else_the_file() {
    for world in both(&[PUBLIC_URL, ON]).await {
        let path = recorded(&world, "RM_visited").await;
        let firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for accept in [BROWSER, firefox, "text/html", "text/html;q=0.9, */*;q=0.1"] {
            for more in [("sec-fetch-dest", "document"), ("x-other", "1")] {
                let answer = ask(&world, Method::GET, &path, &[("accept", accept), more]).await;
                assert_eq!(answer.status(), 200, "{accept}");
                assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
            }
        }
        let others: [&[(&str, &str)]; 9] = [
            &[],
            &[("accept", "*/*")],
            &[("accept", "audio/*")],
            &[("accept", "audio/webm,audio/ogg,audio/*;q=0.9,*/*;q=0.5")],
            &[("accept", "audio/*, text/html;q=0.9")],
            &[("accept", "text/html;q=0")],
            &[("accept", BROWSER), ("range", "bytes=0-")],
            &[("accept", BROWSER), ("sec-fetch-dest", "audio")],
            &[("accept", BROWSER), ("sec-fetch-dest", "video")],
        ];
        for headers in others {
            let answer = ask(&world, Method::GET, &path, headers).await;
            assert!(leads_to_bucket(&answer, &world), "{headers:?}: {answer:?}");
            assert_eq!(answer.headers()["vary"], "accept, range, sec-fetch-dest");
        }
        let browser = [("accept", BROWSER)];
        let head = ask(&world, Method::HEAD, &path, &browser).await;
        assert!(leads_to_bucket(&head, &world), "{head:?}");
        for query in ["?download=1", "?download"] {
            let path = format!("{path}{query}");
            let saved = ask(&world, Method::GET, &path, &browser).await;
            assert!(leads_to_bucket(&saved, &world), "{saved:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_browsers_are_redirected_as_before() {
    let world = World::with(&[PUBLIC_URL]).await;
    let path = recorded(&world, "RM_plain").await;
    let answer = browse(&world, &path).await;
    assert!(leads_to_bucket(&answer, &world), "{answer:?}");
    assert_eq!(answer.headers().get("vary"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_has_ended_shows_why() {
    for mut world in both(&[PUBLIC_URL, ON]).await {
        let path = recorded(&world, "RM_ended").await;
        let wrong = path.replace("/EG_", "/EG_x");
        let answer = browse(&world, &wrong).await;
        assert_eq!(answer.status(), 404);
        assert!(answer.text().await.unwrap().contains("does not exist"));
        std::fs::remove_file(world.object("recordings/RM_ended-0.mp3")).unwrap();
        let gone = browse(&world, &path).await;
        assert_eq!(gone.status(), 410);
        assert!(
            gone.text()
                .await
                .unwrap()
                .contains("no longer in the bucket")
        );
        let revoked = world.program(&["calls", "unlink", "RM_ended"]);
        assert!(revoked.status.success(), "{revoked:?}");
        let answer = browse(&world, &path).await;
        assert_eq!(answer.status(), 410);
        assert!(answer.text().await.unwrap().contains("revoked"));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setting_is_on_or_off() {
    let world = World::new().await;
    let mut serve = world.command(&["serve"]);
    let refused = output(serve.env("PLAY_PAGE", "yes"));
    assert_eq!(refused.status.code(), Some(64));
    let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        errors.contains("PLAY_PAGE") && errors.contains("on or off"),
        "{errors}"
    );
}
