"""Verifies one webhook request with LiveKit's own Python receiver: receive.py KEY SECRET < REQUEST

REQUEST is the value of the `Authorization` header on the first line, then the unchanged body. Prints the event's name; exits 1 if the
receiver rejects the request. Needs `pip install livekit-api`.
"""

import sys

from livekit import api

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    token, body = sys.stdin.buffer.read().decode().split("\n", 1)
    receiver = api.WebhookReceiver(api.TokenVerifier(sys.argv[1], sys.argv[2]))
    try:
        print(receiver.receive(body, token).event)
    except Exception as error:
        sys.exit(f"rejected: {type(error).__name__}")
