//! Deliveries that others cannot accept now wait for days and are delivered when they can.

mod airtable;
mod hourly;
mod mirror;
mod storage;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    harness::{PATIENCE, World, agent, caller, move_clock},
    play::answer,
};

const HOUR: i64 = 3600;

impl World {
    async fn detail(&self, call: &str) -> Option<Value> {
        let known = self.get(&format!("/v1/calls/{call}")).await;
        match known.status().as_u16() {
            404 => None,
            _ => Some(answer(known, 200).await),
        }
    }

    /// Waits until `/v1/calls/{call}` is as wanted; `meanwhile` may move the clock.
    pub(crate) async fn detail_where(
        &self,
        call: &str,
        wanted: impl Fn(&Value) -> bool,
        meanwhile: impl Fn(),
    ) -> Value {
        let (asked, mut last) = (Instant::now(), Value::Null);
        while asked.elapsed() < PATIENCE {
            last = self.detail(call).await.unwrap_or_default();
            if wanted(&last) {
                return last;
            }
            meanwhile();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it never was as wanted: {last:#}");
    }

    /// A call from its beginning to its end, with words, whose row may wait. LiveKit may have to be asked for all of it,
    /// and a room is asked for that was quiet for some seconds.
    async fn whole_call<const N: usize>(&self, room: &str) -> String {
        let call = self.livekit.open_room(room);
        self.livekit.join(room, agent());
        self.livekit.join(room, caller("+15551234567"));
        self.livekit.speak(room);
        self.starts(room, 1).await;
        let recorded = |detail: &Value| detail["recordings"][0]["egress_id"].is_string();
        self.detail_where(&call, recorded, || {}).await;
        let report = json!({"room_id": call, "turns": [{"speaker": "agent", "text": "Hello."}]});
        assert_eq!(self.post("/v1/transcripts", &report).await.status(), 202);
        self.livekit.close_room(room);
        let complete = |detail: &Value| detail["status"] == "complete";
        self.detail_where(&call, complete, || move_clock::<N>(1))
            .await;
        call
    }

    async fn metric(&self, name: &str) -> i64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or(0)
    }

    async fn metric_is(&self, name: &str, value: i64) {
        let asked = Instant::now();
        while self.metric(name).await != value {
            let waited = asked.elapsed();
            assert!(waited < PATIENCE, "{name} never was {value}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// No delivery has failed permanently.
    async fn nothing_is_dead(&self) {
        let dead = answer(self.get("/v1/calls?delivery=dead").await, 200).await;
        assert_eq!(dead["calls"], json!([]));
    }
}

/// The delivery to this sink, as `/v1/calls/{id}` returns it.
fn due_deliveries<'a>(detail: &'a Value, sink: &str) -> &'a Value {
    let all = detail["deliveries"].as_array().unwrap();
    all.iter()
        .find(|due_deliveries| due_deliveries["sink"] == sink)
        .unwrap()
}
