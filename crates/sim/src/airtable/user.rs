//! The user of a stand-in.

use serde_json::{Value, json};

/// The one user that a stand-in has, as the API prints users.
pub(super) fn user() -> Value {
    json!({"id": "usrSimulated00001", "email": "simulated@example.com", "name": "Simulated"})
}
