//! The command.

use super::{
    answers::{Answers, missing},
    args::InitArgs,
    env_file::{self, Written},
    question::{BASE, LIVEKIT, PUBLIC, STORAGE, TOKEN},
    trial,
};
use crate::{
    cli::{
        bootstrap,
        console::{output::print_error, signal::shutdown},
        failure::Failure,
    },
    config::Source,
};

/// Said before the errors.
const NO_TERMINAL: &str = "There is no terminal to ask on, and nothing was written. Set these in the environment, or as flags such as --livekit-url:";

/// Asks for what is missing, tries it, writes `.env` and runs `bootstrap`.
pub(in crate::cli) async fn run(args: InitArgs, source: &Source) -> anyhow::Result<()> {
    let mut answers = Answers::new(source, args.given());
    if answers.is_alone() {
        // All errors at once, and nothing is tried or written.
        missing(&answers.source()).inspect_err(|_| print_error(NO_TERMINAL))?;
    }
    tokio::select! {
        filled = fill(&mut answers) => filled?,
        stopped = shutdown() => {
            stopped?;
            return Err(Failure::Usage("stopped; nothing was written".to_owned()).into());
        }
    }
    let source = answers.source();
    let given = answers.to_write();
    let beside = answers.beside(&given);
    let written = env_file::write(&[given, beside.clone()].concat())?;
    // The terminal shows again what is typed.
    drop(answers);
    print_written(&written, &beside);
    bootstrap::apply(&source).await?;
    print_error("next: livekit-airtable serve, and beside it livekit-airtable doctor");
    Ok(())
}

fn print_written(written: &Written, beside: &[(String, String)]) {
    print_error(match written {
        Written::New => "\nwrote .env",
        Written::Replaced => "\nwrote .env; the earlier one is .env.bak",
        Written::Unchanged => "\n.env has these values already",
    });
    if !beside.is_empty() && *written != Written::Unchanged {
        let names: Vec<&str> = beside.iter().map(|(name, _)| name.as_str()).collect();
        print_error(&format!(
            "  also from the environment: {}",
            names.join(", ")
        ));
    }
}

async fn fill(answers: &mut Answers<'_>) -> anyhow::Result<()> {
    let airtable = [TOKEN, BASE].concat();
    answers.fill(&LIVEKIT, &LIVEKIT, trial::livekit).await?;
    answers.fill(&STORAGE, &STORAGE, trial::storage).await?;
    answers.fill(&TOKEN, &TOKEN, trial::token).await?;
    answers.fill(&BASE, &airtable, trial::base).await?;
    answers.fill(&PUBLIC, &PUBLIC, trial::public_url).await
}
