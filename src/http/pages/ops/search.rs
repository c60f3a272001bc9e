//! Finds the calls of the list: the store's first choice, and whether each has its texts in the right place.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::list_query::ListQuery;
use crate::{
    domain::{Call, Scope, people},
    http::{App, error::Problem, visitor::Visitor},
    store::{DeliveryState, ListFilter, ListPlace, ListText, ListedCall},
};

/// Calls that are looked through at a time.
const WINDOW: i64 = 2000;
/// How long one page looks for texts, before the next page goes on.
const LONGEST_SEARCH: Duration = Duration::from_millis(700);
/// Digits of a text that may be a number.
const DIGITS: usize = 4;

/// A page of the list.
pub(super) struct Found {
    /// Newest first.
    pub(super) calls: Vec<ListedCall>,
    /// Where the next page begins; `None`: this is the last.
    pub(super) next: Option<ListPlace>,
    /// The texts were looked for in a part of the calls only: `next` goes on.
    pub(super) is_unfinished: Unfinished,
}

/// Whether a search ended before its page was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfinished {
    No,
    Yes,
}

/// The texts that a call must have.
struct Texts {
    text: String,
    agent: String,
    number: String,
    may_read_words: Words,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    Searched,
    Hidden,
}

/// At most `limit` calls.
pub(super) async fn search(
    app: &App,
    visitor: &Visitor,
    query: &ListQuery,
    limit: usize,
) -> Result<Found, Problem> {
    let (filter, texts) = (
        filter(query, visitor, (app.clock)())?,
        texts(query, visitor),
    );
    let began = Instant::now();
    let mut found = Found {
        calls: Vec::new(),
        next: query.after.clone(),
        is_unfinished: Unfinished::No,
    };
    loop {
        let room = (limit - found.calls.len()) as i64;
        let after = found.next.take();
        let part = app.store.list_part(&filter, after.as_ref(), room, WINDOW);
        let part = part.await?;
        found.next = part.next;
        for listed in part.calls {
            if filter.texts.is_empty() || texts.are_in(app, &listed.row.call).await? {
                found.calls.push(listed);
            }
        }
        if found.calls.len() >= limit || found.next.is_none() {
            return Ok(found);
        }
        if began.elapsed() > LONGEST_SEARCH {
            found.is_unfinished = Unfinished::Yes;
            return Ok(found);
        }
    }
}

/// The store's filter.
pub(super) fn filter(
    query: &ListQuery,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<ListFilter, Problem> {
    let text = |any: Vec<String>| ListText { any, words: None };
    let mut texts = Vec::new();
    if !query.text.is_empty() {
        let digits = digits(&query.text);
        let number = (digits.len() >= DIGITS && is_number(&query.text)).then_some(digits);
        let words = visitor.may(Scope::Words).then(|| query.text.clone());
        texts.push(ListText {
            any: [query.text.clone()].into_iter().chain(number).collect(),
            words,
        });
    }
    if !query.agent.is_empty() {
        texts.push(text(vec![query.agent.clone()]));
    }
    if !query.number.is_empty() {
        texts.push(text(vec![digits(&query.number)]));
    }
    Ok(ListFilter {
        status: query.status,
        deliveries: match query.delivery {
            None => &[],
            Some(DeliveryState::Pending) => &[DeliveryState::Pending],
            Some(DeliveryState::Parked) => &[DeliveryState::Parked],
            Some(DeliveryState::Dead) => &[DeliveryState::Dead],
            Some(DeliveryState::Done) => &[DeliveryState::Done],
        },
        from: query.from(now)?,
        to: query.to(now)?,
        texts,
    })
}

fn texts(query: &ListQuery, visitor: &Visitor) -> Texts {
    Texts {
        text: query.text.to_lowercase(),
        agent: query.agent.to_lowercase(),
        number: digits(&query.number),
        may_read_words: match visitor.may(Scope::Words) {
            true => Words::Searched,
            false => Words::Hidden,
        },
    }
}

impl Texts {
    /// Whether they are where the filters look for them.
    async fn are_in(&self, app: &App, call: &Call) -> Result<bool, Problem> {
        let agent = people::agent(call).unwrap_or_default().to_lowercase();
        if !agent.contains(&self.agent) {
            return Ok(false);
        }
        let caller = people::caller(call).unwrap_or_default();
        if !digits(&caller).contains(&self.number) {
            return Ok(false);
        }
        if self.text.is_empty() || self.is_in_names(call, &caller) {
            return Ok(true);
        }
        match self.may_read_words {
            Words::Hidden => Ok(false),
            Words::Searched => self.is_said(app, call).await,
        }
    }

    /// In the room, the caller, an agent's or a person's name, or an ID.
    fn is_in_names(&self, call: &Call, caller: &str) -> bool {
        let number = digits(&self.text);
        let is_number = number.len() >= DIGITS && is_number(&self.text);
        if is_number && digits(caller).contains(&number) {
            return true;
        }
        let people = call.participants.values();
        let people = people.flat_map(|it| [it.sid.as_str(), &it.identity, it.name.value()]);
        let egresses = call.recordings.keys().map(|id| id.as_str());
        let job = call.job.value().id.as_str();
        let mut all = [call.id.as_str(), call.room_name.as_str(), caller, job]
            .into_iter()
            .chain(egresses)
            .chain(people);
        all.any(|name| name.to_lowercase().contains(&self.text))
    }

    async fn is_said(&self, app: &App, call: &Call) -> Result<bool, Problem> {
        let mut call = call.clone();
        let _in_memory = app.store.load_reports(&mut call).await?;
        let transcript = call.transcript();
        Ok(transcript.is_some_and(|it| it.text().to_lowercase().contains(&self.text)))
    }
}

/// Only what numbers are written with.
fn is_number(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || " +-/().".contains(c);
    text.chars().all(is_part)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
