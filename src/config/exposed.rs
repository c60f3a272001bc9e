//! Files with secrets that other users of the machine can read.

use std::path::{Path, PathBuf};

use super::Source;

/// The variables whose value is a secret, or may contain one.
const SECRETS: [&str; 14] = [
    "LIVEKIT_API_SECRET",
    "LIVEKIT_WEBHOOK_KEYS",
    "S3_SECRET_KEY",
    "S3_SESSION_TOKEN",
    "S3_EGRESS_SECRET_KEY",
    "AIRTABLE_TOKEN",
    "API_TOKEN",
    "LINK_SECRET",
    "LINK_SECRETS_BEFORE",
    "EGRESS_WEBHOOK_URL",
    "EGRESS_WEBHOOK_SECRET",
    "ALERT_WEBHOOK_URL",
    "DATABASE_URL",
    "HTTPS_PROXY",
];

impl Source {
    /// The files that values were read from (`.env`, and those of `NAME_FILE`) and that others may read.
    pub fn exposed_files(&self) -> Vec<PathBuf> {
        let named = SECRETS.iter().filter_map(|name| self.file_of(name));
        let all = self.dotenv_files().iter().cloned().chain(named);
        // systemd protects its credentials with an access control list, which looks like permissions of the group.
        let credentials = self.credentials();
        let is_credential = |path: &Path| credentials.iter().any(|it| path.starts_with(it));
        all.filter(|path| is_exposed(path) && !is_credential(path))
            .collect()
    }
}

/// Whether the group or others have any access.
#[cfg(unix)]
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let file = std::fs::metadata(path);
    file.is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_exposed(_path: &Path) -> bool {
    false
}
