//! `GET /openapi.json`: the API as an OpenAPI document, made of the types and attributes of the handlers.
//!
//! `refusals` has the error responses that handlers name in their attributes, `report` describes what agents send,
//! `uploads` the refusals that the agents SDK retries, `security` how requests are authorized, `examples` adds examples; `document` puts all of it together, and `get` serves it.

mod document;
mod examples;
mod get;
mod refusals;
mod report;
mod security;
mod uploads;

pub use document::openapi_document;
pub(super) use document::served;
pub(super) use get::get;
pub(super) use refusals::{
    AnyRefusal, BodyRefusals, EncodingRefusal, LinkRefusals, LiveKitRefusal, NotFound,
    ReaderRefusals, SenderRefusals, WebhookRefusals, WrongQuery,
};
pub(super) use report::ReportBody;
pub(super) use uploads::{SessionUpload, UploadRefusals};
