"""What a follow client costs beside one that applies payloads as they come: from the commit's acknowledgement to the event
applied, and the processor time of its backend. After tests/follow/run, alone on the machine:
scripts/server run target/follow/venv/bin/python tests/follow/latency.py"""

import asyncio
import json
import multiprocessing
import sys
import time
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/follow-python"))
from follow import Follower

SECONDS = 4


def writer(number, each_second, pipe):
    acknowledged = {}
    with psycopg.connect(autocommit=True) as connection:
        began = time.monotonic()
        for version in range(1, int(SECONDS * each_second) + 1):
            time.sleep(max(0, began + version / each_second - time.monotonic()))
            connection.execute("update drivers set version = %s where id = %s", [version, number])
            acknowledged[number, version] = time.monotonic()
    pipe.send(acknowledged)


def client(pause, pipe):
    applied = {}

    async def load(connection, cursor):
        pass

    async def apply(event, connection):
        applied[event["new"]["id"], event["new"]["version"]] = time.monotonic()

    async def payloads():
        async with await psycopg.AsyncConnection.connect("application_name=follow", autocommit=True) as connection:
            await connection.execute("listen realtime_sync")
            async for notification in connection.notifies():
                await apply(json.loads(notification.payload), connection)

    async def main():
        follower = Follower("application_name=follow", load, apply, topics=["drivers"], pause=pause or 0)
        task = asyncio.create_task(payloads() if pause is None else follower.run())
        await asyncio.to_thread(pipe.recv)
        task.cancel()

    asyncio.run(main())
    pipe.send(applied)


def start(function, *arguments):
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.Process(target=function, args=(*arguments, theirs), daemon=True).start()
    return ours


def measure(connection, name, pause, clients, writers, each_second):
    pipes = [start(client, pause) for _ in range(clients)]
    time.sleep(1 + clients / 10)
    query = "select pid from pg_stat_activity where application_name = 'follow' and query ~ 'replay|listen'"
    backends = [pid for (pid,) in connection.execute(query)]
    spent = lambda: sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in backends) / 1e9
    before = spent()
    acknowledged = {}
    for pipe in [start(writer, number, each_second / writers) for number in range(writers)]:
        acknowledged |= pipe.recv()
    time.sleep(0.5)
    share = (spent() - before) / SECONDS / clients
    for pipe in pipes:
        pipe.send(None)
    applied = [pipe.recv() for pipe in pipes]
    assert len(backends) == clients and all(acknowledged.keys() <= each.keys() for each in applied)
    delays = sorted(1000 * max(0, each[event] - at) for each in applied for event, at in acknowledged.items())
    p50, p95 = (delays[int(len(delays) * part)] for part in (0.5, 0.95))
    print(f"| {name} | {clients} | {each_second:,} | {p50:.2f} | {p95:.2f} | {share:.1%} |", flush=True)


with psycopg.connect(autocommit=True) as connection:
    connection.execute("create extension realtime_sync")
    connection.execute("create table drivers (id int primary key, version int)")
    connection.execute("insert into drivers select n, 0 from generate_series(0, 3) n")
    connection.execute("select realtime_sync.enable('drivers')")
    print("| | clients | events/s | p50 | p95 | processor, each backend |\n| --- | --: | --: | --: | --: | --: |")
    for clients, writers, each_second in [(1, 1, 20), (1, 4, 1000), (8, 4, 1000)]:
        for name, pause in [("payloads", None), ("replay, no pause", 0), ("replay, pause 10 ms", 0.01)]:
            measure(connection, name, pause, clients, writers, each_second)
