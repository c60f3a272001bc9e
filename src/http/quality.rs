//! Headers in which a client lists what it prefers: `text/html, */*;q=0.8`.

use axum::http::{HeaderMap, HeaderName};

/// The items of the header in their order, in lower case, with their quality.
pub(super) fn preferences(headers: &HeaderMap, name: HeaderName) -> Vec<(String, f64)> {
    let values = headers.get_all(name).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let items = values.flat_map(|value| value.split(','));
    items.filter_map(item).collect()
}

/// The quality of this item; `None`: it is not listed.
pub(super) fn quality(headers: &HeaderMap, name: HeaderName, item: &str) -> Option<f64> {
    let all = preferences(headers, name);
    let found = all.into_iter().find(|(known, _)| known == item);
    found.map(|(_, quality)| quality)
}

/// `text/html;q=0.5`; nothing without a name, or with a quality that is no number.
fn item(text: &str) -> Option<(String, f64)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let quality = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value)
    });
    let quality: f64 = quality.map_or(Some(1.0), |it| it.trim().parse().ok())?;
    Some((name.to_ascii_lowercase(), quality))
}
