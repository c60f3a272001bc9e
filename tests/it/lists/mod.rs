//! LiveKit's API is not always right: lists that lack a room, refusals in its own words, an address below a path, keys
//! that nobody configured.

mod addresses;
mod confirmations;
mod corrections;
pub(crate) mod front;
mod gone;
mod keys;
mod mirrored;
mod outdated;
mod refusals;
mod requests;
mod retries;
mod returns;
mod simulations;
mod unconfirmed;
mod unlisted;
