//! Tries answers: the key opens LiveKit, the bucket can be written, the base can be seen.

use uuid::Uuid;

use crate::{
    airtable,
    cli::failure::Failure,
    config::{Config, Source},
    domain::doctor_id,
    livekit::client::{Client, WrongPart},
    service::{self, bucket},
    storage::{self, BucketHead},
    telemetry,
};

/// LiveKit accepts the key.
pub(super) async fn livekit(source: &Source) -> anyhow::Result<()> {
    let settings = Config::livekit(source)?;
    let config = service::recording::livekit(&settings);
    let client = Client::new(config, telemetry::http_client()?);
    let Err(error) = client.rooms(&["init"]).await else {
        return Ok(());
    };
    Err(match error.wrong_part() {
        Some(WrongPart::Key) => {
            Failure::NotPermitted("LiveKit does not know this LIVEKIT_API_KEY".to_owned())
        }
        Some(WrongPart::Secret) => Failure::NotPermitted(
            "LIVEKIT_API_SECRET is not the secret of this LIVEKIT_API_KEY".to_owned(),
        ),
        Some(_) => Failure::NotPermitted(error.to_string()),
        None => Failure::Unavailable(format!("LIVEKIT_URL: {error}")),
    }
    .into())
}

/// The bucket takes an object.
pub(super) async fn storage(source: &Source) -> anyhow::Result<()> {
    let settings = Config::storage(source)?;
    let client = bucket::client(&settings);
    // Some storages make a bucket of a name that they do not know. Whether the key may ask decides nothing.
    if let Ok(head) = client.head_bucket().await
        && let Some(why) = not_found(head)
    {
        return Err(Failure::Usage(why).into());
    }
    let id = doctor_id(Uuid::new_v4().as_u128());
    let key = format!(".livekit-airtable/{id}");
    if let Err(error) = client.put_text(&key, id).await {
        let text = error.to_string();
        return Err(match error {
            storage::Error::Forbidden | storage::Error::Expired => Failure::NotPermitted(text),
            storage::Error::Away { .. } => Failure::Unavailable(text),
            _ => Failure::Usage(text),
        }
        .into());
    }
    // A key that may not delete is good enough for the service.
    client.delete(&key).await.ok();
    Ok(())
}

fn not_found(head: BucketHead) -> Option<String> {
    match head {
        BucketHead::Found => None,
        BucketHead::Missing => Some(
            "S3_BUCKET: there is no bucket of this name at S3_ENDPOINT (404). Create it, or correct the name. On R2, a bucket in the EU jurisdiction has the endpoint https://<account>.eu.r2.cloudflarestorage.com".to_owned(),
        ),
        BucketHead::OtherRegion(region) => {
            let region = region.unwrap_or_else(|| "another one".to_owned());
            Some(format!("S3_REGION: the bucket's region is {region}"))
        }
    }
}

/// Airtable accepts the token.
pub(super) async fn token(source: &Source) -> anyhow::Result<()> {
    let settings = Config::airtable_without_base(source)?;
    let client = service::airtable::client(&settings, telemetry::http_client()?);
    let user = client.whoami().await;
    Ok(user.map(|_| ()).map_err(|error| refused(&error))?)
}

/// The token reaches the base.
pub(super) async fn base(source: &Source) -> anyhow::Result<()> {
    let settings = Config::airtable(source)?;
    let client = service::airtable::client(&settings, telemetry::http_client()?);
    let tables = client.tables().await;
    Ok(tables.map(|_| ()).map_err(|error| refused(&error))?)
}

/// PUBLIC_URL has its form; nothing answers there yet.
pub(super) async fn public_url(source: &Source) -> anyhow::Result<()> {
    Config::links(source)?;
    Ok(())
}

fn refused(error: &airtable::Error) -> Failure {
    let text = error.to_string();
    match error.status() {
        Some(401 | 403 | 404) => Failure::NotPermitted(text),
        Some(429 | 500..) | None => Failure::Unavailable(text),
        Some(_) => Failure::Usage(text),
    }
}
