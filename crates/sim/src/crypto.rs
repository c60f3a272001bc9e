//! The TLS cryptography of this process.

/// Installs ring for rustls, which needs to know its cryptography before the first client is built. The stand-ins do it when they
/// start; a second call changes nothing.
pub fn install_crypto() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}

/// Why no HTTP client can be made: minimal systems lack certificates.
pub(crate) fn no_client(error: reqwest::Error) -> std::io::Error {
    let advice = "this machine's CA certificates cannot be read: install them (Debian, Ubuntu: apt-get install ca-certificates), or name a file of certificates in SSL_CERT_FILE";
    std::io::Error::other(format!("{advice}: {error}"))
}
