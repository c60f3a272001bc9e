"""Runs `init` in a terminal: each prompt that is waited for, and what is typed then. An empty answer is not typed.

Usage: terminal.py BINARY PROMPT ANSWER PROMPT ANSWER …
"""

import os
import pty
import select
import sys
import time

binary, rest = sys.argv[1], sys.argv[2:]
steps = list(zip(rest[::2], rest[1::2]))
pid, terminal = pty.fork()
if pid == 0:
    os.execv(binary, [binary, "init"])

screen, seen = b"", 0
deadline = time.monotonic() + 120


def read():
    global screen
    ready, _, _ = select.select([terminal], [], [], 1)
    if not ready:
        return True
    try:
        more = os.read(terminal, 65536)
    except OSError:
        return False
    screen += more
    return bool(more)


for prompt, answer in steps:
    wanted = prompt.encode()
    while (at := screen.find(wanted, seen)) < 0:
        if not read() or time.monotonic() > deadline:
            sys.exit(f"{prompt!r} never came\n{screen.decode(errors='replace')}")
    seen = at + len(wanted)
    if answer:
        os.write(terminal, answer.encode() + b"\n")

while read() and time.monotonic() < deadline:
    pass
_, status = os.waitpid(pid, 0)
sys.stdout.write(screen.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(status))
