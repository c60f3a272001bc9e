"""A LiveKit agent that sends its session report to livekit-airtable when the call ends.

    pip install "livekit-agents~=1.8"
    export LIVEKIT_URL=wss://your-project.livekit.cloud LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=…
    export LIVEKIT_AIRTABLE_URL=https://calls.example.com
    python agent.py dev

To use it in an existing agent, copy `send_report` and `on_session_end`, and pass the latter to `rtc_session`.
"""

import asyncio
import datetime
import logging
import os
import random

import aiohttp

from livekit import api
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

logger = logging.getLogger("agent")

# on_session_end is cancelled after 300 s: give up before that.
GIVE_UP_AFTER = 240.0


def authorization(room: str) -> str:
    """API_TOKEN if it is set, otherwise a token signed with the LiveKit key that every agent has."""
    if token := os.environ.get("API_TOKEN"):
        return f"Bearer {token}"
    grants = api.VideoGrants(room_admin=True, room=room)
    token = api.AccessToken().with_grants(grants).with_ttl(datetime.timedelta(minutes=10))
    return f"Bearer {token.to_jwt()}"


async def send_report(report: dict) -> None:
    """POSTs a report, and retries while the service is down or busy. Sending a report twice is safe: the newest wins."""
    url = os.environ["LIVEKIT_AIRTABLE_URL"].rstrip("/") + "/v1/transcripts"
    headers = {"Authorization": authorization(report["room"])}
    deadline = asyncio.get_running_loop().time() + GIVE_UP_AFTER
    pause = 1.0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
        while True:
            retry_after = 0.0
            try:
                async with http.post(url, json=report, headers=headers) as answer:
                    if answer.ok:
                        return
                    problem = f"{answer.status} {await answer.text()}"
                    if answer.status < 500 and answer.status not in (408, 429):
                        raise RuntimeError(f"the transcript was rejected: {problem}")
                    if answer.headers.get("Retry-After", "").isdigit():
                        retry_after = float(answer.headers["Retry-After"])
            except (aiohttp.ClientError, asyncio.TimeoutError) as error:
                problem = repr(error)
            wait = max(retry_after, pause * random.uniform(0.5, 1.0))
            if asyncio.get_running_loop().time() + wait > deadline:
                raise RuntimeError(f"the transcript could not be sent: {problem}")
            logger.warning("transcript not sent yet (%s), retrying in %.1f s", problem, wait)
            await asyncio.sleep(wait)
            pause = min(2 * pause, 30.0)


async def on_session_end(ctx: JobContext) -> None:
    try:
        await send_report(ctx.make_session_report().to_dict())
    except Exception:
        logger.exception("room %s has no transcript", ctx.room.name)


server = AgentServer()


@server.rtc_session(on_session_end=on_session_end)
async def entrypoint(ctx: JobContext) -> None:
    session = AgentSession(
        stt="deepgram/nova-3",
        llm="openai/gpt-4.1-mini",
        tts="cartesia/sonic-3",
    )
    ava = Agent(instructions="You are Ava, the friendly receptionist of Acme Dental.")
    await session.start(ava, room=ctx.room)
    await session.generate_reply(instructions="Greet the caller and ask how you can help.")


if __name__ == "__main__":
    cli.run_app(server)
