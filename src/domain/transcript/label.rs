//! The labels with which reports name speakers.

use super::report::Speaker;

/// The meaning of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// One of the two sides.
    Speaker(Speaker),
    /// Not a speaker: the prompt, a tool.
    Silent,
    /// Possibly a participant of the call.
    Unknown,
}

const AGENT: [&str; 33] = [
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
    "automatedagent",
    "humanagent",
    // In German, Dutch, French, Italian, Portuguese and Spanish.
    "agentin",
    "assistent",
    "assistentin",
    "assistente",
    "asistente",
    "agente",
    "medewerker",
];
const CALLER: [&str; 38] = [
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
    // In German, Dutch, French, Italian, Portuguese and Spanish.
    "anrufer",
    "anruferin",
    "kunde",
    "kundin",
    "nutzer",
    "benutzer",
    "beller",
    "klant",
    "gebruiker",
    "appelant",
    "utilisateur",
    "chiamante",
    "utente",
    "cliente",
    "usuario",
    "usuário",
    "llamante",
    "paciente",
];
const SILENT: [&str; 10] = [
    "system",
    "developer",
    "tool",
    "function",
    "instructions",
    "ipython",
    "environment",
    "context",
    // Of Bland and Vocode.
    "agentaction",
    "actionworker",
];
/// Words that may follow them: `tool_call_result`, `SystemPrompt`.
const KINDS: [&str; 13] = [
    "call",
    "use",
    "result",
    "response",
    "return",
    "output",
    "input",
    "invocation",
    "prompt",
    "instruction",
    "message",
    "event",
    "s",
];

/// Prefixes of other SDKs' enums, such as `MESSAGE_ROLE_AGENT`.
const PREFIXES: [&str; 3] = ["messagerole", "role", "speaker"];

/// Parses a label in any case, with any punctuation, or as the name of a class (`HumanMessage`).
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
    } else if is_silent(word) {
        Label::Silent
    } else {
        Label::Unknown
    }
}

/// Not every word that begins like a tool: a participant may be called Tooley or system-7.
fn is_silent(word: &str) -> bool {
    SILENT
        .iter()
        .any(|role| word.strip_prefix(role).is_some_and(are_kinds))
}

fn are_kinds(mut words: &str) -> bool {
    while let Some(rest) = KINDS.iter().find_map(|kind| words.strip_prefix(kind)) {
        words = rest;
    }
    words.is_empty()
}

/// Whether a line's label begins with the word for a prompt or a tool; the tool's name may follow: `Tool book: …`. With a
/// number, it is a participant.
pub(super) fn begins_silent(label: &str) -> bool {
    let words = label.split(|c: char| !c.is_alphanumeric());
    let mut words = words.filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    let mut second = words.next().into_iter();
    let is_numbered = second.any(|word| word.bytes().all(|b| b.is_ascii_digit()));
    SILENT.contains(&first.as_str()) && !is_numbered
}

/// The speaker that the common form of an identity implies: `agent-AJ_…`, `sip_+1555…`, `user-7`. For labels that match no
/// participant of the call.
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
            "function_call_output",
            "system_prompt",
            "tools",
        ] {
            assert_eq!(label(text), Label::Silent, "{text}");
        }
        for text in [
            "Ava",
            "",
            "PA_x",
            "speaker 1",
            "Tooley",
            "system-7",
            "Contextual",
        ] {
            assert_eq!(label(text), Label::Unknown, "{text}");
        }
    }

    #[test]
    fn a_line_of_a_tool_is_not_the_line_of_a_participant() {
        for text in ["tool", "tool_search", "Function get_weather", "[system]"] {
            assert!(begins_silent(text), "{text}");
        }
        for text in ["Tooley", "system-7", "Ava", ""] {
            assert!(!begins_silent(text), "{text}");
        }
    }

    #[test]
    fn common_forms_of_identities_imply_a_speaker() {
        assert_eq!(by_identity("agent-AJ_7"), Some(Speaker::Agent));
        assert_eq!(by_identity("sip_+15550100"), Some(Speaker::Caller));
        assert_eq!(by_identity("+15550100"), Some(Speaker::Caller));
        assert_eq!(by_identity("Agent 2"), Some(Speaker::Agent));
        assert_eq!(by_identity("user-77"), Some(Speaker::Caller));
        assert_eq!(by_identity("Ava"), None);
    }
}
