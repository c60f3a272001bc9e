//! Decides which bodies are received, before and while they arrive: none of a sender that asks too often, and no more in
//! all than the memory has room for.

use std::{
    hash::{BuildHasher, Hash},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    http::StatusCode,
};
use futures_util::StreamExt;
use governor::{DefaultKeyedRateLimiter, Quota};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::{Instant, timeout, timeout_at},
};

use super::error::Problem;
use crate::{
    livekit::token::Grants,
    store::{LARGE, LargeBodies, Turn},
};

/// Bytes of all bodies together that are not large.
const SMALL_BODIES: usize = 32 << 20;
/// How long a large body may stand still, once it is its turn.
const LARGE_PAUSE: Duration = Duration::from_secs(5);
/// Bytes per second of a large body on average, beyond the pause.
const LARGE_PACE: usize = 256 << 10;
/// How long a large transcript waits for others to be loaded and sent.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Requests of one LiveKit token that may come at once, and how many more each second.
const TOKEN_BURST: u32 = 60;
const TOKEN_RATE: u32 = 20;
/// Bytes of reports that one token may send in an hour.
const TOKEN_BYTES: u32 = 256 << 20;
/// Requests in progress for metrics and details, which ask the database.
const WATCHERS: usize = 16;
/// Tokens that are remembered before those that may send again are forgotten.
const MANY_TOKENS: usize = 10_000;

/// The room that there is for requests.
pub struct Admission {
    /// Requests in progress, webhooks and monitoring aside.
    places: Semaphore,
    /// Requests of monitoring in progress that ask the database.
    watchers: Semaphore,
    /// Bytes of the bodies that are not large.
    small: Semaphore,
    /// One permit: whoever has it receives a large body.
    large: Semaphore,
    /// One permit: transcripts that are not large are parsed one at a time.
    parsing: Semaphore,
    /// Whose turn it is to parse a large one. Intake parses it, too.
    large_bodies: LargeBodies,
    /// One permit: whoever has it sends a large transcript.
    answers: Arc<Semaphore>,
    /// Requests by the hash of key, identity and room of a LiveKit token.
    tokens: DefaultKeyedRateLimiter<u64>,
    /// Bytes of reports by the hash of a token's name, or of identity and room.
    bytes: DefaultKeyedRateLimiter<u64>,
    hasher: std::hash::RandomState,
}

/// A body that has arrived, and its place in memory.
pub(super) struct Received<'a> {
    /// The body.
    pub bytes: Bytes,
    /// Held until the body is no longer needed.
    _memory: Memory<'a>,
}

/// The turn to parse a transcript.
pub(super) struct Parsing<'a> {
    _small: Option<SemaphorePermit<'a>>,
    turn: Turn,
}

impl Parsing<'_> {
    /// Does a part of it.
    pub(super) fn work<T>(&self, work: impl FnOnce() -> T) -> T {
        self.turn.work(work)
    }

    /// The next one that is not large may be parsed. The turn of a large one goes on.
    pub(super) fn end_small(self) -> Turn {
        self.turn
    }
}

enum Memory<'a> {
    None,
    Small(SemaphorePermit<'a>),
    Large {
        _turn: SemaphorePermit<'a>,
        since: Instant,
    },
}

