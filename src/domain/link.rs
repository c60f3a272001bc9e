//! Links for people: presigned URLs, or permanent links that this service redirects.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::hex::hex;

/// The lifetime of URLs, and whether permanent links exist.
#[derive(Clone)]
pub struct LinkRules {
    /// PUBLIC_URL, without a slash at its end.
    pub public_url: Option<String>,
    /// LINK_SECRET
    pub secret: SecretString,
    /// RECORDING_URL_TTL
    pub ttl: Duration,
    /// RECORDING_URL_REFRESH
    pub refresh: Duration,
}

/// The target of a permanent link.
#[derive(Debug, Clone, Copy)]
pub enum Linked<'a> {
    /// By egress ID.
    Recording(&'a str),
    /// The full text of a call's long transcript, by call ID.
    Transcript(&'a str),
}

impl LinkRules {
    /// `PUBLIC_URL/r/{egress_id}/{signature}`, or `PUBLIC_URL/r/{call_id}/transcript/{signature}`, if PUBLIC_URL is
    /// set.
    pub fn permanent(&self, linked: Linked<'_>) -> Option<String> {
        let base = self.public_url.as_ref()?;
        let signature = self.sign(linked);
        Some(match linked {
            Linked::Recording(id) => format!("{base}/r/{id}/{signature}"),
            Linked::Transcript(id) => format!("{base}/r/{id}/transcript/{signature}"),
        })
    }

    /// The signature of a permanent link: HMAC-SHA256 of its target, 32 hex digits.
    pub fn sign(&self, linked: Linked<'_>) -> String {
        let tag = self.mac(linked).finalize().into_bytes();
        hex(&tag[..16])
    }

    /// In constant time.
    pub fn verify(&self, linked: Linked<'_>, signature: &str) -> bool {
        let expected = self.sign(linked);
        subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), signature.as_bytes()).into()
    }

    /// A signature for one kind of link is not valid for another.
    fn mac(&self, linked: Linked<'_>) -> Hmac<Sha256> {
        // HMAC accepts keys of any length.
        let secret = self.secret.expose_secret().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length is a key");
        let (kind, id) = match linked {
            Linked::Recording(id) => ("recording:", id),
            Linked::Transcript(id) => ("transcript:", id),
        };
        mac.update(kind.as_bytes());
        mac.update(id.as_bytes());
        mac
    }
}
