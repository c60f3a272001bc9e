"""A session report with known figures, made by the installed version of livekit-agents; only the conversation is scripted.

    python figures.py > report.json

The agent speaks 6 s and the caller 3 s, with silences of 1, 5 and 0.5 s between them. The agent answers after 0.5 and 0.9 s, and is
interrupted once. One of two calls of tools fails, and the caller hangs up. Works with every version from 1.3.1 on.
"""

import asyncio
import inspect
import json
import logging
import sys

from livekit import rtc
from livekit.agents import Agent, AgentSession, JobContext, JobExecutorType, llm
from livekit.agents.job import JobAcceptArguments, JobProcess, RunningJobInfo
from livekit.agents.voice import events
from livekit.protocol import agent as agent_pb
from livekit.protocol import models

BEGIN = 1763884800.0
# role, words, from, to, interrupted, delays
TURNS = [
    ("assistant", "Hello, this is Ava.", 2.0, 4.0, False, {"llm_node_ttft": 0.41, "tts_node_ttfb": 0.18}),
    ("user", "I would like to book a cleaning.", 5.0, 6.0, False, {"transcription_delay": 0.22, "end_of_turn_delay": 0.61}),
    ("assistant", "Which day would suit you?", 11.0, 13.0, False, {"llm_node_ttft": 0.3, "e2e_latency": 0.5}),
    ("assistant", "We are open on", 13.5, 15.5, True, {"llm_node_ttft": 0.32, "e2e_latency": 0.9}),
    ("user", "Tuesday, please. Goodbye!", 15.5, 17.5, False, {"transcription_delay": 0.2, "end_of_turn_delay": 0.5}),
]


def fitting(kind, **values):
    """Calls it with the values that this version takes."""
    taken = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in values.items() if name in taken})


def job() -> JobContext:
    description = agent_pb.Job(
        id="AJ_figures", room=models.Room(sid="RM_figures", name="figures")
    )
    accepted = fitting(
        JobAcceptArguments, name="Ava", identity="agent-ava", metadata="", attributes=None
    )
    info = fitting(
        RunningJobInfo,
        accept_arguments=accepted,
        job=description,
        url="",
        token="",
        worker_id="worker",
        fake_job=True,
    )
    process = fitting(
        JobProcess, executor_type=JobExecutorType.THREAD, user_arguments=None, http_proxy=None
    )
    return fitting(
        JobContext,
        proc=process,
        info=info,
        room=rtc.Room(),
        on_connect=lambda: None,
        on_shutdown=lambda _: None,
        inference_executor=None,
    )


def converse(session: AgentSession) -> None:
    items = session.history.items
    for n, (role, words, begins, ends, interrupted, delays) in enumerate(TURNS):
        metrics = {"started_speaking_at": BEGIN + begins, "stopped_speaking_at": BEGIN + ends}
        # A caller's turn is committed after its words, an agent's when its playback starts.
        created = BEGIN + (begins if role == "assistant" else ends + 0.6)
        items.append(
            llm.ChatMessage(
                id=f"item_figures_{n}",
                role=role,
                content=[words],
                interrupted=interrupted,
                created_at=created,
                metrics={**metrics, **delays},
            )
        )
        if role == "user":
            session.emit(
                "user_input_transcribed",
                events.UserInputTranscribedEvent(
                    transcript=words, is_final=True, language="en", created_at=BEGIN + ends
                ),
            )
    for n, failed in enumerate([False, True]):
        items.append(
            llm.FunctionCall(
                id=f"item_call_{n}", call_id=f"call_{n}", name="book", arguments="{}", created_at=BEGIN + 18
            )
        )
        items.append(
            llm.FunctionCallOutput(
                id=f"item_output_{n}",
                call_id=f"call_{n}",
                name="book",
                output="x",
                is_error=failed,
                created_at=BEGIN + 18,
            )
        )
    session.emit(
        "agent_false_interruption",
        fitting(events.AgentFalseInterruptionEvent, type="agent_false_interruption", resumed=True),
    )
    session.emit("close", events.CloseEvent(reason=events.CloseReason.PARTICIPANT_DISCONNECTED))


async def main() -> None:
    session = AgentSession()
    await session.start(Agent(instructions="You are Ava. The door code is 4711."))
    converse(session)
    ctx = job()
    if hasattr(ctx, "tagger"):
        ctx.tagger.success()
    report = ctx.make_session_report(session).to_dict()
    report["timestamp"] = BEGIN + 65
    print(json.dumps(report, indent=1))
    await session.aclose()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(main())
    sys.stdout.flush()
