//! Tries answers: the key opens LiveKit, the bucket can be written, the base can be seen.

use uuid::Uuid;

use crate::{
    airtable,
    cli::failure::Failure,
    config::{Config, Errors, Source},
    domain::doctor_id,
    livekit::client::{Client, Error, WrongPart},
    service::{self, bucket},
    storage::{self, BucketHead},
    telemetry,
};

/// Why answers do not work.
#[derive(Debug)]
pub(super) struct Rejected {
    /// The variables that are wrong; none: it is not because of an answer.
    pub(super) variables: Vec<String>,
    pub(super) failure: Failure,
}

/// What a trial found out; an error is no fault of the answers.
pub(super) type Tried = anyhow::Result<Result<(), Rejected>>;

impl Rejected {
    fn new(variables: &[&str], failure: Failure) -> Rejected {
        let variables = variables.iter().map(|&name| name.to_owned());
        Rejected {
            variables: variables.collect(),
            failure,
        }
    }
}

impl From<Errors> for Rejected {
    fn from(errors: Errors) -> Rejected {
        Rejected {
            variables: errors.iter().map(|(name, _)| name.to_owned()).collect(),
            failure: Failure::Usage(errors.to_string()),
        }
    }
}

/// LiveKit accepts the key.
pub(super) async fn livekit(source: &Source) -> Tried {
    let settings = match Config::livekit(source) {
        Ok(settings) => settings,
        Err(errors) => return Ok(Err(errors.into())),
    };
    let config = service::recording::livekit(&settings);
    let client = Client::new(config, telemetry::http_client()?);
    let rooms = client.rooms(&["init"]).await;
    Ok(rooms.map(|_| ()).map_err(|error| livekit_refused(&error)))
}

fn livekit_refused(error: &Error) -> Rejected {
    const KEY: &str = "LIVEKIT_API_KEY";
    const SECRET: &str = "LIVEKIT_API_SECRET";
    let denied = |text: &str| Failure::NotPermitted(text.to_owned());
    match error.wrong_part() {
        Some(WrongPart::Key) => Rejected::new(
            &[KEY],
            denied("the project of LIVEKIT_URL does not know this LIVEKIT_API_KEY"),
        ),
        Some(WrongPart::Secret) => Rejected::new(
            &[SECRET],
            denied("LIVEKIT_API_SECRET is not the secret of this LIVEKIT_API_KEY"),
        ),
        Some(WrongPart::Clock) => Rejected::new(
            &[],
            denied(
                "LiveKit refuses the time in our token: set this machine's clock, e.g. timedatectl set-ntp true",
            ),
        ),
        Some(WrongPart::Unknown) => Rejected::new(&[KEY, SECRET], denied(&error.to_string())),
        None => Rejected::new(
            &["LIVEKIT_URL"],
            Failure::Unavailable(format!("LIVEKIT_URL cannot be used: {error}")),
        ),
    }
}

/// The bucket takes an object.
pub(super) async fn storage(source: &Source) -> Tried {
    let settings = match Config::storage(source) {
        Ok(settings) => settings,
        Err(errors) => return Ok(Err(errors.into())),
    };
    let client = bucket::client(&settings);
    // Some storages make a bucket of a name that they do not know. Whether the key may ask decides nothing.
    if let Ok(head) = client.head_bucket().await
        && let Some(rejected) = not_found(head)
    {
        return Ok(Err(rejected));
    }
    let id = doctor_id(Uuid::new_v4().as_u128());
    let key = format!(".livekit-airtable/{id}");
    if let Err(error) = client.put_text(&key, id).await {
        return Ok(Err(storage_refused(&error)));
    }
    // A key that may not delete is good enough for the service.
    client.delete(&key).await.ok();
    Ok(Ok(()))
}

fn storage_refused(error: &storage::Error) -> Rejected {
    let text = error.to_string();
    match error {
        storage::Error::Forbidden | storage::Error::Expired => Rejected::new(
            &["S3_ACCESS_KEY", "S3_SECRET_KEY"],
            Failure::NotPermitted(text),
        ),
        storage::Error::Away { .. } => Rejected::new(&["S3_ENDPOINT"], Failure::Unavailable(text)),
        _ => Rejected::new(
            &["S3_ENDPOINT", "S3_BUCKET", "S3_REGION"],
            Failure::Usage(text),
        ),
    }
}

fn not_found(head: BucketHead) -> Option<Rejected> {
    match head {
        BucketHead::Found => None,
        BucketHead::Missing => Some(Rejected::new(
            &["S3_BUCKET"],
            Failure::Usage("S3_BUCKET: there is no bucket of this name at S3_ENDPOINT (404). Create it, or correct the name. On R2, a bucket in the EU jurisdiction has the endpoint https://<account>.eu.r2.cloudflarestorage.com".to_owned()),
        )),
        BucketHead::OtherRegion(region) => {
            let region = region.unwrap_or_else(|| "another one".to_owned());
            Some(Rejected::new(
                &["S3_REGION"],
                Failure::Usage(format!("S3_REGION: the bucket's region is {region}")),
            ))
        }
    }
}

/// Airtable accepts the token.
pub(super) async fn token(source: &Source) -> Tried {
    let settings = match Config::airtable_without_base(source) {
        Ok(settings) => settings,
        Err(errors) => return Ok(Err(errors.into())),
    };
    let client = service::airtable::client(&settings, telemetry::http_client()?);
    let user = client.whoami().await;
    Ok(user
        .map(|_| ())
        .map_err(|error| airtable_refused(&error, "AIRTABLE_TOKEN")))
}

/// The token reaches the base.
pub(super) async fn base(source: &Source) -> Tried {
    let settings = match Config::airtable(source) {
        Ok(settings) => settings,
        Err(errors) => return Ok(Err(errors.into())),
    };
    let client = service::airtable::client(&settings, telemetry::http_client()?);
    let tables = client.tables().await;
    Ok(tables
        .map(|_| ())
        .map_err(|error| airtable_refused(&error, "AIRTABLE_BASE_ID")))
}

/// PUBLIC_URL has its form; nothing answers there yet.
pub(super) async fn public_url(source: &Source) -> Tried {
    Ok(Config::links(source).map(|_| ()).map_err(Rejected::from))
}

/// No answer of ours is wrong while Airtable cannot be reached or is busy.
fn airtable_refused(error: &airtable::Error, variable: &str) -> Rejected {
    let text = error.to_string();
    match error.status() {
        Some(401) => Rejected::new(&["AIRTABLE_TOKEN"], Failure::NotPermitted(text)),
        Some(403 | 404) => Rejected::new(&[variable], Failure::NotPermitted(text)),
        Some(429 | 500..) | None => Rejected::new(&[], Failure::Unavailable(text)),
        Some(_) => Rejected::new(&[variable], Failure::Usage(text)),
    }
}
