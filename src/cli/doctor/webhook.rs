//! Whether LiveKit's webhooks arrive: LiveKit itself sends room_started and room_finished of a room of doctor's own.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    arrivals::Refused,
    examined::Examined,
    finding::{Finding, Severity},
    row::Row,
    trial_room::TrialRoom,
};
use crate::livekit::{client::Client, token::TokenError};

/// LiveKit closes an empty room some seconds after this.
const OPEN_FOR: Duration = Duration::from_secs(1);
/// How long the webhooks may take.
const TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);
/// Where the webhook is set up.
const SETTINGS: &str = "cloud.livekit.io → your project → Settings → Webhooks: the URL is PUBLIC_URL followed by /webhooks/livekit, and the signing key is LIVEKIT_API_KEY; self-hosted: `webhook` in the configuration of livekit-server";

/// Opens a room and waits for both webhooks.
pub(super) async fn check(examined: &Examined, client: &Client) -> Finding {
    if let Err(why) = examined.arrivals.is_open() {
        return why;
    }
    let begun = Instant::now();
    let room = match TrialRoom::open(examined, client, OPEN_FOR).await {
        Ok(room) => room,
        Err(why) => return why,
    };
    let mut events = BTreeSet::new();
    while begun.elapsed() < TIMEOUT && events.len() < 2 {
        tokio::time::sleep(POLL).await;
        match examined
            .arrivals
            .with(&room.id, examined.store.as_ref())
            .await
        {
            Ok(bodies) => events = bodies.iter().filter_map(|body| event(body)).collect(),
            Err(error) => return Finding::skipped(format!("the inbox cannot be read: {error}")),
        }
    }
    room.close(examined, client).await;
    judge(examined, &events, begun.elapsed())
}

/// `room_started` or `room_finished`.
fn event(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    let event = body["event"].as_str()?;
    matches!(event, "room_started" | "room_finished").then(|| event.to_owned())
}

fn judge(examined: &Examined, events: &BTreeSet<String>, took: Duration) -> Finding {
    let missing = ["room_started", "room_finished"];
    let missing: Vec<&str> = missing
        .into_iter()
        .filter(|event| !events.contains(*event))
        .collect();
    let place = match examined.is_served {
        true => "at `serve`",
        false => "at LISTEN_ADDR",
    };
    match (missing.as_slice(), examined.arrivals.refused()) {
        ([], _) => Finding::ok(format!(
            "room_started and room_finished arrived {place} within {:.1} s",
            took.as_secs_f64()
        )),
        (_, Some(refused)) => not_ours(&refused),
        (missing, None) => {
            let missing = missing.join(" and ");
            let hint = match examined.is_served {
                true => "; if the log of `serve` says \"webhook rejected\", it has the reason",
                false => "",
            };
            Finding::failure(
                Severity::Failed,
                format!(
                    "{missing} of a room that LiveKit opened and closed did not arrive {place} within 30 s{hint}"
                ),
                &format!("PUBLIC_URL: {SETTINGS}"),
                Row::Webhook,
            )
        }
    }
}

fn not_ours(refused: &Refused) -> Finding {
    let key = match refused.error {
        TokenError::UnknownKey => format!(" (signed with the key {:?})", refused.key),
        _ => String::new(),
    };
    let advice = refused.error.advice();
    Finding::failure(
        Severity::Configuration,
        format!("a webhook arrived and was refused: {}{key}", refused.error),
        &format!("LIVEKIT_WEBHOOK_KEYS: {advice}. {SETTINGS}"),
        Row::Webhook,
    )
}
