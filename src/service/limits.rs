//! What the system allows this process.

/// How many files and sockets this process may have open: the soft limit on Linux, elsewhere the usual one.
pub fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    soft.unwrap_or(1024)
}

/// The bytes of memory that a container or a systemd unit may use; `None`: no limit, or not Linux.
pub fn memory_limit() -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::"));
    let own = own.map(|path| format!("/sys/fs/cgroup{}/memory.max", path.trim()));
    let files = own
        .into_iter()
        .chain(["/sys/fs/cgroup/memory.max".to_owned()]);
    let mut limits = files.filter_map(|file| std::fs::read_to_string(file).ok());
    limits.find_map(|text| text.trim().parse().ok())
}
