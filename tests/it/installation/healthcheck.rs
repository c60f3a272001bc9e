//! `healthcheck`, as a container runtime runs it.

use sqlx::{AnyConnection, Connection, Executor};

use crate::{
    disk::until,
    harness::World,
    process::{Done, run},
};

async fn check(world: &World, settings: &[(&str, &str)], args: &[&str]) -> Done {
    let own = settings.iter().map(|(k, v)| (k.to_string(), v.to_string()));
    let args = [&["healthcheck"], args].concat();
    run(world.folder.path(), &args, &own.collect::<Vec<_>>()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthcheck_succeeds_while_the_service_is_ready() {
    let mut world = World::new().await;
    let mut serve = world.serve_apart().await;
    let port = serve.address.rsplit_once(':').unwrap().1.to_owned();
    let any = format!("0.0.0.0:{port}");
    let none: (Option<i32>, &str, &str) = (Some(0), "", "");
    for settings in [
        &[("LISTEN_ADDR", serve.address.as_str())],
        &[("LISTEN_ADDR", &any)],
        &[("PORT", &port)],
        // A proxy is for other machines.
        &[
            ("PORT", port.as_str()),
            ("HTTP_PROXY", "http://127.0.0.1:9"),
        ][..],
    ] {
        let done = check(&world, settings, &[]).await;
        assert_eq!(
            (done.code, &*done.stdout, &*done.stderr),
            none,
            "{settings:?}"
        );
    }
    let random = [("LISTEN_ADDR", "127.0.0.1:0")];
    let done = check(&world, &random, &["--addr-file", "address"]).await;
    assert_eq!((done.code, &*done.stdout, &*done.stderr), none);
    let done = check(&world, &random, &[]).await;
    assert_eq!(done.code, Some(64), "{done:?}");
    assert!(done.stderr.contains("--addr-file"), "{done:?}");
    let done = check(&world, &[("LISTEN_ADDR", "nonsense")], &[]).await;
    assert_eq!(done.code, Some(64), "{done:?}");
    // Not ready: nothing can be written.
    sqlx::any::install_default_drivers();
    let mut other = AnyConnection::connect(&world.database()).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    until(&world, "/readyz", 503).await;
    let done = check(&world, &[("PORT", &port)], &[]).await;
    assert_eq!((done.code, &*done.stdout), (Some(1), ""), "{done:?}");
    assert!(
        done.stderr.contains("the database is not writable"),
        "{done:?}"
    );
    other.execute("ROLLBACK").await.unwrap();
    until(&world, "/readyz", 200).await;
    assert_eq!(serve.stop().await, Some(0));
    let done = check(&world, &[("PORT", &port)], &[]).await;
    assert_eq!((done.code, &*done.stdout), (Some(1), ""), "{done:?}");
    assert!(done.stderr.contains("does not answer"), "{done:?}");
}
