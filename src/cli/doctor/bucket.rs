//! The bucket: every permission is used once on an object of doctor's own.

use std::time::Duration;

use super::{
    bucket_settings,
    examined::{Examined, Writes, not_configured},
    finding::{Finding, Group, Level, Severity},
    report::Report,
    row::Row,
    traces::Trace,
};
use crate::storage::{BucketHead, Client, Error, Method, ObjectHead, Served};

const GROUP: Group = Group::Bucket;
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
    if matches!(found, Level::Failure(_)) {
        let skipped = Finding::skipped("the bucket was not found");
        report.note(GROUP, "objects", skipped)?;
    } else if examined.writes == Writes::Skipped {
        let skipped = Finding::skipped("--no-write");
        report.note(GROUP, "objects", skipped)?;
    } else {
        let key = format!(".livekit-airtable/{}", examined.id);
        examined.traces.add(Trace::Object(key.clone()));
        let objects = objects(examined, &client, &key);
        let written = report.check(GROUP, "objects", objects).await?;
        if matches!(written, Level::Ok) {
            let signed = signed(examined, &client, &key);
            report.check(GROUP, "signed reads", signed).await?;
            let anonymous = anonymous(examined, &client, &key);
            report.check(GROUP, "anonymous reads", anonymous).await?;
        }
        let removed = removed(examined, &client, key);
        report.check(GROUP, "delete", removed).await?;
    }
    let list = list(&client);
    report.check(GROUP, "list", list).await?;
    let address = bucket_settings::address(examined, settings);
    report.check(GROUP, "address for LiveKit", address).await?;
    let rules = bucket_settings::rules(&client);
    report.check(GROUP, "lifecycle and versions", rules).await?;
    Ok(())
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
        Err(Error::Forbidden) => Finding::warning(
            "the storage does not let this key ask for the bucket (403); the next checks say what it may do",
            KEY,
            Row::Bucket,
        ),
        Err(error) => failure(&error, ADDRESS, Row::Bucket),
    }
}

async fn objects(examined: &Examined, client: &Client, key: &str) -> Finding {
    let used = async {
        let step = |name: &'static str| move |error: Error| (name, error);
        let text = examined.id.clone();
        client.put_text(key, text).await.map_err(step("put"))?;
        let head = client.head(key).await.map_err(step("head"))?;
        let first = client.first_byte(key).await.map_err(step("read"))?;
        Ok((head, first))
    };
    match used.await {
        Err((step, error)) => {
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

async fn list(client: &Client) -> Finding {
    match client.list(".livekit-airtable/", None).await {
        Ok(_) => Finding::ok("works"),
        Err(error) => Finding::warning(
            format!("{error}: `backfill --from bucket` and missing recordings need it"),
            KEY,
            Row::Objects,
        ),
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
