//! The three calls of the demo.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use livekit_api::access_token::{AccessToken, VideoGrants};
use serde_json::{Map, Value};

use super::{
    actors::{agent, caller, report},
    table::{cell, print_table},
    world::World,
};
use crate::{
    cli::{
        console::output::print_line,
        sim::{KEY, SECRET},
    },
    telemetry,
};

/// How long each step may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// Plays the calls and prints what happens.
pub(super) struct Story<'a> {
    world: &'a World,
    started: Instant,
    /// The status of each row that was printed last, by call.
    printed: BTreeMap<String, String>,
}

impl Story<'_> {
    /// A story that begins now.
    pub(super) fn new(world: &World, started: Instant) -> Story<'_> {
        Story {
            world,
            started,
            printed: BTreeMap::new(),
        }
    }

    /// Plays all calls, one after the other, and prints the table.
    pub(super) async fn play(&mut self) -> anyhow::Result<()> {
        self.ordinary_call().await?;
        self.silent_call().await?;
        self.failed_call().await?;
        print_table(&self.world.airtable)
    }

    async fn ordinary_call(&mut self) -> anyhow::Result<()> {
        let room = "call-+15551234567";
        self.say("A phone call comes in, and the agent Ava answers.")?;
        let call = self.world.livekit.open_room(room);
        self.world.livekit.join(room, agent());
        self.world.livekit.join(room, caller("+15551234567"));
        self.recording_starts(room).await?;
        let begun_at = telemetry::now();
        self.world.livekit.speak(room);
        self.row_is(&call, "Live").await?;
        self.say(
            "The agent's session ends, and the agent sends its report to POST /v1/transcripts.",
        )?;
        self.report(room, begun_at).await?;
        self.say("The caller hangs up. LiveKit uploads the recording and closes the room.")?;
        self.world.livekit.close_room(room);
        self.row_is(&call, "Complete").await
    }

    async fn silent_call(&mut self) -> anyhow::Result<()> {
        let room = "call-nobody-spoke";
        self.say("A second call, in which nobody speaks.")?;
        let call = self.world.livekit.open_room(room);
        self.world.livekit.join(room, agent());
        self.recording_starts(room).await?;
        self.world.livekit.close_room(room);
        self.row_is(&call, "No recording").await
    }

    async fn failed_call(&mut self) -> anyhow::Result<()> {
        let room = "call-upload-failed";
        self.say("A third call, whose upload the bucket will reject.")?;
        let call = self.world.livekit.open_room(room);
        self.world.livekit.join(room, agent());
        self.world.livekit.join(room, caller("+15557654321"));
        self.recording_starts(room).await?;
        self.world.livekit.speak(room);
        self.row_is(&call, "Live").await?;
        self.world.storage.refuse_uploads(1, 403);
        self.world.livekit.close_room(room);
        self.row_is(&call, "Failed").await
    }

    /// Waits until LiveKit is asked to record the room, and prints how long that took.
    async fn recording_starts(&mut self, room: &str) -> anyhow::Result<()> {
        let asked_at = Instant::now();
        let started = |world: &World| world.livekit.starts().iter().any(|(_, name)| name == room);
        while !started(self.world) {
            anyhow::ensure!(
                asked_at.elapsed() < STEP_TIMEOUT,
                "no recording of {room} was started"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let millis = asked_at.elapsed().as_millis();
        self.say(&format!(
            "The recording was started {millis} ms after the room opened."
        ))
    }

    async fn report(&self, room: &str, begun_at: Timestamp) -> anyhow::Result<()> {
        let grants = VideoGrants {
            room_admin: true,
            room: room.to_owned(),
            ..Default::default()
        };
        let token = AccessToken::with_api_key(KEY, SECRET).with_grants(grants);
        let url = format!("http://{}/v1/transcripts", self.world.service.address);
        let request = telemetry::http_client()?.post(url);
        let answer = request
            .bearer_auth(token.to_jwt()?)
            .json(&report(room, begun_at.as_millisecond() as f64 / 1e3));
        answer.send().await?.error_for_status()?;
        Ok(())
    }

    /// Waits until a row has this status, and prints every change of every row meanwhile.
    async fn row_is(&mut self, call: &str, status: &str) -> anyhow::Result<()> {
        let asked_at = Instant::now();
        loop {
            for row in self.world.airtable.rows("Calls") {
                self.print_change(&row)?;
            }
            if self
                .printed
                .get(call)
                .is_some_and(|printed| printed == status)
            {
                return Ok(());
            }
            let late = asked_at.elapsed() > STEP_TIMEOUT;
            anyhow::ensure!(!late, "the row of {call} did not become {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn print_change(&mut self, row: &Map<String, Value>) -> anyhow::Result<()> {
        let (call, status) = (cell(row, "Call ID"), cell(row, "Status"));
        if self.printed.get(&call) == Some(&status) {
            return Ok(());
        }
        self.say(&format!("  Airtable: {} is {status}", cell(row, "Room")))?;
        self.printed.insert(call, status);
        Ok(())
    }

    fn say(&self, text: &str) -> anyhow::Result<()> {
        let seconds = self.started.elapsed().as_secs_f64();
        print_line(&format!("{seconds:6.2} s  {text}"))
    }
}
