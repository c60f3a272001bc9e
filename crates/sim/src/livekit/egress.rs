//! The life of an egress: STARTING, ACTIVE when sound arrives, ENDING, and an end state.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use livekit_protocol as proto;
use proto::{DisconnectReason, EgressInfo, EgressStatus, WebhookEvent};
use tokio::time::Instant;

use super::request::Start;
use super::target::Target;
use super::upload::Upload;
use super::world::{Egress, Server};
use super::{clock, request as asked, twirp};

/// How long after its room an automatic egress begins.
const AUTOMATIC_AFTER: Duration = Duration::from_millis(300);

/// Status, error and code of an egress whose process fails.
pub(super) const FAILED: (EgressStatus, &str, i32) =
    (EgressStatus::EgressFailed, "internal error", 500);
/// Status, error and code of an egress that hears nothing.
pub(super) const ABORTED: (EgressStatus, &str, i32) = (
    EgressStatus::EgressAborted,
    "Start signal not received",
    412,
);

/// Why an egress ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    SourceClosed,
    Stopped,
    LimitReached,
}

impl End {
    fn details(self) -> &'static str {
        match self {
            End::SourceClosed => "End reason: Source closed",
            End::Stopped => "End reason: StopEgress API",
            End::LimitReached => "End reason: Session limit reached",
        }
    }
}

impl Server {
    /// Starts an egress, even if the room is being recorded already.
    pub(super) fn start_egress(self: &Arc<Self>, start: Start) -> Result<EgressInfo, twirp::Error> {
        let mut world = self.world();
        let Some(open) = world.rooms.get(&start.room_name) else {
            return Err(twirp::Error::not_found("requested room does not exist"));
        };
        if world.worker_down {
            return Err(asked::unavailable());
        }
        let (room, spoken) = (open.room.clone(), open.spoken);
        let mut egress = start.new_egress(&room);
        if let (Some(Target::Unnamed), Some(default)) = (&egress.target, &world.default_storage) {
            egress.target = Some(default.into());
        }
        let info = egress.info.clone();
        self.send_egress_event("egress_started", &info);
        world.egresses.push(egress);
        drop(world);
        self.join_egress(&room.name, &info.egress_id);
        if start.fails {
            self.fail_later(info.egress_id.clone());
        } else if spoken && let Some(egress) = self.world().egress(&info.egress_id) {
            self.activate(egress);
        }
        Ok(info)
    }

