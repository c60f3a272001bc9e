//! Listens to a recording while it is fetched, on a thread of the lowest priority.

use std::{panic::AssertUnwindSafe, thread};

use tokio::sync::{mpsc, oneshot};

use crate::{
    domain::{
        Waveform,
        alignment::{Aligned, Said, align},
    },
    sound::{Listener, Listening},
    storage::{self, ObjectBody},
};

/// Pieces that wait for the thread; a slow one slows the download down.
const WAITING: usize = 4;
/// The lowest priority.
const NICE: i32 = 19;

/// What was found in a recording.
pub(super) struct Heard {
    /// Where its words are.
    pub aligned: Aligned,
    /// `None`: it was not heard to its end.
    pub waveform: Option<Waveform>,
}

/// Why a recording was not listened to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// Of the system, or a bug of the decoder.
    #[error("the thread that listens could not be started, or panicked")]
    Thread,
}

impl Error {
    /// Whether another attempt may succeed.
    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self,
            Error::Storage(
                storage::Error::Away { .. } | storage::Error::Expired | storage::Error::Key(_)
            )
        )
    }
}

/// Fetches the recording and finds what was said in it. When this is dropped, the thread ends.
pub(super) async fn listen(mut body: ObjectBody, said: Said) -> Result<Heard, Error> {
    let (pieces, mut arriving) = mpsc::channel::<Vec<u8>>(WAITING);
    let (result, heard) = oneshot::channel();
    let work = move || {
        lower_priority();
        let work = AssertUnwindSafe(|| hear(&mut arriving, &said));
        if let Ok(Some(heard)) = std::panic::catch_unwind(work) {
            result.send(heard).ok();
        }
    };
    let thread = thread::Builder::new().name("alignment".into());
    thread.spawn(work).map_err(|_| Error::Thread)?;
    while let Some(piece) = body.next().await? {
        // The thread has heard enough, or has panicked.
        if pieces.send(piece.as_ref().to_vec()).await.is_err() {
            break;
        }
    }
    pieces.send(Vec::new()).await.ok();
    drop(pieces);
    heard.await.map_err(|_| Error::Thread)
}

/// The end is an empty piece; without it, nobody waits for the result any more.
fn hear(arriving: &mut mpsc::Receiver<Vec<u8>>, said: &Said) -> Option<Heard> {
    let mut listener = Listener::default();
    loop {
        let piece = arriving.blocking_recv()?;
        let is_end = piece.is_empty();
        if is_end || listener.hear(&piece) == Listening::Enough {
            arriving.close();
            let levels = listener.finish();
            return Some(Heard {
                aligned: align(&levels, said),
                waveform: is_end.then(|| Waveform::of(&levels)),
            });
        }
    }
}

/// On other systems, the priority is that of the whole process.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    rustix::process::nice(NICE).ok();
}
