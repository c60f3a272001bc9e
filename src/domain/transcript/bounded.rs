//! Parses JSON from outside with limits: as parsed values it may take a hundred times the memory of its text. What exceeds
//! the limits is skipped.

use std::{cell::Cell, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, value::RawValue};

/// The maximum depth: the words of a message are never as deep.
const DEEPEST: u8 = 24;

/// How many more values may be parsed.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    /// A budget of so many values; a key with its value counts once.
    pub(super) fn new(values: usize) -> Budget {
        Budget(Cell::new(values))
    }

    /// Parses a value as far as the budget lasts. Lists and objects may lack their last items, and what is too deep is null.
    pub(super) fn value(&self, json: &RawValue) -> serde_json::Result<Value> {
        let mut parser = serde_json::Deserializer::from_str(json.get());
        let seed = Bounded {
            budget: self,
            depth: DEEPEST,
        };
        seed.deserialize(&mut parser)
    }

    fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

struct Bounded<'a> {
    budget: &'a Budget,
    depth: u8,
}

impl Bounded<'_> {
    fn inner(&self) -> Self {
        Bounded {
            budget: self.budget,
            depth: self.depth - 1,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Value, D::Error> {
        if self.depth == 0 || self.budget.is_spent() {
            return IgnoredAny::deserialize(parser).map(|_| Value::Null);
        }
        self.budget.0.set(self.budget.0.get() - 1);
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while !self.budget.is_spent() {
            let Some(item) = items.next_element_seed(self.inner())? else {
                return Ok(Value::Array(list));
            };
            list.push(item);
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while !self.budget.is_spent() {
            let Some(name) = entries.next_key::<String>()? else {
                return Ok(Value::Object(object));
            };
            object.insert(name, entries.next_value_seed(self.inner())?);
        }
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;

    fn parsed(json: &str, values: usize) -> Value {
        let json: Box<RawValue> = serde_json::from_str(json).unwrap();
        Budget::new(values).value(&json).unwrap()
    }

    #[test]
    fn a_usual_value_is_parsed_as_it_is() {
        let value = json!({ "a": [1, -2, 0.5, "x", null, true], "b": { "c": {} } });
        let json = to_raw_value(&value).unwrap();
        assert_eq!(Budget::new(100).value(&json).unwrap(), value);
    }

    #[test]
    fn what_is_too_much_or_too_deep_is_skipped() {
        assert_eq!(parsed("[1,2,3,4]", 3), json!([1, 2]));
        assert_eq!(
            parsed(r#"{"a":1,"b":{"c":2},"d":3}"#, 3),
            json!({ "a": 1, "b": {} })
        );
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let parsed = parsed(&deep, 1_000);
        assert_eq!(
            parsed.to_string(),
            format!("{}null{}", "[".repeat(24), "]".repeat(24))
        );
    }
}
