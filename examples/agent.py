"""A LiveKit agent that sends its session report to livekit-airtable when the call ends.

    pip install "livekit-agents>=1.5"
    export LIVEKIT_URL=wss://your-project.livekit.cloud LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=…
    export LIVEKIT_AIRTABLE_URL=https://calls.example.com
    python agent.py dev

To use it in an existing agent, copy everything from `GIVE_UP_AFTER` to `on_session_end`, and pass the latter to `rtc_session`.
"""

import asyncio
import datetime
import json
import logging
import math
import os
import random
import time
from urllib.parse import urljoin, urlsplit

import aiohttp

from livekit import api
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

logger = logging.getLogger("agent")

# on_session_end is cancelled after 300 s: give up before that.
GIVE_UP_AFTER = 240.0
# The service accepts at most 16 MiB.
LARGEST = 16 << 20


def authorization(room: str) -> str:
    """API_TOKEN if it is set, otherwise a token signed with the LiveKit key that every agent has."""
    if token := os.environ.get("API_TOKEN"):
        return f"Bearer {token}"
    grants = api.VideoGrants(room_admin=True, room=room)
    token = api.AccessToken().with_grants(grants).with_ttl(datetime.timedelta(minutes=10))
    return f"Bearer {token.to_jwt()}"


def session_report(ctx: JobContext) -> dict:
    """The session report, or only the conversation if the SDK cannot create one, e.g. while it still records audio."""
    try:
        return ctx.make_session_report().to_dict()
    except Exception as error:
        logger.warning("room %s: no session report (%r), sending the conversation", ctx.room.name, error)
    return {
        "job_id": ctx.job.id,
        "room_id": ctx.job.room.sid,
        "room": ctx.job.room.name,
        "timestamp": time.time(),
        "chat_history": {"items": [item for item in map(plain_item, ctx.primary_session.history.items) if item]},
    }


def plain_item(item) -> dict | None:
    """A message of the history, without the fields on which the SDK's serializer may fail."""
    if item.type != "message":
        return None
    text = [part if isinstance(part, str) else getattr(part, "transcript", None) for part in item.content]
    return {
        "id": item.id,
        "type": "message",
        "role": item.role,
        "content": [part for part in text if part],
        "interrupted": item.interrupted,
        "created_at": item.created_at,
    }


def plain(value, inside: tuple = ()):
    """The value as plain JSON. NaN, cycles and unknown objects are replaced: none of them may lose the transcript."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if id(value) in inside or len(inside) > 50:
        return None
    inside += (id(value),)
    if isinstance(value, dict):
        return {str(key): plain(item, inside) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item, inside) for item in value]
    try:
        return str(value)[:1000]
    except Exception:
        return type(value).__name__


def conversation(report: dict) -> bytes:
    """The conversation alone, as JSON: for a report that is too large for the service, or for a proxy before it."""
    small = ("job_id", "room_id", "room", "timestamp", "chat_history")
    return json.dumps(plain({name: report.get(name) for name in small})).encode()


def to_json(report: dict) -> bytes:
    """The report as JSON; only its conversation if it is too large for the service."""
    body = json.dumps(plain(report)).encode()
    return body if len(body) <= LARGEST else conversation(report)


def is_delivered(answer: aiohttp.ClientResponse, text: str) -> bool:
    """Whether livekit-airtable itself accepted the report. A login page or a captcha may answer 200 as well."""
    try:
        return answer.status == 202 and "call_id" in json.loads(text)
    except (ValueError, TypeError):
        return False


def moved_to(answer: aiohttp.ClientResponse, url: str) -> str | None:
    """The address to POST to instead, if a proxy redirects to the same path of the same host, e.g. to https."""
    target = urljoin(url, answer.headers.get("Location", ""))
    old, new = urlsplit(url), urlsplit(target)
    same = (old.hostname, old.path.rstrip("/")) == (new.hostname, new.path.rstrip("/"))
    downgrade = old.scheme == "https" and new.scheme != "https"
    return target if answer.status in (301, 302, 307, 308) and same and not downgrade else None


def is_final(answer: aiohttp.ClientResponse) -> bool:
    """Whether livekit-airtable itself refused the report. Any other 4xx comes from a proxy or firewall."""
    ours = answer.headers.get("Content-Type", "").startswith("application/problem+json")
    return ours and answer.status < 500 and answer.status not in (408, 429)


async def send_report(report: dict) -> None:
    """POSTs a report, and retries while the service is down or busy. Sending a report twice is safe: the newest wins."""
    url = os.environ["LIVEKIT_AIRTABLE_URL"].rstrip("/") + "/v1/transcripts"
    headers = {"Authorization": authorization(report["room"]), "Content-Type": "application/json"}
    body, small = to_json(report), conversation(report)
    deadline = asyncio.get_running_loop().time() + GIVE_UP_AFTER
    pause = 1.0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
        while True:
            retry_after = 0.0
            try:
                # A redirect is not followed: that would be a GET, without the report.
                async with http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                    text = await answer.text(errors="replace")
                    if is_delivered(answer, text):
                        return
                    problem = f"{answer.status} {text[:500]}"
                    url = moved_to(answer, url) or url
                    is_whole = len(body) > len(small)
                    if answer.status == 413 and is_whole:
                        body = small
                    elif is_final(answer):
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
        await send_report(session_report(ctx))
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
