"""The main job with a generated client: record a room, send its transcript, read both. Arguments: address, API_TOKEN, call."""

import sys
import time

from calls_client import AuthenticatedClient
from calls_client.api.calls import get_call, get_transcript, list_calls, post_transcript
from calls_client.api.recordings import start_recording, stop_recording
from calls_client.models import Problem, ReportTurn, StartRecording, TurnsReport

address, token, call_id = sys.argv[1:]
client = AuthenticatedClient(base_url=address, token=token)

missing = start_recording.sync(client=client, body=StartRecording(room_name="nowhere"))
assert isinstance(missing, Problem) and missing.status == 404, missing

started = start_recording.sync(client=client, body=StartRecording(room_name="desk", room_id="AJ_1"))
assert started.room_id == call_id and started.filename == "recordings/AJ_1.mp3", started
assert start_recording.sync(client=client, body=StartRecording(room_name="desk")).egress_id == started.egress_id

words = [("assistant", "Hello, this is Ava."), ("user", "Hi, Ava.")]
turns = [ReportTurn(speaker=speaker, text=text) for speaker, text in words]
receipt = post_transcript.sync(client=client, body=TurnsReport(room="desk", turns=turns))
assert receipt.turns == 2 and receipt.room_name == "desk", receipt

stopped = stop_recording.sync(started.egress_id, client=client)
assert stopped.egress_id == started.egress_id, stopped

page = list_calls.sync(client=client, room_name="desk", limit=10)
assert [call.call_id for call in page.calls] == [call_id], page
assert page.next_cursor is None

deadline = time.monotonic() + 60
while not getattr(transcript := get_transcript.sync(call_id, client=client), "turns", None):
    assert time.monotonic() < deadline, transcript
    time.sleep(0.1)
assert [(turn.speaker, turn.text) for turn in transcript.turns] == [
    ("agent", "Hello, this is Ava."),
    ("caller", "Hi, Ava."),
]
detail = get_call.sync(call_id, client=client)
assert [recording.egress_id for recording in detail.recordings] == [started.egress_id], detail
assert {delivery.sink.value for delivery in detail.deliveries} >= {"egress", "airtable"}, detail

stranger = AuthenticatedClient(base_url=address, token="x" * 32)
refused = list_calls.sync(client=stranger)
assert isinstance(refused, Problem) and refused.status == 401, refused
print("ok")
