//! The routes of the router, as they are in its source, and the operations of the document.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::harness::{API_TOKEN, World};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// `get /healthz`
type Routes = BTreeSet<String>;

/// The routes in the source of a router. A route's methods are in the text up to the next route.
fn routes(source: &str) -> Routes {
    let mut routes = source.split(".route(");
    routes.next();
    let found = routes.flat_map(|route| {
        let path = route.split('"').nth(1).unwrap();
        let methods = METHODS.into_iter();
        let used = methods.filter(|method| {
            let call = format!("{method}(");
            let mut calls = route.match_indices(&call);
            let is_word = |at: usize| !route[..at].ends_with(|c: char| c.is_alphanumeric());
            calls.any(|(at, _)| is_word(at))
        });
        used.map(move |method| format!("{method} {path}"))
    });
    found.collect()
}

/// The operations of the document. `head` comes with `get`.
fn operations(document: &Value) -> Routes {
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        let methods = methods.filter(|method| *method != "head");
        methods.map(move |method| format!("{method} {path}"))
    });
    all.collect()
}

pub(super) async fn document(world: &World) -> Value {
    let request = world.http.get(world.url("/openapi.json"));
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_in_the_document_and_nothing_else() {
    let world = World::new().await;
    let documented = operations(&document(&world).await);
    let source = fs::read_to_string("src/http/router.rs").unwrap();
    let mut routed = routes(&source);
    assert!(routed.len() > 10, "{routed:?}");
    // Pages for people are no API: what they load and show may change with every version.
    let is_page = |route: &String| route.contains(" /ops") || route.contains(" /assets");
    routed.retain(|route| !is_page(route));
    assert_eq!(documented, routed);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_answered_by_its_handler() {
    let world = World::new().await;
    let document = document(&world).await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let empty = Vec::new();
            let parameters = operation["parameters"].as_array().unwrap_or(&empty);
            let mut url = world.url(path);
            for parameter in parameters.iter().filter(|it| it["in"] == "path") {
                let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
                url = url.replace(&name, parameter["example"].as_str().unwrap());
            }
            let method = method.to_uppercase().parse().unwrap();
            let request = world.http.request(method, &url).bearer_auth(API_TOKEN);
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16().to_string();
            let known = operation["responses"].get(&status);
            assert!(known.is_some(), "{url}: {status}");
            assert_ne!(status, "405", "{url}");
            let text = answer.text().await.unwrap();
            let is_fallback = status == "404" && text.contains("this address does not exist");
            assert!(!is_fallback, "{url}: {text}");
        }
    }
}

#[test]
fn routes_are_read_from_the_source() {
    let source = r#"
        let metrics = audited(&app, get(metrics::metrics));
        .route("/a", post(a::receive))
        .route(
            "/b/{id}",
            audited(&app, Action::Target, get(b::budget).delete(b::erase)),
        )
        .fallback(|| async {})"#;
    let all = ["delete /b/{id}", "get /b/{id}", "post /a"];
    assert_eq!(routes(source), all.map(str::to_owned).into());
}
