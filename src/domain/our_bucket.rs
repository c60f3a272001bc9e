//! Our bucket, and whether an egress uploads to it.

use super::{
    addressing::is_aws_host,
    destination::{Destination, Location, Provider, RequestedStorage, Upload},
    object_key::key_at,
    place::{Elsewhere, OtherStorage, Place},
};

/// Stands for every address of AWS S3, where bucket names are unique.
const AWS: &str = "amazonaws.com";
const GOOGLE: &str = "storage.googleapis.com";

/// S3_BUCKET and the addresses by which it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OurBucket {
    name: String,
    /// As configured, for sentences; empty for AWS.
    endpoint: String,
    /// Its hosts: S3_ENDPOINT's and S3_EGRESS_ENDPOINT's.
    hosts: Vec<String>,
}

impl OurBucket {
    /// `endpoints`: S3_EGRESS_ENDPOINT and S3_ENDPOINT if they are set; LiveKit gets the first. None for AWS.
    pub fn new(name: &str, endpoints: &[&str]) -> OurBucket {
        let endpoints = match endpoints {
            [] => &[""],
            endpoints => endpoints,
        };
        OurBucket {
            name: name.to_owned(),
            endpoint: shown(endpoints[0]),
            hosts: endpoints.iter().map(|it| host_of(it, name)).collect(),
        }
    }

    /// Where an egress puts its file.
    pub fn place_of(&self, destination: &Destination) -> Place {
        let location = destination.location.as_ref();
        let located_here = location.map(|location| self.holds(location));
        if destination.backup_used && located_here != Some(true) {
            return Place::Backup {
                our_bucket: self.name.clone(),
            };
        }
        match &destination.requested {
            RequestedStorage::Unstated => Place::Unstated,
            RequestedStorage::Named(upload) if self.is(upload) => Place::OurBucket,
            RequestedStorage::Named(upload) => self.elsewhere(OtherStorage::Named(Upload {
                endpoint: shown(&upload.endpoint),
                ..upload.clone()
            })),
            RequestedStorage::ConfiguredThere | RequestedStorage::LocalPath
                if located_here == Some(true) =>
            {
                Place::OurBucket
            }
            unnamed => match location {
                Some(Location::Address { host, .. }) => {
                    self.elsewhere(OtherStorage::Host(host.clone()))
                }
                Some(Location::Disk) => self.elsewhere(OtherStorage::Disk),
                None if *unnamed == RequestedStorage::LocalPath => {
                    self.elsewhere(OtherStorage::Disk)
                }
                None => Place::Unnamed,
            },
        }
    }

    /// The key of an egress's file in our bucket, if it is not the file's name.
    pub fn key_of(&self, destination: &Destination, filename: &str) -> Option<String> {
        let location = destination.location.as_ref()?;
        let is_here = match self.place_of(destination) {
            Place::OurBucket => true,
            Place::Unstated => self.holds(location),
            _ => false,
        };
        is_here.then(|| key_at(location, &self.name, filename))?
    }

    fn elsewhere(&self, storage: OtherStorage) -> Place {
        Place::Elsewhere(Elsewhere {
            storage,
            our_bucket: self.name.clone(),
            our_endpoint: self.endpoint.clone(),
        })
    }

    fn is(&self, upload: &Upload) -> bool {
        let host = match upload.provider {
            Provider::S3 | Provider::AliOss => host_of(&upload.endpoint, &upload.bucket),
            Provider::Gcp => GOOGLE.to_owned(),
            Provider::Azure => return false,
        };
        upload.bucket == self.name && self.hosts.contains(&host)
    }

    /// Whether the address of a file is one in our bucket: by path, or with the bucket as the first label of the host.
    fn holds(&self, location: &Location) -> bool {
        let Location::Address { host, path } = location else {
            return false;
        };
        let by_path = path.split('/').next() == Some(self.name.as_str());
        let by_host = host
            .to_lowercase()
            .starts_with(&format!("{}.", self.name.to_lowercase()));
        // `s3://bucket/key` and `gs://bucket/key` name no host.
        let alone = *host == self.name;
        alone || (by_path || by_host) && self.hosts.contains(&host_of(host, &self.name))
    }
}

/// The host and port of an endpoint in one spelling, without the bucket's name in front of it.
fn host_of(endpoint: &str, bucket: &str) -> String {
    let endpoint = endpoint.trim().to_lowercase();
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("", &endpoint));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let default_port = if scheme == "http" { ":80" } else { ":443" };
    let host = host.strip_suffix(default_port).unwrap_or(host);
    let host = host.trim_end_matches('.');
    let bucket = format!("{}.", bucket.to_lowercase());
    let host = host.strip_prefix(&bucket).unwrap_or(host);
    if host.is_empty() || is_aws_host(host) {
        return AWS.to_owned();
    }
    if let Some(oss) = host.strip_suffix(".aliyuncs.com") {
        let region = oss.strip_prefix("s3.").unwrap_or(oss);
        let region = region.strip_suffix("-internal").unwrap_or(region);
        return format!("{region}.aliyuncs.com");
    }
    for loopback in ["localhost", "[::1]"] {
        if let Some(port) = host.strip_prefix(loopback) {
            return format!("127.0.0.1{port}");
        }
    }
    host.to_owned()
}

