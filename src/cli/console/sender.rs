//! Whether a service is running: commands make deliveries due, and only a service sends them.

use super::output::print_error;
use crate::{domain::Sink, store::Store, telemetry};

/// Says on stderr whether a service runs on this database.
pub(in crate::cli) async fn report_sender(store: &Store) -> anyhow::Result<()> {
    let airtable = Sink::Airtable.as_str();
    let runs = store.is_leased(airtable, telemetry::now()).await?;
    print_error(match runs {
        true => "The running service processes this now.",
        false => {
            "No service is running on this database: nothing is sent until `livekit-airtable serve` runs."
        }
    });
    Ok(())
}
