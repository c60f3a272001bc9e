//! Links that people click: presigned URLs, or permanent ones that this service redirects.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How long URLs live, and whether there are permanent ones.
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

impl LinkRules {
    /// `PUBLIC_URL/r/{egress_id}/{signature}`, when there is a PUBLIC_URL.
    pub fn permanent(&self, egress_id: &str) -> Option<String> {
        let base = self.public_url.as_ref()?;
        Some(format!("{base}/r/{egress_id}/{}", self.sign(egress_id)))
    }

    /// The signature of a permanent link: HMAC-SHA256 of the egress id, 32 hex digits.
    pub fn sign(&self, egress_id: &str) -> String {
        let tag = self.mac(egress_id).finalize().into_bytes();
        super::hex(&tag[..16])
    }

    /// In constant time.
    pub fn verify(&self, egress_id: &str, signature: &str) -> bool {
        let expected = self.sign(egress_id);
        subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), signature.as_bytes()).into()
    }

    fn mac(&self, egress_id: &str) -> Hmac<Sha256> {
        // HMAC takes keys of any length.
        let secret = self.secret.expose_secret().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length is a key");
        mac.update(b"recording:");
        mac.update(egress_id.as_bytes());
        mac
    }
}
