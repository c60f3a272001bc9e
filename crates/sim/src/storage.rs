//! An S3 bucket over a folder, with strict SigV4 signatures, presigned URLs that expire, and range requests.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::error_handling::HandleError;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::folder::Folder;
use super::storage_keys::{Hosts, Keys};
pub use super::storage_keys::{Key, Permission};

/// The bucket, its folder and its first key.
#[derive(Debug, Clone)]
pub struct Options {
    /// Objects are at `<folder>/<bucket>/<key>`; created if it is missing.
    pub folder: PathBuf,
    pub bucket: String,
    pub access_key: String,
    pub secret_key: String,
}

/// A running bucket; clones share it.
#[derive(Debug, Clone)]
pub struct Storage {
    address: SocketAddr,
    folder: PathBuf,
    keys: Keys,
    refusals: Arc<Mutex<Refusals>>,
    uploads: Arc<Mutex<Vec<String>>>,
    stopped: CancellationToken,
}

#[derive(Debug, Default)]
struct Refusals {
    left: usize,
    status: u16,
    /// `None`: every method.
    method: Option<Method>,
}

/// Starts the server; port 0 picks a free one.
///
/// # Errors
/// When the folder cannot be made or the address is taken.
pub async fn start(listen: SocketAddr, options: Options) -> std::io::Result<Storage> {
    std::fs::create_dir_all(options.folder.join(&options.bucket))?;
    let mut service = S3ServiceBuilder::new(Folder::new(&options.folder)?);
    let keys = Keys::default();
    keys.set(vec![Key {
        access_key: options.access_key,
        secret_key: options.secret_key,
        session_token: None,
        permission: Permission::Everything,
    }]);
    service.set_auth(keys.clone());
    service.set_access(keys.clone());
    service.set_host(Hosts);
    let listener = TcpListener::bind(listen).await?;
    let storage = Storage {
        address: listener.local_addr()?,
        folder: options.folder,
        keys,
        refusals: Arc::default(),
        uploads: Arc::default(),
        stopped: CancellationToken::new(),
    };
    let objects = HandleError::new(service.build(), async |_| StatusCode::INTERNAL_SERVER_ERROR);
    let app = Router::new()
        .fallback_service(objects)
        .layer(from_fn_with_state(storage.clone(), front));
    let server = axum::serve(listener, app)
        .with_graceful_shutdown(storage.stopped.clone().cancelled_owned());
    tokio::spawn(server.into_future());
    Ok(storage)
}

impl Storage {
    /// The endpoint, `http://IP:port`, for path style. Virtual-hosted style works with `http://localhost:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder with the bucket's folder in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes these keys the valid ones, and ends all others.
    pub fn set_keys(&self, keys: Vec<Key>) {
        self.keys.set(keys);
    }

    /// The paths of all uploads that were not refused on demand, in the order of their requests.
    #[must_use]
    pub fn uploads(&self) -> Vec<String> {
        let uploads = self.uploads.lock();
        uploads.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the socket.
    pub fn stop(&self) {
        self.stopped.cancel();
    }

    /// Answers the next `times` requests with `status`.
    pub fn refuse(&self, times: usize, status: u16) {
        self.set_refusals(times, status, None);
    }

    /// Answers the next uploads with this status.
    pub fn refuse_uploads(&self, times: usize, status: u16) {
        self.set_refusals(times, status, Some(Method::PUT));
    }

    fn set_refusals(&self, left: usize, status: u16, method: Option<Method>) {
        *self.refusals.lock().unwrap_or_else(PoisonError::into_inner) = Refusals {
            left,
            status,
            method,
        };
    }

    fn refusal(&self, method: &Method) -> Option<StatusCode> {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.method.as_ref().is_some_and(|only| only != method) {
            return None;
        }
        refusals.left = refusals.left.checked_sub(1)?;
        StatusCode::from_u16(refusals.status).ok()
    }
}

/// Refuses requests on demand, and announces range requests, which players need for seeking.
async fn front(State(storage): State<Storage>, request: Request, next: Next) -> Response {
    if let Some(status) = storage.refusal(request.method()) {
        let body = "<Error><Code>Refused</Code><Message>rejected by the stand-in</Message></Error>";
        return (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response();
    }
    if request.method() == Method::PUT {
        let uploads = storage.uploads.lock();
        let path = request.uri().path().to_owned();
        uploads.unwrap_or_else(PoisonError::into_inner).push(path);
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = next.run(request).await;
    if reads && response.status().is_success() {
        let bytes = HeaderValue::from_static("bytes");
        response.headers_mut().insert(header::ACCEPT_RANGES, bytes);
    }
    response
}
