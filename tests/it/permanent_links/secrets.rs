//! A change of LINK_SECRET: earlier secrets are accepted, sign nothing, and rows get links of the new one.

use super::{FIRST, SECOND, engines, linked, path, signature};
use crate::{
    play::text,
    process::{Serve, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn links_of_earlier_secrets_stay_valid_and_rows_get_new_ones() {
    for engine in engines().await {
        let mut world = linked(&engine, &[("LINK_SECRET", FIRST)]).await;
        let (call, egress, row) = world.spoken("desk").await;
        let recording = path(&row, "Recording URL");
        let transcript = path(&row, "Transcript URL");
        let target = format!("recording:{egress}");
        assert_eq!(
            recording,
            format!("/r/{egress}/{}", signature(FIRST, &target))
        );
        world.stop().await;
        world.set("LINK_SECRET", SECOND);
        world.set("LINK_SECRETS_BEFORE", &format!("x, {FIRST}"));
        world.start().await;
        let signed = |secret| format!("/r/{egress}/{}", signature(secret, &target));
        for old in [&recording, &transcript, &signed("x"), &signed(SECOND)] {
            assert_eq!(world.click(old).await, 302, "{old}");
        }
        assert_eq!(world.click(&signed("X")).await, 404);
        // Nobody has asked for it.
        let new = |column, old: &str| {
            let old = old.to_owned();
            let wanted = move |row: &crate::reader::Row| path(row, column) != old;
            world.row_where(&call, wanted)
        };
        let row = new("Recording URL", &recording).await;
        assert_eq!(path(&row, "Recording URL"), signed(SECOND));
        let row = new("Transcript URL", &transcript).await;
        assert_eq!(world.click(&path(&row, "Transcript URL")).await, 302);
        assert_eq!(text(&row, "Error"), "");
        let link = world.run(&["calls", "link", &call]).await.stdout;
        assert_eq!(link.trim_end(), text(&row, "Recording URL"));
        world.stop().await;
        world.set("LINK_SECRETS_BEFORE", "");
        world.start().await;
        assert_eq!(world.click(&recording).await, 404);
        assert_eq!(world.click(&transcript).await, 404);
        assert_eq!(world.click(&signed(SECOND)).await, 302);
    }
}

/// The secret is new, and nobody has kept the earlier one.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_ends_links_is_warned_of() {
    for engine in engines().await {
        let mut world = linked(&engine, &[("LINK_SECRET", FIRST)]).await;
        world.stop().await;
        let warning = "links that the earlier secret has signed are no longer valid";
        let start = async |secret: &str, before: &str| {
            let mut settings = world.settings().to_vec();
            settings.push(("LINK_SECRET".into(), secret.into()));
            settings.push(("LINK_SECRETS_BEFORE".into(), before.into()));
            std::fs::remove_file(world.folder.path().join("address")).ok();
            let mut serve = Serve::start(world.folder.path(), &settings).await;
            assert_eq!(serve.stop().await, Some(0));
            serve.said()
        };
        let said = start(SECOND, "").await;
        assert!(
            said.contains(warning) && said.contains("LINK_SECRETS_BEFORE"),
            "{said}"
        );
        let said = start(SECOND, "").await;
        assert!(!said.contains("LINK_SECRET"), "{said}");
        let said = start(FIRST, SECOND).await;
        assert!(
            said.contains("stay valid") && !said.contains(warning),
            "{said}"
        );
        let said = start(FIRST, "short").await;
        assert!(said.contains("under 32 characters"), "{said}");
        for secret in [FIRST, SECOND, "short"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_secret_is_refused_with_the_way_to_keep_its_links() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("LINK_SECRET".to_owned(), "x".to_owned())];
    let done = run(folder.path(), &["serve"], &settings).await;
    assert_eq!(done.code, Some(64));
    let line = done
        .stderr
        .lines()
        .find(|line| line.starts_with("LINK_SECRET:"));
    assert!(line.unwrap().contains("LINK_SECRETS_BEFORE"), "{done:?}");
}
