//! A connection's socket: notes when a request begins, and makes sure that a refusal arrives.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::phase::{ConnectionState, Phase};

/// How long the rest of a refused request is read and discarded: if the socket were closed before, the system would send
/// a reset, and the sender would lose the answer.
const LINGER: Duration = Duration::from_secs(2);

/// A socket between hyper and the network.
pub(super) struct Socket<I> {
    io: I,
    state: Arc<ConnectionState>,
    /// Runs once the answer has been sent.
    lingering: Option<Pin<Box<Sleep>>>,
    /// The answer in place of hyper's own refusal, and how many bytes of it have been.
    problem: Option<(Vec<u8>, usize)>,
}

impl<I> Socket<I> {
    /// Wraps the network's socket of the connection with this state.
    pub(super) fn new(io: I, state: Arc<ConnectionState>) -> Socket<I> {
        Socket {
            io,
            state,
            lingering: None,
            problem: None,
        }
    }

    /// A connection whose answer is still being read is not idle, however slowly that goes.
    fn note(&self, written: &Poll<io::Result<usize>>) {
        let went = matches!(written, Poll::Ready(Ok(_)));
        if went && matches!(self.state.phase(), Phase::Idle(_)) {
            self.state.set(Phase::Idle(Instant::now()));
        }
    }
}

impl<I: AsyncWrite + Unpin> Socket<I> {
    /// Writes the rest of the problem; hyper writes nothing after a refusal of its own.
    fn poll_problem(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((problem, written)) = &mut self.problem
            && *written < problem.len()
        {
            let more = ready!(Pin::new(&mut self.io).poll_write(cx, &problem[*written..]))?;
            if more == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *written += more;
        }
        Poll::Ready(Ok(()))
    }
}

/// hyper refuses what it cannot parse before our handlers are called, and without a body: the problem that is sent
/// instead.
fn problem(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(bytes.strip_suffix(b"\r\n\r\n")?).ok()?;
    let mut lines = head.split("\r\n");
    let (status, title) = lines.next()?.strip_prefix("HTTP/1.1 ")?.split_once(' ')?;
    let status: u16 = status.parse().ok().filter(|status| *status >= 400)?;
    lines.find(|line| line.eq_ignore_ascii_case("content-length: 0"))?;
    let detail = match status {
        431 => "the request's headers are larger than 32 KiB, or there are more than a hundred",
        414 => "the request's URL is too long",
        _ => "this is not a valid HTTP request",
    };
    let body = json!({ "type": "about:blank", "title": title, "status": status, "detail": detail });
    let (body, length) = (body.to_string(), body.to_string().len());
    let head = format!(
        "HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n"
    );
    Some((head + &body).into_bytes())
}

impl<I: AsyncRead + Unpin> AsyncRead for Socket<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        let came = buffer.filled().len() > before;
        if came && matches!(self.state.phase(), Phase::Idle(_)) {
            self.state.set(Phase::Head(Instant::now()));
        }
        read
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.problem.is_none()
            && let Some(problem) = problem(bytes)
        {
            self.problem = Some((problem, 0));
            self.state.refuse();
        }
        if self.problem.is_some() {
            ready!(self.poll_problem(cx))?;
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [head, rest @ ..] = slices
            && rest.iter().all(|slice| slice.is_empty())
        {
            return self.poll_write(cx, head);
        }
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
            if !self.state.is_refused() {
                return Poll::Ready(Ok(()));
            }
        }
        let this = &mut *self;
        let lingering = this
            .lingering
            .get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut discarded = [0; 8 << 10];
        // A sender that never stops is read again later, so that other connections get their turn.
        for _ in 0..16 {
            if lingering.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut discarded);
            let read = ready!(Pin::new(&mut this.io).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
