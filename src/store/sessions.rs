//! SESSIONS: who is signed in to the pages.

use jiff::Timestamp;
use sqlx::{Row, any::AnyRow};

use super::{
    error::Result,
    open::Store,
    sql::{text, time},
    unknown::UnknownValue,
};

/// Whose a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionHolder {
    /// The bearer of a token: its name, and what proves that the token is still the same.
    Token {
        /// In API_TOKENS, or `API_TOKEN`.
        name: String,
        /// A hash that takes the token and the session's ID to compute.
        proof: String,
    },
    /// The person that a proxy named.
    Person(String),
}

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The hash of its ID.
    pub id_hash: String,
    /// Whose it is.
    pub holder: SessionHolder,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

const TOKEN: &str = "token";
const PERSON: &str = "person";

impl Store {
    /// Stores a session, and deletes those that have ended.
    pub async fn begin_session(&self, session: &StoredSession, now: Timestamp) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(now.as_millisecond())
            .execute(&self.write)
            .await?;
        let (kind, name, proof) = match &session.holder {
            SessionHolder::Token { name, proof } => (TOKEN, name, proof.as_str()),
            SessionHolder::Person(name) => (PERSON, name, ""),
        };
        sqlx::query(
            "INSERT INTO sessions (id, kind, name, proof, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(session.id_hash.as_str())
        .bind(kind)
        .bind(text(name))
        .bind(proof)
        .bind(now.as_millisecond())
        .bind(session.expires_at.as_millisecond())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The session whose ID has this hash, unless it has ended.
    pub async fn session(&self, id_hash: &str, now: Timestamp) -> Result<Option<StoredSession>> {
        let query = sqlx::query(
            "SELECT id, kind, name, proof, expires_at FROM sessions WHERE id = $1 AND expires_at > $2",
        );
        let row = query.bind(id_hash).bind(now.as_millisecond());
        let row = row.fetch_optional(&self.read).await?;
        row.as_ref().map(read).transpose()
    }

    /// Ends a session.
    pub async fn end_session(&self, id_hash: &str) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE id = $1")
            .bind(id_hash)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<StoredSession> {
    let (kind, name): (&str, String) = (row.try_get("kind")?, row.try_get("name")?);
    let holder = match kind {
        TOKEN => SessionHolder::Token {
            name,
            proof: row.try_get("proof")?,
        },
        PERSON => SessionHolder::Person(name),
        other => return Err(UnknownValue::name("a session".to_owned(), "kind", other).into()),
    };
    Ok(StoredSession {
        id_hash: row.try_get("id")?,
        holder,
        expires_at: time(row.try_get("expires_at")?),
    })
}
