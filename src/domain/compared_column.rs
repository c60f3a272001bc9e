//! A column of the table in Airtable, beside the schema.

/// The table, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedTable {
    /// Its name.
    pub name: String,
    /// `tbl…`; `None`: it is not there yet.
    pub id: Option<String>,
    /// In the schema's order; then those that people added.
    pub columns: Vec<ComparedColumn>,
}

/// What a column is, and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedColumn {
    /// Its name in the schema; in the base, if people added it.
    pub name: String,
    /// What it asks for.
    pub state: ColumnState,
    /// Its type, or what is wrong and what to do, for people.
    pub note: String,
}

/// What a column asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnState {
    /// It is as it should be, or none of ours.
    Fine,
    /// It is other than in the schema, which is fine.
    Accepted,
    /// It is missing, and `bootstrap` creates it.
    Missing,
    /// A person must change it in Airtable, because the API cannot.
    ByHand,
}
