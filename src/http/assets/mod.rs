//! The files that pages load: style sheets and scripts, embedded in the program, under addresses with a hash of their content, so
//! that browsers keep them for ever. They are compressed once, when the first is asked for.

mod asset;

mod files;

mod get;

pub(super) use asset::Asset;
pub(super) use files::{APP_CSS, PLAYER_JS, WAVESURFER_JS};
pub(super) use get::get;
