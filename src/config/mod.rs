//! Everything people configure: environment variables and a `.env` file, read once at start.
//!
//! A command reads the sections it uses and gets all their errors at once. Only this module reads the environment.

mod errors;

mod dotenv;
mod meaning;
mod text;

mod source;
mod types;

mod address;
mod check;
mod list;
mod network;
mod reader;
mod sqlite_url;
mod strength;

mod storage_host;

mod database;
mod keys;
mod links;
mod log;
mod proxies;
mod region;
mod remotes;
mod rooms;
mod sections;
mod storage;
mod tokens;
mod uploads;

mod allocator;
mod configuration;
mod doctor;
mod environment;
mod exposed;
mod misspelled;
mod supervisor;

mod plain_text;
mod settings;

#[cfg(test)]
mod tests;

pub use crate::domain::duration::duration;
pub use allocator::return_memory;
pub use check::is_placeholder;
pub use configuration::{Config, read};
pub use database::database_url;
pub use errors::Errors;
pub use plain_text::{of as plain_text, wrapped};
pub use proxies::ProxySettings;
pub use reader::Reader;
pub use remotes::{RequestLimit, prices, request_limit, schema, transcript_times};
pub use sections::listen_address;
pub use settings::{Setting, SettingSection, settings, settings_help};
pub use source::Source;
pub use supervisor::SupervisorSettings;
pub use types::{
    AirtableSettings, HttpSettings, LinksSettings, LiveKitSettings, LogFormat, LogSettings,
    MirrorSettings, RecordingSettings, StorageSettings, TimesSettings, UploadSettings,
};
