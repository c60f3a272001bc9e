//! What a recording is: RECORDING_FILE_TYPE and RECORDING_CHANNELS.

use std::str::FromStr;

/// The file format of an egress: RECORDING_FILE_TYPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    Mp3,
    Ogg,
    Mp4,
}

impl FileType {
    /// Every file type, the default first.
    pub const ALL: [FileType; 3] = [FileType::Mp3, FileType::Ogg, FileType::Mp4];

    /// The variable's value, and the extension without its dot.
    pub fn as_str(self) -> &'static str {
        match self {
            FileType::Mp3 => "mp3",
            FileType::Ogg => "ogg",
            FileType::Mp4 => "mp4",
        }
    }
}

/// The content type of a recording, by its key. What no browser should play is a download.
pub fn content_type(key: &str) -> &'static str {
    let extension = key.rsplit_once('.').map(|(_, extension)| extension);
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("mp3") => "audio/mpeg",
        Some("ogg" | "oga" | "opus") => "audio/ogg",
        Some("mp4" | "m4v") => "video/mp4",
        Some("m4a") => "audio/mp4",
        Some("webm") => "video/webm",
        Some("wav") => "audio/wav",
        _ => "application/octet-stream",
    }
}

impl FromStr for FileType {
    type Err = ();

    fn from_str(value: &str) -> Result<FileType, ()> {
        let named = FileType::ALL.into_iter().find(|it| it.as_str() == value);
        named.ok_or(())
    }
}

/// RECORDING_CHANNELS
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// Everyone in one channel.
    Mixed,
    /// Agent left, everyone else right.
    Dual,
}

impl Channels {
    /// Every value, the default first.
    pub const ALL: [Channels; 2] = [Channels::Mixed, Channels::Dual];

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Channels::Mixed => "mixed",
            Channels::Dual => "dual",
        }
    }
}

impl FromStr for Channels {
    type Err = ();

    fn from_str(value: &str) -> Result<Channels, ()> {
        let named = Channels::ALL.into_iter().find(|it| it.as_str() == value);
        named.ok_or(())
    }
}
