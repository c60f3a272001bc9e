//! A browser of a test, as far as its requests go: a cookie, the headers that browsers send, and the forms of a page.

use std::time::{Duration, Instant};

use reqwest::Response;

use crate::harness::{PATIENCE, World};

/// Somebody who is signed in.
pub(super) struct Visitor<'a> {
    world: &'a World,
    pub(super) cookie: String,
}

impl World {
    /// Signs in with this token.
    pub(super) async fn visitor(&self, token: &str) -> Visitor<'_> {
        let answer = self.sign_in(token, "").await;
        assert_eq!(answer.status(), 303, "{:?}", answer.text().await);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let (cookie, _) = cookie.split_once(';').unwrap();
        Visitor {
            world: self,
            cookie: cookie.to_owned(),
        }
    }

    /// Somebody with this session.
    pub(super) fn visitor_with(&self, cookie: &str) -> Visitor<'_> {
        Visitor {
            world: self,
            cookie: cookie.to_owned(),
        }
    }

    /// Sends the form of the sign-in page.
    pub(super) async fn sign_in(&self, token: &str, next: &str) -> Response {
        let request = self.http.post(self.url("/ops/login"));
        let request = request.header("sec-fetch-site", "same-origin");
        let request = request.header("accept", "text/html");
        let body = form(&[("token", token), ("next", next)]);
        request.body(body).send().await.unwrap()
    }
}

impl Visitor<'_> {
    /// Opens a page.
    pub(super) async fn open(&self, path: &str) -> Response {
        let request = self.world.http.get(self.world.url(path));
        let request = request.header("cookie", &self.cookie);
        request.header("accept", "text/html").send().await.unwrap()
    }

    /// The page's HTML.
    pub(super) async fn page(&self, path: &str) -> String {
        let answer = self.open(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// The page's HTML, once it is as wanted.
    pub(super) async fn page_where(&self, path: &str, wanted: impl Fn(&str) -> bool) -> String {
        let asked = Instant::now();
        loop {
            let page = self.page(path).await;
            if wanted(&page) {
                return page;
            }
            assert!(asked.elapsed() < PATIENCE, "{page}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The form token of the session.
    pub(super) async fn form_token(&self) -> String {
        let page = self.page("/ops").await;
        let (_, rest) = page.split_once("name=\"form_token\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// Sends a form of the session.
    pub(super) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let token = self.form_token().await;
        let fields = [&[("form_token", token.as_str())], fields].concat();
        self.send_from("same-origin", path, &fields).await
    }

    /// Sends a form from a page of this site.
    pub(super) async fn send_from(
        &self,
        site: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        let request = self.world.http.post(self.world.url(path));
        let request = request.header("cookie", &self.cookie);
        let request = request.header("sec-fetch-site", site);
        request.body(form(fields)).send().await.unwrap()
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}
