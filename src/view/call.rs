//! A call: in lists, and by itself with everything that is known of it.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{DeliveryView, FiguresView, ParticipantView, RecordingView, Waits, names};
use crate::{
    domain::{Call, figures::Prices, nanoseconds::seconds},
    store::{Delivery, Page},
};

/// A call in a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Call)]
pub struct CallView<'a> {
    /// The room's sid, `RM_…`.
    pub call_id: &'a str,
    /// LiveKit's name of the room.
    pub room_name: &'a str,
    /// live, processing, complete, no_recording, failed
    #[schema(schema_with = names::call_status)]
    pub status: &'static str,
    /// When the room was created.
    #[schema(required = true)]
    pub started_at: Option<Timestamp>,
    /// When the room was closed.
    #[schema(required = true)]
    pub ended_at: Option<Timestamp>,
    /// The recording's, else the room's.
    #[schema(required = true)]
    pub duration: Option<f64>,
    /// The call's errors, for people.
    #[schema(required = true)]
    pub error: Option<String>,
    /// By egress ID.
    pub recordings: Vec<RecordingView<'a>>,
}

/// A call with its participants and deliveries.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CallDetail)]
pub struct CallDetailView<'a> {
    /// The fields of a list.
    #[serde(flatten)]
    pub call: CallView<'a>,
    /// By participant sid.
    pub participants: Vec<ParticipantView<'a>>,
    /// How many more participants there were; of these nothing else is kept. Left out if there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_participants: Option<usize>,
    /// Computed from what agents reported; null without a report.
    #[schema(required = true)]
    pub figures: Option<FiguresView>,
    /// By sink.
    pub deliveries: Vec<DeliveryView<'a>>,
}

/// A page of calls, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CallPage)]
pub struct CallPageView<'a> {
    /// At most as many as were asked for.
    pub calls: Vec<CallView<'a>>,
    /// Continues after this page; null on the last one.
    #[schema(required = true)]
    pub next_cursor: Option<&'a str>,
}

impl<'a> CallView<'a> {
    /// The call as it is now.
    pub fn new(call: &'a Call) -> CallView<'a> {
        let recordings = call.recordings.values();
        CallView {
            call_id: &call.id,
            room_name: &call.room_name,
            status: call.status().as_str(),
            started_at: call.started_at(),
            ended_at: call.ended_at(),
            duration: call.duration().map(seconds),
            error: Some(call.error()).filter(|error| !error.is_empty()),
            recordings: recordings.map(|it| RecordingView::new(call, it)).collect(),
        }
    }
}

impl<'a> CallDetailView<'a> {
    /// Of a call whose reports were loaded. `waits` decides what happens next to its deliveries.
    pub fn new(
        call: &'a Call,
        deliveries: &'a [Delivery],
        prices: Option<&Prices>,
        waits: &Waits,
    ) -> CallDetailView<'a> {
        let participants = call.participants.values();
        let deliveries = deliveries.iter();
        CallDetailView {
            call: CallView::new(call),
            participants: participants.map(ParticipantView::new).collect(),
            more_participants: Some(call.crowd.count()).filter(|count| *count > 0),
            figures: FiguresView::new(call, prices),
            deliveries: deliveries.map(|it| DeliveryView::new(it, waits)).collect(),
        }
    }
}

impl<'a> CallPageView<'a> {
    /// The calls of a page in its order.
    pub fn new(page: &'a Page) -> CallPageView<'a> {
        let calls = page.calls.iter();
        CallPageView {
            calls: calls.map(|row| CallView::new(&row.call)).collect(),
            next_cursor: page.next_cursor.as_deref(),
        }
    }
}
