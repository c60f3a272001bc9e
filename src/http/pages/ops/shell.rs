//! The frame of the pages under `/ops`: the way around, who is signed in, and answers that are wrong.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use tokio::sync::OwnedSemaphorePermit;

use super::{form, marks};
use crate::{
    domain::Scope,
    http::{
        assets::{Asset, OPS_CSS, OPS_JS},
        error::{Problem, capitalized},
        pages::layout::Page,
        visitor::Visitor,
    },
};

/// Where a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Calls,
    Health,
    Attention,
    Schema,
}

impl Section {
    const ALL: [Section; 4] = [
        Section::Calls,
        Section::Health,
        Section::Attention,
        Section::Schema,
    ];

    fn name(self) -> &'static str {
        match self {
            Section::Calls => "Calls",
            Section::Health => "Health",
            Section::Attention => "Needs attention",
            Section::Schema => "Schema",
        }
    }

    fn address(self) -> &'static str {
        match self {
            Section::Calls => "ops",
            Section::Health => "ops/health",
            Section::Attention => "ops/attention",
            Section::Schema => "ops/schema",
        }
    }
}

/// A page for somebody who is signed in.
pub(super) struct OpsPage<'a> {
    pub(super) title: &'a str,
    /// The way from the page's address to the root of the service.
    pub(super) root: &'static str,
    pub(super) section: Section,
    /// Run after those of every page.
    pub(super) scripts: &'a [&'static Asset],
    /// The origin of the bucket, if the page plays something.
    pub(super) media: Option<&'a str>,
    pub(super) main: Markup,
}

impl OpsPage<'_> {
    /// The answer.
    pub(super) fn response(self, visitor: &Visitor) -> Response {
        self.response_with(visitor, None)
    }

    /// The same; `place` is free again when it has been sent.
    pub(super) fn response_with(
        self,
        visitor: &Visitor,
        place: Option<OwnedSemaphorePermit>,
    ) -> Response {
        let title = format!("{} · livekit-airtable", self.title);
        let mut scripts = vec![&OPS_JS];
        scripts.extend(self.scripts);
        let page = Page {
            title: &title,
            root: self.root,
            nav: nav(self.root, Some(self.section), visitor),
            styles: &[&OPS_CSS],
            scripts: &scripts,
            media: self.media,
            main: self.main,
        };
        page.response(place)
    }
}

/// `current`: none on a page that says what is wrong. Who may read nothing gets no way to what they may not read.
fn nav(root: &str, current: Option<Section>, visitor: &Visitor) -> Markup {
    html! {
        header.top {
            a.brand href={ (root) "ops" } { "livekit-airtable" }
            @if visitor.may(Scope::Read) {
                nav aria-label="Pages" {
                    @for section in Section::ALL {
                        a href={ (root) (section.address()) } aria-current=[(Some(section) == current).then_some("page")] {
                            (label(section))
                            @match section {
                                Section::Health => (failing(visitor.warnings().failing)),
                                Section::Attention => (open(visitor.warnings().attention)),
                                Section::Calls | Section::Schema => {}
                            }
                        }
                    }
                }
            }
            div.end {
                span.muted { (visitor.name) }
                @if visitor.form_token().is_some() {
                    form method="post" action={ (root) "ops/logout" } {
                        (form_token(visitor))
                        button.plain type="submit" { "Sign out" }
                    }
                }
            }
        }
    }
}

/// Its name; a phone has no room for the first word.
fn label(section: Section) -> Markup {
    html! {
        @match section.name().split_once(' ') {
            Some((first, rest)) => { span.long { (first) " " } span.rest { (rest) } },
            None => (section.name()),
        }
    }
}

/// Beside the page that says why.
fn failing(count: usize) -> Markup {
    html! {
        @if count > 0 { " " span.pill.bad data-failing=(count) { (count) span.unseen { " failing" } } }
    }
}

/// Beside the page that lists them.
fn open(count: usize) -> Markup {
    html! {
        @if count > 0 { " " span.pill.warn data-attention=(count) { (count) span.unseen { " open" } } }
    }
}

/// The hidden field that every form of a session has.
pub(super) fn form_token(visitor: &Visitor) -> Markup {
    html! {
        @if let Some(token) = visitor.form_token() {
            input type="hidden" name=(form::TOKEN) value=(token);
        }
    }
}

/// A page for somebody who is not signed in.
pub(super) fn outside(status: StatusCode, root: &str, title: &str, main: Markup) -> Response {
    let nav = html! { header.top { span.brand { "livekit-airtable" } } };
    message(status, (root, nav), title, main)
}

fn message(status: StatusCode, (root, nav): (&str, Markup), title: &str, main: Markup) -> Response {
    let page = Page {
        title: &format!("{title} · livekit-airtable"),
        root,
        nav,
        styles: &[&OPS_CSS],
        scripts: &[],
        media: None,
        main: html! { div.narrow.stack { h1 { (title) } (main) } },
    };
    let mut response = page.response(None);
    *response.status_mut() = status;
    response
}

/// The problem of a request for this path as a page; `visitor`: who is signed in, with their way around.
pub(super) fn problem(problem: &Problem, visitor: Option<&Visitor>, path: &str) -> Response {
    let (status, root) = (problem.status(), root_of(path));
    let title = status.canonical_reason().unwrap_or("Error");
    let may_read = visitor.is_none_or(|visitor| visitor.may(Scope::Read));
    let main = html! {
        p { (marks::prose(&sentence(problem.detail()))) }
        @if may_read { p { a.button href={ (root) "ops" } { "All calls" } } }
    };
    let page = match visitor {
        Some(visitor) => message(status, (root, nav(root, None, visitor)), title, main),
        None => outside(status, root, title, main),
    };
    // Headers like `Retry-After` stay.
    let (mut parts, _) = problem.clone().into_response().into_parts();
    let (page_parts, body) = page.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::WWW_AUTHENTICATE);
    for (name, value) in &page_parts.headers {
        parts.headers.insert(name, value.clone());
    }
    Response::from_parts(parts, body)
}

fn sentence(detail: &str) -> String {
    let mut sentence = capitalized(detail);
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// The way from this path of a request to the root of the service.
pub(super) fn root_of(path: &str) -> &'static str {
    match path.matches('/').count() {
        0 | 1 => "./",
        2 => "../",
        3 => "../../",
        4 => "../../../",
        _ => "../../../../",
    }
}
