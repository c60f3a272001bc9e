//! When a permanent link was issued, and whether the call's links have been revoked since.

use jiff::Timestamp;

/// What a link says of itself. The first links, and those in rows, say nothing: they are as old as what they lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issue {
    /// How often the call's links had been revoked before.
    pub generation: u32,
    /// When the link was issued, in whole seconds.
    pub at: Timestamp,
}

impl Issue {
    /// At this time, without a part of a second.
    pub(super) fn new(generation: u32, at: Timestamp) -> Issue {
        let seconds = Timestamp::from_second(at.as_second());
        Issue {
            generation,
            at: seconds.unwrap_or(at),
        }
    }

    /// Its form in a link, signed with it.
    pub(super) fn text(self) -> String {
        format!("{}-{:x}", self.generation, self.at.as_second().max(0))
    }

    /// From that form.
    pub(super) fn parse(text: &str) -> Option<Issue> {
        let (generation, seconds) = text.split_once('-')?;
        let seconds = i64::from_str_radix(seconds, 16).ok()?;
        Some(Issue {
            generation: generation.parse().ok()?,
            at: Timestamp::from_second(seconds).ok()?,
        })
    }
}

/// The newest revocation of a call's links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkRevocation {
    /// How often they were revoked.
    pub generation: u32,
    /// When.
    pub at: Timestamp,
    /// Whether the row has links again.
    pub row: RevokedRow,
}

/// The links of a call's row after a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RevokedRow {
    /// It has none.
    #[default]
    Unlinked,
    /// It has new ones.
    Relinked,
}

impl LinkRevocation {
    /// Whether it ended a link.
    pub fn ends(&self, issue: Option<Issue>) -> bool {
        issue.map_or(0, |issue| issue.generation) < self.generation
    }

    /// The issue of links that are made now.
    pub fn issue(&self, at: Timestamp) -> Issue {
        Issue::new(self.generation, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_read_from_its_text() {
        let issue = Issue {
            generation: 3,
            at: Timestamp::from_second(1_800_000_000).unwrap(),
        };
        assert_eq!(issue.text(), "3-6b49d200");
        assert_eq!(Issue::parse("3-6b49d200"), Some(issue));
        for wrong in ["", "3", "-", "3-", "-6b49d200", "x-6b49d200", "3-zz"] {
            assert_eq!(Issue::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_revocation_ends_links_from_before() {
        let at = Timestamp::UNIX_EPOCH;
        let revocation = LinkRevocation {
            generation: 2,
            at,
            row: RevokedRow::Unlinked,
        };
        let of = |generation| Some(Issue { generation, at });
        assert!(revocation.ends(None) && revocation.ends(of(1)));
        assert!(!revocation.ends(of(2)) && !revocation.ends(Some(revocation.issue(at))));
    }
}
