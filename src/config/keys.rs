//! The bucket's keys: S3_ACCESS_KEY, S3_SECRET_KEY, S3_SESSION_TOKEN, S3_EGRESS_ACCESS_KEY, S3_EGRESS_SECRET_KEY.
//!
//! Temporary credentials are replaced in their files while the service runs.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::{Reader, source::read_file};
use crate::domain::{KeyLookup, KeyUnreadable, StorageKey};

/// A part of a key: a fixed value, or a file that is read again for each use.
#[derive(Clone)]
struct Part {
    name: &'static str,
    value: SecretString,
    file: Option<PathBuf>,
}

impl Part {
    fn read(r: &mut Reader<'_>, name: &'static str, expected: &str) -> Option<Part> {
        let (value, file) = r.renewable(name, expected)?;
        if value.expose_secret().contains(char::is_whitespace) {
            r.refuse(
                name,
                format!("has a blank or a line break inside, expected {expected}"),
            );
        }
        Some(Part { name, value, file })
    }

    fn required(r: &mut Reader<'_>, name: &'static str, expected: &str) -> Part {
        Part::read(r, name, expected).unwrap_or_else(|| {
            r.refuse_missing(name, expected);
            Part {
                name,
                value: SecretString::default(),
                file: None,
            }
        })
    }

    fn get(&self) -> Result<SecretString, KeyUnreadable> {
        let Some(file) = &self.file else {
            return Ok(self.value.clone());
        };
        let (name, path) = (self.name, file.display());
        let text = read_file(file);
        text.map(SecretString::from)
            .map_err(|why| KeyUnreadable(format!("{name}_FILE={path} {why}")))
    }
}

fn lookup(access: Part, secret: Part, token: Option<Part>) -> KeyLookup {
    KeyLookup::new(move || {
        Ok(StorageKey {
            access_key: access.get()?.expose_secret().to_owned(),
            secret_key: secret.get()?,
            session_token: token.as_ref().map(Part::get).transpose()?,
        })
    })
}

/// The key that the service reads the bucket with.
pub(super) fn own(r: &mut Reader<'_>) -> KeyLookup {
    let access = Part::required(r, "S3_ACCESS_KEY", "the storage's access key ID");
    let secret = Part::required(r, "S3_SECRET_KEY", "the storage's secret access key");
    let token = Part::read(r, "S3_SESSION_TOKEN", "the token of temporary credentials");
    lookup(access, secret, token)
}

/// The separate key that LiveKit uploads with; `None`: the service's own.
pub(super) fn egress(r: &mut Reader<'_>) -> Option<KeyLookup> {
    const NAMES: [&str; 2] = ["S3_EGRESS_ACCESS_KEY", "S3_EGRESS_SECRET_KEY"];
    let expected = "a key that may write to the bucket, with its secret in S3_EGRESS_SECRET_KEY, or neither of them";
    let parts = NAMES.map(|name| Part::read(r, name, expected));
    match parts {
        [Some(access), Some(secret)] => Some(lookup(access, secret, None)),
        [None, None] => None,
        [access, _] => {
            let missing = NAMES[usize::from(access.is_some())];
            r.refuse_missing(missing, expected);
            None
        }
    }
}
