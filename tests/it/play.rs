//! Special actions of tests: webhooks by hand, objects in the bucket, the service as a separate process.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use livekit_airtable::{
    domain::{Addressing, Channels, FileType, StorageKey},
    livekit::client,
    telemetry,
};
use livekit_api::access_token::AccessToken;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{KEY, PATIENCE, SECRET, World, agent, caller, eventually};
use crate::{leak_check, process};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_livekit-airtable");

impl World {
    /// A call in which somebody speaks and that is being recorded: its sid and its egress.
    pub(crate) async fn talk(&self, room: &str) -> (String, String) {
        let call = self.livekit.open_room(room);
        self.livekit.join(room, agent());
        self.livekit.join(room, caller("+15551234567"));
        self.livekit.speak(room);
        let row = self.row_where(&call, |row| row.contains_key("Egress ID"));
        let egress = row.await["Egress ID"].as_str().unwrap().to_owned();
        (call, egress)
    }

    /// A call whose egress this test ends by hand with [`World::ended`].
    pub(crate) async fn talk_unheard(&self, room: &str) -> (String, String) {
        let (call, egress) = self.talk(room).await;
        self.livekit.kill_egress(&egress);
        self.livekit.close_room(room);
        self.row_is(&call, "Processing").await;
        (call, egress)
    }

    /// LiveKit reports the end of an egress; `file` is added to `filename`.
    pub(crate) async fn ended(&self, (call, egress): (&str, &str), status: &str, file: Value) {
        let mut files = json!({"filename": format!("recordings/{call}.mp3")});
        let more = file.as_object().unwrap().clone();
        files.as_object_mut().unwrap().extend(more);
        let info = json!({
            "egressId": egress, "roomId": call, "status": status, "error": "the recorder ran out of disk space",
            "updatedAt": "1999999999000000000", "fileResults": [files],
        });
        self.hook(
            &json!({"event": "egress_ended", "id": format!("EV_{egress}"), "egressInfo": info}),
        )
        .await;
    }

    /// A webhook as LiveKit signs it.
    pub(crate) async fn hook(&self, event: &Value) {
        let body = event.to_string();
        let hash = BASE64_STANDARD.encode(Sha256::digest(body.as_bytes()));
        let token = AccessToken::with_api_key(KEY, SECRET).with_sha256(&hash);
        let request = self.http.post(self.url("/webhooks/livekit")).body(body);
        let request = request.header("authorization", token.to_jwt().unwrap());
        assert_eq!(request.send().await.unwrap().status(), 200);
    }

    /// The file of an object in the bucket.
    pub(crate) fn object(&self, key: &str) -> PathBuf {
        self.storage.folder().join("recordings").join(key)
    }

    /// Uploads an object of this size with the key of a call's recording.
    pub(crate) fn put_object(&self, call: &str, bytes: usize) {
        self.put_object_at(&format!("recordings/{call}.mp3"), bytes);
    }

    pub(crate) fn put_object_at(&self, key: &str, bytes: usize) {
        let path = self.object(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, vec![0; bytes]).unwrap();
    }

    /// All egresses of LiveKit, as it lists them.
    pub(crate) async fn egresses(&self) -> Vec<Value> {
        let listed = self
            .agents_client()
            .list(None, client::Egresses::All)
            .await
            .unwrap();
        let infos = listed
            .iter()
            .map(|info| serde_json::from_str(info).unwrap());
        infos.collect()
    }

    /// A token like the one that an agent uses.
    pub(crate) fn agents_client(&self) -> client::Client {
        let config = client::Config {
            url: self.livekit.url(),
            api_key: KEY.into(),
            api_secret: SECRET.to_owned().into(),
        };
        client::Client::new(config, telemetry::http_client().unwrap())
    }

    /// An agent starts a recording by itself: LiveKit's answer.
    pub(crate) async fn agent_starts(&self, room: &str, key: &str) -> Value {
        let upload = client::Upload {
            key: StorageKey {
                access_key: "test".into(),
                secret_key: "testsecret".to_owned().into(),
                session_token: None,
            }
            .into(),
            addressing: Addressing::Path,
            region: "auto".into(),
            endpoint: Some(self.storage.url()),
            bucket: "recordings".into(),
        };
        let output = client::Output {
            upload,
            file_type: FileType::Mp3,
            channels: Channels::Mixed,
        };
        let started = self.agents_client().start(room, key, &output).await;
        serde_json::from_str(&started.unwrap()).unwrap()
    }

