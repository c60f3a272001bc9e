//! Arguments that are one of a closed set of the domain.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::{
    domain::{Sink, Status, by_name},
    store::DeliveryState,
};

/// Parses a sink's name.
pub(in crate::cli) fn sink() -> impl TypedValueParser<Value = Sink> {
    choice(&Sink::ALL, Sink::as_str)
}

/// Parses the status of a call.
pub(in crate::cli) fn status() -> impl TypedValueParser<Value = Status> {
    choice(&Status::ALL, Status::as_str)
}

/// Parses the state of a delivery that is not done.
pub(in crate::cli) fn delivery_state() -> impl TypedValueParser<Value = DeliveryState> {
    choice(&DeliveryState::OUTSTANDING, DeliveryState::as_str)
}

fn choice<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let names = PossibleValuesParser::new(all.iter().map(|one| name(*one)));
    names.try_map(move |given| by_name(all, name, &given))
}
