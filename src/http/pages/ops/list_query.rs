//! The filters of the list, as they are in its address.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use url::form_urlencoded::{self, Serializer};

use crate::{
    domain::{Status, by_name, duration::since},
    http::error::Problem,
    store::{DeliveryState, ListPlace},
};

/// Bytes of the longest text that is looked for.
const LONGEST: usize = 200;

/// What the list shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ListQuery {
    pub(super) status: Option<Status>,
    pub(super) delivery: Option<DeliveryState>,
    /// In the agent's name.
    pub(super) agent: String,
    /// Digits of the caller's number.
    pub(super) number: String,
    /// A time, a date, or an age; the beginning of the call is not before it.
    pub(super) from: String,
    /// Likewise; not after it.
    pub(super) to: String,
    /// In the room, the caller, the IDs, or the words.
    pub(super) text: String,
    pub(super) after: Option<ListPlace>,
}

impl ListQuery {
    /// Reads the query of an address. Unknown names are ignored.
    pub(super) fn parse(query: &str) -> Result<ListQuery, Problem> {
        let mut parsed = ListQuery::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if value.len() > LONGEST {
                return Err(Problem::bad_request(format!("`{name}` is too long")));
            }
            parsed.set(&name, value)?;
        }
        Ok(parsed)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "status" => {
                let status = by_name(&Status::ALL, Status::as_str, value);
                self.status = Some(status.map_err(|_| unknown(name))?);
            }
            "delivery" => {
                let all = DeliveryState::OUTSTANDING;
                let state = by_name(&all, DeliveryState::as_str, value);
                self.delivery = Some(state.map_err(|_| unknown(name))?);
            }
            "agent" => self.agent = value.to_owned(),
            "number" => self.number = value.to_owned(),
            "from" => self.from = value.to_owned(),
            "to" => self.to = value.to_owned(),
            "q" => self.text = value.to_owned(),
            "cursor" => self.after = Some(place(value).ok_or_else(|| unknown(name))?),
            _ => {}
        }
        Ok(())
    }

    /// The earliest beginning.
    pub(super) fn from(&self, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
        time("from", &self.from, now)
    }

    /// The first beginning that is too late: a date includes its day.
    pub(super) fn to(&self, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
        let day: Option<Date> = self.to.parse().ok().filter(|_| self.to.len() == 10);
        let Some(day) = day else {
            return time("to", &self.to, now);
        };
        let end = day.tomorrow();
        let end = end.and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)));
        Ok(end.ok())
    }

    /// Whether there is a filter besides the status.
    pub(super) fn is_filtered(&self) -> bool {
        let texts = [&self.agent, &self.number, &self.from, &self.to, &self.text];
        self.delivery.is_some() || texts.iter().any(|text| !text.is_empty())
    }

    /// The same list with another status, from its beginning.
    pub(super) fn with_status(&self, status: Option<Status>) -> ListQuery {
        ListQuery {
            status,
            after: None,
            ..self.clone()
        }
    }

    /// The same list after this place.
    pub(super) fn after(&self, place: Option<ListPlace>) -> ListQuery {
        ListQuery {
            after: place,
            ..self.clone()
        }
    }

    /// The names and values in an address, in one order.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let after = self.after.as_ref();
        let after = after.map(|place| format!("{}.{}", place.at, place.id));
        let pairs = [
            ("status", self.status.map_or("", Status::as_str).to_owned()),
            (
                "delivery",
                self.delivery.map_or("", DeliveryState::as_str).to_owned(),
            ),
            ("agent", self.agent.clone()),
            ("number", self.number.clone()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("q", self.text.clone()),
            ("cursor", after.unwrap_or_default()),
        ];
        let filled = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        filled.collect()
    }

    /// `name=value&…`
    pub(super) fn to_query(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.pairs());
        query.finish()
    }

    /// The list's address, after the way to the root of the service.
    pub(super) fn href(&self) -> String {
        match self.to_query() {
            query if query.is_empty() => "ops".to_owned(),
            query => format!("ops?{query}"),
        }
    }
}

fn unknown(name: &str) -> Problem {
    Problem::bad_request(format!("`{name}` in this address is none that there is"))
}

fn time(name: &str, text: &str, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    // A browser's field for a time has no zone.
    let local = format!("{text}:00Z");
    let parsed = local.parse().ok().or_else(|| since(text, now));
    parsed.map(Some).ok_or_else(|| {
        Problem::bad_request(format!(
            "`{name}` must be a time like 2026-01-31T12:00:00Z, a date, or an age like 7d"
        ))
    })
}

fn place(text: &str) -> Option<ListPlace> {
    let (at, id) = text.split_once('.')?;
    Some(ListPlace {
        at: at.parse().ok()?,
        id: id.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_the_list_shows() {
        let address = "status=failed&delivery=dead&agent=Ava&number=%2B49+151&from=7d&to=2026-01-31&q=a%26b&cursor=12.RM_a.b";
        let query = ListQuery::parse(address).unwrap();
        assert_eq!(query.text, "a&b");
        assert_eq!(ListQuery::parse(&query.to_query()).unwrap(), query);
        assert!(query.is_filtered());
        let other = query.with_status(None);
        assert_eq!((other.status, &other.after), (None, &None));
        assert_eq!(ListQuery::default().href(), "ops");
        let ignored = ListQuery::parse("utm=x&q=&status=").unwrap();
        assert_eq!(ignored, ListQuery::default());
        for wrong in ["status=x", "delivery=done", "cursor=x", "q="] {
            let long = format!("{wrong}{}", "a".repeat(300));
            assert!(ListQuery::parse(&long).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_last_day_is_included() {
        let now: Timestamp = "2026-02-10T00:00:00Z".parse().unwrap();
        let query = ListQuery::parse("from=2026-01-31&to=2026-01-31").unwrap();
        let text = |at: Option<Timestamp>| at.unwrap().to_string();
        assert_eq!(text(query.from(now).unwrap()), "2026-01-31T00:00:00Z");
        assert_eq!(text(query.to(now).unwrap()), "2026-02-01T00:00:00Z");
        let query = ListQuery::parse("from=2026-01-31T10:30&to=1d").unwrap();
        assert_eq!(text(query.from(now).unwrap()), "2026-01-31T10:30:00Z");
        assert_eq!(text(query.to(now).unwrap()), "2026-02-09T00:00:00Z");
        assert!(ListQuery::parse("from=soon").unwrap().from(now).is_err());
    }
}
