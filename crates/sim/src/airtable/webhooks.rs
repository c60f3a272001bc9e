//! Webhooks of a base: `/v0/bases/{base}/webhooks`. They report records that the API created, changed or deleted, but neither
//! fields and tables nor what people do in the interface.

use std::time::Duration;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::base::Base;
use super::call::Call;
use super::changes::{self, Changes};
use super::ids;
use super::refusal::{Outcome, Refusal};
use super::user::user;
use super::webhook::{Notification, Webhook};

/// Payloads in one page, as documented.
const LARGEST_PAGE: usize = 50;

/// Answers a request; `path` is what comes after `webhooks`.
pub(super) fn answer(base: &mut Base, call: &Call, path: &[&str]) -> Outcome {
    match (call.method.clone(), path) {
        (Method::GET, []) => {
            let all = base.webhooks.all.iter().map(Webhook::print);
            Ok(json!({"webhooks": all.collect::<Vec<_>>()}))
        }
        (Method::POST, []) => create(base, &call.json()?),
        (method, [id, rest @ ..]) => {
            let all = &mut base.webhooks.all;
            let at = all.iter().position(|webhook| webhook.id == *id);
            let at = at.ok_or_else(Refusal::forbidden)?;
            match (method, rest) {
                (Method::DELETE, []) => {
                    all.remove(at);
                    Ok(json!({}))
                }
                (Method::POST, ["enableNotifications"]) => {
                    all[at].notifies = call.json()?["enable"] == true;
                    Ok(json!({}))
                }
                (Method::POST, ["refresh"]) => {
                    all[at].expires = ids::in_a_week();
                    Ok(json!({"expirationTime": all[at].expires}))
                }
                (Method::GET, ["payloads"]) => all[at].page(&call.query()),
                _ => Err(Refusal::not_found()),
            }
        }
        _ => Err(Refusal::not_found()),
    }
}

fn create(base: &mut Base, body: &Value) -> Outcome {
    let specification = &body["specification"];
    if !specification["options"]["filters"]["dataTypes"].is_array() {
        let message = "Invalid request: specification.options.filters.dataTypes is missing";
        return Err(Refusal::invalid("INVALID_REQUEST_UNKNOWN", message));
    }
    let url = body["notificationUrl"].as_str().map(str::to_owned);
    let webhook = Webhook {
        id: ids::fresh("ach"),
        notifies: url.is_some(),
        url,
        specification: specification.clone(),
        secret: STANDARD.encode(ids::fresh("secret")),
        expires: ids::in_a_week(),
        payloads: Vec::new(),
    };
    let answer = json!({
        "id": webhook.id, "macSecretBase64": webhook.secret, "expirationTime": webhook.expires,
    });
    base.webhooks.all.push(webhook);
    Ok(answer)
}

/// Appends what a write has changed to the payloads of each webhook, and queues the notifications.
pub(super) fn record_changes(before: &Base, after: &mut Base) {
    if after.webhooks.all.is_empty() {
        return;
    }
    let changes = changes::between(before, after);
    if changes.is_empty() {
        return;
    }
    after.webhooks.transactions += 1;
    let number = after.webhooks.transactions;
    let base = after.id.clone();
    for webhook in &mut after.webhooks.all {
        let Some(payload) = webhook.payload(&changes, number) else {
            continue;
        };
        webhook.payloads.push(payload);
        if let (Some(url), true) = (&webhook.url, webhook.notifies) {
            after.webhooks.to_send.push(Notification {
                url: url.clone(),
                secret: webhook.secret.clone(),
                body: json!({
                    "base": {"id": base}, "webhook": {"id": webhook.id}, "timestamp": ids::now(),
                }),
            });
        }
    }
}

impl Webhook {
    fn print(&self) -> Value {
        json!({
            "id": self.id, "specification": self.specification, "notificationUrl": self.url,
            "areNotificationsEnabled": self.notifies, "isHookEnabled": true,
            "cursorForNextPayload": self.payloads.len() + 1, "expirationTime": self.expires,
            "lastNotificationResult": null, "lastSuccessfulNotificationTime": null,
        })
    }

    /// The payload of these changes; None if the filters leave nothing.
    fn payload(&self, changes: &Changes, number: u64) -> Option<Value> {
        let options = &self.specification["options"];
        let tables = changes.printed(&options["filters"], &options["includes"])?;
        Some(json!({
            "timestamp": ids::now(), "baseTransactionNumber": number, "payloadFormat": "v0",
            "actionMetadata": {"source": "publicApi", "sourceMetadata": {"user": user()}},
            "changedTablesById": tables,
        }))
    }

    /// The payloads from `cursor` on, which counts from 1; the answer has the next cursor.
    fn page(&self, query: &Value) -> Outcome {
        let number = |name: &str| {
            query[name]
                .as_str()
                .and_then(|text| text.parse::<usize>().ok())
        };
        let start = number("cursor").unwrap_or(1).max(1) - 1;
        let most = number("limit").unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
        let rest = self.payloads.get(start..).unwrap_or_default();
        let page = &rest[..rest.len().min(most)];
        Ok(json!({
            "payloads": page, "cursor": start + page.len() + 1, "payloadFormat": "v0",
            "mightHaveMore": page.len() < rest.len(),
        }))
    }
}

impl Notification {
    /// Sends it once. A receiver that misses it still finds the payloads.
    pub(super) async fn send(self) -> Result<(), reqwest::Error> {
        let body = self.body.to_string();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(25))
            .no_proxy()
            .build()?;
        let request = client
            .post(&self.url)
            .header("content-type", "application/json")
            .header("x-airtable-content-mac", mac(&self.secret, &body));
        request.body(body).send().await?;
        Ok(())
    }
}

/// The signature header: proof that Airtable sent it.
fn mac(secret: &str, body: &str) -> String {
    let secret = STANDARD.decode(secret).unwrap_or_default();
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mac = Hmac::<Sha256>::new_from_slice(&secret)
        .expect("any length")
        .chain_update(body);
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("hmac-sha256={hex}")
}
