//! The command.

use super::{
    args::InitArgs,
    env_file,
    question::{BASE, LIVEKIT, Need, PUBLIC, Question, STORAGE, TOKEN},
    terminal, trial,
};
use crate::{
    cli::{bootstrap, console::output::print_error, failure},
    config::{Errors, LinksSettings, Source, StorageSettings, read},
};

/// Said before the errors.
const NO_TERMINAL: &str = "There is no terminal to ask on, and nothing was written. Set these in the environment, or as flags such as --livekit-url:";

/// The answers so far, over the environment and `.env`.
struct Answers<'a> {
    given: &'a Source,
    new: Vec<(String, String)>,
}

/// Asks for what is missing, tries it, writes `.env` and runs `bootstrap`.
pub(in crate::cli) async fn run(args: InitArgs, source: &Source) -> anyhow::Result<()> {
    let mut answers = Answers {
        given: source,
        new: args.given(),
    };
    if !terminal::is_there() {
        // All errors at once, and nothing is tried or written.
        missing(&answers.source()).inspect_err(|_| print_error(NO_TERMINAL))?;
    }
    answers.fill(&LIVEKIT, trial::livekit).await?;
    answers.fill(&STORAGE, trial::storage).await?;
    answers.fill(&TOKEN, trial::token).await?;
    answers.fill(&BASE, trial::base).await?;
    answers.fill(&PUBLIC, trial::public_url).await?;
    let copied = env_file::write(&answers.to_write())?;
    print_error(match copied {
        true => "\nwrote .env; the earlier one is .env.bak",
        false => "\nwrote .env",
    });
    bootstrap::apply(&answers.source()).await?;
    print_error("next: livekit-airtable doctor, then livekit-airtable serve");
    Ok(())
}

/// Every error of the variables that are asked for.
fn missing(source: &Source) -> Result<(), Errors> {
    use crate::config::{AirtableSettings, LiveKitSettings};
    read(source, |r| {
        LiveKitSettings::read(r);
        StorageSettings::read(r);
        AirtableSettings::read(r);
        LinksSettings::read(r);
    })
}

impl Answers<'_> {
    fn source(&self) -> Source {
        self.given.with(&self.new)
    }

    /// Answers these questions, and tries the answers. Somebody at a terminal is asked again until they work.
    async fn fill(
        &mut self,
        questions: &[Question],
        works: impl AsyncFn(&Source) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for question in questions {
            if self.must_ask(question) {
                self.ask(question).await?;
            }
        }
        loop {
            let Err(error) = works(&self.source()).await else {
                return Ok(());
            };
            if !terminal::is_there() {
                return Err(error);
            }
            let (_, text) = failure::exit(&error);
            print_error(&format!("  ✗ {}", text.unwrap_or_default()));
            for question in questions {
                self.new.retain(|(name, _)| name != question.name);
                if question.need != Need::IfMissing || self.must_ask(question) {
                    self.ask(question).await?;
                }
            }
        }
    }

    /// Whether a person must answer: nothing is known, or what is known is wrong.
    fn must_ask(&self, question: &Question) -> bool {
        let source = self.source();
        let is_wrong = wrong(&source, question.name).is_some();
        let is_open = match question.need {
            Need::Required | Need::IfMissing => is_wrong,
            Need::Optional => {
                is_wrong || !source.is_set(question.name) && !self.is_given(question.name)
            }
        };
        is_open && terminal::is_there()
    }

    fn is_given(&self, name: &str) -> bool {
        self.new.iter().any(|(known, _)| known == name)
    }

    /// Asks until the value has the right form.
    async fn ask(&mut self, question: &Question) -> anyhow::Result<()> {
        loop {
            let answer = terminal::ask(question).await?;
            self.new.retain(|(name, _)| name != question.name);
            self.new.push((question.name.to_owned(), answer));
            match wrong(&self.source(), question.name) {
                Some(why) => print_error(&format!("  ✗ {}: {why}", question.name)),
                None => return Ok(()),
            }
        }
    }

    /// What belongs into the file: the answers, and what the environment has of them.
    fn to_write(&self) -> Vec<(String, String)> {
        let names = [LIVEKIT.as_slice(), &STORAGE, &TOKEN, &BASE, &PUBLIC];
        let names = names.into_iter().flatten().map(|question| question.name);
        let source = self.source();
        let value = |name: &'static str| {
            let value = source.variable(name);
            // An empty answer takes the place of an earlier value.
            let value = value.or_else(|| self.is_given(name).then(String::new))?;
            Some((name.to_owned(), value))
        };
        names.filter_map(value).collect()
    }
}

/// Why this variable's value cannot be used.
fn wrong(source: &Source, name: &str) -> Option<String> {
    let errors = missing(source).err()?;
    let mut errors = errors.iter();
    let found = errors.find(|(known, _)| *known == name);
    found.map(|(_, why)| why.to_owned())
}
