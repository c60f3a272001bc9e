//! What LiveKit says, read tolerantly: unknown events, fields and enum values, absent defaults, null scalars, both
//! shapes of egress events. (The SDK's own reader rejects a whole event for one value that it does not know.)

mod value;

mod egress;
mod participant;

mod event;

pub use egress::egress;
pub use event::{UnreadableWebhook, webhook};
pub use participant::participant;
