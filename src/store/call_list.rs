//! The list of calls for people: newest first, with filters that an index answers, and texts that are looked for in some
//! calls at a time, so that no request reads the whole table.

use jiff::Timestamp;
use sqlx::{
    Any, AssertSqlSafe, Row,
    any::{AnyArguments, AnyRow},
    query::Query,
};

use super::{
    calls::CallRow,
    delivery_state::DeliveryState,
    error::Result,
    open::Store,
    sql::{quoted, text},
};
use crate::domain::{Sink, Status};

/// Calls with a delivery in a state, up to which the list begins with the deliveries; if there are more, with the calls.
const FEW: i64 = 1000;

/// Which calls are listed.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// With this status only.
    pub status: Option<Status>,
    /// With a delivery in one of these states only; empty: any.
    pub deliveries: &'static [DeliveryState],
    /// That began at this time or later.
    pub from: Option<Timestamp>,
    /// That began before this time.
    pub to: Option<Timestamp>,
    /// What must be somewhere in the call as it is stored, whatever its case. It is for the reader to check where.
    pub texts: Vec<ListText>,
}

/// A text that is looked for.
#[derive(Debug, Clone, Default)]
pub struct ListText {
    /// One of these must be in the call.
    pub any: Vec<String>,
    /// Or this in what was said.
    pub words: Option<String>,
}

/// A place in the list: after the call with this time (milliseconds) and ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPlace {
    /// When that call began.
    pub at: i64,
    /// Its ID.
    pub id: String,
}

/// A call of the list, and its place.
#[derive(Debug)]
pub struct ListedCall {
    /// Without what agents reported.
    pub row: CallRow,
    /// Where the list goes on after it.
    pub place: ListPlace,
}

/// Some calls of the list.
#[derive(Debug)]
pub struct ListPart {
    /// Newest first; those that may match the texts.
    pub calls: Vec<ListedCall>,
    /// Where the list goes on; `None`: it ends here.
    pub next: Option<ListPlace>,
}

impl ListPlace {
    /// The beginning of the list.
    fn start() -> ListPlace {
        ListPlace {
            at: i64::MAX,
            id: String::new(),
        }
    }
}

/// SQL with the values of its parameters.
struct Sql {
    text: String,
    values: Vec<Value>,
}

enum Value {
    Number(i64),
    Text(String),
}

impl Sql {
    fn number(&mut self, value: i64) -> String {
        self.values.push(Value::Number(value));
        format!("${}", self.values.len())
    }

    fn text(&mut self, value: &str) -> String {
        self.values.push(Value::Text(text(value)));
        format!("${}", self.values.len())
    }

    fn query(self) -> Query<'static, Any, AnyArguments> {
        let query = sqlx::query(AssertSqlSafe(self.text));
        self.values
            .into_iter()
            .fold(query, |query, value| match value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
            })
    }
}

impl Store {
    /// At most `limit` calls after a place; with texts, of the next `window` calls only.
    pub async fn list_part(
        &self,
        filter: &ListFilter,
        after: Option<&ListPlace>,
        limit: i64,
        window: i64,
    ) -> Result<ListPart> {
        let (rows, end) = self.list_rows(filter, after, limit, window).await?;
        let places: Result<Vec<ListPlace>> = rows.iter().map(place).collect();
        let places = places?;
        let mut sizes = Vec::new();
        for row in &rows {
            sizes.push(row.try_get::<i64, _>("bytes")?);
        }
        let ids: Vec<&str> = places.iter().map(|place| place.id.as_str()).collect();
        let calls = self.load_without_reports(&ids, &sizes).await?;
        let calls = calls.into_iter().zip(places.iter().cloned());
        let calls = calls.map(|(row, place)| ListedCall { row, place });
        Ok(ListPart {
            calls: calls.collect(),
            next: end,
        })
    }

    /// The IDs of at most `limit` calls, of a filter without texts.
    pub async fn list_ids(&self, filter: &ListFilter, limit: i64) -> Result<Vec<String>> {
        let (rows, _) = self.list_rows(filter, None, limit, limit).await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    }

    /// Rows with `id`, `started_at` and `bytes`, and where the list goes on.
    async fn list_rows(
        &self,
        filter: &ListFilter,
        after: Option<&ListPlace>,
        limit: i64,
        window: i64,
    ) -> Result<(Vec<AnyRow>, Option<ListPlace>)> {
        let start = ListPlace::start();
        let after = after.unwrap_or(&start);
        let few = self.has_few(filter.deliveries).await?;
        let mut sql = Sql {
            text: String::new(),
            values: Vec::new(),
        };
        let conditions = conditions(&mut sql, filter, after, few);
        let order = "ORDER BY started_at DESC, id DESC LIMIT";
        let size = "CAST(OCTET_LENGTH(state) AS BIGINT) AS bytes";
        if filter.texts.is_empty() {
            let most = sql.number(limit + 1);
            sql.text = format!(
                "SELECT id, started_at, {size} FROM calls WHERE {conditions} {order} {most}"
            );
            let mut rows = sql.query().fetch_all(&self.read).await?;
            let is_more = rows.len() as i64 > limit;
            rows.truncate(usize::try_from(limit).unwrap_or_default());
            let last = rows.last().filter(|_| is_more).map(place).transpose()?;
            return Ok((rows, last));
        }
        let most = sql.number(window);
        let texts = self.text_conditions(&mut sql, filter);
        let found = sql.number(limit);
        sql.text = format!(
            "SELECT id, started_at, {size} FROM (SELECT id, started_at, state FROM calls WHERE {conditions} {order} {most}) w
             WHERE {texts} {order} {found}"
        );
        let rows = sql.query().fetch_all(&self.read).await?;
        // If all are taken, there may be more in this window.
        let next = match rows.last() {
            Some(last) if rows.len() as i64 == limit => Some(place(last)?),
            _ => self.window_end(filter, after, few, window).await?,
        };
        Ok((rows, next))
    }

