//! Options that take one of a closed set, by name.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::domain::by_name;

/// Takes one of `all` by its name; the help lists them.
pub fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    as_str: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let names = all.iter().map(|one| as_str(*one));
    PossibleValuesParser::new(names).try_map(move |name| by_name(all, as_str, &name))
}
