//! LiveKit's API is not always right: lists that lack a room, refusals in its own words, an address below a path, keys
//! that nobody configured.

mod addresses;
mod corrections;
mod front;
mod gone;
mod keys;
mod refusals;
mod requests;
mod simulations;
