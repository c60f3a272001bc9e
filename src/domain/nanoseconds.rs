//! Times and durations as LiveKit sends them and the database holds them: whole nanoseconds.

use jiff::{SignedDuration, Timestamp};

/// For `#[serde(with)]`: a time as nanoseconds since the epoch, 0 for none.
pub(super) mod time {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the nanoseconds.
    pub(in crate::domain) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::of_time(*at).serialize(serializer)
    }

    /// Reads nanoseconds.
    pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        i64::deserialize(deserializer).map(super::to_time)
    }
}

/// For `#[serde(with)]`: a duration as nanoseconds, null for none.
pub(super) mod duration {
    use jiff::SignedDuration;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the nanoseconds.
    pub(in crate::domain) fn serialize<S: Serializer>(
        duration: &Option<SignedDuration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(super::of_duration).serialize(serializer)
    }

    /// Reads nanoseconds.
    pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SignedDuration>, D::Error> {
        let nanos = Option::<i64>::deserialize(deserializer)?;
        Ok(nanos.map(SignedDuration::from_nanos))
    }
}

/// Nanoseconds since the epoch; 0 for none.
pub fn of_time(at: Option<Timestamp>) -> i64 {
    at.map_or(0, |at| {
        i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
    })
}

/// Nanoseconds since the epoch as a time; `None` for 0.
pub fn to_time(nanos: i64) -> Option<Timestamp> {
    let at = Timestamp::from_nanosecond(i128::from(nanos)).ok();
    at.filter(|_| nanos != 0)
}

fn of_duration(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Seconds with their fraction, as the API, the mirror and the row write a duration.
pub fn seconds(duration: SignedDuration) -> f64 {
    duration.as_nanos() as f64 / 1e9
}
