//! The space on the disk of a SQLite database. A part of it is reserved for webhooks: whoever sends transcripts must not be
//! able to fill it.

use std::path::Path;

/// Bytes that are reserved; on a small disk a quarter of it, if that is less.
const RESERVE: u64 = 256 << 20;
/// A message is written into the write-ahead log first, and into the database later.
const COPIES: u64 = 2;

/// A disk's size and what is free of it, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Space {
    total: u64,
    free: u64,
}

impl Space {
    /// Whether a message of this many bytes leaves the reserve free.
    fn has_room_for(self, bytes: u64) -> bool {
        let reserve = RESERVE.min(self.total / 4);
        self.free >= reserve.saturating_add(bytes.saturating_mul(COPIES))
    }
}

/// The bytes that are free on the disk of a folder beside the reserve for webhooks; `None`: the system does not say.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let space = space(folder)?;
    Some(space.free.saturating_sub(RESERVE.min(space.total / 4)))
}

/// Whether a message of this many bytes leaves enough of the disk of this folder for webhooks. True if that is not known.
pub(super) fn has_room(folder: &Path, bytes: usize) -> bool {
    space(folder).is_none_or(|space| space.has_room_for(bytes as u64))
}

#[cfg(unix)]
fn space(folder: &Path) -> Option<Space> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(Space {
        total: disk.f_blocks.saturating_mul(disk.f_frsize),
        free: disk.f_bavail.saturating_mul(disk.f_frsize),
    })
}

#[cfg(not(unix))]
fn space(_folder: &Path) -> Option<Space> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_disk_is_reserved() {
        const MIB: u64 = 1 << 20;
        let large = |free| Space {
            total: 100_000 * MIB,
            free,
        };
        assert!(large(256 * MIB).has_room_for(0) && !large(256 * MIB - 1).has_room_for(0));
        assert!(large(288 * MIB).has_room_for(16 * MIB));
        assert!(!large(287 * MIB).has_room_for(16 * MIB));
        let small = |free| Space {
            total: 64 * MIB,
            free,
        };
        assert!(small(16 * MIB).has_room_for(0) && !small(15 * MIB).has_room_for(0));
    }

    #[test]
    fn the_system_tells_how_much_is_free() {
        assert!(space(Path::new(".")).is_some_and(|space| space.total >= space.free));
    }
}
