//! What agents upload: the spool, and the job that empties it.

use std::{path::PathBuf, sync::Arc};

use crate::{
    config::Config,
    http::Uploads,
    pipeline::{
        Runner,
        agent_audio::{AgentAudioConfig, AgentAudioJob},
    },
    spool::{self, Spool},
    storage,
    store::{Store, free_bytes, sqlite_file},
};

/// Beside the file of a SQLite database, whose name it begins with.
const SUFFIX: &str = "agent-audio";
/// With PostgreSQL, in the working directory.
const NAME: &str = "livekit-airtable";

/// Starts the job, and returns what requests need.
pub(super) fn start(
    config: &Config,
    store: &Store,
    runner: &Runner,
    storage: &storage::Client,
) -> Uploads {
    let settings = &config.uploads;
    let folder = settings.folder.clone();
    let spool = Spool::new(spool::Config {
        folder: folder.unwrap_or_else(|| beside(&config.database_url)),
        file_bytes: settings.audio_bytes,
        total_bytes: settings.total_bytes,
        free: free_bytes,
    });
    if let Err(error) = spool.prepare() {
        tracing::warn!(%error, "AGENT_AUDIO_DIR: the folder is not writable; agents' uploads are refused until it is");
    }
    runner.spawn(Arc::new(AgentAudioJob::new(
        AgentAudioConfig {
            mode: settings.audio,
            path: config.recording.path.clone(),
        },
        store.clone(),
        spool.clone(),
        storage.clone(),
        runner.wake.clone(),
    )));
    Uploads::new(settings.audio, settings.audio_bytes, spool)
}

/// The folder without AGENT_AUDIO_DIR.
fn beside(database_url: &str) -> PathBuf {
    let name = sqlite_file(database_url);
    let name = name.unwrap_or_else(|| NAME.to_owned());
    PathBuf::from(format!("{name}.{SUFFIX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_has_a_folder_of_its_own() {
        let folder = |url| beside(url).display().to_string();
        assert_eq!(
            folder("sqlite:/data/calls.db"),
            "/data/calls.db.agent-audio"
        );
        assert_eq!(
            folder("postgres://db/calls"),
            "livekit-airtable.agent-audio"
        );
    }
}
