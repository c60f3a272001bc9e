//! The bucket: is the recording there, and a URL for it. Any storage that speaks S3 (R2, AWS, B2, MinIO …).

mod error;

mod client;

mod list;
mod presign;

pub use client::{Client, Config, ObjectHead};
pub use error::Error;
pub use list::{Listed, ObjectPage};
pub use presign::Method;
