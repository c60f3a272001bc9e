//! This machine: configuration, files, database, disk, service.

use super::{disk, examined::Examined, finding::Group, local, report::Report, service};
use crate::config::Source;

/// All checks of the group.
pub(super) async fn check(
    examined: &Examined,
    source: &Source,
    report: &mut Report,
) -> anyhow::Result<()> {
    let here = Group::Here;
    report.note(here, "configuration", local::configuration(source))?;
    report.note(here, "names of variables", local::names(source))?;
    report.note(here, "files with secrets", local::files(source))?;
    report.note(here, "user", local::user())?;
    report
        .check(here, "database", disk::database(examined))
        .await?;
    if let Some(url) = &examined.settings.database_url {
        report.note(here, "file system", local::file_system(url))?;
    }
    report.check(here, "disk", disk::disk(examined)).await?;
    report.note(here, "limits", local::limits())?;
    report
        .check(here, "service", service::running(examined))
        .await?;
    Ok(())
}
