"""LiveKit's own Python client against a LiveKit server: check.py URL KEY SECRET [ROOM | --no-egress-worker]

Creates a room (or uses ROOM, which must be open), starts an egress, lists it, stops it, and expects the errors of a real server.
With --no-egress-worker, expects the error of a server without an egress service when it starts an egress.
Needs `pip install livekit-api`. Exits 0 if all checks pass.
"""

import asyncio
import sys

from livekit import api
from livekit.protocol import egress as pb
from livekit.protocol import models
from livekit.protocol import room as rooms


def request(room: str) -> pb.RoomCompositeEgressRequest:
    """The request that an agent sends; the storage need not exist, because nobody speaks."""
    s3 = pb.S3Upload(
        access_key="access", secret="secret", region="auto", bucket="recordings",
        endpoint="http://127.0.0.1:9", force_path_style=True,
    )
    file = pb.EncodedFileOutput(file_type=pb.EncodedFileType.MP3, filepath="check/{room_id}.mp3", s3=s3)
    return pb.RoomCompositeEgressRequest(room_name=room, audio_only=True, file_outputs=[file])


async def refused(call, code: str) -> None:
    """Awaits a call that must fail with this Twirp error."""
    try:
        await call
    except api.TwirpError as error:
        assert error.code == code, f"expected {code}, got {error.code}"
    else:
        raise AssertionError(f"no {code} error was raised")


async def record(livekit: api.LiveKitAPI, room: models.Room) -> None:
    started = await livekit.egress.start_room_composite_egress(request(room.name))
    assert started.egress_id.startswith("EG_") and started.room_id == room.sid, started
    assert started.room_composite.file_outputs[0].s3.secret == "{secret}", "the response contains the storage's secret key"

    running = await livekit.egress.list_egress(pb.ListEgressRequest(room_name=room.name, active=True))
    assert started.egress_id in [one.egress_id for one in running.items], running
    stopped = await livekit.egress.stop_egress(pb.StopEgressRequest(egress_id=started.egress_id))
    assert stopped.status != pb.EgressStatus.EGRESS_ACTIVE, stopped
    await asyncio.sleep(0.2)
    await refused(livekit.egress.stop_egress(pb.StopEgressRequest(egress_id=started.egress_id)), "failed_precondition")
    await refused(livekit.egress.list_egress(pb.ListEgressRequest(egress_id="EG_unknown")), "not_found")


async def check(url: str, key: str, secret: str, room: str | None) -> None:
    worker = room != "--no-egress-worker"
    async with api.LiveKitAPI(url, key, secret) as livekit:
        if room is None or not worker:
            room = "check-python"
            await livekit.room.create_room(rooms.CreateRoomRequest(name=room, empty_timeout=60))
        listed = await livekit.room.list_rooms(rooms.ListRoomsRequest(names=[room]))
        assert [one.name for one in listed.rooms] == [room], listed

        if worker:
            await record(livekit, listed.rooms[0])
        else:
            await refused(livekit.egress.start_room_composite_egress(request(room)), "unavailable")
        await refused(livekit.egress.start_room_composite_egress(request("no-such-room")), "not_found")
        await livekit.room.delete_room(rooms.DeleteRoomRequest(room=room))


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    asyncio.run(check(*sys.argv[1:4], sys.argv[4] if len(sys.argv) == 5 else None))
    print("ok")
