//! DATABASE_URL and DATABASE_TLS.
//!
//! The driver's default is to use TLS if the server offers it: whoever can answer in place of the server would get the
//! password and every transcript. So a connection to another machine is verified unless DATABASE_TLS=off.

use std::{borrow::Cow, net::IpAddr};

use url::Url;

use super::{Reader, sqlite_url};

const NAME: &str = "DATABASE_URL";

/// DATABASE_TLS
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    /// Verified, unless the database is on this machine.
    Required,
    /// As DATABASE_URL says.
    Off,
}

/// DATABASE_URL; it may hold a password.
pub fn database_url(r: &mut Reader<'_>) -> String {
    let tls = r.parsed(
        "DATABASE_TLS",
        Tls::Required,
        "off (connections to another machine may be read by others), or nothing",
        |v| v.eq_ignore_ascii_case("off").then_some(Tls::Off),
    );
    let url = r.address(NAME, "sqlite:FILE or postgres://…", supported);
    let Some(url) = url else {
        return "sqlite:livekit-airtable.db".into();
    };
    // For a URL without a host, in the driver's order.
    let host = r
        .text("PGHOSTADDR", "an address")
        .or_else(|| r.text("PGHOST", "a host"));
    match secured(&url, host.as_deref(), tls) {
        Ok(url) => url.into_owned(),
        Err(why) => {
            r.refuse(NAME, why);
            url
        }
    }
}

fn supported(url: &str) -> Result<String, String> {
    if url.starts_with("sqlite:") {
        sqlite_url::check(url)?;
        return Ok(url.to_owned());
    }
    let known = ["postgres://", "postgresql://"];
    match known.iter().any(|scheme| url.starts_with(scheme)) {
        true => Ok(url.to_owned()),
        false => Err("is not a supported database".into()),
    }
}

/// The URL with `sslmode=verify-full` if it leads to another machine and says nothing else. `default_host`: where a URL
/// without a host leads to.
fn secured<'a>(url: &'a str, default_host: Option<&str>, tls: Tls) -> Result<Cow<'a, str>, String> {
    if url.starts_with("sqlite:") {
        return Ok(url.into());
    }
    let parsed = Url::parse(url).map_err(|_| "is not a valid URL".to_owned())?;
    let (url, parsed) = match default_host.filter(|_| hosts(&parsed).is_empty()) {
        // Written down: the driver reads the environment alone, and no `.env` file.
        Some(host) => {
            let mut parsed = parsed;
            parsed.query_pairs_mut().append_pair("host", host);
            (Cow::from(parsed.to_string()), parsed)
        }
        None => (Cow::from(url), parsed),
    };
    if tls == Tls::Off || is_on_this_machine(&hosts(&parsed)) {
        return Ok(url);
    }
    let is_mode = |name: &str| matches!(name, "sslmode" | "ssl-mode");
    let modes = parsed.query_pairs().filter(|(name, _)| is_mode(name));
    match modes.last() {
        None => {
            let mut parsed = parsed.clone();
            parsed
                .query_pairs_mut()
                .append_pair("sslmode", "verify-full");
            Ok(String::from(parsed).into())
        }
        Some((_, mode)) if mode.eq_ignore_ascii_case("verify-full") => Ok(url),
        Some((_, mode)) => Err(format!(
            "has sslmode={mode}, with which others can read or replace what is sent to another machine: write sslmode=verify-full (with sslrootcert=FILE if the server's certificate is not from a public authority), or set DATABASE_TLS=off if nobody else can reach the network between them"
        )),
    }
}

/// The hosts of a URL, in the order in which the driver reads them.
fn hosts(url: &Url) -> Vec<String> {
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.map(|host| host.replace("%2F", "/").replace("%2f", "/"));
    let pairs = url.query_pairs();
    let named = pairs.filter(|(name, _)| matches!(&**name, "host" | "hostaddr"));
    host.into_iter()
        .chain(named.map(|(_, host)| host.into_owned()))
        .collect()
}

/// Whether the connection stays on this machine: a Unix socket or a loopback address.
fn is_on_this_machine(hosts: &[String]) -> bool {
    // A socket takes precedence over hosts, and the last host over those before it.
    hosts.iter().any(|host| host.starts_with('/')) || hosts.last().is_none_or(|it| is_local(it))
}

fn is_local(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str) -> Result<String, String> {
        secured(url, None, Tls::Required).map(Cow::into_owned)
    }

    #[test]
    fn another_machine_is_verified() {
        for (given, expected) in [
            (
                "postgres://u:p@db.example.com/d",
                "postgres://u:p@db.example.com/d?sslmode=verify-full",
            ),
            ("postgresql://db/d", "postgresql://db/d?sslmode=verify-full"),
            (
                "postgres://10.0.0.1/d?application_name=x",
                "postgres://10.0.0.1/d?application_name=x&sslmode=verify-full",
            ),
            (
                "postgres://0.0.0.0/d",
                "postgres://0.0.0.0/d?sslmode=verify-full",
            ),
            (
                "postgres://localhost/d?host=db.example.com",
                "postgres://localhost/d?host=db.example.com&sslmode=verify-full",
            ),
        ] {
            assert_eq!(url(given).as_deref(), Ok(expected));
        }
        for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
            let given = format!("postgres://u:SECRET@db/d?sslmode={mode}");
            let error = url(&given).unwrap_err();
            assert!(error.contains("DATABASE_TLS=off") && error.contains("sslrootcert"));
            assert!(!error.contains("SECRET"), "{error}");
            let off = secured(&given, None, Tls::Off);
            assert_eq!(off.as_deref(), Ok(&*given));
        }
        let last = "postgres://db/d?sslmode=verify-full&ssl-mode=prefer";
        assert!(url(last).is_err());
    }

    #[test]
    fn this_machine_and_verified_urls_stay_as_they_are() {
        for given in [
            "postgres://u:p@localhost/d",
            "postgres://127.0.0.1:5433/d?sslmode=disable",
            "postgres://[::1]/d",
            "postgres:///d",
            "postgres://%2Fvar%2Frun%2Fpostgresql/d",
            "postgres:///d?host=/var/run/postgresql",
            "postgres://db.example.com/d?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "sqlite:calls.db",
        ] {
            assert_eq!(url(given).as_deref(), Ok(given));
        }
        let remote = secured("postgres:///d", Some("db.example.com"), Tls::Required);
        let expected = "postgres:///d?host=db.example.com&sslmode=verify-full";
        assert_eq!(remote.as_deref(), Ok(expected));
        let local = secured("postgres:///d?user=u", Some("/run/pg"), Tls::Required);
        assert_eq!(
            local.as_deref(),
            Ok("postgres:///d?user=u&host=%2Frun%2Fpg")
        );
        let named = secured("postgres://localhost/d", Some("db.example.com"), Tls::Off);
        assert_eq!(named.as_deref(), Ok("postgres://localhost/d"));
    }
}
