//! Which deliveries a retry is about: one, those of selected calls, or those of every call that a list shows.

use url::form_urlencoded;

use super::{form::Form, list_query::ListQuery, search};
use crate::{
    domain::{Sink, by_name},
    http::{App, error::Problem, visitor::Visitor},
    store::{
        CallSelection, DeliveryState, ListFilter, Outstanding, RedriveScope, Selection,
        StateSelection,
    },
};

/// Calls that are retried at once.
const MOST: usize = 20_000;
/// Calls that can be selected.
const SELECTED: usize = 500;

/// What a retry is about.
#[derive(Debug, Clone, Default)]
pub(super) struct RedriveQuery {
    calls: Vec<String>,
    /// Of one delivery: its sink, and its recording if the sink works by recording.
    delivery: Option<(Sink, String)>,
    /// Delivered ones, too.
    pub(super) is_whole: bool,
    /// Every call of this list.
    list: Option<ListQuery>,
}

/// The deliveries that a retry would make due.
pub(super) struct Retried {
    pub(super) deliveries: Vec<Outstanding>,
    /// There are more.
    pub(super) is_cut: bool,
}

impl RedriveQuery {
    /// Reads the query of an address.
    pub(super) fn parse(query: &str) -> Result<RedriveQuery, Problem> {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        RedriveQuery::of_pairs(&pairs.collect::<Vec<_>>(), query)
    }

    /// Reads a form with the same names.
    pub(super) fn of_form(form: &Form) -> Result<RedriveQuery, Problem> {
        let pairs = form.pairs();
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        RedriveQuery::of_pairs(pairs, &query)
    }

    fn of_pairs(pairs: &[(String, String)], query: &str) -> Result<RedriveQuery, Problem> {
        let get = |name: &str| {
            let mut found = pairs.iter().filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.as_str())
        };
        let calls = pairs.iter().filter(|(key, _)| key == "call");
        let calls: Vec<String> = calls.map(|(_, id)| id.clone()).take(SELECTED).collect();
        let sink = get("sink").map(|sink| by_name(&Sink::ALL, Sink::as_str, sink));
        let sink = sink
            .transpose()
            .map_err(|_| Problem::bad_request("there is no such sink"))?;
        let is_all = get("all") == Some("1");
        let list = is_all.then(|| ListQuery::parse(query)).transpose()?;
        if calls.is_empty() && list.is_none() {
            return Err(Problem::bad_request("select at least one call"));
        }
        Ok(RedriveQuery {
            calls,
            delivery: sink.map(|sink| (sink, get("part").unwrap_or_default().to_owned())),
            is_whole: get("whole") == Some("1"),
            list: list.map(|list| list.after(None)),
        })
    }

    /// The names and values of the query.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        pairs.extend(self.calls.iter().map(|id| ("call", id.clone())));
        if let Some((sink, part)) = &self.delivery {
            pairs.push(("sink", sink.as_str().to_owned()));
            pairs.push(("part", part.clone()));
        }
        if self.is_whole {
            pairs.push(("whole", "1".to_owned()));
        }
        if let Some(list) = &self.list {
            pairs.push(("all", "1".to_owned()));
            pairs.extend(list.pairs());
        }
        pairs
    }

    /// Where it was asked for.
    pub(super) fn back(&self) -> String {
        match (&self.list, self.calls.as_slice()) {
            (Some(list), _) => list.href(),
            (None, [call]) => format!("ops/calls/{call}"),
            (None, _) => "ops".to_owned(),
        }
    }

    /// The options, for the audit trail.
    pub(super) fn options(&self) -> &'static str {
        match (&self.list, &self.delivery, self.is_whole) {
            (Some(_), ..) => "all matching",
            (None, Some(_), _) => "one",
            (None, None, true) => "completely",
            (None, None, false) => "selected",
        }
    }

    /// How much of a call is sent again.
    pub(super) fn scope(&self) -> RedriveScope {
        match self.is_whole {
            true => RedriveScope::Everything,
            false => RedriveScope::Undelivered,
        }
    }

    /// The deliveries.
    pub(super) async fn deliveries(
        &self,
        app: &App,
        visitor: &Visitor,
    ) -> Result<Retried, Problem> {
        let mut calls = match &self.list {
            Some(list) => matching(app, visitor, list).await?,
            None => self.calls.clone(),
        };
        let is_cut = calls.len() > MOST;
        calls.truncate(MOST);
        if calls.is_empty() {
            return Ok(Retried {
                deliveries: Vec::new(),
                is_cut,
            });
        }
        let selection = Selection {
            sink: self.delivery.as_ref().map(|(sink, _)| *sink),
            states: match self.is_whole {
                true => StateSelection::Any,
                false => StateSelection::Only(&DeliveryState::OUTSTANDING),
            },
            calls: CallSelection::Only(calls),
        };
        let mut deliveries = app.store.outstanding(&selection).await?;
        deliveries.retain(|one| self.includes(one));
        Ok(Retried { deliveries, is_cut })
    }

    /// A recording that was started or found needs no retry, and the mirror gets one twice only on request.
    fn includes(&self, one: &Outstanding) -> bool {
        let is_it = |(_, part): &(Sink, String)| *part == one.key.item;
        let is_asked_for = self.delivery.as_ref().is_none_or(is_it);
        is_asked_for
            && match (one.state, one.key.sink) {
                (DeliveryState::Done, Sink::Egress | Sink::Storage) => false,
                (DeliveryState::Done, Sink::Mirror) => self.delivery.is_some(),
                _ => true,
            }
    }
}

/// The calls of a list that have something to retry; one more than are retried at once, if there are more.
async fn matching(app: &App, visitor: &Visitor, list: &ListQuery) -> Result<Vec<String>, Problem> {
    let filter = search::filter(list, visitor, (app.clock)())?;
    let filter = ListFilter {
        deliveries: match filter.deliveries {
            [] => &DeliveryState::OUTSTANDING,
            states => states,
        },
        ..filter
    };
    if filter.texts.is_empty() {
        return Ok(app.store.list_ids(&filter, MOST as i64 + 1).await?);
    }
    let mut calls = Vec::new();
    let mut query = list.clone();
    loop {
        let found = search::search(app, visitor, &query, SELECTED).await?;
        calls.extend(found.calls.into_iter().map(|listed| listed.place.id));
        match found.next {
            Some(next) if calls.len() <= MOST => query = query.after(Some(next)),
            _ => return Ok(calls),
        }
    }
}
