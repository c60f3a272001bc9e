//! The cookie of a session.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::http::local::is_this_machine;

/// Over https: the browser takes it from this host only, for all of its paths.
const SECURE: &str = "__Host-session";
/// Over http on the person's own machine, where a browser takes no such name.
const PLAIN: &str = "session";
/// Seconds that a session lasts.
pub(super) const LIFE: i64 = 12 * 3600;

/// How the browser reaches the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Https,
    /// http to the machine that the browser runs on.
    Loopback,
}

impl Transport {
    /// The host is the one that the browser has asked for.
    fn of(headers: &HeaderMap) -> Transport {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let is_https = text("x-forwarded-proto").is_some_and(|it| it.eq_ignore_ascii_case("https"));
        match text(header::HOST.as_str()).is_some_and(is_this_machine) && !is_https {
            true => Transport::Loopback,
            false => Transport::Https,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Transport::Https => SECURE,
            Transport::Loopback => PLAIN,
        }
    }

    fn attributes(self) -> &'static str {
        match self {
            Transport::Https => "Path=/; HttpOnly; SameSite=Strict; Secure",
            Transport::Loopback => "Path=/; HttpOnly; SameSite=Strict",
        }
    }
}

/// The session's ID, as the browser sent it.
pub(super) fn read(headers: &HeaderMap) -> Option<&str> {
    let name = Transport::of(headers).name();
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, id) = pairs.find(|(key, _)| *key == name)?;
    let is_id = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    is_id.then_some(id)
}

/// `Set-Cookie` of a new session; `headers`: the request's.
pub(super) fn set(headers: &HeaderMap, id: &str) -> HeaderValue {
    cookie(Transport::of(headers), id, LIFE)
}

/// `Set-Cookie` that removes it.
pub(super) fn removed(headers: &HeaderMap) -> HeaderValue {
    cookie(Transport::of(headers), "", 0)
}

fn cookie(transport: Transport, id: &str, life: i64) -> HeaderValue {
    let (name, attributes) = (transport.name(), transport.attributes());
    let text = format!("{name}={id}; Max-Age={life}; {attributes}");
    // An ID is made of hex digits.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn only_the_own_machine_has_a_cookie_without_tls() {
        let id = "a".repeat(64);
        let local = headers(&[("host", "127.0.0.1:8080")]);
        let set = super::set(&local, &id);
        let plain = format!("session={id}; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict");
        assert_eq!(set, plain);
        for other in [
            headers(&[("host", "calls.example.com")]),
            headers(&[("host", "192.168.1.7:8080")]),
            headers(&[("host", "localhost"), ("x-forwarded-proto", "https")]),
            headers(&[]),
        ] {
            let set = super::set(&other, &id);
            let secure = format!(
                "__Host-session={id}; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict; Secure"
            );
            assert_eq!(set, secure);
        }
    }

    #[test]
    fn the_cookie_of_the_other_kind_is_not_read() {
        let id = "b".repeat(64);
        let both = format!("x=1; session={id}; __Host-session={}", "c".repeat(64));
        let read = |host: &str| {
            let headers = headers(&[("host", host), ("cookie", &both)]);
            super::read(&headers).map(str::to_owned)
        };
        assert_eq!(read("localhost:1"), Some(id));
        assert_eq!(read("calls.example.com"), Some("c".repeat(64)));
        let short = headers(&[("host", "localhost"), ("cookie", "session=abc")]);
        assert_eq!(super::read(&short), None);
    }
}
