//! Asks people.

use std::io::{IsTerminal, Read, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use super::{
    line::{Line, Typed},
    question::{Need, Question},
};
use crate::cli::{console::output::print_error, failure::Failure};

/// What an empty answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    /// Nothing, if the question may be left out.
    Nothing,
    /// The earlier answer.
    Keep,
}

/// A terminal with somebody to ask. It shows nothing by itself until this is dropped: what is pasted at the wrong question,
/// or while an answer is tried, may be a secret.
pub(super) struct Terminal(Option<Termios>);

impl Terminal {
    /// `None`: nobody can be asked.
    pub(super) fn open() -> Option<Terminal> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let before = tcgetattr(&stdin).ok();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            let shown_by_itself = LocalModes::ECHO | LocalModes::ICANON;
            quiet.local_modes.remove(shown_by_itself);
            quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
            quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(&stdin, OptionalActions::Now, &quiet).ok();
        }
        Some(Terminal(before))
    }

    /// Asks until there is an answer, or an empty one means something.
    ///
    /// # Errors
    /// When the input has ended.
    pub(super) async fn ask(&self, question: &Question, empty: Empty) -> anyhow::Result<String> {
        let hint = match (empty, question.need) {
            (Empty::Nothing, _) => "",
            (Empty::Keep, Need::Optional) => {
                "\n  Enter alone keeps the earlier answer, - removes it"
            }
            (Empty::Keep, _) => "\n  Enter alone keeps the earlier answer",
        };
        print_error(&format!("\n{}\n  {}{hint}", question.name, question.path));
        loop {
            let answer = self
                .read(&format!("{}: ", question.name), question.starts)
                .await?;
            let may_be_empty = empty == Empty::Keep || question.need == Need::Optional;
            if !answer.is_empty() || may_be_empty {
                return Ok(answer);
            }
            print_error("  a value is needed");
        }
    }

    /// Waits until somebody wants to try the same answers again.
    ///
    /// # Errors
    /// When the input has ended.
    pub(super) async fn wait(&self) -> anyhow::Result<()> {
        self.read("  Enter tries again, Ctrl-C ends: ", &[]).await?;
        Ok(())
    }

    /// Reads a line after this prompt.
    async fn read(&self, prompt: &str, starts: &'static [&'static str]) -> anyhow::Result<String> {
        print(prompt)?;
        tokio::task::spawn_blocking(move || read_line(starts)).await?
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            tcsetattr(std::io::stdin(), OptionalActions::Now, before).ok();
        }
    }
}

fn read_line(starts: &'static [&'static str]) -> anyhow::Result<String> {
    let mut line = Line::new(starts);
    let mut input = std::io::stdin().lock();
    let mut byte = [0];
    loop {
        let typed = match input.read(&mut byte)? {
            0 => Typed::Ended,
            _ => line.push(byte[0]),
        };
        match typed {
            Typed::More(text) => print(&text)?,
            Typed::Entered => {
                print("\n")?;
                return Ok(line.text());
            }
            Typed::Ended => {
                let why = "the input has ended; nothing was written";
                return Err(Failure::Usage(why.to_owned()).into());
            }
        }
    }
}

fn print(text: &str) -> std::io::Result<()> {
    let mut stderr = std::io::stderr();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()
}
