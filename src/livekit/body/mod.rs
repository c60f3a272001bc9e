//! Tolerant parsing of LiveKit's messages: unknown events, fields and enum values, missing defaults, null scalars, and
//! both forms of egress events. (The SDK's own parser rejects an entire event because of one unknown value.)

mod value;

mod egress_request;

mod egress;
mod participant;
mod running;

mod event;

pub use egress::egress;
pub use event::{UnreadableWebhook, webhook};
pub use participant::participant;
pub use running::running;
