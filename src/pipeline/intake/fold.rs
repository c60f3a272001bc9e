//! One message into its call.

use std::panic::AssertUnwindSafe;

use jiff::Timestamp;

use super::{
    batch::{Batch, ReadMessage},
    job::Intake,
    route::Route,
};
use crate::{
    domain::{CallId, DueDelivery, Event, EventPayload, apply},
    pipeline::message,
    store::{InboxMessage, MessageOutcome, NewReport, Processed, ReportBody, Waiting},
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
                Route::Call(id) => {
                    let reported = reported(&message, &payload, report);
                    let error = self.fold(batch, &id, &message, payload).await?;
                    let reported = reported.filter(|_| error.is_none());
                    batch
                        .reports
                        .extend(reported.map(|report| report.of_call(&id)));
                    (Some(id.into()), error)
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
        if let Some(error) = &error {
            tracing::warn!(inbox = message.id, %error, "message could not be processed; it stays in the inbox");
        }
        batch.processed.push(match error {
            Some(error) => {
                Processed::failed(&message.id, MessageOutcome::SetAside, error).of_call(call_id)
            }
            None => Processed::applied(&message.id, call_id),
        });
        Ok(())
    }

    /// The answer is why the message is set aside. A panic sets that one aside, and the others are processed.
    async fn fold(
        &self,
        batch: &mut Batch,
        id: &str,
        message: &InboxMessage,
        payload: EventPayload,
    ) -> anyhow::Result<Option<String>> {
        if !batch.calls.contains_key(id) {
            let stored = self.store.call(id).await?;
            batch.add(id, stored);
        }
        let Some(update) = batch.calls.get_mut(id) else {
            return Ok(None);
        };
        let is_request = matches!(payload, EventPayload::Request { .. });
        let event = Event {
            received_at: message.received_at,
            source: message::source(message),
            payload,
        };
        let known = (!update.call.id.is_empty()).then_some(&update.call);
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
        update.call = step.call;
        merge(&mut update.due_deliveries, step.due_deliveries);
        Ok(None)
    }
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

fn merge(due: &mut Vec<DueDelivery>, more: Vec<DueDelivery>) {
    for one in more {
        if !due.contains(&one) {
            due.push(one);
        }
    }
}
