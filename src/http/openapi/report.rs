//! What agents send, as far as the document describes it. `domain::transcript` reads more: a report is read as leniently as
//! possible, for it cannot be sent again.

use serde_json::Value;
use utoipa::ToSchema;

/// An agent's report in one of two shapes.
///
/// Reports in other shapes are read, too, as far as they have a conversation: an array of turns, `{"items": …}` of
/// `session.history.to_dict()`, OpenAI's `messages`, the reports of other frameworks, plain text and captions. Fields that
/// are not described here are kept or ignored.
#[derive(ToSchema)]
#[schema(as = Report)]
#[serde(untagged)]
#[expect(dead_code, reason = "a schema")]
pub(in crate::http) enum ReportBody {
    /// Turns, as any program can make them.
    Turns(TurnsReport),
    /// `ctx.make_session_report().to_dict()` of LiveKit's agents SDK.
    Session(SessionReport),
}

/// A conversation as a list of turns.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
pub(in crate::http) struct TurnsReport {
    /// The room's name. May be missing if the query or the LiveKit token names the room.
    #[schema(pattern = r"[^\x00]", example = "call-1")]
    room: String,
    /// The room's sid, `RM_…`, if it is known.
    #[schema(example = "RM_xyfMBrg6gETE")]
    room_id: Option<Value>,
    /// The agent's job: of each job the newest report counts.
    #[schema(example = "AJ_9DgFYEb9pQHm")]
    job_id: Option<Value>,
    /// When the report was made: RFC 3339, or seconds or milliseconds since 1970.
    #[schema(example = 1769862896.5)]
    timestamp: Option<Value>,
    /// In the order of the conversation.
    turns: Vec<ReportTurn>,
}

/// A turn of a report.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
pub(in crate::http) struct ReportTurn {
    /// `assistant` or `agent`, `user` or `caller`, or the identity or name of a participant of the call.
    #[schema(pattern = r"[A-Za-z0-9]", example = "assistant")]
    speaker: String,
    /// What was said.
    #[schema(example = "Hello, this is Ava.")]
    text: String,
    /// When it began: RFC 3339, or seconds or milliseconds since 1970.
    #[schema(example = 1769862880.25)]
    timestamp: Option<Value>,
}

/// A session report.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
pub(in crate::http) struct SessionReport {
    /// The room's name.
    #[schema(pattern = r"[^\x00]", example = "call-1")]
    room: String,
    /// The room's sid, `RM_…`.
    #[schema(example = "RM_xyfMBrg6gETE")]
    room_id: Option<Value>,
    /// The agent's job.
    #[schema(example = "AJ_9DgFYEb9pQHm")]
    job_id: Option<Value>,
    /// When the report was made, in seconds since 1970.
    #[schema(example = 1769862896.5)]
    timestamp: Option<Value>,
    /// `session.history.to_dict()`
    chat_history: ChatHistory,
}

/// The history of a session.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
pub(in crate::http) struct ChatHistory {
    /// Messages, and items that nobody speaks.
    items: Vec<ChatItem>,
}

/// A message of a session.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
pub(in crate::http) struct ChatItem {
    /// `message`; others are not spoken.
    #[schema(example = "message")]
    r#type: ChatItemKind,
    /// Who speaks.
    role: ChatRole,
    /// What was said.
    content: Vec<String>,
    /// Whether the other side interrupted it.
    #[schema(example = false)]
    interrupted: Option<Value>,
    /// When the item was made, in seconds since 1970.
    #[schema(example = 1769862880.25)]
    created_at: Option<Value>,
}

/// The kind of an item.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "a schema")]
pub(in crate::http) enum ChatItemKind {
    /// Something that was said.
    Message,
}

/// Who speaks.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "a schema")]
pub(in crate::http) enum ChatRole {
    /// The agent.
    Assistant,
    /// The caller.
    User,
}
