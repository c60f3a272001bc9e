//! A file with its hash and its compressed form.

use std::{io::Write, sync::OnceLock};

use axum::body::Bytes;
use flate2::{Compression, write::GzEncoder};

use crate::domain::sha256;

/// Hex digits of the hash in the address.
const DIGITS: usize = 16;

/// A file that pages load.
pub(in crate::http) struct Asset {
    /// The last part of its address.
    pub name: &'static str,
    /// The header `Content-Type`.
    pub content_type: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
    made: OnceLock<Made>,
}

/// What is made of the content once.
struct Made {
    hash: String,
    gzip: Bytes,
}

impl Asset {
    /// A style sheet.
    pub(super) const fn css(name: &'static str, bytes: &'static [u8]) -> Asset {
        Asset::new(name, "text/css; charset=utf-8", bytes)
    }

    /// A script.
    pub(super) const fn script(name: &'static str, bytes: &'static [u8]) -> Asset {
        Asset::new(name, "text/javascript; charset=utf-8", bytes)
    }

    const fn new(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
        Asset {
            name,
            content_type,
            bytes,
            made: OnceLock::new(),
        }
    }

    /// Its address from the root of the service, without a slash at the beginning: `assets/0123456789abcdef/app.css`.
    pub(in crate::http) fn path(&self) -> String {
        format!("assets/{}/{}", self.hash(), self.name)
    }

    /// Of its content.
    pub(super) fn hash(&self) -> &str {
        &self.made().hash
    }

    /// Its content as gzip.
    pub(super) fn gzip(&self) -> Bytes {
        self.made().gzip.clone()
    }

    fn made(&self) -> &Made {
        self.made.get_or_init(|| {
            let mut hash = sha256(self.bytes);
            hash.truncate(DIGITS);
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            // Nothing fails that is written into memory.
            encoder.write_all(self.bytes).ok();
            let gzip = encoder.finish().unwrap_or_default().into();
            Made { hash, gzip }
        })
    }
}
