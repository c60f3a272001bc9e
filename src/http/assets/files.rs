//! Every file. Those in `assets/vendor` come from npm, by `assets/vendor.sh`.

use super::asset::Asset;

macro_rules! content {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/", $path))
    };
}

/// How every page looks.
pub(in crate::http) static APP_CSS: Asset = Asset::css("app.css", content!("app.css"));
/// Makes a player of the sound, the words and the waveform of a page.
pub(in crate::http) static PLAYER_JS: Asset = Asset::script("player.js", content!("player.js"));
/// Draws waveforms.
pub(in crate::http) static WAVESURFER_JS: Asset =
    Asset::script("wavesurfer.js", content!("vendor/wavesurfer.min.js"));
/// Exchanges parts of a page.
static HTMX_JS: Asset = Asset::script("htmx.js", content!("vendor/htmx.min.js"));
/// … with what the service sends by itself.
static HTMX_SSE_JS: Asset = Asset::script("hx-sse.js", content!("vendor/hx-sse.min.js"));
/// … and without code in its attributes.
static HTMX_CSP_JS: Asset = Asset::script("hx-csp.js", content!("vendor/hx-csp.min.js"));

/// All of them.
pub(super) static ALL: [&Asset; 6] = [
    &APP_CSS,
    &PLAYER_JS,
    &WAVESURFER_JS,
    &HTMX_JS,
    &HTMX_SSE_JS,
    &HTMX_CSP_JS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_every_file_takes_at_most_110_kilobytes() {
        let all: usize = ALL.iter().map(|asset| asset.gzip().len()).sum();
        assert!(all <= 110_000, "{all}");
    }
}
