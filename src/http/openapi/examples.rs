//! The examples of the document, from `examples.json`: by operation, `request` or status, and media type.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::{Content, OpenApi, RefOr, example::ExampleBuilder, path::Operation};

/// Of one operation.
#[derive(Deserialize)]
struct Examples {
    /// By media type and name.
    #[serde(default)]
    request: BTreeMap<String, BTreeMap<String, Value>>,
    /// By status and media type.
    #[serde(flatten)]
    responses: BTreeMap<String, BTreeMap<String, Value>>,
}

/// Adds each example to its request or response.
pub(super) fn add(document: &mut OpenApi) {
    // A test reads the document and looks for each of them.
    let all: BTreeMap<String, Examples> =
        serde_json::from_str(include_str!("examples.json")).unwrap_or_default();
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.head,
            &mut item.post,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            let id = operation.operation_id.clone().unwrap_or_default();
            if let Some(examples) = all.get(&id) {
                add_requests(operation, examples);
                add_responses(operation, examples);
            }
        }
    }
}

fn add_requests(operation: &mut Operation, examples: &Examples) {
    let Some(RefOr::T(body)) = &mut operation.request_body else {
        return;
    };
    for (kind, named) in &examples.request {
        let Some(RefOr::T(content)) = body.content.get_mut(kind) else {
            continue;
        };
        for (name, value) in named {
            let example = ExampleBuilder::new().value(Some(value.clone())).build();
            content.examples.insert(name.clone(), example.into());
        }
    }
}

fn add_responses(operation: &mut Operation, examples: &Examples) {
    for (status, kinds) in &examples.responses {
        let response = operation.responses.responses.get_mut(status);
        let Some(RefOr::T(response)) = response else {
            continue;
        };
        for (kind, value) in kinds {
            if let Some(RefOr::T(Content { example, .. })) = response.content.get_mut(kind) {
                *example = Some(value.clone());
            }
        }
    }
}
