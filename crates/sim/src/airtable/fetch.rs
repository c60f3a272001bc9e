//! Attachments that a write names by URL: fetched after the write, as Airtable does, and served under our own address.

use std::time::Duration;

use super::attachments::{self, Content};
use super::simulator::Airtable;

impl Airtable {
    /// Starts fetching the attachments that writes have queued.
    pub(super) fn fetch_attachments(&self) {
        let mut state = self.state();
        let tables = state.bases.iter_mut().flat_map(|base| &mut base.tables);
        let queued = tables.flat_map(|table| std::mem::take(&mut table.to_fetch));
        for (id, url) in queued.collect::<Vec<_>>() {
            state.fetching += 1;
            tokio::spawn(fetch(self.clone(), id, url));
        }
    }

    /// Removes the attachments that writes have queued from their cells, without fetching them.
    pub(super) fn drop_attachments(&self) {
        let mut state = self.state();
        for base in &mut state.bases {
            let tables = base.tables.iter_mut();
            let queued: Vec<_> = tables
                .flat_map(|t| std::mem::take(&mut t.to_fetch))
                .collect();
            for (id, _) in queued {
                attachments::replace(base, &id, |_| None);
            }
        }
    }

    /// Waits until nothing is being fetched, at most two seconds: an upload is slower than a fetch, and its answer shows what
    /// was fetched.
    pub(super) async fn fetched(&self) {
        for _ in 0..200 {
            if self.state().fetching == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn may_fetch(&self) -> bool {
        let mut state = self.state();
        let fails = state.failing_fetches > 0;
        state.failing_fetches = state.failing_fetches.saturating_sub(1);
        !fails
    }
}

/// Fetches one URL. The attachment gets size, type and our address; after a failure it disappears without an error.
async fn fetch(airtable: Airtable, id: String, url: String) {
    let content = match airtable.may_fetch() {
        true => download(&url).await.ok(),
        false => None,
    };
    let own = airtable.url();
    let mut state = airtable.state();
    state.fetching -= 1;
    for base in &mut state.bases {
        attachments::replace(base, &id, |attachment| {
            let content = content.as_ref()?;
            let filename = attachment["filename"].as_str().unwrap_or_default();
            Some(attachments::stored(&own, &id, filename, content))
        });
    }
    if let Some(content) = content {
        state.contents.insert(id, content);
    }
}

/// Follows at most 3 redirects, as Airtable does.
async fn download(url: &str) -> reqwest::Result<Content> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::limited(3))
        .timeout(Duration::from_secs(30))
        .no_proxy()
        .build()?;
    let answer = client.get(url).send().await?.error_for_status()?;
    let kind = answer.headers().get("content-type");
    let kind = kind.and_then(|kind| kind.to_str().ok());
    Ok(Content {
        kind: kind.unwrap_or("application/octet-stream").to_owned(),
        bytes: answer.bytes().await?,
    })
}
