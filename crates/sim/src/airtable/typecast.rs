//! `typecast`: whether values are converted to the type of their field.

use serde_json::Value;

/// With `On`, strings are parsed as the field's type, and missing choices and linked records are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typecast {
    Off,
    On,
}

impl Typecast {
    /// `typecast` of a request's body.
    pub(super) fn of(body: &Value) -> Self {
        let asked = &body["typecast"];
        match *asked == true || *asked == "true" || *asked == "1" {
            true => Self::On,
            false => Self::Off,
        }
    }

    /// Whether values are converted.
    pub(super) fn is_on(self) -> bool {
        self == Self::On
    }
}
