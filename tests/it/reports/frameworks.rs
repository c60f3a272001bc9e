//! Transcripts of Pipecat, Vocode, Rasa, OpenAI Realtime, Gemini Live, Amazon Nova and others, captions, and texts in the
//! forms in which people write them.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::{both, post, read, report, row_has, taken, turns};
use livekit_airtable_sim::livekit::Person;

use crate::harness::{World, caller};

const WORDS: &str = "Agent: Hello there.\nCaller: Hi, Ava.";

fn typed(kind: &str) -> HeaderMap {
    let value = HeaderValue::from_str(kind).unwrap();
    HeaderMap::from_iter([(CONTENT_TYPE, value)])
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_other_frameworks_are_read() {
    let world = World::new().await;
    let shapes = [
        // Pipecat's RTVI messages
        json!([{ "label": "rtvi-ai", "type": "bot-transcription", "data": { "text": "Hello there." } },
               { "label": "rtvi-ai", "type": "user-transcription", "data": { "text": "Hi,", "final": false } },
               { "label": "rtvi-ai", "type": "user-transcription", "data": { "text": "Hi, Ava.", "final": true } }]),
        // Vocode
        json!({ "event_logs": [{ "sender": "bot", "text": "Hello there.", "is_final": true }, { "sender": "human", "text": "Hi, Ava." },
                               { "sender": "action_worker", "action_output": "done it" }] }),
        // Rasa's tracker
        json!({ "sender_id": "x", "events": [{ "event": "action", "name": "action_listen", "timestamp": 1764385200.1 },
                                            { "event": "bot", "text": "Hello there.", "timestamp": 1764385201.1, "data": {} },
                                            { "event": "user", "text": "Hi, Ava.", "parse_data": { "text": "Hi, Ava." } }] }),
        // OpenAI Realtime, before and since its general availability
        json!([{ "type": "session.created", "session": { "instructions": "You are Ava." } },
               { "type": "response.audio_transcript.delta", "delta": "Hello there" },
               { "type": "response.audio_transcript.done", "transcript": "Hello there." },
               { "type": "conversation.item.input_audio_transcription.completed", "transcript": "Hi, Ava." }]),
        json!([{ "type": "response.output_audio_transcript.done", "transcript": "Hello there." },
               { "type": "conversation.item.input_audio_transcription.completed", "transcript": "Hi, Ava." }]),
        // Gemini Live
        json!([{ "setupComplete": {} }, { "serverContent": { "outputTranscription": { "text": "Hello there." } }, "usageMetadata": {} },
               { "serverContent": { "inputTranscription": { "text": "Hi, Ava." } } }, { "serverContent": { "turnComplete": true } }]),
        json!([{ "server_content": { "output_transcription": { "text": "Hello there." } } },
               { "server_content": { "input_transcription": { "text": "Hi, Ava." } } }]),
        // Amazon Nova Sonic
        json!([{ "event": { "textOutput": { "role": "SYSTEM", "content": "You are Ava." } } },
               { "event": { "textOutput": { "role": "ASSISTANT", "content": "Hello there." } } },
               { "event": { "textOutput": { "role": "USER", "content": "Hi, Ava." } } },
               { "event": { "toolUse": { "toolName": "book", "content": "for Tuesday" } } }]),
        // Hume, Dialogflow, Bland
        json!({ "events_page": [{ "role": "AGENT", "message_text": "Hello there." }, { "role": "USER", "message_text": "Hi, Ava." }] }),
        json!({ "entries": [{ "role": "AUTOMATED_AGENT", "text": "Hello there." }, { "role": "END_USER", "text": "Hi, Ava." }] }),
        json!({ "transcripts": [{ "user": "assistant", "text": "Hello there." }, { "user": "user", "text": "Hi, Ava." },
                                { "user": "agent-action", "text": "Ended the call" }] }),
        json!([{ "speaker": "Assistentin", "text": "Hello there." }, { "speaker": "Anrufer", "text": "Hi, Ava." }]),
        json!([{ "rôle": 1, "role": "agente", "content": "Hello there." }, { "role": "usuário", "content": "Hi, Ava." }]),
    ];
    for (n, shape) in shapes.into_iter().enumerate() {
        let room = format!("frameworks-{n}");
        let call = world.livekit.open_room(&room);
        world.row_is(&call, "Live").await;
        taken(&world, &room, &shape, 2).await;
        row_has(&world, &call, WORDS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrapped_item_with_unknown_words_is_no_empty_transcript() {
    let world = World::new().await;
    world.livekit.open_room("wrapped");
    let body = json!([{ "event": { "spoken": { "said": "Hello there, this is Ava." } } }]);
    let (status, problem) = report(&world, "?room=wrapped", &body).await;
    assert_eq!(status, 400, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_preferred_to_the_same_words_as_text() {
    let world = World::new().await;
    let call = world.livekit.open_room("retell");
    world.row_is(&call, "Live").await;
    let body = json!({ "event": "call_ended", "call": { "transcript": "Agent: Hello there.\nUser: Hi, Ava.", "transcript_object": [
        { "role": "agent", "content": "Hello there.", "start": 0.5 }, { "role": "user", "content": "Hi, Ava.", "start": 2.5 }] } });
    taken(&world, "retell", &body, 2).await;
    row_has(&world, &call, WORDS).await;
    // If its labels are nobody's, the text is the better one.
    let call = world.livekit.open_room("labels");
    world.row_is(&call, "Live").await;
    let body =
        json!({ "transcript": WORDS, "utterances": [{ "speaker": "A", "text": "Hello there." }] });
    taken(&world, "labels", &body, 1).await;
    row_has(&world, &call, WORDS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_are_turns_with_times() {
    let subrip = "1\r\n00:00:00,500 --> 00:00:01,500\r\nAgent: Hello <break time=\"1s\"/>\r\nthere.\r\n\r\n2\r\n00:00:02,500 --> 00:00:03,500\r\nCaller: Hi, Ava.\r\n";
    let webvtt = "WEBVTT\n\n00:00.500 --> 00:01.500\n<v Agent>Hello there.</v>\n\n00:02.500 --> 00:03.500 align:end\n<v Caller>Hi, Ava.\n";
    for world in both().await {
        for (n, (kind, text)) in [
            ("text/vtt", webvtt),
            ("application/x-subrip", subrip),
            ("text/plain", subrip),
            ("text/plain; charset=utf-8", webvtt),
        ]
        .into_iter()
        .enumerate()
        {
            let room = format!("captions-{n}");
            let call = world.livekit.open_room(&room);
            world.row_is(&call, "Live").await;
            let (status, answer) =
                post(&world, &format!("?room={room}"), typed(kind), text.into()).await;
            assert_eq!(
                (status, &answer["turns"]),
                (202, &json!(2)),
                "{kind}: {answer}"
            );
            row_has(&world, &call, WORDS).await;
            let turns: Vec<Value> = turns(&world, &call).await;
            assert_eq!(turns[0]["speaker"], "agent");
            assert!(!read(&world, &call, "vtt").await.contains("-->-->"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_beside_names_are_no_words() {
    let world = World::new().await;
    let call = world.livekit.open_room("forms");
    world.row_is(&call, "Live").await;
    let body = json!([
        "Agent (00:12): One.",
        "00:13 Caller: Two.",
        "[Agent] Three.",
        "<user> Four.",
        "Agent - Five.",
        "USER> Six.",
        "2026-11-29 03:00:12 Agent: Seven.",
        "[2026-11-29T03:00:13Z] Caller: Eight: 08:30.",
        "12:30 suits me."
    ]);
    taken(&world, "forms", &body, 9).await;
    let rows = "Agent: One.\nCaller: Two.\nAgent: Three.\nCaller: Four.\nAgent: Five.\nCaller: Six.\nAgent: Seven.\nCaller: Eight: 08:30.\nCaller: 12:30 suits me.";
    row_has(&world, &call, rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_another_type_is_text() {
    let world = World::new().await;
    let markdown = "**Agent:** Hello there.\n\n**Caller:** Hi, Ava.";
    for (n, kind) in [
        "text/markdown",
        "TEXT/Plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
    ]
    .into_iter()
    .enumerate()
    {
        let room = format!("types-{n}");
        let call = world.livekit.open_room(&room);
        world.row_is(&call, "Live").await;
        let (status, answer) = post(
            &world,
            &format!("?room={room}"),
            typed(kind),
            markdown.into(),
        )
        .await;
        assert_eq!(
            (status, &answer["turns"]),
            (202, &json!(1)),
            "{kind}: {answer}"
        );
        row_has(&world, &call, markdown).await;
    }
    for (kind, body) in [
        (
            "application/x-www-form-urlencoded",
            "transcript=Agent%3A+Hello",
        ),
        ("application/json", "Agent: Hello there."),
        ("application/octet-stream", "{\"turns\": [broken here"),
        ("text/html", "<p>Agent: Hello there.</p>"),
    ] {
        let (status, problem) = post(&world, "?room=types-0", typed(kind), body.into()).await;
        assert_eq!(status, 400, "{kind}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_that_a_speech_recognizer_numbered_are_speakers() {
    let world = World::new().await;
    let shapes = [
        // Deepgram
        (
            json!({ "metadata": { "request_id": "x" }, "results": { "channels": [], "utterances": [
                { "start": 0.5, "end": 1.5, "transcript": "Hello there.", "speaker": 0, "channel": 0 },
                { "start": 2.5, "end": 3.5, "transcript": "Hi, Ava.", "speaker": 1, "channel": 0 }] } }),
            "Speaker 0: Hello there.\nSpeaker 1: Hi, Ava.",
        ),
        // AssemblyAI
        (
            json!({ "text": "Hello there. Hi, Ava.", "utterances": [{ "speaker": "A", "text": "Hello there." }, { "speaker": "B", "text": "Hi, Ava." }] }),
            "Speaker A: Hello there.\nSpeaker B: Hi, Ava.",
        ),
        // WhisperX and pyannote
        (
            json!({ "segments": [{ "start": 0.5, "end": 1.5, "text": " Hello there.", "speaker": "SPEAKER_00" },
                                 { "start": 2.5, "end": 3.5, "text": " Hi, Ava.", "speaker": "SPEAKER_01" }] }),
            "Speaker 0: Hello there.\nSpeaker 1: Hi, Ava.",
        ),
        // Twilio
        (
            json!({ "sentences": [{ "media_channel": 1, "transcript": "Hello there." }, { "media_channel": 2, "transcript": "Hi, Ava." }] }),
            "Speaker 1: Hello there.\nSpeaker 2: Hi, Ava.",
        ),
        (
            json!(["Speaker 1: Hello there.", "Speaker 2: Hi, Ava."]),
            "Speaker 1: Hello there.\nSpeaker 2: Hi, Ava.",
        ),
    ];
    for (n, (shape, row)) in shapes.into_iter().enumerate() {
        let room = format!("voices-{n}");
        let call = world.livekit.open_room(&room);
        world.row_is(&call, "Live").await;
        taken(&world, &room, &shape, 2).await;
        row_has(&world, &call, row).await;
        let speaker = row.split_once(':').unwrap().0;
        assert_eq!(turns(&world, &call).await[0]["speaker"], speaker);
    }
    // A participant with such a name is that participant.
    let call = world.livekit.open_room("voices-known");
    let person = Person {
        identity: "B".into(),
        ..caller("+15550143")
    };
    world.livekit.join("voices-known", person);
    world.row_is(&call, "Live").await;
    let body =
        json!([{ "speaker": "A", "text": "Hello there." }, { "speaker": "B", "text": "Hi, Ava." }]);
    taken(&world, "voices-known", &body, 2).await;
    row_has(&world, &call, "Speaker A: Hello there.\nCaller: Hi, Ava.").await;
}
