//! Parsing the text of a formula.

use super::term::Term;
use super::tree::{Function, Node, Operator};
use crate::airtable::base::Table;

/// How deep parentheses and calls may nest: parsing and evaluation recurse.
const DEEPEST: usize = 100;

/// The same for the tree, which long chains of operators also make deeper.
const TALLEST: usize = 300;

/// A node and the height of its tree.
type Tree = (Node, usize);

/// Parses a formula over the fields of a table. Errors are the end of Airtable's message.
pub(super) fn formula(text: &str, table: &Table) -> Result<Node, String> {
    Parser {
        rest: text,
        table,
        values: None,
        depth: 0,
    }
    .parse()
}

/// Parses the formula of a rollup, in which `values` is a word.
pub(super) fn rollup(text: &str, table: &Table) -> Result<Node, String> {
    Parser {
        rest: text,
        table,
        values: Some("values"),
        depth: 0,
    }
    .parse()
}

const INVALID: &str = "Invalid formula. Please check your formula text.";

struct Parser<'a> {
    rest: &'a str,
    table: &'a Table,
    /// The word for the looked-up cells, in a rollup.
    values: Option<&'a str>,
    depth: usize,
}

impl Parser<'_> {
    fn parse(mut self) -> Result<Node, String> {
        let (node, _) = self.comparison()?;
        match self.peek() {
            None => Ok(node),
            Some(_) => Err(INVALID.to_owned()),
        }
    }

    fn comparison(&mut self) -> Result<Tree, String> {
        use Operator::*;
        const SIGNS: [(&str, Operator); 6] = [
            ("!=", NotEqual),
            ("<=", LessOrEqual),
            (">=", GreaterOrEqual),
            ("=", Equal),
            ("<", Less),
            (">", Greater),
        ];
        self.chain(&SIGNS, |p| {
            p.chain(&[("&", Join)], |p| {
                p.chain(&[("+", Add), ("-", Subtract)], |p| {
                    p.chain(&[("*", Multiply), ("/", Divide)], Self::operand)
                })
            })
        })
    }

    /// Operands joined by operators of one precedence, evaluated from the left.
    fn chain(
        &mut self,
        signs: &[(&str, Operator)],
        operand: impl Fn(&mut Self) -> Result<Tree, String>,
    ) -> Result<Tree, String> {
        let mut left = operand(self)?;
        'next: loop {
            for (sign, operator) in signs {
                if self.take(sign) {
                    let right = operand(self)?;
                    left = binary(left, *operator, right)?;
                    continue 'next;
                }
            }
            return Ok(left);
        }
    }

    fn operand(&mut self) -> Result<Tree, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(INVALID.to_owned());
        }
        let node = match self.peek() {
            Some('(') => {
                self.take("(");
                let inner = self.comparison()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some('{') => self.braced(),
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            Some('-') => {
                self.take("-");
                let zero = (Node::Constant(Term::Number(0.0)), 1);
                binary(zero, Operator::Subtract, self.operand()?)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => self.word(),
            _ => Err(INVALID.to_owned()),
        };
        self.depth -= 1;
        node
    }

    /// `{Field name}` or `{fld…}`; `\}` stands for `}`.
    fn braced(&mut self) -> Result<Tree, String> {
        self.take("{");
        let name = self.until('}')?;
        self.field(&name)
    }

    fn quoted(&mut self, quote: char) -> Result<Tree, String> {
        self.rest = &self.rest[1..];
        let text = self.until(quote)?;
        Ok((Node::Constant(Term::Text(text)), 1))
    }

    /// The text before `end`, with backslash escapes resolved.
    fn until(&mut self, end: char) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                _ if c == end => {
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return Ok(text);
                }
                _ => text.push(c),
            }
        }
        Err(INVALID.to_owned())
    }

    fn number(&mut self) -> Result<Tree, String> {
        let digits = self.run(|c| c.is_ascii_digit() || c == '.');
        let number = digits.parse().map_err(|_| INVALID.to_owned())?;
        Ok((Node::Constant(Term::Number(number)), 1))
    }

    /// A function with its arguments, or a field whose name needs no braces.
    fn word(&mut self) -> Result<Tree, String> {
        let word = self.run(|c| c.is_alphanumeric() || c == '_').to_owned();
        if !self.take("(") {
            return match self.values {
                Some(values) if values == word => Ok((Node::Values, 1)),
                _ => self.field(&word),
            };
        }
        let function =
            Function::named(&word).ok_or_else(|| format!("Unknown function names: {word}"))?;
        let (mut arguments, mut height) = (Vec::new(), 0);
        while !self.take(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            let (argument, of) = self.comparison()?;
            arguments.push(argument);
            height = height.max(of);
        }
        taller(Node::Call(function, arguments), height)
    }

    fn field(&self, name: &str) -> Result<Tree, String> {
        match self.table.field(name) {
            Some(field) => Ok((Node::Cell(field.id.clone()), 1)),
            None => Err(format!("Unknown field names: {}", name.to_lowercase())),
        }
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        self.take(sign)
            .then_some(())
            .ok_or_else(|| INVALID.to_owned())
    }
}

fn binary(left: Tree, operator: Operator, right: Tree) -> Result<Tree, String> {
    let node = Node::Binary(Box::new(left.0), operator, Box::new(right.0));
    taller(node, left.1.max(right.1))
}

/// Adds a node on top of trees of this height; an error if the tree gets too high.
fn taller(node: Node, height: usize) -> Result<Tree, String> {
    match height < TALLEST {
        true => Ok((node, height + 1)),
        false => Err(INVALID.to_owned()),
    }
}
