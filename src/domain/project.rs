//! Which LiveKit project a call belongs to, and on which calls a key may act. A room's sid and name prove nothing: whoever
//! has a key may sign a webhook or a token about any room.

use std::{fmt, str::FromStr};

use secrecy::SecretString;

use super::name::UnknownName;

/// The LiveKit project of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Project {
    /// That of LIVEKIT_API_KEY; also of all calls that earlier versions stored.
    #[default]
    Ours,
    /// Another one, named by the API key that signs its webhooks.
    Other(String),
}

/// A key that may sign webhooks and tokens.
#[derive(Clone)]
pub struct SigningKey {
    /// The API key itself, which is no secret.
    pub name: String,
    /// Its secret.
    pub secret: SecretString,
    /// Where it is configured.
    pub entry: KeyEntry,
}

/// Where a key is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEntry {
    /// LIVEKIT_API_KEY
    Main,
    /// `key:secret` in LIVEKIT_WEBHOOK_KEYS: of which project is found out.
    Listed,
    /// `key:secret:webhooks` in LIVEKIT_WEBHOOK_KEYS: an earlier key of our project, for webhooks alone.
    Webhooks,
}

/// What is known of the key that signed a message; the column `project` of the inbox has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// LIVEKIT_API_KEY, or another key of its project.
    Ours,
    /// An earlier key of our project, for webhooks alone. Others may know its secret by now.
    Earlier,
    /// A key of another project.
    Other,
    /// LIVEKIT_URL has not said yet. Names the key with its secret, by a hash of both.
    Undecided(String),
}

/// Begins the stored form of [`Standing::Undecided`].
const UNDECIDED: &str = "undecided:";

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standing::Ours => f.write_str("ours"),
            Standing::Earlier => f.write_str("webhooks"),
            Standing::Other => f.write_str("other"),
            Standing::Undecided(key) => write!(f, "{UNDECIDED}{key}"),
        }
    }
}

impl FromStr for Standing {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Standing, UnknownName> {
        match (text, text.strip_prefix(UNDECIDED)) {
            ("ours", _) => Ok(Standing::Ours),
            ("webhooks", _) => Ok(Standing::Earlier),
            ("other", _) => Ok(Standing::Other),
            (_, Some(key)) => Ok(Standing::Undecided(key.to_owned())),
            _ => Err(UnknownName::new(
                text,
                &["ours", "webhooks", "other", "undecided:KEY"],
            )),
        }
    }
}

/// Who signed a webhook or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The API key.
    pub key: String,
    /// What was known of it then.
    pub standing: Standing,
}

impl Signer {
    /// The calls on which the signer may act; `None`: nobody knows yet.
    pub fn claim(&self) -> Option<Claim> {
        match &self.standing {
            Standing::Ours | Standing::Earlier => Some(Claim::Ours),
            Standing::Other => Some(Claim::Other(self.key.clone())),
            Standing::Undecided(_) => None,
        }
    }
}

/// The calls on which a sender may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// All: our own tokens, our own observations, and what earlier versions stored.
    Any,
    /// Those of our project.
    Ours,
    /// Those of the other project with this key.
    Other(String),
}

impl Claim {
    /// Whether a sender may act on calls of this project.
    pub fn admits(&self, project: &Project) -> bool {
        match (self, project) {
            (Claim::Any, _) | (Claim::Ours, Project::Ours) => true,
            (Claim::Other(key), Project::Other(of)) => key == of,
            (Claim::Ours, Project::Other(_)) | (Claim::Other(_), Project::Ours) => false,
        }
    }

    /// The project of a call that begins with an event of this sender.
    pub(in crate::domain) fn project(&self) -> Project {
        match self {
            Claim::Any | Claim::Ours => Project::Ours,
            Claim::Other(key) => Project::Other(key.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_read_as_it_is_stored() {
        let undecided = Standing::Undecided("3f".into());
        for standing in [
            Standing::Ours,
            Standing::Earlier,
            Standing::Other,
            undecided,
        ] {
            assert_eq!(standing.to_string().parse(), Ok(standing));
        }
        assert!("theirs".parse::<Standing>().is_err());
    }

    #[test]
    fn a_key_acts_on_calls_of_its_project_only() {
        let (ours, theirs) = (Project::Ours, Project::Other("k".into()));
        let other = Claim::Other("k".into());
        let third = Claim::Other("third".into());
        assert!(Claim::Any.admits(&ours) && Claim::Any.admits(&theirs));
        assert!(Claim::Ours.admits(&ours) && !Claim::Ours.admits(&theirs));
        assert!(!other.admits(&ours) && other.admits(&theirs) && !third.admits(&theirs));
    }
}
