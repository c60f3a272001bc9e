//! The book's page "HTTP reference", from the OpenAPI document.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::is_current;

const METHODS: [&str; 3] = ["get", "post", "head"];

#[test]
fn the_book_has_every_request() {
    let document: Value =
        serde_json::from_str(&livekit_airtable::http::openapi_document()).unwrap();
    let mut page = String::from(
        "# HTTP reference\n\nEvery request, answer and type, made from the service's own `GET /openapi.json`. \
         [HTTP API](http-api.md) is the introduction.\n",
    );
    write!(page, "\n{}\n", text(&document["info"]["description"])).unwrap();
    for tag in document["tags"].as_array().unwrap() {
        let name = text(&tag["name"]);
        write!(
            page,
            "\n## {}\n\n{}.\n",
            capitalized(name),
            text(&tag["description"])
        )
        .unwrap();
        for (path, item) in object(&document["paths"]) {
            for method in METHODS {
                let operation = &item[method];
                // What HEAD answers is what GET answers, without a body.
                let is_copy = method == "head" && item["get"].is_object();
                if operation["tags"][0] == *name && !is_copy {
                    page += &request(&document, path, method, operation);
                }
            }
        }
    }
    page += "\n## Types\n";
    for (name, schema) in object(&document["components"]["schemas"]) {
        page += &named_type(name, schema);
    }
    is_current("docs/src/http-reference.md", &page);
}

fn request(document: &Value, path: &str, method: &str, operation: &Value) -> String {
    let mut page = format!("\n### {} {path}\n\n", method.to_uppercase());
    write!(page, "{}.", text(&operation["summary"])).unwrap();
    if let Some(more) = operation["description"].as_str() {
        write!(page, " {}", more.replace('\n', " ")).unwrap();
    }
    page += "\n";
    let parameters = operation["parameters"].as_array();
    let rows = parameters.into_iter().flatten().map(|parameter| {
        let schema = &parameter["schema"];
        let meaning = parameter
            .get("description")
            .unwrap_or(&schema["description"]);
        [
            code(text(&parameter["name"])),
            text(&parameter["in"]).into(),
            type_of(schema),
            cell(meaning),
        ]
    });
    page += &table(["parameter", "in", "type", "meaning"], rows);
    page += &body("Body", &operation["requestBody"]["content"]);
    let answers = object(&operation["responses"]).map(|(status, answer)| {
        let answer = resolved(document, answer);
        let types = object(&answer["content"]).map(|(kind, it)| content(kind, &it["schema"]));
        [
            status.clone(),
            types.collect::<Vec<_>>().join("; "),
            cell(&answer["description"]),
        ]
    });
    page += &table(["answer", "body", "meaning"], answers);
    page + &examples(operation)
}

/// One line for each content type of a body.
fn body(title: &str, contents: &Value) -> String {
    let kinds = object(contents).map(|(kind, it)| content(kind, &it["schema"]));
    match kinds.collect::<Vec<_>>() {
        kinds if kinds.is_empty() => String::new(),
        kinds => format!("\n{title}: {}\n", kinds.join("; ")),
    }
}

fn content(kind: &str, schema: &Value) -> String {
    match type_of(schema).as_str() {
        "" => code(kind),
        of => format!("{} {of}", code(kind)),
    }
}

/// The first example of the body and of the first answer that has one.
fn examples(operation: &Value) -> String {
    let request = object(&operation["requestBody"]["content"]).find_map(|(_, it)| example(it));
    let mut answers = object(&operation["responses"]);
    let answer = answers.find_map(|(_, answer)| {
        let mut kinds = object(&answer["content"]);
        kinds.find_map(|(kind, it)| example(it).filter(|_| kind.contains("json")))
    });
    let block = |title: &str, example: Option<&Value>| {
        let example = example.map(|value| serde_json::to_string_pretty(value).unwrap());
        example.map_or_else(String::new, |json| {
            format!("\n{title}:\n\n```json\n{json}\n```\n")
        })
    };
    block("Example of the body", request) + &block("Example of the answer", answer)
}

fn example(content: &Value) -> Option<&Value> {
    let first = || object(&content["examples"]).find_map(|(_, it)| it.get("value"));
    content.get("example").or_else(first)
}

fn named_type(name: &str, schema: &Value) -> String {
    let mut page = format!("\n### {name}\n");
    if let Some(meaning) = schema["description"].as_str() {
        write!(page, "\n{}\n", meaning.replace('\n', " ")).unwrap();
    }
    // What an object has may be in parts.
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let all = std::iter::once(schema).chain(parts);
    let fields: Vec<_> = all.flat_map(|part| object(&part["properties"])).collect();
    if fields.is_empty() {
        write!(page, "\n{}\n", type_of(schema)).unwrap();
    }
    let rows = fields
        .into_iter()
        .map(|(name, schema)| [code(name), type_of(schema), cell(&schema["description"])]);
    page + &table(["field", "type", "meaning"], rows)
}

/// The type of a schema, in words, with links to named types.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or(name);
        return format!("[{name}](#{})", name.to_lowercase());
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[key].as_array() {
            let choices: Vec<_> = choices.iter().map(type_of).collect();
            return choices.join(if key == "allOf" { " with " } else { " or " });
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values
            .iter()
            .map(|value| code(value.as_str().unwrap_or("null")));
        return values.collect::<Vec<_>>().join(", ");
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", type_of(&schema["items"])),
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names = names.iter().map(|name| match text(name) {
                "array" => format!("list of {}", type_of(&schema["items"])),
                name => name.to_owned(),
            });
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => String::new(),
    }
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: String = rows
        .map(|row| format!("| {} |\n", row.join(" | ")))
        .collect();
    match rows.is_empty() {
        true => rows,
        false => format!(
            "\n| {} |\n|{}\n{rows}",
            head.join(" | "),
            " --- |".repeat(N)
        ),
    }
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
    pointer.and_then(|it| document.pointer(it)).unwrap_or(value)
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// A description as a cell of a table.
fn cell(value: &Value) -> String {
    text(value).replace('\n', " ").replace('|', "\\|")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
