//! Counting the demand: what is not counted does not change the decision.

use jiff::{SignedDuration, Timestamp};
use livekit_airtable::domain::budget::{Allowance, Demand};
use proptest::prelude::*;

proptest! {
    #[test]
    fn counts_that_stop_where_enough_is_known_decide_the_same(
        counts in prop::array::uniform4(0_u64..5000),
        (limit, used) in (1_u64..3000, 0_u64..3000),
        minutes in 1_i64..43_200,
    ) {
        let ends: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        let now = ends - SignedDuration::from_mins(minutes);
        let allowance = Allowance { limit: Some(limit), used };
        let enough = Demand::enough(allowance.left().unwrap(), now);
        let [open_rows, renewals, last_hour, last_day] = counts;
        let all = Demand { open_rows, renewals, last_hour, last_day };
        let counted = Demand {
            open_rows: open_rows.min(enough.open_rows),
            renewals: renewals.min(enough.renewals),
            last_hour: last_hour.min(enough.last_hour),
            last_day: last_day.min(enough.last_day),
        };
        prop_assert_eq!(allowance.mode_for(&counted, now), allowance.mode_for(&all, now));
    }
}
