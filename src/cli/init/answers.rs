//! The answers: asked for, tried, and asked for again as long as they do not work.

use super::{
    question::{BASE, Kind, LIVEKIT, Need, PUBLIC, Question, STORAGE, TOKEN},
    terminal::{Empty, Terminal},
    trial::{Rejected, Tried},
};
use crate::{
    cli::console::output::print_error,
    config::{
        AirtableSettings, Errors, LinksSettings, LiveKitSettings, Source, StorageSettings, read,
    },
};

/// Shorter texts may be words of a message.
const TELLING: usize = 8;

/// The answers so far, over the environment and `.env`.
pub(super) struct Answers<'a> {
    given: &'a Source,
    new: Vec<(String, String)>,
    /// `None`: nobody can be asked.
    terminal: Option<Terminal>,
}

impl<'a> Answers<'a> {
    pub(super) fn new(given: &'a Source, flags: Vec<(String, String)>) -> Answers<'a> {
        Answers {
            given,
            new: flags,
            terminal: Terminal::open(),
        }
    }

    /// Whether nobody can be asked.
    pub(super) fn is_alone(&self) -> bool {
        self.terminal.is_none()
    }

    /// The configuration with the answers.
    pub(super) fn source(&self) -> Source {
        self.given.with(&self.new)
    }

    /// Asks for what is missing of these questions, and tries the answers. Somebody at a terminal is asked again for the wrong
    /// ones. If all of those are kept and still do not work, the fault may be in any of `related`.
    ///
    /// # Errors
    /// When there is nobody to ask again, the input has ended, or what is wrong is no answer.
    pub(super) async fn fill(
        &mut self,
        questions: &[Question],
        related: &[Question],
        works: impl AsyncFn(&Source) -> Tried,
    ) -> anyhow::Result<()> {
        for question in questions {
            if self.must_ask(question) {
                self.ask(question, Empty::Nothing).await?;
            }
        }
        let mut is_changed = true;
        while let Err(rejected) = works(&self.source()).await? {
            let Some(again) = self.to_ask_again(&rejected, related, is_changed) else {
                return Err(rejected.failure.into());
            };
            print_error(&format!(
                "  ✗ {}",
                self.without_answers(&rejected.failure.to_string())
            ));
            let before = self.new.clone();
            for question in &again {
                self.ask(question, Empty::Keep).await?;
            }
            match (&self.terminal, again.is_empty()) {
                (Some(terminal), true) => terminal.wait().await?,
                _ => is_changed = self.new != before,
            }
        }
        self.print_working(questions);
        Ok(())
    }

    /// The questions to ask again; `None`: nobody can be asked, or no question is about what is wrong.
    fn to_ask_again(
        &self,
        rejected: &Rejected,
        related: &[Question],
        is_changed: bool,
    ) -> Option<Vec<Question>> {
        if self.is_alone() {
            return None;
        }
        if rejected.variables.is_empty() {
            return Some(Vec::new());
        }
        let is_wrong = |question: &Question| {
            let mut wrong = rejected.variables.iter();
            wrong.any(|name| name == question.name)
        };
        if !related.iter().any(is_wrong) {
            return None;
        }
        let is_known =
            |question: &Question| question.need != Need::IfMissing || self.is_given(question.name);
        let again = related.iter().filter(|question| match is_changed {
            true => is_wrong(question),
            false => is_wrong(question) || is_known(question),
        });
        Some(again.copied().collect())
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
        is_open && !self.is_alone()
    }

    fn is_given(&self, name: &str) -> bool {
        self.new.iter().any(|(known, _)| known == name)
    }

    /// Asks until the value has the right form.
    async fn ask(&mut self, question: &Question, empty: Empty) -> anyhow::Result<()> {
        loop {
            let Some(terminal) = &self.terminal else {
                return Ok(());
            };
            let answer = terminal.ask(question, empty).await?;
            let answer = match (empty, answer.as_str()) {
                (Empty::Keep, "") => None,
                (Empty::Keep, "-") if question.need == Need::Optional => Some(String::new()),
                _ => Some(answer),
            };
            if let Some(answer) = answer {
                self.new.retain(|(name, _)| name != question.name);
                self.new.push((question.name.to_owned(), answer));
            }
            let Some(why) = wrong(&self.source(), question.name) else {
                return Ok(());
            };
            print_error(&format!(
                "  ✗ {}: {}",
                question.name,
                self.without_answers(&why)
            ));
        }
    }

    /// A message without what was typed: it may be a secret that was pasted at the wrong question.
    fn without_answers(&self, message: &str) -> String {
        let typed = self.new.iter().map(|(_, answer)| answer);
        let telling = typed.filter(|answer| answer.len() >= TELLING);
        telling.fold(message.to_owned(), |text, answer| text.replace(answer, "…"))
    }

    /// Says what works. What LiveKit, the storage or Airtable has accepted is what it was taken for.
    fn print_working(&self, questions: &[Question]) {
        let source = self.source();
        let open = questions
            .iter()
            .filter(|question| question.kind == Kind::Open);
        let values = open.filter_map(|question| {
            let value = source.variable(question.name).filter(|it| !it.is_empty())?;
            Some(format!("{}={value}", question.name))
        });
        let values: Vec<String> = values.collect();
        let secrets = questions
            .iter()
            .filter(|question| question.kind == Kind::Secret);
        let secrets = secrets.map(|question| question.name.to_owned());
        let named: Vec<String> = values.into_iter().chain(secrets).collect();
        if !named.is_empty() {
            print_error(&format!("  ✓ accepted: {}", named.join(" ")));
        }
    }

    /// What belongs into the file: the answers.
    pub(super) fn to_write(&self) -> Vec<(String, String)> {
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

    /// What the environment has beside the answers: the same values were tried with it, so `serve` needs it, too.
    pub(super) fn beside(&self, answers: &[(String, String)]) -> Vec<(String, String)> {
        let mut all = self.source().of_environment();
        all.retain(|(name, _)| answers.iter().all(|(known, _)| known != name));
        all
    }
}

/// Every error of the variables that are asked for.
pub(super) fn missing(source: &Source) -> Result<(), Errors> {
    read(source, |r| {
        LiveKitSettings::read(r);
        StorageSettings::read(r);
        AirtableSettings::read(r);
        LinksSettings::read(r);
    })
}

/// Why this variable's value cannot be used.
fn wrong(source: &Source, name: &str) -> Option<String> {
    let errors = missing(source).err()?;
    let mut errors = errors.iter();
    let found = errors.find(|(known, _)| *known == name);
    found.map(|(_, why)| why.to_owned())
}
