//! Whose the keys of LIVEKIT_WEBHOOK_KEYS are: a key that LIVEKIT_URL accepts, or that was LIVEKIT_API_KEY, is of our
//! project. The answers are stored, for starts without LiveKit. Until there is one, a key opens nothing, and its webhooks and
//! reports wait in the inbox.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{Job, RunsIn, Wake};
use crate::{
    domain::{SigningKey, Standing},
    livekit::{
        client::{Client, Error},
        token::{Keys, fingerprint},
    },
    store::Store,
    telemetry::LogThrottle,
};

/// How soon LIVEKIT_URL is asked again that did not answer.
const AGAIN: Duration = Duration::from_secs(5);
/// How soon messages are looked for that came while their key was being decided.
const LATECOMERS: Duration = Duration::from_secs(60);

/// A listed key, and LiveKit's API with it.
pub struct ListedKey {
    pub key: SigningKey,
    pub client: Client,
}

/// Finds out whose the listed keys are.
pub struct LiveKitKeys {
    keys: Keys,
    /// LIVEKIT_API_KEY
    main: SigningKey,
    /// LiveKit's API with LIVEKIT_API_KEY.
    client: Client,
    /// Keys of LIVEKIT_WEBHOOK_KEYS, but those for webhooks alone.
    listed: Vec<ListedKey>,
    store: Store,
    wake: Arc<Wake>,
    /// Fingerprints of the keys that need no answer any more.
    answered: Mutex<BTreeSet<String>>,
    log: LogThrottle,
}

impl LiveKitKeys {
    /// `main` is LIVEKIT_API_KEY, `client` LiveKit's API with it.
    pub fn new(
        keys: Keys,
        (main, client): (SigningKey, Client),
        listed: Vec<ListedKey>,
        store: Store,
        wake: Arc<Wake>,
    ) -> LiveKitKeys {
        LiveKitKeys {
            keys,
            main,
            client,
            listed,
            store,
            wake,
            answered: Mutex::default(),
            log: LogThrottle::default(),
        }
    }

    /// Reads what is known of the keys, without asking LiveKit, and remembers LIVEKIT_API_KEY.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn recall(&self, now: Timestamp) -> anyhow::Result<()> {
        let main = (was_main(&fingerprint(&self.main)), &self.main.name);
        let noted = self.store.note_key((&main.0, main.1), &Standing::Ours, now);
        noted.await?;
        let fingerprints: Vec<String> = self.fingerprints().collect();
        let ids = fingerprints
            .iter()
            .flat_map(|key| [was_main(key), answer_to(key)]);
        let noted = self.store.noted_keys(&ids.collect::<Vec<_>>()).await?;
        for key in fingerprints {
            if noted.contains_key(&was_main(&key)) {
                self.keys.decide(&key, &Standing::Ours);
                self.lock().insert(key);
            } else if let Some(answer) = noted.get(&answer_to(&key)) {
                self.keys.decide(&key, answer);
            }
        }
        Ok(())
    }

    fn fingerprints(&self) -> impl Iterator<Item = String> {
        self.listed.iter().map(|listed| fingerprint(&listed.key))
    }

    /// Asks LIVEKIT_URL about the keys that it has not answered to since this process began.
    async fn ask(&self, now: Timestamp) -> anyhow::Result<()> {
        let unanswered: Vec<(String, &ListedKey)> = self
            .fingerprints()
            .zip(&self.listed)
            .filter(|(key, _)| !self.lock().contains(key))
            .collect();
        if unanswered.is_empty() {
            return Ok(());
        }
        // If LiveKit refuses our own key as well, it is the clock, or something that answers in its place.
        let (main, answers) = tokio::join!(
            self.client.rooms(&[]),
            join_all(unanswered.iter().map(|(_, it)| it.client.rooms(&[])))
        );
        for ((key, listed), answer) in unanswered.iter().zip(answers) {
            match standing(answer.map(drop), main.is_ok()) {
                Some(standing) => self.decided(key, &listed.key.name, standing, now).await?,
                None => self.log_unanswered(&listed.key.name),
            }
        }
        Ok(())
    }

    async fn decided(
        &self,
        key: &str,
        name: &str,
        standing: Standing,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let id = answer_to(key);
        self.store.note_key((&id, name), &standing, now).await?;
        self.keys.decide(key, &standing);
        self.lock().insert(key.to_owned());
        match standing {
            Standing::Ours => tracing::info!(
                key = name,
                "LIVEKIT_URL accepts this key of LIVEKIT_WEBHOOK_KEYS: it is of our project"
            ),
            _ => tracing::info!(
                key = name,
                "LIVEKIT_URL does not accept this key of LIVEKIT_WEBHOOK_KEYS: it is another project's and acts on that project's calls only; for an earlier key of ours write key:secret:webhooks"
            ),
        }
        Ok(())
    }

    fn log_unanswered(&self, name: &str) {
        if let Some(suppressed) = self.log.should_log(name) {
            tracing::warn!(
                key = name,
                suppressed,
                "LIVEKIT_URL did not say whether it accepts this key of LIVEKIT_WEBHOOK_KEYS; if no earlier answer is stored, its webhooks wait and it opens nothing; retrying"
            );
        }
    }

    /// Has the messages processed that came before their key was decided.
    async fn release(&self) -> anyhow::Result<()> {
        let fingerprints: BTreeSet<String> = self.fingerprints().collect();
        for key in fingerprints {
            let Some(standing) = self.keys.standing(&key) else {
                continue;
            };
            if matches!(standing, Standing::Undecided(_)) {
                continue;
            }
            let decided = self.store.decide_messages(&key, &standing).await?;
            if decided > 0 {
                self.wake.intake.notify_one();
            }
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job for LiveKitKeys {
    fn name(&self) -> &'static str {
        "livekit_keys"
    }

    fn wake_on<'a>(&self, _: &'a Wake) -> Option<&'a Notify> {
        None
    }

    fn runs_in(&self) -> RunsIn {
        // Each process has its own memory of the keys.
        RunsIn::Each
    }

    fn every(&self) -> Duration {
        let answered = self.lock();
        match self.fingerprints().all(|key| answered.contains(&key)) {
            true => LATECOMERS,
            false => AGAIN,
        }
    }

    async fn step(&self, now: Timestamp) -> anyhow::Result<bool> {
        self.ask(now).await?;
        self.release().await?;
        Ok(false)
    }
}

/// Names a key that is or was LIVEKIT_API_KEY.
fn was_main(key: &str) -> String {
    format!("main:{key}")
}

/// Names LIVEKIT_URL's last answer to a key. It holds when LiveKit gets another address.
fn answer_to(key: &str) -> String {
    format!("listed:{key}")
}

/// What an answer means; `None`: nothing.
fn standing(answer: Result<(), Error>, main_is_accepted: bool) -> Option<Standing> {
    match answer {
        Ok(()) => Some(Standing::Ours),
        Err(error) if error.is_denied() && main_is_accepted => Some(Standing::Other),
        Err(_) => None,
    }
}
