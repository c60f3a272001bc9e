//! Who runs this process, and where: for the audit trail.

/// `/proc/self/loginuid` of a process that nobody logged in for.
const NO_LOGIN: &str = "4294967295";

/// The user who runs this process, and the one who logged in, if that is another (`sudo`). Works only on Linux.
pub fn process_owner() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let Some(uid) = uids.and_then(|uids| uids.split_whitespace().next()) else {
        return "unknown".to_owned();
    };
    let login = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    match login.trim() {
        "" | NO_LOGIN => name(uid, &users),
        login if login == uid => name(uid, &users),
        login => format!("{} (login {})", name(uid, &users), name(login, &users)),
    }
}

/// The name in `/etc/passwd`, else the number.
fn name(uid: &str, users: &str) -> String {
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2) == Some(&uid)).then(|| fields[0].to_owned())
    };
    let name = users.lines().find_map(of_line);
    name.unwrap_or_else(|| format!("uid {uid}"))
}

/// The name of this machine or container.
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "this machine".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn users_have_names_or_numbers() {
        let users = "root:x:0:0:root:/root:/bin/sh\nava:x:1000:1000::/home/ava:/bin/sh\n";
        assert_eq!(name("1000", users), "ava");
        assert_eq!(name("1001", users), "uid 1001");
    }
}
