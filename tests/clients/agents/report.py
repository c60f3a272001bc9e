"""A session report of a real agent: livekit-agents' own AgentSession, tools and JobContext; only the model's replies are scripted.

    python report.py ROOM_NAME ROOM_SID > report.json

The conversation contains everything that a parser must handle: a system prompt, a tool call with its result, a handoff to a
second agent, and a reply that the caller interrupted.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Iterator

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentSession,
    JobContext,
    JobExecutorType,
    RunContext,
    function_tool,
    llm,
)
from livekit.agents.job import JobAcceptArguments, JobProcess, RunningJobInfo
from livekit.protocol import agent as agent_pb
from livekit.protocol import models


class Scripted(llm.LLM):
    """Answers each request with the next chunk of its script."""

    def __init__(self, script: Iterator[llm.ChoiceDelta]) -> None:
        super().__init__()
        self.script = script

    def chat(self, *, chat_ctx, tools=None, conn_options, **_) -> llm.LLMStream:
        return ScriptedStream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options
        )


class ScriptedStream(llm.LLMStream):
    async def _run(self) -> None:
        delta = next(self._llm.script)
        self._event_ch.send_nowait(llm.ChatChunk(id="scripted", delta=delta))


class Receptionist(Agent):
    def __init__(self) -> None:
        super().__init__(
            instructions="You are Ava, the receptionist for Acme Dental. The door code is 4711."
        )

    @function_tool
    async def book_appointment(self, context: RunContext, day: str) -> str:
        """Books a cleaning."""
        return f"booked for {day}"

    @function_tool
    async def call_a_nurse(self, context: RunContext) -> Agent:
        """Hands over to a nurse."""
        return Nurse()


class Nurse(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You are a nurse.")


def say(text: str) -> llm.ChoiceDelta:
    return llm.ChoiceDelta(role="assistant", content=text)


def call(name: str, **arguments: str) -> llm.ChoiceDelta:
    request = llm.FunctionToolCall(
        name=name, arguments=json.dumps(arguments), call_id=f"call_{name}"
    )
    return llm.ChoiceDelta(role="assistant", tool_calls=[request])


async def converse(session: AgentSession) -> None:
    await session.start(Receptionist())
    await session.run(user_input="I'd like to book a cleaning for Tuesday.")
    await session.run(user_input="It hurts a little.")
    session.history.add_message(
        role="assistant", content="Then I would rather", interrupted=True
    )
    await session.run(user_input="No, thank you. Bye!")
    await session.aclose()


def job(room_name: str, room_sid: str) -> JobContext:
    description = agent_pb.Job(
        id="AJ_scripted", room=models.Room(sid=room_sid, name=room_name)
    )
    accepted = JobAcceptArguments(name="Ava", identity="agent-ava", metadata="")
    info = RunningJobInfo(accepted, description, "", "", "worker", fake_job=True)
    process = JobProcess(
        executor_type=JobExecutorType.THREAD, user_arguments=None, http_proxy=None
    )
    return JobContext(
        proc=process,
        info=info,
        room=rtc.Room(),
        on_connect=lambda: None,
        on_shutdown=lambda _: None,
        inference_executor=None,
    )


def scripted() -> Scripted:
    script = [
        call("book_appointment", day="tuesday"),
        say("Done: Tuesday at ten."),
        call("call_a_nurse"),
        say("Goodbye, and get well soon."),
    ]
    return Scripted(iter(script))


async def main(room_name: str, room_sid: str) -> None:
    session = AgentSession(llm=scripted())
    await converse(session)
    print(json.dumps(job(room_name, room_sid).make_session_report(session).to_dict()))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(main(*sys.argv[1:]))
