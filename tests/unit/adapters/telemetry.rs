use livekit_airtable::telemetry::{self, LogFormat};

#[test]
fn counters_are_rendered_without_a_listener() {
    let handle = telemetry::metrics().unwrap();
    metrics::counter!("livekit_airtable_test_total").increment(2);
    let text = handle.render();
    assert!(text.contains("livekit_airtable_test_total 2"), "{text}");
    assert!(telemetry::metrics().is_err());
}

#[test]
fn logging_may_be_started_twice() {
    telemetry::init("info,livekit_airtable=debug", LogFormat::Json);
    telemetry::init("info", LogFormat::Text);
}
