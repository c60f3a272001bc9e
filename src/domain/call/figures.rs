//! The figures of a call.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::state::Call;
use crate::domain::{
    disconnect_reason::DisconnectReason,
    egress_status::EgressStatus,
    figures::{Evidence, Figures, Gathered, Outcome, Prices},
    participant::{Participant, ParticipantKind},
    transcript::{Report, Speaker, Transcript},
};

/// Attributes of LiveKit's phones: the second only of one that called, and empty for one that was called.
const PHONE_CALL: &str = "sip.callID";
const DISPATCH_RULE: &str = "sip.ruleID";

impl Call {
    /// Figures of the call; `None` if its agents reported nothing. To be asked of a call whose reports were loaded. Without a
    /// price list, its cost is unknown.
    pub fn figures(&self, prices: Option<&Prices>) -> Option<Figures> {
        let transcript = self.transcript()?;
        let caller = self.caller();
        let phone = caller.filter(|caller| caller.kind == ParticipantKind::Sip);
        Some(Figures::of(&Gathered {
            reports: self.counted_reports(),
            transcript: &transcript,
            evidence: self.evidence(&transcript),
            outcome: self.reports.find(Outcome::of),
            joined_at: caller.and_then(|caller| caller.joined_at),
            is_inbound: phone.and_then(is_inbound),
            began_at: self.started_at(),
            prices,
        }))
    }

    /// When agents called tools, by the clock of their reports. To be asked of a call whose reports were loaded.
    pub fn tool_calls(&self) -> Vec<Timestamp> {
        let reports = self.counted_reports().into_iter();
        let all = reports.flat_map(|report| &report.measures.tool_times);
        let all: BTreeMap<u64, i64> = all.map(|(item, at)| (*item, *at)).collect();
        let times = all.into_values();
        times
            .filter_map(|at| Timestamp::from_millisecond(at).ok())
            .collect()
    }

    /// The reports whose figures count, the newest first: the same whose conversations count, and those of jobs without
    /// words.
    fn counted_reports(&self) -> Vec<&Report> {
        let mut counted = self.reports.counted();
        counted.reverse();
        let jobs: Vec<&str> = counted.iter().map(|report| report.job()).collect();
        let is_other = |report: &&Report| !jobs.contains(&report.job());
        let mut others: Vec<_> = self.reports.all().collect();
        others.sort_by_key(|(_, received_at)| std::cmp::Reverse(*received_at));
        let wordless = others.into_iter().map(|(report, _)| report);
        let wordless = wordless.filter(|report| report.transcript.is_empty());
        let wordless: Vec<&Report> = wordless.filter(is_other).collect();
        counted.into_iter().chain(wordless).collect()
    }

    fn evidence(&self, transcript: &Transcript) -> Evidence {
        let is_agent = |it: &Participant| it.kind == ParticipantKind::Agent;
        let spoke = match transcript {
            Transcript::Turns(turns) => turns.iter().any(|it| it.speaker == Speaker::Agent),
            Transcript::Text(text) => !text.trim().is_empty(),
        };
        let has_agent = spoke || self.participants.values().any(is_agent);
        let mut recordings = self.recordings.values();
        Evidence {
            caller: self.caller_left_because(),
            closed: self.reports.find(Report::close_reason),
            room: self.room_end,
            limit_reached: recordings.any(|it| it.status == EgressStatus::LimitReached),
            without_agent: !has_agent && !self.is_open(),
        }
    }

    /// The caller: of those by telephone, else through a connector, else of the other people, the first to join.
    fn caller(&self) -> Option<&Participant> {
        let of = |kind| {
            let people = self.participants.values().filter(move |it| it.kind == kind);
            people.min_by_key(|it| (it.joined_at.is_none(), it.joined_at, &it.sid))
        };
        let kinds = [
            ParticipantKind::Sip,
            ParticipantKind::Connector,
            ParticipantKind::Standard,
        ];
        kinds.into_iter().find_map(of)
    }

    /// Why the caller left for good. Times are in whole seconds: of two ends in the same one, the reason that says more
    /// counts.
    fn caller_left_because(&self) -> Option<DisconnectReason> {
        let caller = self.caller()?;
        let sessions = || {
            let all = self.participants.values();
            all.filter(|it| it.kind == caller.kind && it.identity == caller.identity)
        };
        if sessions().any(|it| it.left_at.is_none() && self.is_open()) {
            return None;
        }
        let ends = sessions().filter_map(|it| Some((it.left_at?.as_second(), it.left_because?)));
        let ends = ends.filter(|(_, reason)| reason.is_end());
        ends.max().map(|(_, reason)| reason)
    }
}

/// Whether a phone called, or was called; `None` if LiveKit does not say.
fn is_inbound(phone: &Participant) -> Option<bool> {
    let has = |name: &str| phone.attributes.get(name).is_some_and(|it| !it.is_empty());
    let is_inbound = has(DISPATCH_RULE);
    (is_inbound || has(PHONE_CALL)).then_some(is_inbound)
}
