//! Every file. Those in `assets/vendor` come from npm, by `assets/vendor.sh`.

use super::asset::Asset;

macro_rules! content {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/", $path))
    };
}

/// How every page looks.
pub(in crate::http) static APP_CSS: Asset = Asset::css("app.css", content!("app.css"));
/// What only the pages under `/ops` have.
pub(in crate::http) static OPS_CSS: Asset = Asset::css("ops.css", content!("ops.css"));
/// Keys, dialogs, and changes that appear by themselves.
pub(in crate::http) static OPS_JS: Asset = Asset::script("ops.js", content!("ops.js"));
/// Makes a player of the sound, the words and the waveform of a page.
pub(in crate::http) static PLAYER_JS: Asset = Asset::script("player.js", content!("player.js"));
/// Draws waveforms.
pub(in crate::http) static WAVESURFER_JS: Asset =
    Asset::script("wavesurfer.js", content!("vendor/wavesurfer.min.js"));

/// All of them.
pub(super) static ALL: [&Asset; 5] = [&APP_CSS, &OPS_CSS, &OPS_JS, &PLAYER_JS, &WAVESURFER_JS];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_every_file_takes_at_most_110_kilobytes() {
        let all: usize = ALL.iter().map(|asset| asset.gzip().len()).sum();
        assert!(all <= 110_000, "{all}");
    }
}
