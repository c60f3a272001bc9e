//! API_TOKEN, and the lines of API_TOKENS: `name scope[,scope] token`.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};

use super::{Reader, strength};
use crate::domain::{ApiToken, Scope};

const EXPECTED: &str = "lines `name scope[,scope] token`";

/// All tokens; the one of API_TOKEN, which may do everything, comes first.
pub(super) fn read(r: &mut Reader<'_>) -> Vec<ApiToken> {
    let mut tokens: Vec<ApiToken> = api_token(r).into_iter().collect();
    let lines = r.secret("API_TOKENS", EXPECTED).unwrap_or_default();
    let lines = lines.expose_secret().split(['\n', ';']).map(str::trim);
    for (number, line) in (1..).zip(lines) {
        if line.is_empty() {
            continue;
        }
        match token(line).and_then(|token| unlike(&tokens, token)) {
            Ok(token) => {
                let scopes: Vec<&str> = token.scopes.iter().map(|it| it.as_str()).collect();
                r.note(&format!("API_TOKENS {}", token.name), &scopes.join(","));
                tokens.push(token);
            }
            Err(why) => r.refuse(
                "API_TOKENS",
                format!("line {number}: {why}, expected {EXPECTED}"),
            ),
        }
    }
    tokens
}

fn api_token(r: &mut Reader<'_>) -> Option<ApiToken> {
    let expected = "text without spaces that is valid in a header";
    let token = r.own_secret("API_TOKEN", expected)?;
    if !is_sendable(token.expose_secret()) {
        r.refuse(
            "API_TOKEN",
            format!("cannot be sent as a bearer token, expected {expected}"),
        );
    }
    strength::check_text(r, "API_TOKEN", Some(&token));
    Some(ApiToken {
        name: "API_TOKEN".to_owned(),
        scopes: Scope::ALL.into(),
        token,
    })
}

/// Errors name no part of the line but its scopes: in a line of another form, any word may be the token.
fn token(line: &str) -> Result<ApiToken, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, scopes, token] = words[..] else {
        return Err(format!("{} words instead of three", words.len()));
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.len() > 64 || !name.chars().all(is_word) {
        return Err(
            "the name has other characters than letters, digits, `-`, `_` and `.`, or more than 64"
                .into(),
        );
    }
    let scopes: Result<BTreeSet<Scope>, _> = scopes.split(',').map(str::parse).collect();
    let scopes = scopes.map_err(|_| {
        let known = Scope::ALL.map(Scope::as_str).join(", ");
        format!("an unknown scope of token {name} (there are {known})")
    })?;
    let shortest = strength::CHARACTERS;
    if token.len() < shortest || !is_sendable(token) {
        return Err(format!(
            "token {name} is shorter than {shortest} characters, or cannot be sent in a header; `openssl rand -hex 32` makes one"
        ));
    }
    Ok(ApiToken {
        name: name.to_owned(),
        scopes,
        token: SecretString::from(token),
    })
}

/// The token, if neither its name nor the token itself stands there twice.
fn unlike(others: &[ApiToken], token: ApiToken) -> Result<ApiToken, String> {
    for other in others {
        if other.name == token.name {
            return Err(format!("there are two tokens with the name {}", token.name));
        }
        if other.token.expose_secret() == token.token.expose_secret() {
            return Err(format!(
                "{} and {} are the same token",
                other.name, token.name
            ));
        }
    }
    Ok(token)
}

fn is_sendable(token: &str) -> bool {
    token.bytes().all(|b| b.is_ascii_graphic())
}
