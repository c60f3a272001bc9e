//! PgBouncer with fewer connections than the service uses.

use super::pgbouncer::{behind, is_refused};
use crate::{
    harness::{World, caller},
    process::Serve,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_small_pool_is_named_at_start_and_a_call_is_recorded() {
    let mut world = World::new().await;
    world.stop().await;
    let database = behind("DATABASE_TEST_PGBOUNCER_SMALL").await;
    world.set("DATABASE_URL", &database);
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    let said = serve.said();
    assert!(
        said.contains("gave fewer connections than this service uses under load")
            && said.contains("default_pool_size")
            && said.contains("given=3")
            && said.contains("wanted=8"),
        "{said}"
    );
    world.is_served_at(&serve.address);
    let call = world.livekit.open_room("small-pool");
    world.livekit.join("small-pool", caller("+15551234567"));
    world.starts("small-pool", 1).await;
    world.livekit.speak("small-pool");
    world.livekit.close_room("small-pool");
    world.row_is(&call, "Complete").await;
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_itself_gives_all_connections() {
    let mut world = World::new().await;
    world.stop().await;
    let database = super::postgres::fresh_database().await;
    world.set("DATABASE_URL", &database);
    let mut serve = Serve::start(world.folder.path(), world.settings()).await;
    let said = serve.said();
    assert!(!said.contains("fewer connections"), "{said}");
    assert_eq!(serve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn statement_mode_with_one_connection_is_refused_at_the_first_start() {
    let mut world = World::new().await;
    world.stop().await;
    is_refused(&world, &behind("DATABASE_TEST_PGBOUNCER_SINGLE").await).await;
}
