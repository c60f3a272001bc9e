//! Refusals in the form that the agents SDK retries: only a body that is a `google.rpc.Status` with a `google.rpc.RetryInfo` makes
//! it send a session again, whatever the status. Any other error loses the session.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use prost::Message;

use crate::http::error::Problem;

/// The SDK sends a session again after so many seconds, three times. An agent's process has about ten seconds to end its job, or
/// as long as it was given.
const RETRY_SECONDS: i64 = 3;
/// The type of `google.rpc.RetryInfo` in `google.protobuf.Any`.
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
/// `UNAVAILABLE` of `google.rpc.Code`.
const UNAVAILABLE: i32 = 14;

/// `google.rpc.Status`
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Duration>,
}

/// `google.protobuf.Duration`
#[derive(Clone, PartialEq, Message)]
struct Duration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Gives refusals that may pass the body that makes the SDK retry. Others stay problems: the SDK writes their status to the agent's
/// log.
pub(in crate::http) async fn retryable(response: Response) -> Response {
    if !passes(response.status()) {
        return response;
    }
    let problem = response.extensions().get::<Problem>();
    let message = problem.map_or("the service is not available", Problem::detail);
    let body = status(message);
    let (mut parts, _) = response.into_parts();
    let protobuf = HeaderValue::from_static("application/octet-stream");
    parts.headers.insert(header::CONTENT_TYPE, protobuf);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}

/// Whether the same request may be accepted later.
fn passes(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        )
}

fn status(message: &str) -> Vec<u8> {
    let retry = RetryInfo {
        retry_delay: Some(Duration {
            seconds: RETRY_SECONDS,
            nanos: 0,
        }),
    };
    let status = RpcStatus {
        code: UNAVAILABLE,
        message: message.to_owned(),
        details: vec![Any {
            type_url: RETRY_INFO.to_owned(),
            value: retry.encode_to_vec(),
        }],
    };
    status.encode_to_vec()
}
