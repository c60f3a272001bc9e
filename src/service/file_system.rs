//! The file system of the SQLite file. On a network file system, SQLite's locks and write-ahead log are not reliable.

use std::path::{Path, PathBuf};

use crate::store::sqlite_file;

/// Warns at start if the database is on a network file system. Works only on Linux.
pub(super) fn check(database_url: &str) {
    let Some(file) = sqlite_file(database_url) else {
        return;
    };
    if let Some(mount) = network_mount(&file) {
        tracing::warn!(
            file,
            file_system = mount.file_system,
            mounted_at = %mount.point.display(),
            "the SQLite database is on a network file system or a folder that is shared with a host, where SQLite's locks and write-ahead log do not work reliably: calls can get lost and the database can break. Move it to a local disk (with Docker, a named volume), or set DATABASE_URL to a PostgreSQL database"
        );
    }
}

/// The network file system that this file is on; `None`: it is on a local disk, or the system does not say.
pub fn network_mount(file: &str) -> Option<Mount> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mount = mount_of(&absolute(Path::new(file)), &mounts)?;
    is_network(&mount.file_system).then_some(mount)
}

/// A mounted file system.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// For example `ext4`, `nfs4` or `fuse.sshfs`.
    pub file_system: String,
}

/// The database's path with its symbolic links resolved; it may not exist yet.
fn absolute(file: &Path) -> PathBuf {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let known = std::fs::canonicalize(file);
    let in_folder = || {
        let folder = std::fs::canonicalize(folder).ok()?;
        Some(folder.join(file.file_name()?))
    };
    known.ok().or_else(in_folder).unwrap_or_else(|| file.into())
}

/// The mount of a file: the innermost, and the last one if several have the same point.
fn mount_of(file: &Path, mountinfo: &str) -> Option<Mount> {
    let mounts = mountinfo.lines().filter_map(mount);
    let above = mounts.filter(|mount| file.starts_with(&mount.point));
    above.max_by_key(|mount| mount.point.components().count())
}

/// A line of `/proc/self/mountinfo`: `36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/vda rw`.
fn mount(line: &str) -> Option<Mount> {
    let point = line.split(' ').nth(4)?;
    let (_, after) = line.split_once(" - ")?;
    Some(Mount {
        point: unescaped(point).into(),
        file_system: after.split(' ').next()?.to_owned(),
    })
}

/// Decodes blanks and backslashes, which mountinfo writes as octal numbers.
fn unescaped(point: &str) -> String {
    let octal = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    let unescape = |text: String, (code, plain): &(&str, &str)| text.replace(code, plain);
    octal.iter().fold(point.to_owned(), unescape)
}

/// File systems of a network, of a virtual machine's host, or of a cluster.
const SHARED: [&str; 37] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb",
    "smb2",
    "smb3",
    "smbfs",
    "smbfs2",
    "9p",
    "v9fs",
    "virtiofs",
    "vboxsf",
    "vmhgfs",
    "prl_fs",
    "drvfs",
    "fakeowner",
    "grpcfuse",
    "osxfs",
    "afs",
    "kafs",
    "auristorfs",
    "ceph",
    "cephfs",
    "glusterfs",
    "lustre",
    "gpfs",
    "gfs",
    "gfs2",
    "ocfs2",
    "beegfs",
    "fhgfs",
    "orangefs",
    "pvfs2",
    "panfs",
    "wekafs",
    "davfs",
    "ncpfs",
];

/// Local file systems that a program implements: those of rootless containers, and unions of local disks.
const LOCAL: [&str; 4] = [
    "fuse.fuse-overlayfs",
    "fuse.lxcfs",
    "fuse.mergerfs",
    "fuse.gocryptfs",
];

/// Whether the file system is shared over a network or with a host, or implemented by a program (FUSE): s3fs, sshfs, rclone.
fn is_network(file_system: &str) -> bool {
    let is_fuse = file_system == "fuse" || file_system.starts_with("fuse.");
    SHARED.contains(&file_system) || is_fuse && !LOCAL.contains(&file_system)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 22 0:25 / /mnt/share rw,relatime shared:1 master:2 - nfs4 server:/export rw,vers=4.2
31 22 0:26 / /mnt/my\\040files rw - cifs //server/share rw
32 30 0:27 / /mnt/share/local rw - tmpfs tmpfs rw
33 22 0:28 / /data rw - ext4 /dev/vdb rw
34 33 0:29 / /data rw - fuse.s3fs s3fs rw
broken";

    fn file_system(file: &str) -> String {
        mount_of(Path::new(file), MOUNTS).unwrap().file_system
    }

    #[test]
    fn a_file_is_on_the_innermost_mount() {
        for (file, expected) in [
            ("/var/lib/calls.db", "ext4"),
            ("/mnt/calls.db", "ext4"),
            ("/mnt/share/calls.db", "nfs4"),
            ("/mnt/shared/calls.db", "ext4"),
            ("/mnt/share/local/calls.db", "tmpfs"),
            ("/mnt/my files/calls.db", "cifs"),
            ("/data/deep/calls.db", "fuse.s3fs"),
        ] {
            assert_eq!(file_system(file), expected, "{file}");
        }
        assert_eq!(mount_of(Path::new("/a"), ""), None);
    }

    #[test]
    fn network_file_systems_are_known_by_their_names() {
        for name in [
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "9p",
            "virtiofs",
            "vboxsf",
            "ceph",
            "glusterfs",
            "lustre",
            "beegfs",
            "fuse.sshfs",
            "fuse.s3fs",
            "fuse.rclone",
            "fuse.glusterfs",
            "fuse.vmhgfs-fuse",
            "fuse",
            "fuse.grpcfuse",
        ] {
            assert!(is_network(name), "{name}");
        }
        for name in [
            "ext4",
            "xfs",
            "btrfs",
            "overlay",
            "tmpfs",
            "fuseblk",
            "fuse.fuse-overlayfs",
            "zfs",
        ] {
            assert!(!is_network(name), "{name}");
        }
    }
}
