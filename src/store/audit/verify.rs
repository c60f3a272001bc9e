//! Checks the chain.

use sqlx::{AssertSqlSafe, Row, any::AnyRow};

use super::line::{self, AuditLine, COLUMNS};
use crate::store::{
    error::{Error, Result},
    open::Store,
};

/// Lines that are read at a time.
const PAGE: i64 = 1000;

/// What the check has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditCheck {
    /// Every line is as it was written.
    Unbroken {
        /// The first line; retention has deleted those before it.
        first: i64,
        /// The last line; less than `first`: there is none.
        last: i64,
    },
    /// A line was changed, removed or inserted.
    Broken {
        /// The number of the first such line.
        number: i64,
        /// What is wrong with it, for people.
        reason: &'static str,
    },
}

/// An end of the chain.
#[derive(Debug, PartialEq, Eq)]
struct End {
    number: i64,
    hash: String,
}

impl Store {
    /// Checks every line, from the first that is kept to the last that there is now, and that there are no others.
    pub async fn verify_audit(&self) -> Result<AuditCheck> {
        loop {
            let (anchor, head) = (self.end("anchor").await?, self.end("head").await?);
            let (Some(anchor), Some(head)) = (anchor, head) else {
                return Ok(AuditCheck::Broken {
                    number: 0,
                    reason: "the ends of the chain are not stored any more",
                });
            };
            let mut check = self.verify_between(&anchor, &head).await?;
            if matches!(check, AuditCheck::Unbroken { .. }) && self.has_others().await? {
                check = AuditCheck::Broken {
                    number: self.end("head").await?.map_or(0, |head| head.number) + 1,
                    reason: "there are lines before the first or after the last one that was written",
                };
            }
            // Retention may have deleted lines in the meantime.
            if matches!(check, AuditCheck::Unbroken { .. })
                || self.end("anchor").await?.as_ref() == Some(&anchor)
            {
                return Ok(check);
            }
        }
    }

    async fn end(&self, name: &str) -> Result<Option<End>> {
        let end = sqlx::query("SELECT number, hash FROM audit_chain WHERE name = $1").bind(name);
        let Some(row) = end.fetch_optional(&self.read).await? else {
            return Ok(None);
        };
        Ok(Some(End {
            number: row.try_get("number")?,
            hash: row.try_get("hash")?,
        }))
    }

    /// Whether there are lines beyond the ends of the chain. One statement: other processes add lines meanwhile.
    async fn has_others(&self) -> Result<bool> {
        let others = sqlx::query_scalar::<_, i64>(
            "SELECT COUNT(*) FROM audit WHERE number > (SELECT number FROM audit_chain WHERE name = 'head')
             OR number <= (SELECT number FROM audit_chain WHERE name = 'anchor')",
        );
        Ok(others.fetch_one(&self.read).await? > 0)
    }

    async fn verify_between(&self, anchor: &End, head: &End) -> Result<AuditCheck> {
        let (mut number, mut hash) = (anchor.number, anchor.hash.clone());
        let broken = |number, reason| Ok(AuditCheck::Broken { number, reason });
        while number < head.number {
            let rows = self.rows_after(number).await?;
            if rows.is_empty() {
                return broken(number + 1, "the line is missing, and all lines after it");
            }
            for row in &rows {
                number += 1;
                let line = match line::read(row) {
                    // SQLite stores a value of any type in any column.
                    Err(Error::Sql(sqlx::Error::ColumnDecode { .. })) => {
                        return broken(
                            number,
                            "the line was changed: it has a value of another type",
                        );
                    }
                    line => line?,
                };
                match fault(&line, number, &hash) {
                    Some(reason) => return broken(number, reason),
                    None => hash = line.hash,
                }
                if number == head.number {
                    break;
                }
            }
        }
        if hash != head.hash {
            return broken(number, "the line is not the one that was written last");
        }
        Ok(AuditCheck::Unbroken {
            first: anchor.number + 1,
            last: head.number,
        })
    }

    async fn rows_after(&self, number: i64) -> Result<Vec<AnyRow>> {
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE number > $1 ORDER BY number LIMIT $2");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(number).bind(PAGE);
        Ok(query.fetch_all(&self.read).await?)
    }
}

/// What is wrong with the line at this place, after the one with this hash; for people.
fn fault(line: &AuditLine, number: i64, previous: &str) -> Option<&'static str> {
    if line.number != Some(number) {
        return Some("the line is missing");
    }
    if line.previous != previous {
        return Some("the line does not have the hash of the line before");
    }
    (line.computed_hash() != line.hash).then_some("the line was changed: its hash is another")
}
