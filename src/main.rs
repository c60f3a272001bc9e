use std::process::ExitCode;

fn main() -> ExitCode {
    livekit_airtable::install_crypto();
    livekit_airtable::cli::main()
}
