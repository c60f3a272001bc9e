//! Why the spool takes no more.

use std::io;

/// Why something could not be written into the spool.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is larger than one may be.
    #[error("the file is larger than one may be")]
    TooLarge,
    /// The spool, or the disk that it is on, is full.
    #[error("the spool or its disk is full")]
    Full,
    /// The folder cannot be written or read.
    #[error("the folder of the spool cannot be used")]
    Folder(#[from] io::Error),
}
