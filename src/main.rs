fn main() {
    livekit_airtable::install_crypto();
}
