//! LiveKit writes protobuf as JSON in two ways: webhooks in camelCase with defaults left out, Twirp answers in snake_case with every
//! default present. Both keep the order in which the fields are declared, and write 64-bit numbers as strings.

/// The two forms: camelCase without defaults, or snake_case with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Webhook,
    Twirp,
}

/// The fields of a message, named in snake_case, in the order of their declaration.
pub(super) type Fields = Vec<(&'static str, Json)>;

/// A value with what decides whether it is written.
#[derive(Debug)]
pub(super) enum Json {
    Text(String),
    Long(i64),
    Number(f64),
    Flag(bool),
    /// The name of an enum value, and whether it is the default value.
    Name(&'static str, bool),
    List(Vec<Json>),
    /// Sorted by key when written.
    Map(Vec<(String, String)>),
    Message(Fields),
    /// Anything in the form of a webhook; null when it is empty.
    Other(serde_json::Value),
    /// A message that is not set.
    Absent,
}

/// A string value.
pub(super) fn text(value: &str) -> Json {
    Json::Text(value.to_owned())
}

/// A number that is not written as a string.
pub(super) fn number(value: impl Into<f64>) -> Json {
    Json::Number(value.into())
}

/// A message as JSON.
pub(super) fn write(fields: &Fields, style: Style) -> String {
    let mut out = String::new();
    message(&mut out, fields, style);
    out
}

fn message(out: &mut String, fields: &Fields, style: Style) {
    let written = fields
        .iter()
        .filter(|(_, value)| style == Style::Twirp || !value.is_default());
    separated(out, '{', written, '}', |out, (name, value)| {
        match style {
            Style::Twirp => quoted(out, name),
            Style::Webhook => quoted(out, &camel_case(name)),
        }
        out.push(':');
        value.write(out, style);
    });
}

impl Json {
    fn is_default(&self) -> bool {
        match self {
            Json::Text(value) => value.is_empty(),
            Json::Long(value) => *value == 0,
            Json::Number(value) => *value == 0.0,
            Json::Flag(value) => !value,
            Json::Name(_, default) => *default,
            Json::List(values) => values.is_empty(),
            Json::Map(entries) => entries.is_empty(),
            Json::Message(_) => false,
            Json::Other(value) => value.as_array().is_some_and(Vec::is_empty),
            Json::Absent => true,
        }
    }

    fn write(&self, out: &mut String, style: Style) {
        match self {
            Json::Text(value) => quoted(out, value),
            Json::Long(value) => quoted(out, &value.to_string()),
            Json::Number(value) => out.push_str(&value.to_string()),
            Json::Flag(value) => out.push_str(&value.to_string()),
            Json::Name(name, _) => quoted(out, name),
            Json::List(values) => separated(out, '[', values.iter(), ']', |out, value| {
                value.write(out, style)
            }),
            Json::Map(entries) => map(out, entries),
            Json::Message(fields) => message(out, fields, style),
            Json::Other(value) => other(out, value, style),
            Json::Absent => out.push_str("null"),
        }
    }
}

/// Fields that are not set are left out in both forms.
fn other(out: &mut String, value: &serde_json::Value, style: Style) {
    use serde_json::Value;
    match value {
        Value::Object(fields) => separated(out, '{', fields.iter(), '}', |out, (name, value)| {
            match style {
                Style::Twirp => quoted(out, &snake_case(name)),
                Style::Webhook => quoted(out, name),
            }
            out.push(':');
            other(out, value, style);
        }),
        Value::Array(items) => separated(out, '[', items.iter(), ']', |out, item| {
            other(out, item, style)
        }),
        value => out.push_str(&value.to_string()),
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn map(out: &mut String, entries: &[(String, String)]) {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort();
    separated(out, '{', entries.into_iter(), '}', |out, (key, value)| {
        quoted(out, key);
        out.push(':');
        quoted(out, value);
    });
}

/// Writes a space after each comma, as LiveKit does: the bytes equal those of production.
fn separated<T>(
    out: &mut String,
    open: char,
    items: impl Iterator<Item = T>,
    close: char,
    one: impl Fn(&mut String, T),
) {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        one(out, item);
    }
    out.push(close);
}

fn quoted(out: &mut String, value: &str) {
    out.push_str(&serde_json::Value::from(value).to_string());
}

fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut rest = part.chars();
        camel.extend(rest.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(rest.as_str());
    }
    camel
}