    /// The last call of a window; `None`: the list ends in it.
    async fn window_end(
        &self,
        filter: &ListFilter,
        after: &ListPlace,
        few: Few,
        window: i64,
    ) -> Result<Option<ListPlace>> {
        let mut sql = Sql {
            text: String::new(),
            values: Vec::new(),
        };
        let conditions = conditions(&mut sql, filter, after, few);
        let last = sql.number(window - 1);
        sql.text = format!(
            "SELECT id, started_at FROM calls WHERE {conditions} ORDER BY started_at DESC, id DESC LIMIT 1 OFFSET {last}"
        );
        let row = sql.query().fetch_optional(&self.read).await?;
        row.as_ref().map(place).transpose()
    }

    /// What a call of a window must have to be read.
    fn text_conditions(&self, sql: &mut Sql, filter: &ListFilter) -> String {
        let like = self.engine.like();
        let mut all = Vec::new();
        for text in &filter.texts {
            let mut any = Vec::new();
            for pattern in text.any.iter().flat_map(|it| patterns(it)) {
                any.push(format!("state {like} {} ESCAPE '!'", sql.text(&pattern)));
            }
            for pattern in text.words.iter().flat_map(|it| patterns(it)) {
                let value = sql.text(&pattern);
                any.push(format!(
                    "state {like} {value} ESCAPE '!' OR EXISTS (SELECT 1 FROM reports r LEFT JOIN inbox i ON i.id = r.id
                       WHERE r.call_id = w.id AND (i.body {like} {value} ESCAPE '!' OR r.body {like} {value} ESCAPE '!'))"
                ));
            }
            all.push(format!("({})", any.join(" OR ")));
        }
        all.join(" AND ")
    }

    /// Whether few deliveries are in these states.
    async fn has_few(&self, states: &'static [DeliveryState]) -> Result<Few> {
        if states.is_empty() {
            return Ok(Few::Yes);
        }
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM deliveries d WHERE {} LIMIT {}) few",
            in_states(states),
            FEW + 1
        );
        let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql));
        match count.fetch_one(&self.read).await? > FEW {
            true => Ok(Few::No),
            false => Ok(Few::Yes),
        }
    }
}

/// Whether it is better to begin with the deliveries than with the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Few {
    Yes,
    No,
}

/// An index of deliveries begins with the sink.
fn in_states(states: &[DeliveryState]) -> String {
    let sinks = quoted(Sink::ALL.into_iter().map(Sink::as_str));
    let states = quoted(states.iter().map(|state| state.as_str()));
    format!("d.sink IN ({sinks}) AND d.state IN ({states})")
}

fn conditions(sql: &mut Sql, filter: &ListFilter, after: &ListPlace, few: Few) -> String {
    let (at, id) = (sql.number(after.at), sql.text(&after.id));
    let mut all = vec![format!("(started_at, id) < ({at}, {id})")];
    if let Some(status) = filter.status {
        all.push(format!("status = {}", sql.text(status.as_str())));
    }
    if let Some(from) = filter.from {
        all.push(format!(
            "started_at >= {}",
            sql.number(from.as_millisecond())
        ));
    }
    if let Some(to) = filter.to {
        all.push(format!("started_at < {}", sql.number(to.as_millisecond())));
    }
    if !filter.deliveries.is_empty() {
        let in_states = in_states(filter.deliveries);
        all.push(match few {
            Few::Yes => format!("id IN (SELECT d.call_id FROM deliveries d WHERE {in_states})"),
            Few::No => format!(
                "EXISTS (SELECT 1 FROM deliveries d WHERE d.call_id = calls.id AND {in_states})"
            ),
        });
    }
    all.join(" AND ")
}

/// The patterns of a text in JSON: as it is, and as programs write it that escape everything but ASCII.
fn patterns(text: &str) -> Vec<String> {
    let plain = escaped_quotes(text);
    let ascii: String = plain.chars().map(ascii).collect();
    let mut patterns = vec![like(&plain)];
    if ascii != plain {
        patterns.push(like(&ascii));
    }
    patterns
}

fn escaped_quotes(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn ascii(c: char) -> String {
    let mut units = [0; 2];
    match c.is_ascii() {
        true => c.to_string(),
        false => {
            let units = c.encode_utf16(&mut units).iter();
            units.map(|unit| format!("\\u{unit:04x}")).collect()
        }
    }
}

fn like(text: &str) -> String {
    let escaped = text
        .replace('!', "!!")
        .replace('%', "!%")
        .replace('_', "!_");
    format!("%{escaped}%")
}

fn place(row: &AnyRow) -> Result<ListPlace> {
    Ok(ListPlace {
        at: row.try_get("started_at")?,
        id: row.try_get("id")?,
    })
}
