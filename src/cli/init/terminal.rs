//! Asks people.

use std::io::{IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::question::{Need, Question, Shown};
use crate::cli::{
    console::{output::print_error, signal::shutdown},
    failure::Failure,
};

/// Whether somebody can be asked.
pub(super) fn is_there() -> bool {
    std::io::stdin().is_terminal()
}

/// Asks until there is an answer; an empty one only if the question may be left out.
///
/// # Errors
/// When the input has ended, or somebody pressed Ctrl-C.
pub(super) async fn ask(question: &Question) -> anyhow::Result<String> {
    print_error(&format!("\n{}\n  {}", question.name, question.path));
    loop {
        write!(std::io::stderr(), "{}: ", question.name)?;
        let answer = read(question.shown).await?;
        let answer = answer.trim();
        if !answer.is_empty() || question.need == Need::Optional {
            return Ok(answer.to_owned());
        }
        print_error("  a value is needed");
    }
}

async fn read(shown: Shown) -> anyhow::Result<String> {
    let _quiet = (shown == Shown::No).then(Quiet::new);
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        read.map(|bytes| (bytes, line))
    });
    let (bytes, line) = tokio::select! {
        line = line => line??,
        stopped = shutdown() => {
            stopped?;
            return Err(Failure::Usage("stopped; nothing was written".to_owned()).into());
        }
    };
    if bytes == 0 {
        return Err(Failure::Usage("the input has ended; nothing was written".to_owned()).into());
    }
    Ok(line)
}

/// The terminal does not show what is typed until this is dropped.
struct Quiet(Option<Termios>);

impl Quiet {
    fn new() -> Quiet {
        let Ok(before) = tcgetattr(std::io::stdin()) else {
            return Quiet(None);
        };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &quiet).ok();
        Quiet(Some(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            tcsetattr(std::io::stdin(), OptionalActions::Now, before).ok();
            // The line break of the answer was not shown either.
            print_error("");
        }
    }
}
