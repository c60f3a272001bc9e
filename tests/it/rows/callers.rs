//! Whose number is the caller's.

use livekit_airtable_sim::livekit::{Kind, Person};

use crate::{
    harness::{World, agent, caller},
    leak_check,
    real::postgres::fresh_database,
};

fn person(kind: Kind, identity: &str, attributes: &[(&str, &str)]) -> Person {
    for (_, number) in attributes
        .iter()
        .filter(|(_, number)| !number.trim().is_empty())
    {
        leak_check::plant(number.trim_start_matches('+'));
    }
    Person {
        identity: identity.into(),
        name: String::new(),
        kind,
        attributes: attributes
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_string()))
            .collect(),
    }
}

/// The cell Caller of a call that these people join, in this order.
async fn caller_of(world: &World, room: &str, people: Vec<Person>) -> Option<String> {
    let call = world.livekit.open_room(room);
    world.livekit.join(room, agent());
    for person in people {
        world.livekit.join(room, person);
    }
    world.livekit.close_room(room);
    let row = world.row_is(&call, "No recording").await;
    row.get("Caller")
        .and_then(|cell| cell.as_str())
        .map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_the_caller_is_who_calls_by_telephone_or_connector() {
    callers(World::with(&[super::UNRECORDED]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_the_caller_is_who_calls_by_telephone_or_connector() {
    let database = fresh_database().await;
    let settings = [super::UNRECORDED, ("DATABASE_URL", &database)];
    callers(World::with(&settings).await).await;
}

async fn callers(world: World) {
    let web = |number| person(Kind::Standard, "web", &[("sip.phoneNumber", number)]);
    let connector = |identity, attributes: &[_]| person(Kind::Connector, identity, attributes);
    let cases = [
        ("sip", vec![caller("+15551234567")], Some("+15551234567")),
        (
            "web before sip",
            vec![web("+15550000001"), caller("+15551234567")],
            Some("+15551234567"),
        ),
        (
            "web beside a hidden number",
            vec![web("+15550000001"), person(Kind::Sip, "sip_hidden", &[])],
            None,
        ),
        ("web alone", vec![web("+15550000001")], Some("+15550000001")),
        (
            "whatsapp, attribute",
            vec![connector("wa", &[("phone", "+4915112345678")])],
            Some("+4915112345678"),
        ),
        (
            "twilio, attribute",
            vec![connector("tw", &[("phoneNumber", "+4915112345679")])],
            Some("+4915112345679"),
        ),
        (
            "identity",
            vec![connector("4915112345670", &[("phone", "")])],
            Some("4915112345670"),
        ),
        ("no number", vec![connector("whatsapp-call-17", &[])], None),
        (
            "connector and sip",
            vec![connector("4915112345670", &[]), caller("+15551234567")],
            Some("+15551234567"),
        ),
        (
            "connector and web",
            vec![web("+15550000001"), connector("4915112345670", &[])],
            Some("4915112345670"),
        ),
    ];
    leak_check::plant("4915112345670");
    for (room, people, wanted) in cases {
        let found = caller_of(&world, room, people).await;
        assert_eq!(found.as_deref(), wanted, "{room}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_takes_the_first_of_its_sources_that_has_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let schema = std::fs::read_to_string("schema/airtable.toml").unwrap();
    let from = "[\"caller\", \"attributes.phone\", \"metadata.phone\"]";
    let schema = schema.replace("from = \"caller\"", &format!("from = {from}"));
    let path = folder.path().join("schema.toml");
    std::fs::write(&path, schema).unwrap();
    let path = path.to_str().unwrap();
    let world = World::with(&[super::UNRECORDED, ("AIRTABLE_SCHEMA", path)]).await;
    let web = person(Kind::Standard, "web", &[("phone", "+15550000002")]);
    let found = caller_of(&world, "attribute", vec![web.clone()]).await;
    assert_eq!(found.as_deref(), Some("+15550000002"));
    let found = caller_of(&world, "both", vec![web, caller("+15551234567")]).await;
    assert_eq!(found.as_deref(), Some("+15551234567"));
    let call = world
        .livekit
        .open_room_with("metadata", r#"{"phone": "+15550000003"}"#);
    let row = world
        .row_where(&call, |row| row.contains_key("Caller"))
        .await;
    assert_eq!(row["Caller"], "+15550000003");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_never_the_caller_and_blank_text_is_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let schema = std::fs::read_to_string("schema/airtable.toml").unwrap();
    let from = "[\"caller\", \"attributes.phone\", \"metadata.phone\"]";
    let schema = schema.replace("from = \"caller\"", &format!("from = {from}"));
    let path = folder.path().join("schema.toml");
    std::fs::write(&path, schema).unwrap();
    let path = path.to_str().unwrap();
    let world = World::with(&[super::UNRECORDED, ("AIRTABLE_SCHEMA", path)]).await;
    let number = "+15550000004";
    let agents = || {
        let of = |name| person(Kind::Agent, "agent-2", &[(name, "+15550000005")]);
        vec![of("phone"), of("sip.phoneNumber")]
    };
    for with in agents() {
        let name = with.attributes[0].0.clone();
        let found = caller_of(&world, &name, vec![with.clone()]).await;
        assert_eq!(found, None, "{name}");
        let web = person(Kind::Standard, "web", &[("phone", number)]);
        let found = caller_of(&world, &format!("{name} beside"), vec![with, web]).await;
        assert_eq!(found.as_deref(), Some(number), "{name}");
    }
    for blank in ["", " ", "\t "] {
        let room = format!("blank {blank:?}");
        let empty = person(
            Kind::Standard,
            "empty",
            &[("phone", blank), ("sip.phoneNumber", blank)],
        );
        let other = person(Kind::Standard, "other", &[("phone", number)]);
        let found = caller_of(&world, &room, vec![empty.clone(), other]).await;
        assert_eq!(found.as_deref(), Some(number), "{blank:?}");
        let metadata = format!(r#"{{"phone": "{number}"}}"#);
        let call = world
            .livekit
            .open_room_with(&format!("{room} metadata"), &metadata);
        world.livekit.join(&format!("{room} metadata"), empty);
        let row = world
            .row_where(&call, |row| row.contains_key("Caller"))
            .await;
        assert_eq!(row["Caller"], number, "{blank:?}");
    }
}
