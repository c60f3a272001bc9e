//! Links for people: presigned URLs, or permanent links that this service redirects.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    link_issue::{Issue, LinkRevocation},
    link_secrets::LinkSecrets,
};

/// The lifetime of URLs, and whether permanent links exist.
#[derive(Clone)]
pub struct LinkRules {
    /// PUBLIC_URL, without a slash at its end.
    pub public_url: Option<String>,
    /// LINK_SECRET and LINK_SECRETS_BEFORE
    pub secrets: LinkSecrets,
    /// LINK_LIFE; `None`: for ever.
    pub life: Option<Duration>,
    /// RECORDING_URL_TTL
    pub ttl: Duration,
    /// RECORDING_URL_REFRESH
    pub refresh: Duration,
}

/// The target of a permanent link.
#[derive(Debug, Clone, Copy)]
pub enum Linked<'a> {
    /// By egress ID.
    Recording(&'a str),
    /// The full text of a call's long transcript, by call ID.
    Transcript(&'a str),
}

/// A link whose signature is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedLink {
    /// `None`: the link is as old as its target.
    pub issue: Option<Issue>,
}

impl Linked<'_> {
    fn message(self) -> String {
        match self {
            Linked::Recording(id) => format!("recording:{id}"),
            Linked::Transcript(id) => format!("transcript:{id}"),
        }
    }
}

impl LinkRules {
    /// `PUBLIC_URL/r/{egress_id}/{signature}`, or `PUBLIC_URL/r/{call_id}/transcript/{signature}`, if PUBLIC_URL is
    /// set.
    pub fn permanent(&self, linked: Linked<'_>, issue: Option<Issue>) -> Option<String> {
        let base = self.public_url.as_ref()?;
        let signature = self.sign(linked, issue);
        Some(match linked {
            Linked::Recording(id) => format!("{base}/r/{id}/{signature}"),
            Linked::Transcript(id) => format!("{base}/r/{id}/transcript/{signature}"),
        })
    }

    /// The signature of a permanent link, 32 hex digits after the issue, if it has one. A signature for one kind of link
    /// is not valid for another.
    pub fn sign(&self, linked: Linked<'_>, issue: Option<Issue>) -> String {
        match issue {
            None => self.secrets.sign(&linked.message()),
            Some(issue) => {
                let issue = issue.text();
                let tag = self.secrets.sign(&issued(linked, &issue));
                format!("{issue}-{tag}")
            }
        }
    }

    /// `None`: the signature is wrong.
    pub fn verify(&self, linked: Linked<'_>, signature: &str) -> Option<SignedLink> {
        let Some((text, tag)) = signature.rsplit_once('-') else {
            let valid = self.secrets.verify(&linked.message(), signature);
            return valid.then_some(SignedLink { issue: None });
        };
        let issue = Issue::parse(text)?;
        let valid = self.secrets.verify(&issued(linked, text), tag);
        valid.then_some(SignedLink { issue: Some(issue) })
    }

    /// The issue of a link that is made now, for somebody who asks for one.
    pub fn issue(&self, revocation: Option<&LinkRevocation>, now: Timestamp) -> Option<Issue> {
        match (revocation, self.life) {
            (Some(revocation), _) => Some(revocation.issue(now)),
            (None, Some(_)) => Some(Issue::new(0, now)),
            (None, None) => None,
        }
    }

    /// When a permanent link expires that is as old as this; `None`: never.
    pub fn expires(&self, since: Timestamp) -> Option<Timestamp> {
        since.checked_add(self.life?).ok()
    }

    /// Differs whenever the permanent links in rows would differ: by secret, PUBLIC_URL or LINK_LIFE.
    pub fn mark(&self) -> String {
        let base = self.public_url.as_deref().unwrap_or_default();
        let life = self.life.map_or(0, |life| life.as_secs());
        self.secrets.mark(&format!("{life} {base}"))
    }
}

/// What is signed for a link with an issue; no message of a link without one begins like it.
fn issued(linked: Linked<'_>, issue: &str) -> String {
    format!("issued:{issue}:{}", linked.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(secret: &str, before: &[&str]) -> LinkRules {
        let before = before.iter().map(|it| (*it).to_owned().into());
        LinkRules {
            public_url: Some("https://calls.example.com".into()),
            secrets: LinkSecrets::new(secret.to_owned().into(), before.collect()),
            life: None,
            ttl: Duration::ZERO,
            refresh: Duration::ZERO,
        }
    }

    const DESK: Linked<'_> = Linked::Recording("EG_desk");

    fn issue(generation: u32) -> Option<Issue> {
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        Some(Issue { generation, at })
    }

    #[test]
    fn a_link_without_an_issue_is_that_of_earlier_versions() {
        let link = rules("secret", &[]).permanent(DESK, None).unwrap();
        let (base, tag) = link.rsplit_once('/').unwrap();
        assert_eq!(base, "https://calls.example.com/r/EG_desk");
        // printf %s recording:EG_desk | openssl dgst -sha256 -hmac secret
        assert_eq!(tag, "7bdc7976755d4df0a29a95050f01023f");
    }

    #[test]
    fn earlier_secrets_are_accepted_and_sign_nothing() {
        let rules = rules("new", &["x", "old"]);
        for issue in [None, issue(0), issue(7)] {
            for secret in ["new", "old", "x"] {
                let signature = self::rules(secret, &[]).sign(DESK, issue);
                let signed = rules.verify(DESK, &signature).unwrap();
                assert_eq!(signed.issue, issue, "{secret}");
                let transcript = rules.verify(Linked::Transcript("EG_desk"), &signature);
                assert_eq!(transcript, None);
            }
            let signature = self::rules("other", &[]).sign(DESK, issue);
            assert_eq!(rules.verify(DESK, &signature), None);
            let new = self::rules("new", &[]).sign(DESK, issue);
            assert_eq!(rules.sign(DESK, issue), new);
        }
    }

    #[test]
    fn an_issue_cannot_be_changed_or_taken_away() {
        let rules = rules("secret", &[]);
        let signature = rules.sign(DESK, issue(1));
        let (_, tag) = signature.rsplit_once('-').unwrap();
        let undated = rules.sign(DESK, None);
        for wrong in [
            tag.to_owned(),
            signature.replacen('1', "2", 1),
            signature.replacen("1-", "01-", 1),
            format!("-{undated}"),
            format!("1-6b49d200-{undated}"),
        ] {
            assert_eq!(rules.verify(DESK, &wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_mark_tells_what_changes_links() {
        let rules = rules("secret", &[]);
        let others = [
            self::rules("secret2", &["secret"]),
            LinkRules {
                public_url: Some("https://other.example.com".into()),
                ..rules.clone()
            },
            LinkRules {
                life: Some(Duration::from_secs(60)),
                ..rules.clone()
            },
        ];
        for other in others {
            assert_ne!(other.mark(), rules.mark());
        }
        assert_eq!(self::rules("secret", &["x"]).mark(), rules.mark());
    }
}
