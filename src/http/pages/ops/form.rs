//! A form that was sent: its fields, if it is the visitor's own.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Method},
};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use crate::http::{error::Problem, visitor::Visitor};

/// Bytes of the largest form: some hundred calls that are selected.
const BYTES: usize = 64 << 10;
/// The field with the session's form token.
pub(super) const TOKEN: &str = "form_token";

/// The fields of a form, in order.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form of a session. 403 if it does not carry the session's form token.
    pub(super) async fn of(visitor: &Visitor, body: Body) -> Result<Form, Problem> {
        let form = Form::read(body).await?;
        let expected = visitor.form_token().unwrap_or_default();
        let sent = form.get(TOKEN).unwrap_or_default();
        let is_own = bool::from(expected.as_bytes().ct_eq(sent.as_bytes()));
        match is_own && !expected.is_empty() {
            true => Ok(form),
            false => Err(Problem::forbidden(
                "this form is not of your session: load the page again and repeat it",
            )),
        }
    }

    /// Reads a form of nobody's.
    pub(super) async fn read(body: Body) -> Result<Form, Problem> {
        let bytes = to_bytes(body, BYTES).await;
        let bytes =
            bytes.map_err(|_| Problem::bad_request("the form is too large or incomplete"))?;
        let pairs = form_urlencoded::parse(&bytes).into_owned();
        Ok(Form(pairs.collect()))
    }

    /// All fields.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The first value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a field.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.0.iter().filter(move |(key, _)| key == name);
        fields.map(|(_, value)| value.as_str())
    }
}

/// A request that changes something comes from a page of this service. Every browser says so itself, over https and on
/// the own machine.
pub(super) fn is_ours(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let site = headers.get("sec-fetch-site");
    match site.is_some_and(|site| site == "same-origin") {
        true => Ok(()),
        false => Err(Problem::forbidden(
            "this request does not come from these pages, or the pages were not opened over https",
        )),
    }
}
