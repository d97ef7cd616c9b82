"""The program written in Rust (benches/listener): a listener that counts, and writers timed by the listener's clock."""

import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = os.environ.get("BENCH_LISTENER", Path(__file__).resolve().parent.parent / "target" / "release" / "listener")
# how long an event is waited for that has not come, counted from the last that did
PATIENCE = 10


@dataclass(frozen=True)
class Count:
    received: int
    twice: int
    bytes: int
    seconds: float  # from the first to the last


class Listener:
    def __init__(self, process):
        self.process = process

    def count(self):
        self.process.stdin.write("count\n")
        self.process.stdin.flush()
        received, twice, octets, seconds = self.process.stdout.readline().split()
        return Count(int(received), int(twice), int(octets), float(seconds))

    def wait_for(self, expected):
        """The count once so many have come, or no more come."""
        last, moved = self.count(), time.monotonic()
        while last.received < expected and time.monotonic() - moved < PATIENCE:
            time.sleep(0.02)
            now = self.count()
            if now.received > last.received:
                moved = time.monotonic()
            last = now
        return last


@contextmanager
def listening(server, channel, database="postgres"):
    """A live listener on a channel; None without a channel."""
    if not channel:
        yield None
        return
    command = [PROGRAM, "count", channel]
    env = server.settings((), database)
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout.readline().strip() != "ready":
                raise SystemExit(f"benches: the listener on {channel} did not start")
            yield Listener(process)
        finally:
            process.kill()


def latency(server, channel, table, connections, rate, seconds, options):
    """The line that `listener latency` prints."""
    command = [PROGRAM, "latency", channel, table, *map(str, (connections, rate, seconds))]
    done = subprocess.run(command, env=server.settings(options, "postgres"), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"benches: the latency client failed:\n{done.stderr}")
    return done.stdout.split()
