//! The TLS cryptography of this process.

/// Installs ring for rustls, which needs to know its cryptography before the first client is built. The stand-ins do it when they
/// start; a second call changes nothing.
pub fn install_crypto() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}
