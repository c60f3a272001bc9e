//! AGENT_AUDIO… and LIVEKIT_OBSERVABILITY_FORWARD: what agents upload. Each variable, its default, its rules.

use std::path::PathBuf;

use url::Url;

use super::{Reader, UploadSettings, network::is_clear_text};
use crate::domain::{Forward, agent_audio::AgentAudio};

const MIB: u64 = 1 << 20;
/// Units of sizes.
const UNITS: [(&str, u64); 3] = [("MiB", MIB), ("GiB", 1 << 30), ("TiB", 1 << 40)];

impl UploadSettings {
    /// AGENT_AUDIO, AGENT_AUDIO_DIR, AGENT_AUDIO_SIZE, AGENT_AUDIO_DIR_SIZE and LIVEKIT_OBSERVABILITY_FORWARD. `livekit_url`:
    /// LIVEKIT_URL.
    pub fn read(r: &mut Reader<'_>, livekit_url: &str) -> Self {
        let expected = "fallback, always or off";
        let audio = r.parsed("AGENT_AUDIO", AgentAudio::Fallback, expected, |v| {
            v.to_ascii_lowercase().parse().ok()
        });
        let folder = r.text("AGENT_AUDIO_DIR", "the path of a folder");
        let audio_bytes = size(r, "AGENT_AUDIO_SIZE", 1024 * MIB);
        let total_bytes = size(r, "AGENT_AUDIO_DIR_SIZE", 8 * 1024 * MIB);
        if total_bytes < audio_bytes {
            r.refuse(
                "AGENT_AUDIO_DIR_SIZE",
                "is less than AGENT_AUDIO_SIZE: the folder must have room for one file at least",
            );
        }
        Self {
            audio,
            folder: folder.map(PathBuf::from),
            audio_bytes,
            total_bytes,
            forward_to: forward_to(r, livekit_url),
        }
    }
}

/// Where uploads are sent on to.
fn forward_to(r: &mut Reader<'_>, livekit_url: &str) -> Option<String> {
    const NAME: &str = "LIVEKIT_OBSERVABILITY_FORWARD";
    let forward = r.parsed(NAME, Forward::Off, "on or off", |v| v.parse().ok());
    if forward == Forward::Off {
        return None;
    }
    // Without a valid LIVEKIT_URL, that is the error.
    let url = Url::parse(livekit_url).ok()?;
    if is_clear_text(livekit_url) {
        r.refuse(
            NAME,
            "needs a LIVEKIT_URL with wss:// or https://: uploads have tokens, and what callers say",
        );
    }
    Some(url.origin().ascii_serialization())
}

/// A size like `512MiB`, in bytes.
fn size(r: &mut Reader<'_>, name: &str, default: u64) -> u64 {
    let expected = "a size like 512MiB or 8GiB, at least 1MiB";
    r.parsed(name, default, expected, bytes)
}

fn bytes(text: &str) -> Option<u64> {
    let with_unit = |(unit, bytes): (&str, u64)| {
        let cut = text.len().checked_sub(unit.len())?;
        let (count, end) = (text.get(..cut)?, text.get(cut..)?);
        let count = count.trim_end();
        let is_count = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
        let count: u64 = count.parse().ok().filter(|_| is_count)?;
        let bytes = count.checked_mul(bytes)?;
        end.eq_ignore_ascii_case(unit).then_some(bytes)
    };
    let bytes = UNITS.into_iter().find_map(with_unit);
    bytes.filter(|bytes| *bytes >= MIB && i64::try_from(*bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(bytes("1MiB"), Some(MIB));
        assert_eq!(bytes("8 gib"), Some(8 << 30));
        for wrong in [
            "",
            "8",
            "GiB",
            "-1GiB",
            "1.5GiB",
            "0MiB",
            "8GB",
            "99999999TiB",
        ] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