    /// The automatic egress of CreateRoom: it starts a moment after the room.
    pub(super) fn start_automatically(
        self: &Arc<Self>,
        room: &str,
        mut request: proto::RoomCompositeEgressRequest,
    ) {
        room.clone_into(&mut request.room_name);
        let server = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(AUTOMATIC_AFTER).await;
            let start = Start::room_composite(request);
            start.and_then(|start| server.start_egress(start)).ok();
        });
    }

    /// Makes a starting egress ACTIVE.
    pub(super) fn activate(&self, egress: &mut Egress) {
        if egress.stuck || egress.info.status() != EgressStatus::EgressStarting {
            return;
        }
        let now = clock::nanoseconds();
        egress.active_since = Some(Instant::now());
        if egress.target.is_some() {
            egress.set_file(|file| file.started_at = now);
        }
        egress.info.set_status(EgressStatus::EgressActive);
        egress.info.updated_at = now;
        self.send_egress_event("egress_updated", &egress.info);
    }

    /// Stops an egress as StopEgress does: refused if it has ended, or if its worker does not answer.
    pub(super) fn stop_egress(
        self: &Arc<Self>,
        egress_id: &str,
    ) -> Result<EgressInfo, twirp::Error> {
        let refused = |status, code, message: String| {
            Err(twirp::Error {
                status,
                code,
                message,
            })
        };
        let mut world = self.world();
        let Some(egress) = world.egress(egress_id) else {
            return Err(twirp::Error::not_found("egress does not exist"));
        };
        if !egress.runs() {
            let status = egress.info.status().as_str_name();
            let message =
                format!("twirp error unknown: egress with status {status} cannot be stopped");
            return refused(
                StatusCode::PRECONDITION_FAILED,
                "failed_precondition",
                message,
            );
        }
        if egress.stuck {
            let message = "twirp error unknown: request timed out".to_owned();
            return refused(StatusCode::REQUEST_TIMEOUT, "deadline_exceeded", message);
        }
        drop(world);
        self.end_egress(egress_id, End::Stopped);
        let info = self
            .world()
            .egress(egress_id)
            .map(|egress| egress.info.clone());
        info.ok_or_else(|| twirp::Error::not_found("egress does not exist"))
    }

    /// Ends a running egress; the upload goes on in the background.
    pub(super) fn end_egress(self: &Arc<Self>, egress_id: &str, end: End) {
        let mut world = self.world();
        let (length, recording) = (world.recording_length, world.recording.clone());
        let Some(egress) = world.egress(egress_id) else {
            return;
        };
        if egress.stuck || !egress.runs() {
            return;
        }
        end.details().clone_into(&mut egress.info.details);
        let Some(since) = egress.active_since else {
            let error = match end {
                End::Stopped => "Stop called before pipeline could start",
                End::SourceClosed | End::LimitReached => "Start signal not received",
            };
            self.finish(egress, EgressStatus::EgressAborted, error, 412);
            let room = egress.info.room_name.clone();
            drop(world);
            self.leave(&room, egress_id, DisconnectReason::ClientInitiated);
            return;
        };
        egress.info.set_status(EgressStatus::EgressEnding);
        egress.info.updated_at = clock::nanoseconds();
        self.send_egress_event("egress_updated", &egress.info);
        let upload = egress.upload(length.unwrap_or_else(|| since.elapsed()), recording);
        let (server, egress_id) = (self.clone(), egress_id.to_owned());
        tokio::spawn(async move { server.upload(&egress_id, upload, end).await });
    }

    async fn upload(&self, egress_id: &str, upload: Option<Upload>, end: End) {
        let Some(upload) = upload else {
            return self.end_without_file(egress_id, end);
        };
        let upload = upload.below(&self.world().storage_prefix);
        let uploaded = upload.run().await;
        let mut world = self.world();
        let has_backup = world.has_backup;
        let Some(egress) = world.egress(egress_id) else {
            return;
        };
        let duration = i64::try_from(upload.length.as_nanos()).unwrap_or(i64::MAX);
        egress.set_file(|file| {
            file.duration = duration;
            file.ended_at = file.started_at.saturating_add(duration);
        });
        match uploaded {
            Ok(size) => {
                egress.set_file(|file| {
                    file.size = size;
                    file.location = upload.location();
                });
                self.complete(egress, end);
            }
            Err(_) if has_backup => {
                egress.info.backup_storage_used = true;
                egress.set_file(|file| {
                    file.location = format!("https://backup.example.com/{}", upload.key);
                });
                self.complete(egress, end);
            }
            Err(error) => self.finish(
                egress,
                EgressStatus::EgressFailed,
                &format!("S3 upload failed: {error}"),
                400,
            ),
        }
        let room = egress.info.room_name.clone();
        drop(world);
        self.leave(&room, egress_id, DisconnectReason::ClientInitiated);
    }

    /// Ends an egress of streams, segments or images.
    fn end_without_file(&self, egress_id: &str, end: End) {
        let mut world = self.world();
        let Some(egress) = world.egress(egress_id) else {
            return;
        };
        self.complete(egress, end);
        let room = egress.info.room_name.clone();
        drop(world);
        self.leave(&room, egress_id, DisconnectReason::ClientInitiated);
    }

    fn complete(&self, egress: &mut Egress, end: End) {
        match end {
            End::LimitReached => self.finish(
                egress,
                EgressStatus::EgressLimitReached,
                "Session limit reached",
                413,
            ),
            End::SourceClosed | End::Stopped => {
                self.finish(egress, EgressStatus::EgressComplete, "", 0)
            }
        }
    }

    pub(super) fn finish(
        &self,
        egress: &mut Egress,
        status: EgressStatus,
        error: &str,
        error_code: i32,
    ) {
        let now = clock::nanoseconds();
        egress.info.set_status(status);
        error.clone_into(&mut egress.info.error);
        egress.info.error_code = error_code;
        egress.info.ended_at = now;
        egress.info.updated_at = now;
        self.send_egress_event("egress_ended", &egress.info);
    }

    /// Fails half a second later for want of a common format; then the worker shuts itself down for all rooms.
    fn fail_later(self: &Arc<Self>, egress_id: String) {
        let server = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let mut world = server.world();
            world.worker_down = true;
            let Some(egress) = world.egress(&egress_id) else {
                return;
            };
            "End reason: Failure".clone_into(&mut egress.info.details);
            let error = "failed to link audio to file: no common format";
            server.finish(egress, EgressStatus::EgressFailed, error, 500);
            let room = egress.info.room_name.clone();
            drop(world);
            server.leave(&room, &egress_id, DisconnectReason::ClientInitiated);
        });
    }

    /// Leaves the egress in its state for ever.
    pub(super) fn kill_egress(&self, egress_id: &str) {
        if let Some(egress) = self.world().egress(egress_id) {
            egress.stuck = true;
        }
    }

    /// Kills the process: its connection to the room breaks, and LiveKit lists the egress in its state for ever.
    pub(super) fn crash_egress(&self, egress_id: &str) {
        self.kill_egress(egress_id);
        let room = self
            .world()
            .egress(egress_id)
            .map(|egress| egress.info.room_name.clone());
        if let Some(room) = room {
            self.leave(&room, egress_id, DisconnectReason::UnknownReason);
        }
    }

    /// Ends a running egress FAILED (with a code) or ABORTED, without a file.
    pub(super) fn break_egress(
        &self,
        egress_id: &str,
        (status, error, code): (EgressStatus, &str, i32),
    ) {
        let mut world = self.world();
        let Some(egress) = world.egress(egress_id).filter(|egress| egress.runs()) else {
            return;
        };
        "End reason: Failure".clone_into(&mut egress.info.details);
        self.finish(egress, status, error, code);
        let room = egress.info.room_name.clone();
        drop(world);
        self.leave(&room, egress_id, DisconnectReason::ClientInitiated);
    }

    fn send_egress_event(&self, event: &str, info: &EgressInfo) {
        let event = WebhookEvent {
            event: event.to_owned(),
            egress_info: Some(info.clone()),
            ..Default::default()
        };
        self.webhooks.send(&info.egress_id, event);
    }
}
