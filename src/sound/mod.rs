//! How loud a recording is, from its file: the decoder of MP3s, fed with pieces as they arrive.

mod meter;

mod mp3;

pub use mp3::{Listener, Listening};
