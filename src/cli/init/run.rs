//! The command.

use super::{
    answers::{Answers, missing},
    args::InitArgs,
    env_file,
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
    let copied = env_file::write(&answers.to_write())?;
    // The terminal shows again what is typed.
    drop(answers);
    print_error(match copied {
        true => "\nwrote .env; the earlier one is .env.bak",
        false => "\nwrote .env",
    });
    bootstrap::apply(&source).await?;
    print_error("next: livekit-airtable serve, and beside it livekit-airtable doctor");
    Ok(())
}

async fn fill(answers: &mut Answers<'_>) -> anyhow::Result<()> {
    let airtable = [TOKEN, BASE].concat();
    answers.fill(&LIVEKIT, &LIVEKIT, trial::livekit).await?;
    answers.fill(&STORAGE, &STORAGE, trial::storage).await?;
    answers.fill(&TOKEN, &TOKEN, trial::token).await?;
    answers.fill(&BASE, &airtable, trial::base).await?;
    answers.fill(&PUBLIC, &PUBLIC, trial::public_url).await
}
