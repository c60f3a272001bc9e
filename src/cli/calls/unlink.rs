//! `calls unlink`: ends the permanent links of a call.

use std::slice;

use crate::{
    cli::audited::audited,
    cli::console::{
        output::{Format, print_json, print_line},
        sender::report_sender,
    },
    domain::{RevokedRow, Sink, audit::AuditAction},
    service::database,
    store::Store,
    telemetry,
    view::{UnlinkView, utc_seconds},
};

#[derive(clap::Args)]
pub(in crate::cli) struct UnlinkArgs {
    /// ID of a call (RM_…) or of one of its recordings (EG_…)
    id: String,
    /// Put new links into the row; without this option, the row has none
    #[arg(long)]
    relink: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Ends the links of the call that exist by now.
pub(super) async fn unlink(args: UnlinkArgs, store: &Store) -> anyhow::Result<()> {
    let options = if args.relink { "--relink" } else { "" };
    let action = (AuditAction::Unlink, options.to_owned());
    audited(
        store,
        action,
        slice::from_ref(&args.id),
        revoke(&args, store),
    )
    .await
}

async fn revoke(args: &UnlinkArgs, store: &Store) -> anyhow::Result<()> {
    let call = database::find(store, &args.id).await?.call;
    let row = match args.relink {
        true => RevokedRow::Relinked,
        false => RevokedRow::Unlinked,
    };
    let revocation = store.revoke_links(&call.id, row, telemetry::now()).await?;
    // A row that is not written yet has no link to take away.
    let deliveries = store.deliveries_of(&call.id).await?;
    let has_row = deliveries.iter().any(|it| it.key.sink == Sink::Airtable);
    match Format::from(args.json) {
        Format::Json => print_json(&UnlinkView {
            call_id: &call.id,
            revoked_at: revocation.at,
        })?,
        Format::Text => {
            let (id, at) = (&call.id, utc_seconds(revocation.at));
            print_line(&format!(
                "The permanent links of {id} were revoked at {at}. Signed storage URLs that were handed out before work until they expire."
            ))?;
        }
    }
    match has_row {
        true => report_sender(store).await,
        false => Ok(()),
    }
}