/// An endpoint for people: without a password or a query in it.
fn shown(endpoint: &str) -> String {
    let endpoint = endpoint.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = match endpoint.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), endpoint),
    };
    let rest = rest.rsplit('@').next().unwrap_or_default();
    format!("{scheme}{}", rest.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(bucket: &str, endpoint: &str) -> RequestedStorage {
        named(Provider::S3, bucket, endpoint)
    }

    fn named(provider: Provider, bucket: &str, endpoint: &str) -> RequestedStorage {
        RequestedStorage::Named(Upload {
            provider,
            bucket: bucket.into(),
            endpoint: endpoint.into(),
        })
    }

    fn place(ours: &OurBucket, requested: RequestedStorage, location: &str) -> Place {
        ours.place_of(&Destination {
            requested,
            location: Location::parse(location),
            backup_used: false,
        })
    }

    #[test]
    fn one_bucket_has_many_spellings() {
        let r2 = OurBucket::new("calls", &["https://acc.r2.cloudflarestorage.com"]);
        let aws = OurBucket::new("calls", &[]);
        let china = OurBucket::new("calls", &["https://s3.cn-north-1.amazonaws.com.cn"]);
        let google = OurBucket::new("calls", &["https://storage.googleapis.com"]);
        let ali = OurBucket::new("calls", &["https://oss-cn-hangzhou.aliyuncs.com"]);
        let docker = OurBucket::new("calls", &["http://minio:9000", "http://localhost:9000"]);
        let same = [
            (&r2, s3("calls", "https://acc.r2.cloudflarestorage.com/")),
            (&r2, s3("calls", "acc.R2.cloudflarestorage.com:443")),
            (
                &r2,
                s3("calls", "https://calls.acc.r2.cloudflarestorage.com"),
            ),
            (&aws, s3("calls", "")),
            (&aws, s3("calls", "https://s3.eu-central-1.amazonaws.com")),
            (&china, s3("calls", "")),
            (&china, s3("calls", "calls.s3.cn-north-1.amazonaws.com.cn")),
            (&aws, s3("calls", "https://s3.eusc-de-east-1.amazonaws.eu")),
            (&google, named(Provider::Gcp, "calls", "")),
            (
                &ali,
                named(Provider::AliOss, "calls", "oss-cn-hangzhou.aliyuncs.com"),
            ),
            (&docker, s3("calls", "http://minio:9000")),
            (&docker, s3("calls", "http://127.0.0.1:9000")),
        ];
        for (ours, requested) in same {
            assert_eq!(
                place(ours, requested.clone(), ""),
                Place::OurBucket,
                "{requested:?}"
            );
        }
        let others = [
            (&r2, s3("other", "https://acc.r2.cloudflarestorage.com")),
            (&r2, s3("calls", "https://acc.eu.r2.cloudflarestorage.com")),
            (&r2, s3("calls", "")),
            (&aws, s3("calls", "https://minio.example.com")),
            (&aws, named(Provider::Gcp, "calls", "")),
            (&aws, named(Provider::Azure, "calls", "")),
            (&docker, s3("calls", "http://minio:9001")),
        ];
        for (ours, requested) in others {
            let found = place(ours, requested.clone(), "");
            assert!(found.is_elsewhere(), "{requested:?}");
            let note = found.note();
            assert!(note.contains("S3_BUCKET is \"calls\""), "{note}");
        }
    }

    #[test]
    fn without_a_named_storage_the_finished_files_location_decides() {
        let ours = OurBucket::new("calls", &["http://minio:9000"]);
        let there = || RequestedStorage::ConfiguredThere;
        assert_eq!(place(&ours, there(), ""), Place::Unnamed);
        for here in [
            "https://minio:9000/calls/a.mp3",
            "https://calls.minio:9000/a.mp3?X-Amz-Expires=7",
            "https://calls.https://minio:9000/a.mp3",
            "https://calls.http://minio:9000/a.mp3",
            "s3://calls/a.mp3",
        ] {
            assert_eq!(place(&ours, there(), here), Place::OurBucket, "{here}");
            let local = place(&ours, RequestedStorage::LocalPath, here);
            assert_eq!(local, Place::OurBucket, "{here}");
        }
        for elsewhere in ["/out/a.mp3", "https://minio:9000/other/calls/a.mp3"] {
            assert!(place(&ours, there(), elsewhere).is_elsewhere());
        }
        assert!(place(&ours, RequestedStorage::LocalPath, "").is_elsewhere());
    }

    #[test]
    fn a_backup_is_not_our_bucket_unless_its_location_is() {
        let ours = OurBucket::new("calls", &[]);
        let backup = |location| {
            ours.place_of(&Destination {
                requested: s3("calls", ""),
                location: Location::parse(location),
                backup_used: true,
            })
        };
        assert!(backup("https://backup.livekit.cloud/x").is_elsewhere());
        let here = backup("https://calls.s3.eu-central-1.amazonaws.com/a.mp3");
        assert_eq!(here, Place::OurBucket);
    }

    #[test]
    fn no_password_is_shown() {
        let other = s3("other", "https://user:secret@minio.example.com/?key=secret");
        let note = place(&OurBucket::new("calls", &[]), other, "").note();
        assert!(!note.contains("secret"), "{note}");
        assert!(
            note.contains("(endpoint https://minio.example.com)"),
            "{note}"
        );
    }
}
