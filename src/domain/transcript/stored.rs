//! The body of a stored report: `{"room", "authorized_room", "origin", "body"}`, with the report as it came.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{origin::ReportOrigin, parts::UnreadableReport, read::read, report::Report};
use crate::domain::{agent_audio::ReportedAudio, id::RoomName, room::Room};

/// A stored report, not parsed yet.
#[derive(Deserialize)]
pub struct StoredReport<'a> {
    /// The room that its request named.
    pub room: Room,
    /// The room that its sender was authorized for. Absent for a sender that may report any room, and in what earlier
    /// versions stored.
    #[serde(default)]
    pub authorized_room: Option<RoomName>,
    /// How it came. Absent in what earlier versions stored, which was sent.
    #[serde(default)]
    pub origin: ReportOrigin,
    /// The audio that was uploaded with it.
    #[serde(default)]
    pub audio: Option<ReportedAudio>,
    /// Why the words that were uploaded with it cannot be used. They are in a message of their own.
    #[serde(default)]
    pub refused_words: Option<String>,
    /// Why it cannot be read: then `body` is an object with its text.
    #[serde(default)]
    pub unreadable: Option<String>,
    /// As it came.
    #[serde(borrow)]
    pub body: &'a RawValue,
}

/// The report in the body of an inbox message.
pub fn read_stored(message: &str) -> Result<Report, UnreadableReport> {
    let stored: StoredReport<'_> = serde_json::from_str(message)
        .map_err(|_| UnreadableReport("the message was stored by another version".into()))?;
    if let Some(reason) = stored.unreadable {
        return Err(UnreadableReport(reason));
    }
    let (_, report) = read(stored.body)?;
    Ok(Report {
        origin: stored.origin,
        ..report
    })
}