    /// A call without webhooks whose agent recorded it: returns its sid once the recording is in the bucket.
    pub(crate) async fn recorded_unheard(&self, room: &str) -> String {
        self.livekit.lose_webhooks(true);
        let call = self.livekit.open_room(room);
        self.livekit.join(room, agent());
        self.livekit.join(room, caller("+15551234567"));
        let key = format!("recordings/{call}.mp3");
        let info = self.agent_starts(room, &key).await;
        self.livekit.speak(room);
        self.livekit.close_room(room);
        let asked = Instant::now();
        loop {
            let all = self.egresses().await;
            let ours = all.iter().find(|it| it["egressId"] == info["egressId"]);
            if ours.unwrap()["status"] == "EGRESS_COMPLETE" && self.object(&key).exists() {
                return call;
            }
            assert!(asked.elapsed() < PATIENCE, "{all:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// From now on Airtable refuses each row with 422 and words that name nothing.
    pub(crate) async fn refuse_rows(&self) {
        let refusal = json!({ "error": { "type": "INVALID_REQUEST_UNKNOWN", "message": "the row was rejected" } });
        let fault = json!({"fault": "status", "status": 422, "body": refusal, "method": "PATCH", "times": 1_000_000});
        let url = format!("{}/sim/faults", self.airtable.url());
        let asked = self.http.post(url).json(&fault).send().await;
        assert_eq!(asked.unwrap().status(), 200);
    }

    /// Airtable does what it is asked again.
    pub(crate) async fn repair_airtable(&self) {
        let url = format!("{}/sim/faults", self.airtable.url());
        let repaired = self.http.delete(url).send().await;
        assert_eq!(repaired.unwrap().status(), 200);
    }

    /// Waits until this call has no pending delivery to the sink, now or later.
    pub(crate) async fn processed(&self, call: &str, sink: &str) {
        let asked = Instant::now();
        loop {
            let detail = answer(self.get(&format!("/v1/calls/{call}")).await, 200).await;
            let all = detail["deliveries"].as_array().unwrap();
            let mut ours = all.iter().filter(|delivery| delivery["sink"] == sink);
            let over = |it: &Value| it["state"] == "done" && it["due_at"].is_null();
            if ours.clone().next().is_some() && ours.all(over) {
                return;
            }
            assert!(asked.elapsed() < PATIENCE, "{detail:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until no message is left in the inbox to be processed.
    pub(crate) async fn all_processed(&self) {
        let asked = Instant::now();
        loop {
            let now = livekit_airtable::telemetry::now();
            let left = self.service_store().unprocessed_count(now).await.unwrap();
            if left.count == 0 {
                return;
            }
            assert!(asked.elapsed() < PATIENCE, "{} are left", left.count);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs the program with the world's settings.
    pub(crate) fn program(&self, arguments: &[&str]) -> Output {
        let output = process::output(&mut self.command(arguments));
        leak_check::look_through(&String::from_utf8_lossy(&output.stderr));
        output
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(PROGRAM, arguments)
    }

    fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        // No `.env` of a developer is read there.
        command.args(arguments).current_dir(self.folder.path());
        command.env_clear().envs(self.settings().iter().cloned());
        command
    }

    /// Starts `serve` as a process; LiveKit's webhooks go to it.
    pub(crate) async fn serve(&mut self) -> Serve {
        self.serve_with(PROGRAM).await
    }

    /// The same with the binary of another version.
    pub(crate) async fn serve_with(&mut self, program: &str) -> Serve {
        let file = self.folder.path().join("address");
        std::fs::remove_file(&file).ok();
        let arguments = ["serve", "--addr-file", file.to_str().unwrap()];
        let mut command = self.command_of(program, &arguments);
        let said = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("stderr"));
        command.env("RUST_LOG", "debug").stderr(said.unwrap());
        let child = command.spawn().unwrap();
        let serve = Serve(child);
        let read = || std::fs::read_to_string(&file).ok()?.trim().parse().ok();
        self.address = eventually(read).await.expect("serve listens");
        self.livekit
            .set_webhook_urls(vec![self.url("/webhooks/livekit")]);
        serve
    }
}

/// A running `serve`, killed when the test is over.
pub(crate) struct Serve(pub Child);

impl Serve {
    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM: how it exits, and after how long.
    pub(crate) async fn terminate(mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        let id = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        let status = eventually(|| self.0.try_wait().unwrap()).await;
        (status.expect("it exits"), asked.elapsed())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A column's text, empty when the cell is.
pub(crate) fn text<'a>(row: &'a Map<String, Value>, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

/// The answer's JSON; it panics unless the status is this.
pub(crate) async fn answer(response: reqwest::Response, status: u16) -> Value {
    let (came, body) = (response.status(), response.text().await.unwrap());
    assert_eq!(came, status, "{body}");
    serde_json::from_str(&body).unwrap()
}
