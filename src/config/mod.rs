//! Everything people configure: environment variables and a `.env` file, read once at start.
//!
//! A command reads the sections it uses and gets all their errors at once. Only this module reads the environment.

mod check;
mod source;
mod types;

mod remotes;
mod sections;

mod configuration;

#[cfg(test)]
mod tests;

pub use check::duration;
pub use configuration::{Config, read};
pub use remotes::schema;
pub use sections::database_url;
pub use source::{Errors, Reader, Source};
pub use types::{
    AirtableSettings, HttpSettings, LinksSettings, LiveKitSettings, LogSettings, MirrorSettings,
    RecordingSettings, StorageSettings, TimesSettings,
};
