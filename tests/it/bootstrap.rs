//! Special cases of `bootstrap`: new bases, manual actions, and what a read leaves behind.

use livekit_airtable_sim::airtable::{self, Airtable, Fault};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    process::{Done, run},
    reader,
};

struct Base {
    airtable: Airtable,
    folder: TempDir,
}

impl Base {
    async fn with(seed: Value) -> Base {
        let options = airtable::Options {
            seed: Some(seed),
            ..airtable::Options::unlimited()
        };
        Base {
            airtable: reader::airtable(options).await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn run(&self, args: &[&str], base_id: Option<&str>) -> Done {
        let mut settings = vec![
            ("AIRTABLE_TOKEN".to_owned(), "patTest".to_owned()),
            ("AIRTABLE_API_URL".to_owned(), self.airtable.url()),
            ("AIRTABLE_REQUESTS_PER_SECOND".to_owned(), "50".to_owned()),
        ];
        settings.extend(base_id.map(|id| ("AIRTABLE_BASE_ID".to_owned(), id.to_owned())));
        let args = [&["bootstrap"], args].concat();
        run(self.folder.path(), &args, &settings).await
    }

    async fn bootstrap(&self, args: &[&str]) -> Done {
        self.run(args, Some(&self.airtable.base_id())).await
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        self.airtable.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_leaves_nothing_behind() {
    let base = Base::with(json!({})).await;
    for args in [["--dry-run"], ["--check"]] {
        base.bootstrap(&args).await;
        let left: Vec<_> = std::fs::read_dir(base.folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
    assert_eq!(base.airtable.requests(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_base_needs_no_base_id_and_is_found_by_the_one_that_is_printed() {
    let base = Base::with(json!({})).await;
    let made = base
        .run(&["--create-base", "wspSimulated00001", "--json"], None)
        .await;
    assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""), "{made:?}");
    let answer: Value = serde_json::from_str(&made.stdout).unwrap();
    let id = answer["base_id"].as_str().unwrap();
    let checked = base.run(&["--check"], Some(id)).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let again = base.run(&[], Some(id)).await;
    assert!(again.stdout.contains("Nothing to create"), "{again:?}");
    let body = r#"{"error":{"type":"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND","message":"no"}}"#;
    base.airtable
        .fail_next(1, Fault::Status(403, body.to_owned()));
    let refused = base
        .run(&["--create-base", "wspSimulated00001"], None)
        .await;
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (Some(77), ""),
        "{refused:?}"
    );
    for word in ["schema.bases:write", "workspace", "AIRTABLE_TOKEN"] {
        assert!(refused.stderr.contains(word), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_cannot_do_is_listed_with_the_clicks_that_do_it() {
    let base = Base::with(json!({"tables": [{"name": "Calls", "fields": [
        {"name": "Name", "type": "singleLineText"},
        {"name": "Duration", "type": "number", "options": {"precision": 0}},
        {"name": "Status", "type": "singleSelect", "options": {"choices": [{"name": "Live"}]}},
        {"name": "Notes", "type": "aiText"},
    ]}]}))
    .await;
    let done = base.bootstrap(&[]).await;
    assert_eq!((done.code, done.stderr.as_str()), (Some(1), ""), "{done:?}");
    let last = done.stdout.lines().last().unwrap();
    assert!(
        last.starts_with("Manual action needed for the columns marked ! above."),
        "{last}"
    );
    for words in [
        "! Duration               number, must be duration: in Airtable, open the menu of the column \"Duration\", choose \"Edit field\", then \"Duration\"",
        "! Status                 missing choice \"Processing\", \"Complete\", \"No recording\", \"Failed\"",
        "~ Call ID                not the first column, which is \"Name\"; this is fine",
        "= Notes                  aiText, your own column: never changed",
        "+ Call ID ",
        "21 to create, 2 to fix by hand (!).",
    ] {
        assert!(done.stdout.contains(words), "{words}\n{}", done.stdout);
    }
    let checked = base.bootstrap(&["--check", "--json"]).await;
    assert_eq!(checked.code, Some(1), "{checked:?}");
    let plan: Value = serde_json::from_str(&checked.stdout).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    let of = |sign: &str| steps.iter().filter(|step| step["sign"] == sign).count();
    assert_eq!((of("+"), of("!"), of("~"), of("=")), (0, 2, 1, 23));
    assert_eq!(plan["ok"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_that_cannot_be_read_is_not_reported_as_wrong() {
    let base = Base::with(json!({})).await;
    base.airtable.fail_next(10, Fault::Status(503, "{}".into()));
    for args in [&["--check"][..], &["--dry-run"], &[]] {
        let done = base.bootstrap(args).await;
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (Some(69), ""),
            "{done:?}"
        );
        let words = "The base could not be read and nothing was changed";
        assert!(done.stderr.contains(words), "{done:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_read_rows_is_found_out_and_the_test_row_goes() {
    let base = Base::with(json!({})).await;
    base.bootstrap(&[]).await;
    // The plan is read with one GET, the test row with the next.
    let url = format!("{}/sim/faults", base.airtable.url());
    let ask = async |body: Value| {
        let request = livekit_airtable::telemetry::http_client()
            .unwrap()
            .post(&url);
        assert_eq!(request.json(&body).send().await.unwrap().status(), 200);
    };
    ask(json!({"fault": "slow", "seconds": 0, "method": "GET"})).await;
    ask(json!({"fault": "status", "status": 403, "method": "GET"})).await;
    let done = base.bootstrap(&[]).await;
    assert_eq!(done.code, Some(77), "{done:?}");
    assert!(done.stderr.contains("data.records:read"), "{done:?}");
    assert!(reader::rows(&base.airtable, "Calls").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_schema_file_is_refused_before_anything_is_asked() {
    let base = Base::with(json!({})).await;
    let wrong = "[[columns]]\nname = \"Call ID\"\ntype = \"singleLineText\"\nform = \"call_id\"\nkey = true\n\
                 [[columns]]\nname = \"call  id\"\ntype = \"nonsense\"\nfrom = \"nowhere\"\n\
                 [[columns]]\nname = \"Size\"\ntype = \"nubmer\"\nfrom = \"recording_size\"\n\
                 [[columns]]\nname = \"Customer\"\ntype = \"url\"\nfrom = \"metdata.customer\"\n";
    std::fs::write(base.folder.path().join("mine.toml"), wrong).unwrap();
    let base_id = base.airtable.base_id();
    let settings = [
        ("AIRTABLE_TOKEN", "patTest"),
        ("AIRTABLE_API_URL", &base.airtable.url()),
        ("AIRTABLE_BASE_ID", &base_id),
        ("AIRTABLE_SCHEMA", "mine.toml"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for args in [&["bootstrap"][..], &["bootstrap", "--check"]] {
        let done = run(base.folder.path(), args, &settings).await;
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (Some(64), ""),
            "{done:?}"
        );
        for words in [
            "mine.toml:4: a column has no `form`",
            "mine.toml:6: duplicate column",
            "mine.toml:8: unknown or read-only type",
            "mine.toml:9: unknown source",
            "mine.toml:12: unknown or read-only type \"nubmer\", did you mean `number`?",
            "mine.toml:17: unknown source \"metdata.customer\", did you mean `metadata.`?",
            "attributes.NAME",
        ] {
            assert!(done.stderr.contains(words), "{words}: {done:?}");
        }
        assert!(
            !done.stderr.contains("mine.toml:13"),
            "its type is named: {done:?}"
        );
    }
    assert_eq!(base.airtable.requests(), 0);
}
