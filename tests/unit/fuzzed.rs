//! What `fuzz/run` checks, on the events that its search begins with.

use livekit_airtable::{domain, livekit};

#[path = "../../fuzz/fuzz_targets/check.rs"]
mod check;

#[test]
fn captured_events_pass_the_check_of_the_fuzzer() {
    let mut checked = 0;
    for folder in std::fs::read_dir("tests/fixtures").unwrap() {
        let folder = folder.unwrap();
        if !folder.file_name().to_string_lossy().starts_with("livekit") {
            continue;
        }
        for event in std::fs::read_dir(folder.path()).unwrap() {
            let body = std::fs::read(event.unwrap().path()).unwrap();
            check::check(&[b"Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA\n", body.as_slice()].concat());
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked} events");
}
