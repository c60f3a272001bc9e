//! The copy of a body.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::spool::{Error, Incoming};

/// The headers that go on with the body.
const SENT_ON: [HeaderName; 3] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
];

/// The copy of a body that is arriving, on the disk; dropped, it is deleted.
#[derive(Default)]
pub struct BodyCopy(Option<Incoming>);

impl BodyCopy {
    pub(super) fn new(file: Result<Incoming, Error>) -> BodyCopy {
        BodyCopy(file.ok())
    }

    /// Writes more of the body. What does not fit is not copied at all.
    pub async fn write(&mut self, bytes: &[u8]) {
        if let Some(file) = &mut self.0
            && file.write(bytes).await.is_err()
        {
            self.0 = None;
        }
    }

    /// The file; `None`: there was no room for it.
    pub(super) fn into_file(self) -> Option<Incoming> {
        self.0
    }
}

/// Where an upload goes on to, and with which headers.
pub struct Destination {
    /// The request's path.
    pub(super) path: String,
    /// With the token.
    pub(super) headers: HeaderMap<HeaderValue>,
}

impl Destination {
    /// Of a request with this path and these headers.
    pub fn new(path: &str, headers: &HeaderMap<HeaderValue>) -> Destination {
        let sent = SENT_ON.into_iter();
        let sent = sent.filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
        Destination {
            path: path.to_owned(),
            headers: sent.collect(),
        }
    }
}
