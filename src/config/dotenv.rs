//! The `.env` file: `NAME=value` lines as shells and Docker Compose read them.
//!
//! An ambiguous line is refused. The error has its number and never its value.

use std::collections::BTreeMap;

/// The values of a file. A value that cannot be read has the reason in its place.
pub(super) type Values = BTreeMap<String, Result<String, String>>;

/// The value after a name, or the reason why it cannot be read.
type Parsed = Result<String, &'static str>;

const NOT_CLOSED: &str = "has a quotation mark that is not closed: put the value in single quotes";
const BLANK: &str = "has a blank outside quotes: put the value in single quotes";
const ESCAPE: &str =
    "has a backslash that does not escape anything: put the value in single quotes";
const HASH: &str = "begins with #: put the value in single quotes, or a blank before a comment";
const UNSET: &str = "refers with $ to a variable that is not set: put the value in single quotes if $ is part of it";

/// Reads the text of a file. `$NAME` is looked up in `environment` first, then in the lines above. Returns the values, and
/// the errors of lines that have no name.
pub(super) fn parse(
    text: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> (Values, Vec<String>) {
    let mut reader = Reader {
        all: text,
        rest: text,
        values: Values::new(),
        environment,
    };
    let mut errors = Vec::new();
    let mut last = None;
    while reader.skip_to_content() {
        let (line, start) = (reader.line(), reader.rest);
        let Some(name) = reader.name() else {
            let place = match &last {
                Some(last) => format!("the line after {last} (line {line})"),
                None => format!("line {line}"),
            };
            errors.push(format!(
                "{place} is not NAME=value (put values with spaces, # or $ in single quotes)"
            ));
            reader.skip_line();
            continue;
        };
        let value = reader.value().map_err(|why| {
            // An unclosed quotation mark has consumed the rest of the file.
            reader.rest = start;
            reader.skip_line();
            format!("line {line} of .env {why}")
        });
        reader.values.insert(name.clone(), value);
        last = Some(name);
    }
    (reader.values, errors)
}

struct Reader<'a, E> {
    all: &'a str,
    rest: &'a str,
    values: Values,
    environment: E,
}

impl<E: Fn(&str) -> Option<String>> Reader<'_, E> {
    /// Skips empty lines and comments; false at the end. Concatenated files have byte order marks in the middle.
    fn skip_to_content(&mut self) -> bool {
        loop {
            let blank = |c: char| c.is_whitespace() || c == '\u{feff}';
            self.rest = self.rest.trim_start_matches(blank);
            if !self.rest.starts_with('#') {
                return !self.rest.is_empty();
            }
            self.skip_line();
        }
    }

    fn line(&self) -> usize {
        let read = &self.all[..self.all.len() - self.rest.len()];
        read.matches('\n').count() + 1
    }

    fn skip_line(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    /// Returns the number of skipped blanks.
    fn skip_blanks(&mut self) -> usize {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        before - self.rest.len()
    }

    /// `NAME=` or `export NAME=`, up to and with the equals sign.
    fn name(&mut self) -> Option<String> {
        let mut name = self.word(is_of_name)?;
        if self.skip_blanks() > 0 && name == "export" && !self.rest.starts_with('=') {
            name = self.word(is_of_name)?;
            self.skip_blanks();
        }
        self.rest = self.rest.strip_prefix('=')?;
        Some(name)
    }

    fn word(&mut self, is_part: fn(char) -> bool) -> Option<String> {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if !word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        self.rest = rest;
        Some(word.to_owned())
    }

    /// Everything up to the end of the line or a comment; quoted parts may have several lines.
    fn value(&mut self) -> Parsed {
        let blanks = self.skip_blanks();
        if self.rest.starts_with('#') {
            self.skip_line();
            return if blanks > 0 {
                Ok(String::new())
            } else {
                Err(HASH)
            };
        }
        let mut value = String::new();
        while let Some(c) = self.rest.chars().next() {
            match c {
                '\n' => break,
                ' ' | '\t' => {
                    self.skip_blanks();
                    if !(self.rest.is_empty() || self.rest.starts_with(['\n', '#'])) {
                        return Err(BLANK);
                    }
                    self.skip_line();
                    break;
                }
                '\'' => value.push_str(&self.single_quoted()?),
                '"' => value.push_str(&self.double_quoted()?),
                _ => value.push_str(&self.piece(c)?),
            }
        }
        Ok(value)
    }

    fn single_quoted(&mut self) -> Parsed {
        let (value, rest) = self.rest[1..].split_once('\'').ok_or(NOT_CLOSED)?;
        let value = value.to_owned();
        self.rest = rest;
        Ok(value)
    }

    fn double_quoted(&mut self) -> Parsed {
        self.rest = &self.rest[1..];
        let mut value = String::new();
        loop {
            let c = self.rest.chars().next().ok_or(NOT_CLOSED)?;
            if c == '"' {
                self.rest = &self.rest[1..];
                return Ok(value);
            }
            value.push_str(&self.piece(c)?);
        }
    }

    /// One character, an escaped one, or the value of a reference.
    fn piece(&mut self, c: char) -> Parsed {
        self.rest = &self.rest[c.len_utf8()..];
        match c {
            '\\' => {
                let escaped = self.rest.chars().next().ok_or(ESCAPE)?;
                self.rest = &self.rest[escaped.len_utf8()..];
                match escaped {
                    '\\' | '\'' | '"' | '$' | ' ' => Ok(escaped.into()),
                    'n' => Ok("\n".into()),
                    _ => Err(ESCAPE),
                }
            }
            '$' => self.reference(),
            c => Ok(c.into()),
        }
    }

    /// The value of `$NAME` or `${NAME}`; the dollar sign itself where no name follows.
    fn reference(&mut self) -> Parsed {
        let name = match self.rest.strip_prefix('{') {
            Some(rest) => {
                let (name, rest) = rest.split_once('}').ok_or(UNSET)?;
                self.rest = rest;
                name.to_owned()
            }
            None => match self.word(is_of_reference) {
                Some(name) => name,
                None => return Ok("$".into()),
            },
        };
        let above = || self.values.get(&name)?.clone().ok();
        (self.environment)(&name).or_else(above).ok_or(UNSET)
    }
}

fn is_of_name(c: char) -> bool {
    is_of_reference(c) || c == '.'
}

fn is_of_reference(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests;
