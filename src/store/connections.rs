//! The number of connections that PostgreSQL, or a connection pooler in front of it, gives to this service.

use futures_util::future::join_all;
use sqlx::Executor;

use super::{
    engine::{ANSWER_TIMEOUT, Engine},
    open::Store,
};

/// Fewer connections than this service uses at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FewConnections {
    /// How many answered.
    pub given: usize,
    /// How many the service uses at most.
    pub wanted: usize,
}

impl Store {
    /// Opens as many connections as the service uses at most, and returns how many answer if these are not all. A pooler
    /// accepts each connection and lets its first statement wait, so a small pool shows only under load. `None` on SQLite.
    pub async fn few_connections(&self) -> Option<FewConnections> {
        if self.engine == Engine::Sqlite {
            return None;
        }
        let wanted = self.write.options().get_max_connections() as usize;
        let open = async || {
            let mut connection = self.write.acquire().await.ok()?;
            let answer = tokio::time::timeout(ANSWER_TIMEOUT, connection.execute("SELECT 1"));
            matches!(answer.await, Ok(Ok(_))).then_some(connection)
        };
        // All are held until the last one has answered, and the pool needs them only under load.
        let opened = join_all((0..wanted).map(|_| open())).await;
        let opened: Vec<_> = opened.into_iter().flatten().collect();
        let given = opened.len();
        join_all(
            opened
                .into_iter()
                .skip(1)
                .map(|connection| connection.close()),
        )
        .await;
        (given < wanted).then_some(FewConnections { given, wanted })
    }
}
