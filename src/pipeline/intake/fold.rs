//! One message into its call.

use std::{panic::AssertUnwindSafe, sync::LazyLock};

use jiff::Timestamp;

use super::{
    batch::{Batch, ReadMessage, Unproven},
    job::Intake,
    route::Route,
};
use crate::{
    domain::{CallId, DueDelivery, Event, EventPayload, apply, call::Admission},
    pipeline::{
        message,
        object_proof::{Proof, prove},
    },
    store::{InboxMessage, MessageOutcome, NewReport, Processed, ReportBody, Waiting},
    telemetry::LogThrottle,
};

impl Intake {
    /// Folds a message into its call, has it wait for one, or sets it aside.
    pub(super) async fn add(
        &self,
        batch: &mut Batch,
        read: ReadMessage,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let ReadMessage {
            message,
            payload,
            report,
        } = read;
        let (call_id, error) = match payload {
            Err(error) => (None, Some(error)),
            Ok(payload) => match self.route(batch, &message, &payload, now).await? {
                Route::Call(id) => match self.admit(batch, &id, &message).await? {
                    Admission::Refused => {
                        refuse(batch, &message);
                        return Ok(());
                    }
                    Admission::Folded | Admission::Begun => {
                        let reported = reported(&message, &payload, report);
                        let error = self.fold(batch, &id, &message, payload).await?;
                        let reported = reported.filter(|_| error.is_none());
                        let reported = reported.map(|report| report.of_call(&id));
                        batch.reports.extend(reported);
                        (Some(id.into()), error)
                    }
                },
                Route::OtherProject => {
                    refuse(batch, &message);
                    return Ok(());
                }
                Route::Undecided { until } => {
                    batch.waiting.push(Waiting {
                        id: message.id,
                        room_name: String::new(),
                        until,
                        report: None,
                    });
                    return Ok(());
                }
                Route::Wait { room_name, until } => {
                    batch.waiting.push(Waiting {
                        id: message.id,
                        room_name: room_name.into(),
                        until,
                        report,
                    });
                    return Ok(());
                }
                Route::Aside(error) => (None, Some(error)),
                Route::Nowhere => (None, None),
            },
        };
        batch.processed.push(processed(&message, call_id, error));
        Ok(())
    }

    /// Whether the message may change its call, which is read if it has to be.
    async fn admit(
        &self,
        batch: &mut Batch,
        id: &str,
        message: &InboxMessage,
    ) -> anyhow::Result<Admission> {
        if !batch.calls.contains_key(id) {
            let stored = self.store.call(id).await?;
            batch.add(id, stored);
        }
        let known = batch.calls.get(id).map(|update| &update.call);
        let known = known.filter(|call| !call.id.is_empty());
        let admission = Admission::of(known, &message::source(message));
        if admission == Admission::Begun {
            tracing::warn!(call = %id, "another project's key had signed webhooks about a room of ours: the call begins again without them");
            batch.reports.retain(|report| !report.is_of(id));
            batch.taken_over.push(id.into());
        }
        Ok(admission)
    }

    /// The answer is why the message is set aside. A panic sets that one aside, and the others are processed.
    async fn fold(
        &self,
        batch: &mut Batch,
        id: &str,
        message: &InboxMessage,
        mut payload: EventPayload,
    ) -> anyhow::Result<Option<String>> {
        let source = message::source(message);
        let known = batch.calls.get(id).map(|update| &update.call);
        let proven = prove(
            &self.store,
            &self.policy,
            (id, known),
            &source,
            &mut payload,
        );
        let proof = proven.await?;
        let Some(update) = batch.calls.get_mut(id) else {
            return Ok(None);
        };
        let is_request = matches!(payload, EventPayload::Request { .. });
        let event = Event {
            received_at: message.received_at,
            source,
            payload,
        };
        let known = (!update.call.id.is_empty()).then_some(&update.call);
        if proof == Proof::Unproven && known.is_none_or(|call| !call.is_others()) {
            batch.unproven = Unproven::Some;
        }
        let step = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let step = apply(known, id, &event, &self.policy);
            // It is written with the call: a panic in it later would keep all messages of the batch waiting forever.
            step.call.status();
            step
        }));
        let Ok(step) = step else {
            return Ok(Some(message::PANICKED.into()));
        };
        if is_request {
            batch.requested.push(id.into());
        }
        if step.changed {
            batch.changed.insert(id.into());
        }
        let corrected = step.corrected.into_iter();
        let corrected = corrected.map(|egress_id| (CallId::from(id), egress_id));
        batch.corrected.extend(corrected);
        update.renamed |= step.call.room_name != update.call.room_name;
        update.recordings_changed |= step.call.recordings != update.call.recordings
            || step.call.objects != update.call.objects;
        update.call = step.call;
        merge(&mut update.due_deliveries, step.due_deliveries);
        Ok(None)
    }
}

/// What became of a message that belongs to this call, if it does; `error`: why it is set aside.
fn processed(message: &InboxMessage, call_id: Option<String>, error: Option<String>) -> Processed {
    let processed = match error {
        Some(error) => {
            tracing::warn!(inbox = message.id, %error, "message could not be processed; it stays in the inbox");
            Processed::failed(&message.id, MessageOutcome::SetAside, error).of_call(call_id)
        }
        None => Processed::applied(&message.id, call_id),
    };
    processed.stored_with(message.call_id.as_deref())
}

/// The report in this message, whose body stays there.
fn reported(
    message: &InboxMessage,
    payload: &EventPayload,
    body: Option<ReportBody>,
) -> Option<NewReport> {
    match payload {
        EventPayload::Report { facts, .. } => Some(NewReport::new(message, facts, body?)),
        _ => None,
    }
}

/// Why a message of another project changes nothing.
const OTHER_PROJECT: &str =
    "the key that signed this message is of another LiveKit project than the call";

/// Sets a message of another project aside. Logged now and then: that project may send many.
fn refuse(batch: &mut Batch, message: &InboxMessage) {
    static THROTTLE: LazyLock<LogThrottle> = LazyLock::new(LogThrottle::default);
    let key = message.signed_by.as_deref().unwrap_or_default();
    if let Some(suppressed) = THROTTLE.should_log(key) {
        tracing::warn!(
            inbox = message.id,
            signed_by = key,
            suppressed,
            "a message of another LiveKit project about a call that is not its own changes nothing; it stays in the inbox"
        );
    }
    let outcome = MessageOutcome::SetAside;
    let refused = Processed::failed(&message.id, outcome, OTHER_PROJECT);
    batch.processed.push(refused);
}

fn merge(due: &mut Vec<DueDelivery>, more: Vec<DueDelivery>) {
    for one in more {
        if !due.contains(&one) {
            due.push(one);
        }
    }
}
