"""A real agent without any code of ours: its worker takes one job of a room, talks by a script, and ends. livekit-agents itself
uploads the session to LIVEKIT_OBSERVABILITY_URL.

    python upload.py AGENT_NAME ROOM_NAME transcript|audio

LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are of a livekit-server, which gives jobs to workers. Somebody must be in the room.
`audio`: the session also records its audio. Prints `ended` when the job has ended.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import numpy
from livekit import api, rtc
from livekit.agents import AgentServer, AgentSession, JobContext, JobExecutorType
from report import Nurse, Receptionist, scripted

RATE = 24_000

server = AgentServer(
    job_executor_type=JobExecutorType.THREAD,
    num_idle_processes=0,
    host="127.0.0.1",
    port=0,
    # A busy machine takes long to start a job.
    initialize_process_timeout=150.0,
    shutdown_process_timeout=60.0,
)


async def tone(self, text: AsyncIterator[str], _settings) -> AsyncIterator[rtc.AudioFrame]:
    """Half a second of a tone for whatever is to be said."""
    async for _ in text:
        pass
    wave = 8_000 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(RATE // 2) / RATE)
    yield rtc.AudioFrame(wave.astype(numpy.int16).tobytes(), RATE, 1, RATE // 2)


Receptionist.tts_node = Nurse.tts_node = tone


async def entrypoint(ctx: JobContext) -> None:
    audio = os.environ["UPLOAD_AUDIO"] == "audio"
    session = AgentSession(llm=scripted())
    record = {"transcript": True, "audio": audio, "traces": False, "logs": False}
    await session.start(Receptionist(), room=ctx.room, record=record)
    # What is said waits until somebody listens.
    await ctx.wait_for_participant()
    if audio:
        await asyncio.sleep(4)
    await session.run(user_input="I'd like to book a cleaning for Tuesday.")
    await session.run(user_input="It hurts a little.")
    session.history.add_message(role="assistant", content="Then I would rather", interrupted=True)
    await session.run(user_input="No, thank you. Bye!")
    await session.aclose()
    ctx.shutdown()


async def main(agent_name: str, room_name: str, kind: str) -> None:
    os.environ["UPLOAD_AUDIO"] = kind
    server.rtc_session(entrypoint, agent_name=agent_name)
    registered = asyncio.Event()
    server.on("worker_registered", lambda *_: registered.set())
    running = asyncio.create_task(server.run(devmode=True))
    await registered.wait()
    async with api.LiveKitAPI() as livekit:
        job = api.CreateAgentDispatchRequest(agent_name=agent_name, room=room_name)
        await livekit.agent_dispatch.create_dispatch(job)
    while not server.active_jobs:
        await asyncio.sleep(0.05)
    while server.active_jobs:
        await asyncio.sleep(0.05)
    print("ended", flush=True)
    await server.aclose()
    running.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
