//! PLAY_PAGE: whether the link of a recording shows a page to browsers.

use std::str::FromStr;

use super::name::{UnknownName, by_name};

/// PLAY_PAGE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlayPage {
    /// The link redirects to the file, whoever asks.
    #[default]
    Off,
    /// Browsers get a page with player and words, everybody else the redirect.
    On,
}

impl PlayPage {
    /// Every value, the default first.
    pub const ALL: [PlayPage; 2] = [PlayPage::Off, PlayPage::On];

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            PlayPage::Off => "off",
            PlayPage::On => "on",
        }
    }
}

impl FromStr for PlayPage {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<PlayPage, UnknownName> {
        by_name(&PlayPage::ALL, PlayPage::as_str, name)
    }
}
