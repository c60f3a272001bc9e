//! The people of a call as its row names them.

use crate::domain::{
    Call,
    participant::{Participant, ParticipantKind},
};

/// The caller's number, from the SIP participant's attributes.
pub(super) fn caller(call: &Call) -> Option<String> {
    let number = |p: &Participant| p.attributes.get("sip.phoneNumber").cloned();
    in_order(call).find_map(number).filter(|n| !n.is_empty())
}

/// The agent's name, otherwise its framework's name for it, otherwise its identity. (livekit-agents 1.8 sets no name.)
pub(super) fn agent(call: &Call) -> Option<String> {
    let agent = in_order(call).find(|p| p.kind == ParticipantKind::Agent)?;
    let attribute = |name: &str| agent.attributes.get(name);
    let names = [
        Some(agent.name.value()),
        attribute("lk.agent.name"),
        attribute("lk.agent_name"),
        Some(&agent.identity),
    ];
    let mut given = names.into_iter().flatten().filter(|name| !name.is_empty());
    given.next().cloned()
}

/// Everybody but the egress, by name or identity, with commas.
pub(super) fn participants(call: &Call) -> String {
    let people = in_order(call).filter(|p| p.kind != ParticipantKind::Egress);
    let names = people.map(|p| {
        if p.name.is_empty() {
            p.identity.clone()
        } else {
            p.name.value().clone()
        }
    });
    names.collect::<Vec<_>>().join(", ")
}

/// An attribute that is not empty, of the first participant who has it.
pub(super) fn attribute(call: &Call, name: &str) -> Option<String> {
    let attribute = |p: &Participant| p.attributes.get(name).cloned();
    let mut all = in_order(call).filter_map(attribute);
    all.find(|text| !text.is_empty())
}

/// By the time of joining.
fn in_order(call: &Call) -> impl Iterator<Item = &Participant> {
    let mut all: Vec<&Participant> = call.participants.values().collect();
    all.sort_by_key(|p| (p.joined_at, &p.sid));
    all.into_iter()
}
