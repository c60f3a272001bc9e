//! The bucket: every permission is used once on an object of doctor's own.

use std::time::Duration;

use super::{
    bucket_settings,
    examined::{Examined, Writes, not_configured},
    finding::{BUCKET, Finding, Group, Level, Name, OBJECTS, Severity},
    report::Report,
    row::Row,
    traces::Trace,
};
use crate::storage::{BucketHead, Client, Error, Method, ObjectHead, Served};

const GROUP: Group = Group::Bucket;
const CLOCK: Name = (Group::Clock, "storage");
/// The first step.
const PUT: &str = "put";
/// Of a presigned URL that is used at once.
const LIFE: Duration = Duration::from_secs(60);
/// Where the key's permissions are.
const KEY: &str = "S3_ACCESS_KEY, S3_SECRET_KEY: give the key Object Read & Write for S3_BUCKET (R2: dash.cloudflare.com → R2 → Manage API tokens; AWS: s3:PutObject, s3:GetObject, s3:DeleteObject, s3:ListBucket)";
const ADDRESS: &str = "S3_ENDPOINT, S3_REGION, S3_BUCKET: copy them from the bucket's settings (R2: dash.cloudflare.com → R2 → the bucket → Settings; a bucket in the EU jurisdiction has the endpoint https://<account>.eu.r2.cloudflarestorage.com)";

/// All checks of the group.
pub(super) async fn check(examined: &Examined, report: &mut Report) -> anyhow::Result<()> {
    let (Some(client), Some(settings)) = (examined.storage(), &examined.settings.storage) else {
        report.note(GROUP, "region and endpoint", not_configured("S3_*"))?;
        return Ok(());
    };
    let address = address(&client);
    let found = report.check(GROUP, "region and endpoint", address).await?;
    match (found, examined.writes) {
        (Level::Failure(_), _) => report.note(GROUP, "objects", Finding::not_checked(BUCKET))?,
        (_, Writes::Skipped) => report.note(GROUP, "objects", Finding::skipped("--no-write"))?,
        (_, Writes::Allowed) => written(examined, &client, report).await?,
    };
    // A key that is refused for objects is usually wrong as a whole.
    let cause = match report.level(OBJECTS) {
        Some(Level::Failure(Severity::NotPermitted)) => report.cause(&[OBJECTS]),
        _ => report.cause(&[CLOCK]),
    };
    let list = list(&client, cause);
    report.check_after(&[BUCKET], (GROUP, "list"), list).await?;
    let unreachable = match found {
        Level::Failure(Severity::Unavailable) => Some(Finding::not_checked(BUCKET)),
        _ => None,
    };
    let address = bucket_settings::address(examined, settings, unreachable);
    report.check(GROUP, "address for LiveKit", address).await?;
    let rules = bucket_settings::rules(&client);
    report
        .check_after(&[BUCKET], (GROUP, "lifecycle and versions"), rules)
        .await?;
    Ok(())
}

/// Everything that is done with an object, from its upload to its end.
async fn written(
    examined: &Examined,
    client: &Client,
    report: &mut Report,
) -> anyhow::Result<Level> {
    let key = format!(".livekit-airtable/{}", examined.id);
    examined.traces.add(Trace::Object(key.clone()));
    let mut stored = Stored::Yes;
    let clock = report.cause(&[CLOCK]);
    let objects = async {
        let found = objects(examined, client, &key, &mut stored).await;
        match found.level {
            // Storages refuse the signatures of a wrong clock like those of a wrong key.
            Level::Failure(Severity::NotPermitted) => found.caused_by(clock),
            _ => found,
        }
    };
    let level = report.check(GROUP, OBJECTS.1, objects).await?;
    if level == Level::Ok {
        let signed = signed(examined, client, &key);
        report.check(GROUP, "signed reads", signed).await?;
        let anonymous = anonymous(examined, client, &key);
        report.check(GROUP, "anonymous reads", anonymous).await?;
    }
    match stored {
        Stored::Yes => {
            let removed = removed(examined, client, key);
            report.check(GROUP, "delete", removed).await?;
        }
        Stored::Refused => {
            examined.traces.remove(&Trace::Object(key));
            report.note(GROUP, "delete", Finding::not_checked(OBJECTS))?;
        }
    }
    Ok(level)
}

/// Whether there is an object, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Yes,
    /// The storage refused the upload.
    Refused,
}

async fn address(client: &Client) -> Finding {
    match client.head_bucket().await {
        Ok(BucketHead::Found) => Finding::ok("the bucket is there"),
        Ok(BucketHead::Missing) => Finding::failure(
            Severity::Configuration,
            "S3_ENDPOINT has no bucket of the name S3_BUCKET (404)",
            ADDRESS,
            Row::Bucket,
        ),
        Ok(BucketHead::OtherRegion(region)) => {
            let region =
                region.map_or("another region".to_owned(), |it| format!("the region {it}"));
            let detail = format!("the bucket is in {region}");
            Finding::failure(Severity::Configuration, detail, ADDRESS, Row::Bucket)
        }
        // Some keys may use objects alone: the next checks tell.
        Err(Error::Forbidden) => Finding::skipped(
            "the storage does not let this key ask for the bucket (403); the next checks say what it may do",
        ),
        Err(error) => failure(&error, ADDRESS, Row::Bucket),
    }
}