impl Admission {
    /// For a server of this many connections. Half of them are left for webhooks and monitoring. `large_bodies` is the
    /// store's.
    pub fn new(connections: usize, large_bodies: LargeBodies) -> Admission {
        let [rate, burst, bytes] = [TOKEN_RATE, TOKEN_BURST, TOKEN_BYTES]
            .map(|n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN));
        Admission {
            places: Semaphore::new(connections.div_ceil(2)),
            watchers: Semaphore::new(WATCHERS),
            small: Semaphore::new(SMALL_BODIES),
            large: Semaphore::new(1),
            parsing: Semaphore::new(1),
            large_bodies,
            answers: Arc::new(Semaphore::new(1)),
            tokens: DefaultKeyedRateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
            bytes: DefaultKeyedRateLimiter::keyed(Quota::per_hour(bytes)),
            hasher: Default::default(),
        }
    }

    /// A place for one request that is no webhook; 503 if all are taken.
    pub(super) fn place(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let place = self.places.try_acquire();
        place.map_err(|_| Problem::unavailable("too many requests at once; retry this one"))
    }

    /// A place for a request of monitoring that asks the database; 503 if all are taken: a connection whose request waits
    /// for us cannot be closed for a webhook.
    pub(super) fn watch(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let place = self.watchers.try_acquire();
        place.map_err(|_| Problem::unavailable("too many requests at once; retry this one"))
    }

    /// 429 if too many requests were sent with LiveKit tokens of this API key, identity and room.
    pub(super) fn check_rate(&self, key: &str, grants: &Grants) -> Result<(), Problem> {
        let key = self.key(&self.tokens, &(key, &grants.identity, &grants.room));
        self.tokens.check_key(&key).map_err(|_| {
            let detail = format!(
                "too many requests with this token: at most {TOKEN_BURST} at once, and {TOKEN_RATE} per second after that"
            );
            Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
        })
    }

    /// 429 if this sender has sent too many bytes in the last hour. Otherwise these count.
    pub(super) fn charge(&self, sender: &impl Hash, bytes: usize) -> Result<(), Problem> {
        let Some(bytes) = u32::try_from(bytes).ok().and_then(NonZeroU32::new) else {
            return Ok(());
        };
        let key = self.key(&self.bytes, sender);
        match self.bytes.check_key_n(&key, bytes) {
            Ok(Ok(())) => Ok(()),
            _ => Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "too many bytes with this token: at most {} MiB an hour",
                    TOKEN_BYTES >> 20
                ),
            )),
        }
    }

    /// A sender's key in a limiter, which forgets others when it knows many.
    fn key(&self, limiter: &DefaultKeyedRateLimiter<u64>, sender: &impl Hash) -> u64 {
        if limiter.len() > MANY_TOKENS {
            limiter.retain_recent();
        }
        self.hasher.hash_one(sender)
    }

    /// Waits until a transcript made of so many bytes may be loaded and sent: large ones one at a time. 503 if another one
    /// takes too long.
    pub(super) async fn answer(
        &self,
        bytes: usize,
    ) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        if bytes <= LARGE {
            return Ok(None);
        }
        let place = timeout(ANSWER_TIMEOUT, self.answers.clone().acquire_owned()).await;
        let busy = || Problem::unavailable("another large transcript is being read; retry");
        place.ok().and_then(Result::ok).map(Some).ok_or_else(busy)
    }

    /// Waits until a transcript of so many bytes may be parsed.
    pub(super) async fn parsing(&self, bytes: usize) -> Parsing<'_> {
        let turn = self.large_bodies.turn(&[bytes]).await;
        let small = match bytes > LARGE {
            true => None,
            false => self.parsing.acquire().await.ok(),
        };
        Parsing {
            _small: small,
            turn,
        }
    }

    /// Receives a body of at most `limit` bytes. `too_large` names the limit, for people.
    pub(super) async fn receive(
        &self,
        body: Body,
        limit: usize,
        too_large: &str,
    ) -> Result<Received<'_>, Problem> {
        let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, too_large);
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > limit {
            return Err(too_large());
        }
        let (mut frames, mut memory, mut bytes) =
            (body.into_data_stream(), Memory::None, Vec::new());
        while let Some(frame) = memory.next(&mut frames, bytes.len()).await? {
            let length = bytes.len() + frame.len();
            if length > limit {
                return Err(too_large());
            }
            memory = self.grow(memory, length, frame.len()).await?;
            if matches!(memory, Memory::Large { .. }) && bytes.capacity() < announced {
                // Doubling its capacity step by step would need twice the memory.
                bytes.reserve_exact(announced - bytes.len());
            }
            bytes.extend_from_slice(&frame);
        }
        Ok(Received {
            bytes: bytes.into(),
            _memory: memory,
        })
    }

    /// Memory for a body of `length` bytes, of which `more` are new.
    async fn grow<'a>(
        &'a self,
        memory: Memory<'a>,
        length: usize,
        more: usize,
    ) -> Result<Memory<'a>, Problem> {
        if let Memory::Large { .. } = memory {
            return Ok(memory);
        }
        if length > LARGE {
            let turn = self.large.acquire().await;
            return turn
                .map(|turn| Memory::Large {
                    _turn: turn,
                    since: Instant::now(),
                })
                .map_err(|_| Problem::unavailable("the service is stopping"));
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let taken = self.small.try_acquire_many(more);
        let taken =
            taken.map_err(|_| Problem::unavailable("too many bodies at once; retry this one"))?;
        Ok(Memory::Small(match memory {
            Memory::Small(mut held) => {
                held.merge(taken);
                held
            }
            Memory::None | Memory::Large { .. } => taken,
        }))
    }
}

impl Memory<'_> {
    /// The next part of a body of which `received` bytes have come. A large one must keep up, for others wait for it.
    async fn next(
        &self,
        frames: &mut BodyDataStream,
        received: usize,
    ) -> Result<Option<Bytes>, Problem> {
        let next = match self {
            Memory::None | Memory::Small(_) => frames.next().await,
            Memory::Large { since, .. } => {
                let due = *since
                    + LARGE_PAUSE
                    + Duration::from_secs_f64(received as f64 / LARGE_PACE as f64);
                timeout_at(due, frames.next())
                    .await
                    .map_err(|_| Problem::incomplete())?
            }
        };
        next.transpose().map_err(|_| Problem::incomplete())
    }
}
