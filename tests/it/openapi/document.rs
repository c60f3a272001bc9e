//! How the document is served, and what it must have.

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use super::routes::document;
use crate::{
    harness::World,
    real::{python, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn it_needs_no_token_and_may_be_kept_until_it_changes() {
    let world = World::new().await;
    let url = world.url("/openapi.json");
    let first = world.http.get(&url).send().await.unwrap();
    assert_eq!(first.status(), 200);
    let headers = first.headers().clone();
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let tag = headers[header::ETAG].to_str().unwrap().to_owned();
    let ask = async |tag: &str| {
        let request = world.http.get(&url).header(header::IF_NONE_MATCH, tag);
        request.send().await.unwrap()
    };
    for known in [tag.clone(), format!("\"another\", W/{tag}"), "*".to_owned()] {
        let again = ask(&known).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(again.headers()[header::ETAG], tag.as_str());
        assert_eq!(again.bytes().await.unwrap().len(), 0);
    }
    assert_eq!(ask("\"another\"").await.status(), 200);
    let head = world.http.head(&url).send().await.unwrap();
    assert_eq!(head.headers()[header::ETAG], tag.as_str());
    let others = world.http.get(world.url("/healthz")).send().await.unwrap();
    assert_eq!(others.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_describes_the_authorization_and_every_error() {
    let world = World::new().await;
    let document = document(&world).await;
    assert_eq!(document["openapi"], "3.1.0");
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["api_token"]["scheme"], "bearer");
    assert_eq!(schemes["livekit_token"]["bearerFormat"], "JWT");
    assert_eq!(schemes["webhook_signature"]["in"], "header");
    let errors = &document["components"]["responses"];
    let retry = &errors["TooManyRequests"]["headers"]["Retry-After"];
    assert_eq!(retry["schema"]["type"], "integer");
    assert_eq!(
        errors["Unauthorized"]["headers"]["WWW-Authenticate"]["example"],
        "Bearer"
    );
    for (name, error) in errors.as_object().unwrap() {
        let problem = &error["content"]["application/problem+json"];
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        assert_eq!(problem["schema"], schema, "{name}");
        assert!(!error["description"].as_str().unwrap().is_empty(), "{name}");
    }
    let statuses = |path: &str, method: &str| -> Vec<String> {
        let responses = document["paths"][path][method]["responses"].as_object();
        responses.unwrap().keys().cloned().collect()
    };
    let sent = statuses("/v1/transcripts", "post");
    for status in [
        "202", "400", "401", "403", "413", "415", "429", "503", "507",
    ] {
        assert!(sent.iter().any(|known| known == status), "{status}");
    }
    assert!(statuses("/v1/recordings", "post").contains(&"502".to_owned()));
    assert!(statuses("/r/{egress_id}/{signature}", "head").contains(&"410".to_owned()));
}

/// jsonschema compares every example with its schema.
#[tokio::test(flavor = "multi_thread")]
async fn its_examples_are_what_its_schemas_say() {
    let world = World::new().await;
    let document = document(&world).await;
    let mut without = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        for (method, operation) in item.as_object().unwrap() {
            let contents = |of: &Value| of["content"].as_object().cloned().unwrap_or_default();
            let request = contents(&operation["requestBody"]);
            let responses = operation["responses"].as_object().unwrap();
            let good = responses
                .iter()
                .filter(|(status, _)| status.starts_with('2'));
            let answers = good.flat_map(|(_, response)| contents(response));
            for (kind, content) in request.into_iter().chain(answers) {
                if content["example"].is_null() && content["examples"].is_null() {
                    without.push(format!("{method} {}: {kind}", operation["operationId"]));
                }
            }
        }
    }
    assert_eq!(without, [r#"get "get_openapi": application/json"#]);
    let checked = run(python("openapi/examples.py"), document.to_string().into()).await;
    let checked: usize = checked.trim().parse().unwrap();
    assert!(checked > 40, "{checked} examples");
}
