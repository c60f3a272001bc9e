//! Checks the chain.

use sqlx::Row;

use super::read::AuditFilter;
use crate::store::{error::Result, open::Store};

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
    /// Checks every line, from the first that is kept to the last that there is now.
    pub async fn verify_audit(&self) -> Result<AuditCheck> {
        loop {
            let (anchor, head) = (self.end("anchor").await?, self.end("head").await?);
            let (Some(anchor), Some(head)) = (anchor, head) else {
                return Ok(AuditCheck::Broken {
                    number: 0,
                    reason: "the ends of the chain are not stored any more",
                });
            };
            let check = self.verify_between(&anchor, &head).await?;
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

    async fn verify_between(&self, anchor: &End, head: &End) -> Result<AuditCheck> {
        let (mut number, mut hash) = (anchor.number, anchor.hash.clone());
        let broken = |number, reason| Ok(AuditCheck::Broken { number, reason });
        let all = AuditFilter::default();
        while number < head.number {
            let lines = self.audit_after(&all, number, PAGE).await?;
            if lines.is_empty() {
                return broken(number + 1, "the line is missing, and all lines after it");
            }
            for line in lines {
                number += 1;
                match () {
                    () if line.number != Some(number) => {
                        return broken(number, "the line is missing");
                    }
                    () if line.previous != hash => {
                        return broken(
                            number,
                            "the line does not have the hash of the line before",
                        );
                    }
                    () if line.computed_hash() != line.hash => {
                        return broken(number, "the line was changed: its hash is another");
                    }
                    () => hash = line.hash,
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
}
