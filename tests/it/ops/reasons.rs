//! What is wrong is said where somebody looks for it, and nothing is offered that is not there.

use livekit_airtable_sim::airtable::Fault;
use serde_json::json;

use super::visitor::Visitor;
use crate::{
    harness::{API_TOKEN, World},
    play::text,
    real::postgres::fresh_database,
};

/// The reason in the list's row of a call, once there is one.
async fn reason(visitor: &Visitor<'_>, call: &str) -> String {
    let reason = |page: &str| {
        let row = page.split(&format!("data-call=\"{call}\"")).nth(1)?;
        let row = row.split("</tr>").next()?;
        let text = row.split("<td class=\"reason\">").nth(1)?;
        let text = text.split('<').next()?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    };
    let page = visitor.page_where("/ops", |page| reason(page).is_some());
    reason(&page.await).unwrap()
}

async fn says_why_a_delivery_waits(world: World) {
    let visitor = world.visitor(API_TOKEN).await;
    let busy = json!({ "error": { "type": "SERVICE_UNAVAILABLE", "message": "busy" } });
    let busy = Fault::Status(503, busy.to_string());
    world.airtable.fail_next(1_000_000, busy);
    let call = world.livekit.open_room("desk");
    let reason = reason(&visitor, &call).await;
    assert!(reason.starts_with("Airtable: "), "{reason}");
    assert!(reason.contains("503"), "{reason}");
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    assert!(page.contains("HTTP 503"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_why_a_delivery_waits() {
    says_why_a_delivery_waits(World::with(&[("RECORD_ON", "manual")]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_why_a_delivery_waits_on_postgres() {
    let database = fresh_database().await;
    let settings = [("RECORD_ON", "manual"), ("DATABASE_URL", database.as_str())];
    says_why_a_delivery_waits(World::with(&settings).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_without_an_answer_says_that_the_storage_cannot_be_reached() {
    let world = World::new().await;
    let (call, _) = world.talk("desk").await;
    world.storage.stop();
    world.livekit.close_room("desk");
    let row = world.row_is(&call, "Failed").await;
    let said = "LiveKit could not reach the storage";
    assert!(text(&row, "Error").contains(said), "{row:#?}");
    assert!(!text(&row, "Error").contains("(400)"), "{row:#?}");
    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.page(&format!("/ops/calls/{call}")).await;
    assert!(page.contains(said), "{page}");
    let list = visitor.page("/ops").await;
    assert!(list.contains(said), "{list}");
    let shown = tokio::task::block_in_place(|| world.program(&["calls", "show", &call]));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(said), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_is_not_there_is_not_offered() {
    let world = World::new().await;
    let (there, there_egress) = world.talk("front").await;
    world.livekit.close_room("front");
    world.row_is(&there, "Complete").await;
    let (failed, failed_egress) = world.talk_unheard("back").await;
    let ids = (failed.as_str(), failed_egress.as_str());
    world.ended(ids, "EGRESS_FAILED", json!({})).await;
    world.row_is(&failed, "Failed").await;
    let visitor = world.visitor(API_TOKEN).await;
    let download = |egress: &str| format!("ops/recordings/{egress}?download=1");
    let page = visitor.page(&format!("/ops/calls/{there}")).await;
    assert!(page.contains(&download(&there_egress)), "{page}");
    let page = visitor.page(&format!("/ops/calls/{failed}")).await;
    assert!(page.contains(&failed_egress), "{page}");
    assert!(!page.contains(&download(&failed_egress)), "{page}");
    // Who kept the address gets a page.
    let gone = visitor
        .open(&format!("/{}", download(&failed_egress)))
        .await;
    assert_eq!(gone.status(), 410);
    assert_eq!(gone.headers()["content-type"], "text/html; charset=utf-8");
    let page = gone.text().await.unwrap();
    assert!(page.contains("not in the bucket"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_address_leads_people_to_the_pages() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let asks = async |path: &str, accept: &str| {
        let request = world.http.get(world.url(path)).header("accept", accept);
        let answer = request.send().await.unwrap();
        let location = answer.headers().get("location");
        let location = location.map(|it| it.to_str().unwrap().to_owned());
        (answer.status().as_u16(), location)
    };
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    assert_eq!(asks("/", browser).await, (303, Some("./ops".into())));
    assert_eq!(asks("/ops/", browser).await, (308, Some("../ops".into())));
    for program in ["*/*", "application/json"] {
        assert_eq!(asks("/", program).await, (404, None), "{program}");
    }
    let posted = world.http.post(world.url("/")).send().await.unwrap();
    assert_eq!(posted.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_named_after_a_number_is_hidden_everywhere() {
    let world = World::with(&[("RECORD_ON", "manual")]).await;
    let number = world.livekit.open_room("call-+15551234567");
    let plain = world.livekit.open_room("desk");
    for call in [&number, &plain] {
        world.row_is(call, "Live").await;
    }
    let visitor = world.visitor(API_TOKEN).await;
    let hidden = "data-private>call-+15551234567<";
    let page = visitor.page(&format!("/ops/calls/{number}")).await;
    assert_eq!(page.matches("call-+15551234567").count(), 1, "{page}");
    assert!(page.contains(hidden), "{page}");
    let page = visitor.page(&format!("/ops/calls/{plain}")).await;
    assert!(page.contains("<dt>Room</dt><dd>desk</dd>"), "{page}");
    let list = visitor.page("/ops").await;
    assert!(!list.contains("15551234567"), "{list}");
}

/// What a page of an error has to go on with.
struct WayAround {
    sections: bool,
    sign_out: bool,
}

impl WayAround {
    fn of(page: &str) -> WayAround {
        WayAround {
            sections: page.contains("<nav aria-label=\"Pages\">"),
            sign_out: page.contains("ops/logout\"") && page.contains("name=\"form_token\""),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_error_has_the_way_around_of_its_visitor() {
    let metrics = "metrics-token-with-32-characters-x";
    let tokens = format!("watcher metrics {metrics}");
    let settings = [("RECORD_ON", "manual"), ("API_TOKENS", tokens.as_str())];
    let world = World::with(&settings).await;
    let visitor = world.visitor(API_TOKEN).await;
    for (path, status) in [
        ("/ops/calls/RM_none", 404),
        ("/ops/recordings/EG_none", 404),
        ("/ops/nothing", 404),
        ("/ops?from=whenever", 400),
        ("/ops/redrive", 400),
    ] {
        let answer = visitor.open(path).await;
        assert_eq!(answer.status(), status, "{path}");
        let page = answer.text().await.unwrap();
        let way = WayAround::of(&page);
        assert!(way.sections && way.sign_out, "{path}: {page}");
        // The way leads from the page's own address.
        let up = "../".repeat(path.matches('/').count() - 1);
        let root = if up.is_empty() { "./" } else { &up };
        assert!(
            page.contains(&format!("href=\"{root}ops/health\"")),
            "{path}: {page}"
        );
    }
    // Who may read nothing can sign out, and is led nowhere.
    let watcher = world.visitor(metrics).await;
    let answer = watcher.open("/ops").await;
    assert_eq!(answer.status(), 403);
    let page = answer.text().await.unwrap();
    let way = WayAround::of(&page);
    assert!(!way.sections && way.sign_out, "{page}");
    assert!(page.contains("lacks the scope <code>read</code>"), "{page}");
    // Nor is who is not signed in.
    let page = world
        .http
        .get(world.url("/ops/login"))
        .header("accept", "text/html");
    let page = page.send().await.unwrap().text().await.unwrap();
    let way = WayAround::of(&page);
    assert!(!way.sections && !way.sign_out, "{page}");
}