async fn objects(examined: &Examined, client: &Client, key: &str, stored: &mut Stored) -> Finding {
    let used = async {
        let step = |name: &'static str| move |error: Error| (name, error);
        let text = examined.id.clone();
        client.put_text(key, text).await.map_err(step(PUT))?;
        let head = client.head(key).await.map_err(step("head"))?;
        let first = client.first_byte(key).await.map_err(step("read"))?;
        Ok((head, first))
    };
    match used.await {
        Err((step, error)) => {
            if step == PUT && matches!(error, Error::Forbidden | Error::Expired) {
                *stored = Stored::Refused;
            }
            let found = failure(&error, KEY, Row::Objects);
            let detail = format!("{step} of {key}: {}", found.detail);
            Finding { detail, ..found }
        }
        Ok((ObjectHead::Missing, _)) => Finding::failure(
            Severity::Failed,
            format!("{key} was written, and the storage does not find it"),
            ADDRESS,
            Row::Objects,
        ),
        Ok((ObjectHead::Found { .. }, first)) if first != b"d" => Finding::failure(
            Severity::Failed,
            format!(
                "the storage ignores ranges: of the first byte it sent {} bytes, so players cannot seek",
                first.len()
            ),
            ADDRESS,
            Row::Objects,
        ),
        Ok(_) => Finding::ok("put, head and a ranged get work"),
    }
}

async fn signed(examined: &Examined, client: &Client, key: &str) -> Finding {
    let url = client.presign(key, LIFE, Method::Get, Served::default());
    let status = match url.await {
        Ok(url) => get(examined, &url).await,
        Err(error) => return failure(&error, KEY, Row::Signed),
    };
    match status {
        Ok(206) => Finding::ok("a signed link serves a range without a key (206)"),
        Ok(status) => Finding::failure(
            Severity::Failed,
            format!(
                "a signed link with Range: bytes=0-0 was answered with {status} instead of 206"
            ),
            ADDRESS,
            Row::Signed,
        ),
        Err(why) => Finding::failure(
            Severity::Unavailable,
            format!("a signed link cannot be reached: {why}"),
            ADDRESS,
            Row::Signed,
        ),
    }
}

async fn anonymous(examined: &Examined, client: &Client, key: &str) -> Finding {
    let url = client.presign(key, LIFE, Method::Get, Served::default());
    let Ok(url) = url.await else {
        return Finding::skipped("no URL can be signed");
    };
    // Without the signature, which is all of the query.
    let bare = url.split('?').next().unwrap_or_default();
    match get(examined, bare).await {
        Ok(200..=299) => Finding::warning(
            "anybody can read objects without a signature: the bucket is public, and so are your recordings",
            "S3_BUCKET: turn public access off (R2: dash.cloudflare.com → R2 → the bucket → Settings → Public access; AWS: Block all public access)",
            Row::Signed,
        ),
        Ok(status) => Finding::ok(format!("refused ({status}): the bucket is private")),
        Err(why) => Finding::skipped(format!("no answer: {why}")),
    }
}

async fn get(examined: &Examined, url: &str) -> Result<u16, String> {
    let request = examined.http.get(url).header("range", "bytes=0-0");
    let answer = request.send().await;
    answer
        .map(|answer| answer.status().as_u16())
        .map_err(|error| super::reach::root(&error))
}

async fn removed(examined: &Examined, client: &Client, key: String) -> Finding {
    match client.delete(&key).await {
        Ok(()) => {
            examined.traces.remove(&Trace::Object(key));
            Finding::ok("works")
        }
        Err(error) => {
            let detail = format!("{error}; if {key} is in the bucket, delete it by hand");
            examined.traces.remove(&Trace::Object(key));
            Finding::warning(detail, KEY, Row::Objects)
        }
    }
}

/// `cause`: why the storage refuses the key.
async fn list(client: &Client, cause: Option<Finding>) -> Finding {
    let Err(error) = client.list(".livekit-airtable/", None).await else {
        return Finding::ok("works");
    };
    let found = Finding::warning(
        format!("{error}: `backfill --from bucket` and missing recordings need it"),
        KEY,
        Row::Objects,
    );
    match error {
        Error::Forbidden | Error::Expired => found.caused_by(cause),
        _ => found,
    }
}

fn failure(error: &Error, remedy: &str, row: Row) -> Finding {
    let severity = match error {
        Error::Forbidden | Error::Expired => Severity::NotPermitted,
        Error::Key(_) => Severity::Configuration,
        Error::Refused { .. } => Severity::Configuration,
        Error::Away { .. } => Severity::Unavailable,
        Error::Presign(_) => Severity::Failed,
    };
    Finding::failure(severity, error.to_string(), remedy, row)
}
