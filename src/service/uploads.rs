//! What agents upload: the spool, and the job that empties it.

use std::{path::PathBuf, sync::Arc};

use crate::{
    config::{Config, UploadSettings},
    forward::{self, Forwarder},
    http::Uploads,
    pipeline::{
        Runner,
        agent_audio::{AgentAudioConfig, AgentAudioJob},
    },
    spool::{self, Spool},
    storage,
    store::{Store, free_bytes, sqlite_file},
    telemetry,
};

/// Beside the file of a SQLite database, whose name it begins with.
const SUFFIX: &str = "agent-audio";
/// With PostgreSQL, in the working directory.
const NAME: &str = "livekit-airtable";

/// The folder in that of agents' audio with what is sent on.
const FORWARD: &str = "forward";
/// Bytes of an upload beside its audio.
const BESIDE_AUDIO: u64 = 64 << 20;

/// Starts the job, and returns what requests need.
///
/// # Errors
/// When the machine's certificates cannot be read.
pub(super) fn start(
    config: &Config,
    store: &Store,
    runner: &Runner,
    storage: &storage::Client,
) -> anyhow::Result<Uploads> {
    let settings = &config.uploads;
    let folder = settings.folder.clone();
    let folder = folder.unwrap_or_else(|| beside(&config.database_url));
    let spool = Spool::new(spool::Config {
        folder: folder.clone(),
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
    let forwarder = forwarder(settings, folder.join(FORWARD), runner)?;
    let stop = runner.stop.clone();
    Ok(Uploads::new(
        settings.audio,
        settings.audio_bytes,
        spool,
        forwarder,
        stop,
    ))
}

/// What sends uploads on, with LIVEKIT_OBSERVABILITY_FORWARD.
fn forwarder(
    settings: &UploadSettings,
    folder: PathBuf,
    runner: &Runner,
) -> anyhow::Result<Option<Forwarder>> {
    let Some(base) = settings.forward_to.clone() else {
        return Ok(None);
    };
    let spool = Spool::new(spool::Config {
        folder,
        file_bytes: settings.audio_bytes.saturating_add(BESIDE_AUDIO),
        total_bytes: settings.total_bytes.saturating_add(BESIDE_AUDIO),
        free: free_bytes,
    });
    if let Err(error) = spool.prepare() {
        tracing::warn!(%error, "AGENT_AUDIO_DIR: the folder is not writable; agents' uploads are not forwarded until it is");
    }
    let config = forward::Config {
        base,
        spool,
        tasks: runner.tasks.clone(),
        stop: runner.stop.clone(),
    };
    Ok(Some(Forwarder::new(config, telemetry::http_client()?)))
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
