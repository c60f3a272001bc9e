//! Where a request came from: the connection's address, or what a trusted proxy says.

use super::PUBLIC_URL;
use crate::{harness::World, process::run};

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_this_machine_says_who_the_client_is() {
    let world = World::with(&[PUBLIC_URL]).await;
    let (_, _, path) = world.linked("desk").await;
    for (header, value) in [
        ("x-forwarded-for", "6.6.6.6, 203.0.113.1"),
        ("x-forwarded-for", "203.0.113.2:4711"),
        (
            "forwarded",
            "for=6.6.6.6, for=\"[2001:db8::1]:80\";proto=https",
        ),
        ("x-forwarded-for", "203.0.113.3, 127.0.0.1"),
        ("x-forwarded-for", "203.0.113.4, nonsense"),
    ] {
        assert_eq!(
            world.forwarded(&path, (header, value)).await,
            302,
            "{value}"
        );
    }
    let lines = world.lines("listen", 5).await;
    let clients: Vec<&str> = lines
        .iter()
        .map(|it| it["client"].as_str().unwrap())
        .collect();
    let expected = [
        "203.0.113.1",
        "203.0.113.2",
        "2001:db8::1",
        "203.0.113.3",
        "127.0.0.1",
    ];
    assert_eq!(clients, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_believed() {
    let world = World::with(&[PUBLIC_URL, ("TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.7")]).await;
    let (_, _, path) = world.linked("desk").await;
    let header = ("x-forwarded-for", "203.0.113.1");
    assert_eq!(world.forwarded(&path, header).await, 302);
    assert_eq!(world.lines("listen", 1).await[0]["client"], "127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_is_refused_at_start() {
    let mut world = World::new().await;
    world.stop().await;
    for wrong in ["*", "0.0.0.0/0", "proxy.example.com", "10.0.0.0/99"] {
        world.set("TRUSTED_PROXIES", wrong);
        let done = run(world.folder.path(), &["serve"], world.settings()).await;
        assert_eq!(done.code, Some(64), "{wrong}: {done:?}");
        assert!(done.stderr.contains("TRUSTED_PROXIES"), "{}", done.stderr);
    }
}
