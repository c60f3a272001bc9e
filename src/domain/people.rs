//! The people of a call as its row names them.

use super::{
    call::Call,
    participant::{Participant, ParticipantKind},
};

/// The caller's number: that of a SIP participant; otherwise of a connector (WhatsApp, Twilio); otherwise, in a call without
/// SIP participants, the number in the attributes of another participant who is no agent.
pub fn caller(call: &Call) -> Option<String> {
    let of = |kind| in_order(call).filter(move |p: &&Participant| p.kind == kind);
    let by_telephone = of(ParticipantKind::Sip).find_map(|p| first_of(p, &[SIP_NUMBER]));
    let by_connector = || of(ParticipantKind::Connector).find_map(connector_number);
    let claimed = || callers(call).find_map(|p| first_of(p, &[SIP_NUMBER]));
    let mut people = call.participants.values();
    let is_by_telephone = people.any(|p| p.kind == ParticipantKind::Sip);
    by_telephone
        .or_else(by_connector)
        .or_else(|| claimed().filter(|_| !is_by_telephone))
}

const SIP_NUMBER: &str = "sip.phoneNumber";
/// The attributes in which connectors, and programs that use their API, put the caller's number.
const CONNECTOR_NUMBERS: [&str; 3] = ["phone", "phoneNumber", SIP_NUMBER];
/// Prefixes of a number in an identity.
const NUMBER_PREFIXES: [&str; 4] = ["whatsapp:", "whatsapp_", "whatsapp-", "tel:"];
/// How many digits a phone number has (E.164 allows 15; shorter numbers are internal extensions).
const DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

fn connector_number(participant: &Participant) -> Option<String> {
    first_of(participant, &CONNECTOR_NUMBERS).or_else(|| number_in(&participant.identity))
}

/// The first of these attributes that is not empty.
fn first_of(participant: &Participant, names: &[&str]) -> Option<String> {
    let texts = names
        .iter()
        .filter_map(|name| participant.attributes.get(*name));
    let mut given = texts
        .map(|text| text.trim())
        .filter(|text| !text.is_empty());
    given.next().map(str::to_owned)
}

/// The phone number that an identity consists of.
fn number_in(identity: &str) -> Option<String> {
    let identity = identity.trim();
    let prefix = NUMBER_PREFIXES
        .iter()
        .find_map(|prefix| identity.strip_prefix(prefix));
    let number = prefix.unwrap_or(identity).trim();
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_number = digits
        .chars()
        .all(|c| c.is_ascii_digit() || " -().".contains(c));
    let count = digits.chars().filter(char::is_ascii_digit).count();
    (is_number && DIGITS.contains(&count)).then(|| number.to_owned())
}

/// The agent's name, otherwise its framework's name for it, otherwise its identity. (livekit-agents 1.8 sets no name.)
pub fn agent(call: &Call) -> Option<String> {
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

/// Everybody but the egress, by name or identity, with commas; of a crowd, how many more there were.
pub fn participants(call: &Call) -> String {
    let people = in_order(call).filter(|p| p.kind != ParticipantKind::Egress);
    let names = people.map(|p| {
        if p.name.is_empty() {
            p.identity.clone()
        } else {
            p.name.value().clone()
        }
    });
    let more = Some(call.crowd.count()).filter(|count| *count > 0);
    let more = more.map(|count| format!("and {count} more"));
    names.chain(more).collect::<Vec<_>>().join(", ")
}

/// An attribute that is not blank, of the first participant who has it.
pub fn attribute(call: &Call, name: &str) -> Option<String> {
    first_with(in_order(call), name)
}

/// An attribute that is not blank, of the first participant who may be the caller and has it.
pub fn caller_attribute(call: &Call, name: &str) -> Option<String> {
    first_with(callers(call), name)
}

fn first_with<'a>(mut people: impl Iterator<Item = &'a Participant>, name: &str) -> Option<String> {
    people.find_map(|p| {
        let text = p.attributes.get(name)?;
        (!text.trim().is_empty()).then(|| text.clone())
    })
}

/// Whoever may be the caller: an agent or an egress never is, whatever its attributes say.
fn callers(call: &Call) -> impl Iterator<Item = &Participant> {
    in_order(call).filter(|p| !matches!(p.kind, ParticipantKind::Agent | ParticipantKind::Egress))
}

/// By the time of joining.
fn in_order(call: &Call) -> impl Iterator<Item = &Participant> {
    let mut all: Vec<&Participant> = call.participants.values().collect();
    all.sort_by_key(|p| (p.joined_at, &p.sid));
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_number_or_none() {
        let numbers = [
            ("+4915112345678", Some("+4915112345678")),
            ("15551234567", Some("15551234567")),
            ("whatsapp:+15551234567", Some("+15551234567")),
            ("+1 (555) 123-4567", Some("+1 (555) 123-4567")),
            ("whatsapp-call-7", None),
            ("caller", None),
            ("user_15551234567", None),
            ("12", None),
            ("1234567890123456", None),
            ("", None),
        ];
        for (identity, wanted) in numbers {
            assert_eq!(number_in(identity).as_deref(), wanted, "{identity}");
        }
    }
}
