//! How fast requests go: the configured rate, and less after Airtable refused some as too many.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

use crate::domain::budget::{recovered_rate, reduced_rate};

/// The rate as of now, and the limiter that spaces requests by it.
pub(super) struct Rate {
    /// AIRTABLE_REQUESTS_PER_SECOND.
    configured: f64,
    /// A factor: requests are spaced by this many times what the rate asks.
    margin: f64,
    /// The rate after the last lockout, and when that was.
    reduced: Option<(f64, Instant)>,
    /// Of `spacer`.
    spacing: Duration,
    spacer: Arc<DefaultDirectRateLimiter>,
}

impl Rate {
    /// `configured` in requests per second, taken as 0.01 to 50 (what one token's user gets).
    pub(super) fn new(configured: f64, margin: f64) -> Rate {
        let configured = match configured.is_finite() {
            true => configured.clamp(0.01, 50.0),
            false => 1.0,
        };
        let spacing = Duration::from_secs_f64(margin / configured);
        Rate {
            configured,
            margin,
            reduced: None,
            spacing,
            spacer: spacer(spacing),
        }
    }

    /// AIRTABLE_REQUESTS_PER_SECOND, within 0.01 to 50.
    pub(super) fn configured(&self) -> f64 {
        self.configured
    }

    /// The current rate in requests per second.
    pub(super) fn now(&self) -> f64 {
        self.reduced.map_or(self.configured, |(rate, at)| {
            recovered_rate(self.configured, rate, at.elapsed())
        })
    }

    /// From one request to the next.
    pub(super) fn spacing(&self) -> Duration {
        Duration::from_secs_f64(self.margin / self.now())
    }

    /// Lets one request go each [`Rate::spacing`].
    pub(super) fn spacer(&self) -> Arc<DefaultDirectRateLimiter> {
        self.spacer.clone()
    }

    /// Swaps the limiter if the rate has changed. The new one counts a request as of now, so that the next one keeps its
    /// distance.
    pub(super) fn follow(&mut self) {
        let spacing = self.spacing();
        if spacing != self.spacing {
            self.spacing = spacing;
            self.spacer = spacer(spacing);
            self.spacer.check().ok();
        }
    }

    /// Airtable refused a request as one too many.
    pub(super) fn halve(&mut self, now: Instant) {
        self.reduced = Some((reduced_rate(self.configured, self.now()), now));
        self.follow();
    }

    /// Airtable refused another one that was under way at the same time: the rate recovers from now on.
    pub(super) fn hold(&mut self, now: Instant) {
        self.reduced = Some((self.now(), now));
        self.follow();
    }

    /// The ledger knows of a lockout that long `ago`; a later one that this process knows of counts more.
    pub(super) fn learn(&mut self, rate: f64, ago: Duration) {
        let Some(at) = Instant::now().checked_sub(ago) else {
            return;
        };
        let is_over = recovered_rate(self.configured, rate, ago) >= self.configured;
        if !is_over && self.reduced.is_none_or(|(_, known)| known < at) {
            self.reduced = Some((rate, at));
            self.follow();
        }
    }

    /// The configured rate, once, when it is reached again after it was reduced.
    pub(super) fn take_recovery(&mut self) -> Option<f64> {
        let is_back = self.reduced.is_some() && self.now() >= self.configured;
        is_back.then(|| {
            self.reduced = None;
            self.configured
        })
    }
}

fn spacer(spacing: Duration) -> Arc<DefaultDirectRateLimiter> {
    // A spacing is never zero, for which there is no quota.
    let quota = Quota::with_period(spacing).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    Arc::new(RateLimiter::direct(quota))
}
