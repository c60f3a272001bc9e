//! How reports name speakers.

use super::report::Speaker;

/// Who or what a label names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// One of the two sides.
    Speaker(Speaker),
    /// Nobody who speaks: the prompt, a tool.
    Silent,
    /// Perhaps a participant of the call.
    Unknown,
}

const AGENT: [&str; 24] = [
    "agent",
    "aiagent",
    "voiceagent",
    "virtualagent",
    "assistant",
    "aiassistant",
    "voiceassistant",
    "virtualassistant",
    "bot",
    "aibot",
    "chatbot",
    "voicebot",
    "robot",
    "ai",
    "model",
    "llm",
    "gpt",
    "chatgpt",
    "claude",
    "gemini",
    "machine",
    "receptionist",
    "representative",
    "rep",
];
const CALLER: [&str; 20] = [
    "caller",
    "user",
    "enduser",
    "human",
    "customer",
    "client",
    "guest",
    "visitor",
    "patient",
    "person",
    "lead",
    "prospect",
    "contact",
    "consumer",
    "member",
    "callee",
    "borrower",
    "tenant",
    "student",
    "candidate",
];
const SILENT: [&str; 8] = [
    "system",
    "developer",
    "tool",
    "function",
    "instructions",
    "ipython",
    "environment",
    "context",
];

/// What enums of others begin with: `MESSAGE_ROLE_AGENT`.
const PREFIXES: [&str; 3] = ["messagerole", "role", "speaker"];

/// Reads a label as roles are written: in any case, with any punctuation, as the name of a class (`HumanMessage`).
pub(super) fn label(text: &str) -> Label {
    let mut word: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    word.make_ascii_lowercase();
    let word = word.trim_end_matches("chunk");
    let word = word.strip_suffix("message").unwrap_or(word);
    let word = PREFIXES
        .iter()
        .find_map(|prefix| word.strip_prefix(prefix).filter(|rest| !rest.is_empty()))
        .unwrap_or(word);
    if AGENT.contains(&word) {
        Label::Speaker(Speaker::Agent)
    } else if CALLER.contains(&word) {
        Label::Speaker(Speaker::Caller)
    } else if SILENT.iter().any(|role| word.starts_with(role)) {
        Label::Silent
    } else {
        Label::Unknown
    }
}

/// The speaker that an identity as it is often made belongs to: `agent-AJ_…`, `sip_+1555…`, `user-7`. For labels that no
/// participant of the call has.
pub fn by_identity(identity: &str) -> Option<Speaker> {
    let begins = |with: &[&str]| with.iter().any(|with| identity.starts_with(with));
    let number = identity.strip_prefix('+').unwrap_or_default();
    let is_number = number.len() > 5 && number.bytes().all(|b| b.is_ascii_digit());
    let counted = identity.trim_end_matches(|c: char| c.is_ascii_digit() || "-_ #".contains(c));
    match label(counted) {
        Label::Speaker(speaker) => Some(speaker),
        _ if begins(&["agent-", "agent_"]) => Some(Speaker::Agent),
        _ if begins(&["sip_", "sip-", "caller-", "caller_"]) || is_number => Some(Speaker::Caller),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_however_they_are_written() {
        let agent = [
            "assistant",
            "Agent",
            "AI",
            "BOT",
            "model",
            "AIMessage",
            "AIMessageChunk",
            "MESSAGE_ROLE_AGENT",
            "ai_agent",
        ];
        for text in agent {
            assert_eq!(label(text), Label::Speaker(Speaker::Agent), "{text}");
        }
        let caller = [
            "user",
            "Human",
            "customer",
            "HumanMessage",
            "end-user",
            "Caller:",
        ];
        for text in caller {
            assert_eq!(label(text), Label::Speaker(Speaker::Caller), "{text}");
        }
        for text in [
            "system",
            "SystemMessage",
            "developer",
            "tool_call_result",
            "function",
            "ToolMessage",
        ] {
            assert_eq!(label(text), Label::Silent, "{text}");
        }
        for text in ["Ava", "", "PA_x", "speaker 1"] {
            assert_eq!(label(text), Label::Unknown, "{text}");
        }
    }

    #[test]
    fn identities_that_livekit_makes_tell_who_speaks() {
        assert_eq!(by_identity("agent-AJ_7"), Some(Speaker::Agent));
        assert_eq!(by_identity("sip_+15550100"), Some(Speaker::Caller));
        assert_eq!(by_identity("+15550100"), Some(Speaker::Caller));
        assert_eq!(by_identity("Agent 2"), Some(Speaker::Agent));
        assert_eq!(by_identity("user-77"), Some(Speaker::Caller));
        assert_eq!(by_identity("Ava"), None);
    }
}
