//! The schemas of names from closed sets, for the OpenAPI document.

use utoipa::openapi::{Object, ObjectBuilder, Type};

use crate::{
    domain::{EgressStatus, Sink, Status},
    store::DeliveryState,
};

/// The status of a recording whose start LiveKit has not answered yet.
pub(super) const PENDING: &str = "pending";

/// A call's status.
pub fn call_status() -> Object {
    let description =
        "The room is open, closed with the recording still to come, or one of the ends";
    one_of(description, Status::ALL.map(Status::as_str))
}

/// A recording's status.
pub(super) fn recording_status() -> Object {
    one_of(
        "LiveKit's status of the egress",
        EgressStatus::ALL.map(EgressStatus::as_str),
    )
}

/// The same in the answer to a request.
pub(super) fn requested_status() -> Object {
    let description = "LiveKit's status of the egress, or `pending` while LiveKit has not answered";
    let all = EgressStatus::ALL.map(EgressStatus::as_str);
    one_of(description, all.into_iter().chain([PENDING]))
}

/// A sink's name.
pub(super) fn sink() -> Object {
    one_of("Where the call is delivered", Sink::ALL.map(Sink::as_str))
}

/// A delivery's state.
pub(super) fn delivery_state() -> Object {
    one_of(
        "The state of the delivery",
        DeliveryState::ALL.map(DeliveryState::as_str),
    )
}

/// The state of what is not delivered.
pub fn outstanding_state() -> Object {
    let description = "Only calls with a delivery in this state";
    one_of(
        description,
        DeliveryState::OUTSTANDING.map(DeliveryState::as_str),
    )
}

fn one_of(description: &str, names: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(names))
        .build()
}
