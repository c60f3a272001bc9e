"""What the example agent sends at the end of a session of which the SDK can make no report, or none that is JSON.

    python session_end.py ROOM_NAME ROOM_SID recording|objects

`recording`: the SDK still records audio. `objects`: the report holds NaN, an object without JSON, a circle and half of a
surrogate pair.
"""

import asyncio
import sys
from types import SimpleNamespace

import agent

from livekit.agents import AgentSession
from report import converse, job, scripted


class NoText:
    def __str__(self) -> str:
        raise RuntimeError("no text either")


async def main(room_name: str, room_sid: str, trouble: str) -> None:
    session = AgentSession(llm=scripted())
    await converse(session)
    ctx = job(room_name, room_sid)
    ctx._primary_agent_session = session
    if trouble == "recording":
        # As the SDK's recorder is in the middle of its work.
        session._recorder_io = SimpleNamespace(recording=True)
    else:
        made = ctx.make_session_report

        def with_objects(*args):
            report = made(*args).to_dict()
            circle: dict = {}
            circle["again"] = circle
            report["usage"] = [float("nan"), float("inf"), NoText(), object(), circle, "half \ud83d"]
            return SimpleNamespace(to_dict=lambda: report)

        ctx.make_session_report = with_objects
    await agent.on_session_end(ctx)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
