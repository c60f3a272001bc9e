//! A body that may be compressed with gzip, decompressed as it arrives.

use std::io::{self, Write};

use axum::{BoxError, body::Bytes};
use flate2::write::MultiGzDecoder;
use futures_util::{Stream, StreamExt, stream};

const GZIP: &[u8] = b"\x1F\x8B";
/// Bytes that are decompressed at once: they become at most a thousand times as many.
const STEP: usize = 1 << 10;

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The connection broke, or was too slow.
    #[error("the body is incomplete")]
    Incomplete,
    /// It is not what its encoding says.
    #[error("the gzip data is damaged")]
    Damaged,
    /// A part does not begin, or its headers do not end.
    #[error("a part has too many headers")]
    Headers,
    /// It has more bytes than anybody may send.
    #[error("the body is too large")]
    TooLarge,
}

/// The bytes of a body, decompressed if they are compressed, whatever its header says: proxies change one without the other. At most
/// `limit` of them.
pub(super) fn inflated(
    plain: impl Stream<Item = Result<Bytes, axum::Error>> + Send + 'static,
    limit: u64,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let plain = plain.fuse();
    let reader = Reader {
        plain: Box::pin(plain),
        decoder: None,
        pending: Bytes::new(),
        started: false,
        left: limit,
    };
    stream::try_unfold(reader, |mut reader| async move {
        let next = reader.next().await.map_err(BoxError::from)?;
        Ok(next.map(|bytes| (bytes, reader)))
    })
}

type Frames = std::pin::Pin<Box<dyn Stream<Item = Result<Bytes, axum::Error>> + Send>>;

struct Reader {
    plain: Frames,
    /// For a compressed body, once its first bytes have come.
    decoder: Option<MultiGzDecoder<Vec<u8>>>,
    /// Compressed bytes that have come.
    pending: Bytes,
    started: bool,
    /// How many bytes may still come out.
    left: u64,
}

impl Reader {
    /// The next bytes that are not empty; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let bytes = match self.pending.is_empty() {
                false => Some(self.step()?),
                true => match self.plain.next().await {
                    Some(Err(_)) => return Err(BodyError::Incomplete),
                    Some(Ok(frame)) => Some(self.arrived(frame)?),
                    None => self.end()?,
                },
            };
            let Some(bytes) = bytes else {
                return Ok(None);
            };
            let left = self.left.checked_sub(bytes.len() as u64);
            self.left = left.ok_or(BodyError::TooLarge)?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    fn arrived(&mut self, frame: Bytes) -> Result<Bytes, BodyError> {
        if !self.started && !frame.is_empty() {
            self.started = true;
            self.decoder = frame
                .starts_with(&GZIP[..GZIP.len().min(frame.len())])
                .then(|| MultiGzDecoder::new(Vec::new()));
        }
        match self.decoder {
            None => Ok(frame),
            Some(_) => {
                self.pending = frame;
                self.step()
            }
        }
    }

    /// Decompresses a part of what has come.
    fn step(&mut self) -> Result<Bytes, BodyError> {
        let some = self.pending.split_to(STEP.min(self.pending.len()));
        let Some(decoder) = &mut self.decoder else {
            return Ok(some);
        };
        decoder.write_all(&some).map_err(damaged)?;
        Ok(std::mem::take(decoder.get_mut()).into())
    }

    fn end(&mut self) -> Result<Option<Bytes>, BodyError> {
        let Some(decoder) = self.decoder.take() else {
            return Ok(None);
        };
        // What is wrong at the end is that there should be more.
        let rest = decoder.finish().map_err(|_| BodyError::Incomplete)?;
        Ok(Some(rest.into()))
    }
}

fn damaged(error: io::Error) -> BodyError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => BodyError::Incomplete,
        _ => BodyError::Damaged,
    }
}
