//! Who is let in, for how long, and what other sites and guesses come to.

use sqlx::Connection;

use super::visitor::Visitor;
use crate::{
    harness::{API_TOKEN, World, move_clock, moved},
    real::postgres::fresh_database,
};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-NONCE'; img-src 'self' data:; media-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

async fn lets_in(world: World) {
    let get = async |path: &str| {
        let request = world.http.get(world.url(path));
        request.header("accept", "text/html").send().await.unwrap()
    };
    let answer = get("/ops/calls/RM_x?t=5").await;
    assert_eq!(answer.status(), 303);
    let login = "../../ops/login?next=%2Fops%2Fcalls%2FRM_x%3Ft%3D5";
    assert_eq!(header(&answer, "location"), login);
    let form = get("/ops/login").await;
    assert_eq!(form.status(), 200);
    let wrong = world.sign_in("wrong", "").await;
    assert_eq!(wrong.status(), 401);
    assert!(!wrong.headers().contains_key("set-cookie"));

    let answer = world.sign_in(API_TOKEN, "/ops?status=failed").await;
    assert_eq!(answer.status(), 303);
    assert_eq!(header(&answer, "location"), "../ops?status=failed");
    let cookie = header(&answer, "set-cookie").to_owned();
    let (id, attributes) = cookie.split_once(';').unwrap();
    assert!(id.strip_prefix("session=").unwrap().len() == 64, "{cookie}");
    let expected = " Max-Age=43200; Path=/; HttpOnly; SameSite=Strict";
    assert_eq!(attributes, expected);

    let visitor = world.visitor(API_TOKEN).await;
    let page = visitor.open("/ops").await;
    assert_eq!(page.status(), 200);
    let policy = header(&page, "content-security-policy").to_owned();
    let nonce = policy.split("'nonce-").nth(1).unwrap();
    let nonce = nonce.split('\'').next().unwrap();
    assert_eq!(policy, POLICY.replace("NONCE", nonce));
    let again = visitor.open("/ops").await;
    assert_ne!(header(&again, "content-security-policy"), policy);
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(header(&page, name), value, "{name}");
    }
    signs_out(&visitor).await;
}

