"""An agent that records its calls with the code of the recipe that most people start from, copied unchanged.

    python seed.py URL KEY SECRET

URL is LiveKit's server. The recipe's own variables come from the environment; its LIVEKIT_URL is where it asks for the recording.
"""

import asyncio
import json
import logging
import os
import sys

from livekit.agents import AgentServer, JobContext, JobExecutorType

logger = logging.getLogger("agent")
LIVEKIT_URL = os.environ["LIVEKIT_URL"]
LIVEKIT_API_KEY = os.environ["LIVEKIT_API_KEY"]
LIVEKIT_API_SECRET = os.environ["LIVEKIT_API_SECRET"]
S3_ACCESS_KEY = os.environ["S3_ACCESS_KEY"]
S3_SECRET_KEY = os.environ["S3_SECRET_KEY"]
S3_ENDPOINT = os.environ["S3_ENDPOINT"]
S3_BUCKET = os.environ["S3_BUCKET"]
S3_REGION = os.environ["S3_REGION"]

# --- copied from here ---
from livekit import api

async def start_room_recording(room_name: str, room_id: str):
    """Start LiveKit Egress room composite recording"""

    # Initialize LiveKit API (SDK v1.0+)
    lkapi = api.LiveKitAPI(
        LIVEKIT_URL,
        LIVEKIT_API_KEY,
        LIVEKIT_API_SECRET
    )
    egress = lkapi.egress

    # Configure S3 upload
    s3_upload = api.S3Upload(
        access_key=S3_ACCESS_KEY,
        secret=S3_SECRET_KEY,
        region=S3_REGION,
        endpoint=S3_ENDPOINT,
        bucket=S3_BUCKET,
    )

    # Configure audio-only recording
    request = api.RoomCompositeEgressRequest(
        room_name=room_name,
        audio_only=True,
        file_outputs=[
            api.EncodedFileOutput(
                file_type=api.EncodedFileType.MP3,
                filepath=f"recordings/{room_id}.mp3",
                s3=s3_upload,
            )
        ],
    )

    # Start recording
    egress_info = await egress.start_room_composite_egress(request)

    logger.info(f"[Egress] Started recording {egress_info.egress_id} for room {room_name}")

    return egress_info.egress_id
# --- to here ---


async def entrypoint(ctx: JobContext) -> None:
    await ctx.connect()
    # --- copied from here ---
    # After ctx.connect()
    egress_id = await start_room_recording(
        room_name=ctx.room.name,
        room_id=ctx.job.id
    )

    # Store egress_id for later reference
    ctx.room.metadata = json.dumps({"egress_id": egress_id})
    # --- to here ---


async def main(url: str, key: str, secret: str) -> None:
    server = AgentServer(
        job_executor_type=JobExecutorType.THREAD,
        load_fnc=lambda: 0.0,
        ws_url=url.replace("http", "ws", 1),
        api_key=key,
        api_secret=secret,
        host="127.0.0.1",
        port=0,
    )
    server.rtc_session(entrypoint)
    server.on("worker_registered", lambda *_: print("registered", flush=True))
    await server.run(devmode=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(*sys.argv[1:]))
