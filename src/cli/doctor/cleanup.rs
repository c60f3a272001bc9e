//! Removes what checks have created, also after they were interrupted.

use super::{examined::Examined, traces::Trace};

/// Removes what is left. The texts say what could not be removed.
pub(super) async fn clean_up(examined: &Examined) -> Vec<String> {
    let mut left = Vec::new();
    for trace in examined.traces.left() {
        match remove(examined, &trace).await {
            Ok(()) => examined.traces.remove(&trace),
            Err(error) => left.push(error),
        }
    }
    left
}

async fn remove(examined: &Examined, trace: &Trace) -> Result<(), String> {
    match trace {
        Trace::Room(name) => {
            let Some(client) = examined.livekit() else {
                return Ok(());
            };
            let deleted = client.delete_room(name).await;
            deleted.map_err(|error| format!("the room {name} at LiveKit: {error}"))
        }
        Trace::Egress(id) => {
            let Some(client) = examined.livekit() else {
                return Ok(());
            };
            let stopped = client.stop(id).await;
            let failed = |error| format!("the egress {id} at LiveKit: {error}");
            stopped.map(|_| ()).map_err(failed)
        }
        Trace::Object(key) => {
            let Some(client) = examined.storage() else {
                return Ok(());
            };
            let deleted = client.delete(key).await;
            deleted.map_err(|error| format!("the object {key} in the bucket: {error}"))
        }
        Trace::Row { table_id, key_id } => {
            let Some(client) = examined.airtable() else {
                return Ok(());
            };
            let removed = async {
                let found = client.find(table_id, key_id, &examined.id).await?;
                client.delete(table_id, &found).await
            };
            let failed = |error| format!("the row {} in Airtable: {error}", examined.id);
            removed.await.map_err(failed)
        }
    }
}
