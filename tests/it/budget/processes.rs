//! Several processes on one base: kills, restarts, commands, and the resulting logs and metrics.

use std::time::{Duration, Instant};

use livekit_airtable::{domain::Sink, store::Store, telemetry::now};
use serde_json::Value;

use super::{Rig, front::closest};
use crate::{
    harness::{API_TOKEN, PATIENCE, World, eventually},
    process::{Serve, run},
};

impl Rig {
    /// Of a `serve` and of commands; `more` wins.
    pub(crate) fn environment(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let (url, base) = (self.front.url(), self.airtable.base_id());
        let pairs = [
            ("LIVEKIT_URL", "http://127.0.0.1:9"),
            ("LIVEKIT_API_KEY", "devkey"),
            ("LIVEKIT_API_SECRET", "secretsecretsecretsecretsecretsecret"),
            ("S3_ENDPOINT", "http://127.0.0.1:9"),
            ("S3_ACCESS_KEY", "test"),
            ("S3_SECRET_KEY", "test"),
            ("S3_BUCKET", "recordings"),
            ("AIRTABLE_TOKEN", "patTest"),
            ("AIRTABLE_BASE_ID", &base),
            ("AIRTABLE_API_URL", &url),
            ("LISTEN_ADDR", "127.0.0.1:0"),
            ("API_TOKEN", API_TOKEN),
            ("DATABASE_URL", &self.database_url),
        ];
        let pairs = pairs.iter().chain(more);
        pairs
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    pub(crate) async fn has_requests(&self, count: usize) {
        let came = eventually(|| (self.front.seen().len() >= count).then_some(())).await;
        assert!(came.is_some(), "{} requests", self.front.seen().len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_its_restarts_and_commands_beside_it_keep_one_limit() {
    let rig = Rig::new(5.0).await;
    rig.owe(0..250, true, now()).await;
    let settings = rig.environment(&[]);
    let killed = Serve::start(rig.folder.path(), &settings).await;
    rig.has_requests(6).await;
    // A kill in the middle, and the next process at once.
    drop(killed);
    let _serve = Serve::start(rig.folder.path(), &settings).await;
    rig.has_requests(10).await;
    let bootstrap = run(rig.folder.path(), &["bootstrap"], &settings).await;
    assert_eq!(bootstrap.code, Some(0), "{bootstrap:?}");
    let done = eventually(|| (rig.written() >= 250).then_some(())).await;
    assert!(done.is_some(), "{} rows", rig.written());
    assert_eq!(rig.calls().await, 250);
    let seen = rig.front.seen();
    assert_eq!(rig.airtable.breaches(), 0);
    assert!(closest(&seen, 6) >= Duration::from_secs(1), "{seen:#?}");
    let used = rig.used(now()).await as usize;
    assert!(
        (seen.len()..=seen.len() + 2).contains(&used),
        "{used} of {}",
        seen.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_do_not_stretch_the_month() {
    let rig = Rig::new(0.0).await;
    rig.owe(0..500, true, now()).await;
    let settings = rig.environment(&[
        ("AIRTABLE_MONTHLY_REQUESTS", "20"),
        ("AIRTABLE_REQUESTS_PER_SECOND", "50"),
    ]);
    let mut before = 0;
    for _ in 0..3 {
        let _killed = Serve::start(rig.folder.path(), &settings).await;
        rig.has_requests(before + 3).await;
        before = rig.front.seen().len();
    }
    // The killed one's.
    std::fs::remove_file(rig.folder.path().join("address")).unwrap();
    let serve = Serve::start(rig.folder.path(), &settings).await;
    let http = livekit_airtable::telemetry::http_client().unwrap();
    let closed = async {
        let asked = Instant::now();
        loop {
            let url = format!("http://{}/readyz", serve.address);
            let answer = http.get(url).send().await.unwrap();
            let (status, reported): (_, Value) = (answer.status(), answer.json().await.unwrap());
            if let Some(error) = reported["paused"]["airtable"]["error"].as_str() {
                assert_eq!(status, 200, "Airtable's absence is not ours");
                return error.to_owned();
            }
            assert!(asked.elapsed() < PATIENCE, "{reported}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let error = closed.await;
    assert!(
        error.starts_with("AIRTABLE_MONTHLY_REQUESTS: this month's 20 requests"),
        "{error}"
    );
    let bootstrap = run(rig.folder.path(), &["bootstrap", "--check"], &settings).await;
    assert_eq!(bootstrap.code, Some(69), "{bootstrap:?}");
    assert!(
        bootstrap.stderr.contains("AIRTABLE_MONTHLY_REQUESTS"),
        "{bootstrap:?}"
    );
    let sent = rig.front.seen().len();
    assert!(
        (16..=20).contains(&sent),
        "a kill may cost what was under way: {sent}"
    );
    assert_eq!(rig.used(now()).await, 20);
    assert!(
        serve
            .said()
            .contains("AIRTABLE_MONTHLY_REQUESTS are used up"),
        "{}",
        serve.said()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_is_shown_in_readyz_and_metrics() {
    let world = World::with(&[("AIRTABLE_MONTHLY_REQUESTS", "100000")]).await;
    let call = world.livekit.open_room("desk");
    world.row_is(&call, "Live").await;
    let ready: Value = world.get("/readyz").await.json().await.unwrap();
    let month = &ready["airtable"]["month"];
    let used = month["requests_used"].as_u64().unwrap();
    assert!(used >= 2, "{ready}");
    assert_eq!(month["requests_limit"], 100_000);
    assert_eq!(month["requests_left"].as_u64(), Some(100_000 - used));
    assert!(month["runs_out"].is_null(), "{ready}");
    assert_eq!(ready["airtable"]["requests_per_second"], 50.0);
    assert_eq!(ready["paused"], serde_json::json!({}));
    let metrics = world.get("/metrics").await.text().await.unwrap();
    for line in [
        "livekit_airtable_month_requests_limit 100000\n",
        "livekit_airtable_requests_per_second 50\n",
        "livekit_airtable_month_requests_used ",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert!(
        !metrics.contains("livekit_airtable_sink_paused{"),
        "{metrics}"
    );
    let path = world.folder.path().join("calls.db");
    let store = Store::open(
        &format!("sqlite:{}", path.display()),
        livekit_airtable::telemetry::now(),
    )
    .await
    .unwrap();
    let later = now() + Duration::from_secs(60);
    store
        .pause_sink(Sink::Airtable, "no", later, now())
        .await
        .unwrap();
    store
        .lower(&world.airtable.base_id(), 2.5, now(), now())
        .await
        .unwrap();
    let metrics = world.get("/metrics").await.text().await.unwrap();
    for line in [
        "livekit_airtable_sink_paused{sink=\"airtable\"} 1\n",
        "livekit_airtable_requests_per_second 2.5\n",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}
