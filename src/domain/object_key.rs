//! The key of an egress's file in our bucket. It is the file's name, unless the egress service's configuration has a prefix:
//! LiveKit reports names without it, and only the location has it.

use super::destination::Location;

/// The key at this location; `None` if it is the name itself, or not recognizable.
pub(super) fn key_at(location: &Location, bucket: &str, filename: &str) -> Option<String> {
    let Location::Address { host, path } = location else {
        return None;
    };
    let below = path
        .strip_prefix(bucket)
        .and_then(|rest| rest.strip_prefix('/'));
    let (host, bucket) = (host.to_lowercase(), bucket.to_lowercase());
    let host_names_bucket = host == bucket || host.starts_with(&format!("{bucket}."));
    let all = host_names_bucket.then_some(path.as_str());
    let keys = [below, all].into_iter().flatten();
    if filename.is_empty() || keys.clone().any(|key| key == filename) {
        return None;
    }
    let name = cleaned(filename);
    let is_named = |key: &&str| {
        let prefix = key.strip_suffix(&name);
        prefix.is_some_and(|it| it.is_empty() || it.ends_with('/') || name.starts_with('/'))
    };
    keys.into_iter().find(is_named).map(str::to_owned)
}

/// A path as the egress service puts it behind its prefix: without empty and dot segments.
fn cleaned(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(location: &str, filename: &str) -> Option<String> {
        key_at(&Location::parse(location).unwrap(), "calls", filename)
    }

    #[test]
    fn a_prefix_of_the_egress_service_is_part_of_the_key() {
        for location in [
            "https://s3.example.com/calls/team/a/x 1.mp3",
            "https://calls.s3.example.com/team/a/x 1.mp3",
            "https://calls.https://s3.example.com/team/a/x 1.mp3",
            "s3://calls/team/a/x 1.mp3",
            "https://s3.example.com/calls/team/a/x%201.mp3?X-Amz-Signature=00",
        ] {
            let found = key(location, "a/x 1.mp3");
            assert_eq!(found.as_deref(), Some("team/a/x 1.mp3"), "{location}");
        }
        let joined = key("https://s3.example.com/calls/a/x.mp3", "a//./x.mp3");
        assert_eq!(joined.as_deref(), Some("a/x.mp3"));
    }

    #[test]
    fn without_a_prefix_the_name_is_the_key() {
        for location in [
            "https://s3.example.com/calls/a/x.mp3",
            "https://calls.s3.example.com/a/x.mp3",
            "https://other.example.com/team/a/x.mp3",
            "https://s3.example.com/calls/team/b/x.mp3",
            "https://s3.example.com/calls/steam-a/x.mp3",
            "/out/a/x.mp3",
        ] {
            assert_eq!(key(location, "a/x.mp3"), None, "{location}");
        }
        assert_eq!(key("https://s3.example.com/calls/a/x.mp3", ""), None);
        // The bucket's name may begin the host and the key.
        let twice = "https://calls.example.com/calls/x.mp3";
        assert_eq!(key(twice, "x.mp3"), None);
        assert_eq!(key(twice, "calls/x.mp3"), None);
    }
}
