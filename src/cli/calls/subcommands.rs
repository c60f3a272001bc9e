//! The subcommands of `calls`.

use super::{link, list, show, unlink};
use crate::{
    config::{self, Config, Reader, Source},
    service::{database, prices},
    view::BaseLimit,
};

#[derive(clap::Subcommand)]
pub(in crate::cli) enum Calls {
    /// List the newest calls
    List(list::ListArgs),
    /// Show one call: its recordings, participants and deliveries
    Show {
        /// ID of a call (RM_…) or a recording (EG_…)
        id: String,
        /// Print JSON, as `GET /v1/calls/{id}` does
        #[arg(long)]
        json: bool,
    },
    /// Print a link that plays a recording
    Link {
        /// ID of a call (RM_…) or a recording (EG_…)
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke the permanent links of a call, at once; its row has none any more, and `calls link` makes a new one
    Unlink(unlink::UnlinkArgs),
}

/// Runs one of them.
pub(in crate::cli) async fn run(calls: Calls, source: &Source) -> anyhow::Result<()> {
    match calls {
        Calls::List(args) => {
            let url = Config::database(source)?;
            database::existing(&url, async |store| list::list(args, store).await).await
        }
        Calls::Show { id, json } => {
            let read = |r: &mut Reader<'_>| {
                let url = config::database_url(r);
                (url, config::prices(r), config::request_limit(r))
            };
            let (url, prices, limit) = config::read(source, read)?;
            let prices = prices::prices(prices.as_deref())?;
            let limit = limit.base_id.as_deref().map(|id| BaseLimit {
                id,
                monthly_requests: limit.monthly_requests,
            });
            let show = async |store: &_| {
                show::show(&id, json.into(), store, prices.as_deref(), limit).await
            };
            database::existing(&url, show).await
        }
        Calls::Unlink(args) => {
            let url = Config::database(source)?;
            database::existing(&url, async |store| unlink::unlink(args, store).await).await
        }
        Calls::Link { id, json } => link::link(&id, json.into(), source).await,
    }
}
