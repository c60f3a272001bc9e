//! AIRTABLE_WRITES: when a call's row is written.

use std::str::FromStr;

use super::{
    name::{UnknownName, by_name},
    status::Status,
};

/// AIRTABLE_WRITES.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowWrites {
    /// With every change of the call, from the moment its room opens.
    #[default]
    Live,
    /// When the call is final, and then only for news.
    Final,
}

impl RowWrites {
    /// Every value, the default first.
    pub const ALL: [RowWrites; 2] = [RowWrites::Live, RowWrites::Final];

    /// The variable's value.
    pub fn as_str(self) -> &'static str {
        match self {
            RowWrites::Live => "live",
            RowWrites::Final => "final",
        }
    }

    /// Whether a call with this status has a row.
    pub fn writes(self, status: Status) -> bool {
        match self {
            RowWrites::Live => true,
            RowWrites::Final => status.is_final(),
        }
    }
}

impl FromStr for RowWrites {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<RowWrites, UnknownName> {
        by_name(&RowWrites::ALL, RowWrites::as_str, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_row_waits_for_a_final_status() {
        for writes in RowWrites::ALL {
            assert_eq!(writes.as_str().parse(), Ok(writes));
        }
        assert!("Final".parse::<RowWrites>().is_err());
        let written = |writes: RowWrites| Status::ALL.map(|status| writes.writes(status));
        assert_eq!(written(RowWrites::Live), [true; 5]);
        assert_eq!(written(RowWrites::Final), [false, false, true, true, true]);
    }
}
