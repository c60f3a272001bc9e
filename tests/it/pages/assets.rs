//! The files that pages load.

use std::io::Read;

use flate2::read::GzDecoder;
use reqwest::{Method, Response};

use super::{ON, PUBLIC_URL, browse, recorded};
use crate::harness::World;

/// The addresses of the files of the play page.
async fn addresses(world: &World) -> Vec<String> {
    let path = recorded(world, "RM_files").await;
    let page = browse(world, &path).await.text().await.unwrap();
    let parts = page.split("../../assets/").skip(1);
    let names = parts.map(|part| part.split('"').next().unwrap());
    names.map(|name| format!("/assets/{name}")).collect()
}

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = world.http.get(world.url(path));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_kept_for_ever_and_compressed() {
    let world = World::with(&[PUBLIC_URL, ON]).await;
    let all = addresses(&world).await;
    assert_eq!(all.len(), 3, "{all:?}");
    let mut bytes = 0;
    for path in &all {
        let plain = get(&world, path, &[("accept-encoding", "identity")]).await;
        assert_eq!(plain.status(), 200, "{path}");
        assert_eq!(plain.headers().get("content-encoding"), None);
        let headers = plain.headers().clone();
        let cached = headers["cache-control"].to_str().unwrap();
        assert_eq!(cached, "public, max-age=31536000, immutable");
        assert_eq!(headers["vary"], "accept-encoding");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let kind = match path.ends_with(".css") {
            true => "text/css; charset=utf-8",
            false => "text/javascript; charset=utf-8",
        };
        assert_eq!(headers["content-type"], kind, "{path}");
        let plain = plain.bytes().await.unwrap();
        let gzip = get(&world, path, &[("accept-encoding", "br, gzip;q=0.5")]).await;
        assert_eq!(gzip.headers()["content-encoding"], "gzip");
        let tag = gzip.headers()["etag"].clone();
        assert_ne!(tag, headers["etag"]);
        let gzip = gzip.bytes().await.unwrap();
        bytes += gzip.len();
        let mut unpacked = Vec::new();
        GzDecoder::new(gzip.as_ref())
            .read_to_end(&mut unpacked)
            .unwrap();
        assert!(unpacked == plain, "{path}");
        let known = [
            ("accept-encoding", "gzip"),
            ("if-none-match", tag.to_str().unwrap()),
        ];
        let again = get(&world, path, &known).await;
        assert_eq!(
            (again.status().as_u16(), &again.headers()["etag"]),
            (304, &tag)
        );
        assert_eq!(again.headers()["cache-control"].to_str().unwrap(), cached);
        assert_eq!(again.bytes().await.unwrap(), "");
        let head = world.http.request(Method::HEAD, world.url(path));
        assert_eq!(head.send().await.unwrap().status(), 200);
    }
    assert!(bytes <= 110_000, "{bytes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_version_is_not_there_and_not_kept() {
    let world = World::new().await;
    for path in [
        "/assets/0123456789abcdef/app.css",
        "/assets/0123456789abcdef/none.css",
        "/assets/app.css",
        "/assets/..%2F..%2Fetc/passwd",
    ] {
        let answer = get(&world, path, &[]).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
}