async fn signs_out(visitor: &Visitor<'_>) {
    let token = visitor.form_token().await;
    let logout = "/ops/logout";
    for site in ["cross-site", "same-site", "none", ""] {
        let fields = [("form_token", token.as_str())];
        let refused = visitor.send_from(site, logout, &fields).await;
        assert_eq!(refused.status(), 403, "{site}");
    }
    for wrong in [&[][..], &[("form_token", "")], &[("form_token", "0")]] {
        let refused = visitor.send_from("same-origin", logout, wrong).await;
        assert_eq!(refused.status(), 403);
    }
    assert_eq!(visitor.open("/ops").await.status(), 200);
    let out = visitor.send(logout, &[]).await;
    assert_eq!(out.status(), 303);
    assert!(header(&out, "set-cookie").contains("Max-Age=0"));
    assert_eq!(visitor.open("/ops").await.status(), 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_begins_a_session() {
    lets_in(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_begins_a_session_on_postgres() {
    let database = fresh_database().await;
    lets_in(World::with(&[("DATABASE_URL", &database)]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_twelve_hours_and_with_its_token() {
    let line = format!("desk read {:x<32}", "desk");
    let mut world = World::with(&[("API_TOKENS", &line)]).await;
    world.restart_on(moved::<10>).await;
    let desk = world.visitor(&format!("{:x<32}", "desk")).await.cookie;
    let main = world.visitor(API_TOKEN).await.cookie;
    let status = async |world: &World, cookie: &str| {
        let request = world.http.get(world.url("/ops")).header("cookie", cookie);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&world, &desk).await, 200);
    world.stop().await;
    world.set("API_TOKENS", &format!("desk read {:x<32}", "other"));
    world.start().await;
    assert_eq!(status(&world, &desk).await, 401, "its token was replaced");
    assert_eq!(status(&world, &main).await, 200);
    move_clock::<10>(12 * 3600 - 60);
    assert_eq!(status(&world, &main).await, 200);
    move_clock::<10>(120);
    assert_eq!(status(&world, &main).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_tokens_a_minute_are_all() {
    let world = World::new().await;
    for _ in 0..5 {
        assert_eq!(world.sign_in("guess", "").await.status(), 401);
    }
    let refused = world.sign_in(API_TOKEN, "").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(header(&refused, "retry-after"), "60");
    let elsewhere = world.http.post(world.url("/ops/login"));
    let elsewhere = elsewhere
        .header("sec-fetch-site", "same-origin")
        .header("x-forwarded-for", "203.0.113.9")
        .body(format!("token={API_TOKEN}"));
    assert_eq!(elsewhere.send().await.unwrap().status(), 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_the_cookie_is_for_this_host_alone() {
    let world = World::new().await;
    let request = world.http.post(world.url("/ops/login"));
    let request = request
        .header("host", "calls.example.com")
        .header("sec-fetch-site", "same-origin")
        .body(format!("token={API_TOKEN}"));
    let answer = request.send().await.unwrap();
    let cookie = header(&answer, "set-cookie");
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    let attributes = "; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict; Secure";
    assert!(cookie.ends_with(attributes), "{cookie}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_the_pages_are_closed() {
    let mut world = World::new().await;
    world.stop().await;
    world.set("API_TOKEN", "");
    world.start().await;
    let request = world.http.get(world.url("/ops"));
    let answer = request.header("accept", "text/html").send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let page = answer.text().await.unwrap();
    assert!(page.contains("API_TOKEN"), "{page}");
    assert_eq!(world.sign_in("", "").await.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_decide_what_is_shown() {
    let lines = ["read", "words", "redrive", "metrics"]
        .map(|scope| format!("{scope} {scope} {scope:x<32}"))
        .join("\n");
    let both = format!("both read,words {:x<32}", "both");
    let world = World::with(&[("API_TOKENS", &format!("{lines}\n{both}"))]).await;
    let (call, _) = world.talk("desk").await;
    let (page, words) = (format!("/ops/calls/{call}"), format!("/ops/words/{call}"));
    let retry = format!("/ops/redrive?call={call}");
    for (token, statuses) in [
        ("read", [200, 200, 403, 403]),
        ("both", [200, 200, 200, 403]),
        ("words", [403, 403, 403, 403]),
        ("redrive", [403, 403, 403, 200]),
        ("metrics", [403, 403, 403, 403]),
    ] {
        let visitor = world.visitor(&format!("{token:x<32}")).await;
        for (path, status) in ["/ops", &page, &words, &retry].into_iter().zip(statuses) {
            let answer = visitor.open(path).await;
            assert_eq!(answer.status(), status, "{token} {path}");
        }
    }
    let reader = world.visitor(&format!("{:x<32}", "read")).await;
    let shown = reader.page(&page).await + &reader.page("/ops").await;
    assert!(!shown.contains("redrive"), "{shown}");
    let bearer = world.get("/ops").await;
    assert_eq!(bearer.status(), 200, "a program may read the pages");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_may_say_who_is_signed_in() {
    let settings = [("OPS_TRUST_HEADER", "X-Forwarded-Email")];
    let mut world = World::with(&settings).await;
    let open = async |world: &World, person: &str, cookie: &str| {
        let request = world.http.get(world.url("/ops"));
        let request = request.header("x-forwarded-email", person);
        let request = request
            .header("cookie", cookie)
            .header("accept", "text/html");
        request.send().await.unwrap()
    };
    let answer = open(&world, "ava@example.com", "").await;
    assert_eq!(answer.status(), 200);
    let cookie = header(&answer, "set-cookie").to_owned();
    let (cookie, _) = cookie.split_once(';').unwrap();
    let again = open(&world, "ava@example.com", cookie).await;
    assert!(!again.headers().contains_key("set-cookie"));
    assert!(again.text().await.unwrap().contains("ava@example.com"));
    let other = open(&world, "ben@example.com", cookie).await;
    assert!(
        other.headers().contains_key("set-cookie"),
        "not her session"
    );
    let request = world.http.get(world.url("/ops")).header("cookie", cookie);
    assert_eq!(
        request.send().await.unwrap().status(),
        401,
        "nobody vouches"
    );
    world.stop().await;
    world.set("TRUSTED_PROXIES", "10.0.0.0/8");
    world.start().await;
    let answer = open(&world, "ava@example.com", "").await;
    assert_eq!(answer.status(), 303, "anybody may have set it");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_cannot_be_written_the_sign_in_page_says_so_and_the_pages_can_be_read() {
    let settings = [("OPS_TRUST_HEADER", "X-Forwarded-Email")];
    let world = World::with(&settings).await;
    let visitor = world.visitor(API_TOKEN).await;
    let mut lock = sqlx::SqliteConnection::connect(&world.database())
        .await
        .unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut lock)
        .await
        .unwrap();
    let refused = world.sign_in(API_TOKEN, "").await;
    assert_eq!(refused.status(), 503);
    let page = refused.text().await.unwrap();
    for part in ["Nobody can sign in now", "locked", "name=\"token\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Who has a session, and whom a proxy names, reads on.
    let page = visitor.page("/ops/health").await;
    assert!(page.contains("<h1>Health</h1>"), "{page}");
    let request = world.http.get(world.url("/ops/health"));
    let request = request.header("x-forwarded-email", "ava@example.com");
    let answer = request.header("accept", "text/html").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("set-cookie"), "no session");
    let page = answer.text().await.unwrap();
    assert!(page.contains("ava@example.com"), "{page}");
    assert!(
        !page.contains("ops/logout"),
        "nothing to sign out of: {page}"
    );
}
