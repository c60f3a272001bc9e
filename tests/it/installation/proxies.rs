//! A proxy in front of the service that changes requests.

use crate::{harness::World, process::Serve, signed_webhooks::signature};

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_that_a_proxy_may_remove_the_signature() {
    let mut world = World::new().await;
    world.stop().await;
    let serve = Serve::start(world.folder.path(), world.settings()).await;
    world.address = serve.address.parse().unwrap();
    let body = r#"{"event":"room_started","room":{"sid":"RM_proxy","name":"proxy"}}"#;
    let webhook = || world.http.post(world.url("/webhooks/livekit")).body(body);
    assert_eq!(webhook().send().await.unwrap().status(), 401);
    let said = serve.said();
    assert!(
        said.contains(
            "a proxy, firewall or tunnel in front of this service may remove that header"
        ),
        "{said}"
    );
    let basic = webhook().header("authorization", "Basic dXNlcjpwYXNz");
    assert_eq!(basic.send().await.unwrap().status(), 401);
    let said = serve.said();
    assert!(
        said.contains("may replace the Authorization header"),
        "{said}"
    );
    let words = world.http.post(world.url("/v1/transcripts?room=proxy"));
    let answer = words.body("\"Agent: Hi\"").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let problem = answer.text().await.unwrap();
    assert!(
        problem.contains("a proxy in front of the service has removed it"),
        "{problem}"
    );
    assert!(
        serve
            .said()
            .contains("a proxy in front of this service removes the Authorization header")
    );
    let signed = webhook().header("authorization", signature(body.as_bytes()));
    assert_eq!(signed.send().await.unwrap().status(), 200);
}
