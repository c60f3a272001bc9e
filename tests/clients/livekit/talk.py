"""A call with real media: an agent (Ava) and a phone caller join a room, speak, and leave.

    python talk.py URL KEY SECRET ROOM SECONDS

URL may be http(s) or ws(s). Prints `joined` when both publish audio, `left` when both have left. Their voices are tones of 440 and 660 Hz.
"""

import asyncio
import os
import sys

import numpy
from livekit import api, rtc

RATE = 48_000
FRAME = RATE // 100  # 10 ms


async def join(url: str, token: api.AccessToken, room_name: str, pitch: int) -> tuple[rtc.Room, asyncio.Task]:
    grants = api.VideoGrants(room_join=True, room=room_name)
    room = rtc.Room()
    await room.connect(url, token.with_grants(grants).to_jwt())
    source = rtc.AudioSource(RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)
    return room, asyncio.create_task(hum(source, pitch))


async def hum(source: rtc.AudioSource, pitch: int) -> None:
    position = 0
    while True:
        wave = numpy.sin(2 * numpy.pi * pitch * numpy.arange(position, position + FRAME) / RATE)
        samples = (8_000 * wave).astype(numpy.int16)
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, FRAME))
        position += FRAME


async def main(url: str, key: str, secret: str, room_name: str, seconds: str) -> None:
    url = url.replace("http", "ws", 1) if url.startswith("http") else url
    agent = api.AccessToken(key, secret).with_identity("agent-ava").with_name("Ava").with_kind("agent")
    caller = (
        api.AccessToken(key, secret)
        .with_identity("sip_+15550100123")
        .with_name("Phone 0123")
        .with_kind("sip")
        .with_attributes(
            {
                "sip.phoneNumber": "+15550100123",
                "sip.trunkPhoneNumber": "+15550100999",
                "sip.callID": "SCL_test",
                "sip.callStatus": "active",
            }
        )
    )
    joined = [await join(url, agent, room_name, 440), await join(url, caller, room_name, 660)]
    print("joined", flush=True)
    await asyncio.sleep(float(seconds))
    for room, voice in reversed(joined):
        voice.cancel()
        await room.disconnect()
    print("left", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    # While the interpreter ends, livekit's library now and then aborts the process ("drop unknown FFI handle").
    os._exit(0)
