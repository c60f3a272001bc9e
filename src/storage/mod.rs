//! The bucket: checks whether a recording exists and creates URLs for it. Works with any S3-compatible storage (R2,
//! AWS, B2, MinIO …).

mod error;
mod session;

mod client;

mod list;
mod presign;
mod probe;
mod read;
mod upload;

pub use client::{Client, Config, ObjectHead};
pub use error::Error;
pub use list::{Listed, ObjectPage};
pub use presign::{Method, Served};
pub use probe::{BucketHead, Setting};
pub use read::ObjectBody;
