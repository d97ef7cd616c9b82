"""A live copy of a table: main.py drivers, or of the rows of one topic: main.py trips driver:7 'driver_id = 7'"""

import asyncio
import json
import os
import signal
import sys

from follow import Follower
from psycopg import AsyncConnection

if len(sys.argv) not in (2, 4):
    sys.exit("usage: main.py TABLE [TOPIC CONDITION]")
table, topic, condition = (sys.argv[1:] + [sys.argv[1], "true"])[:3]
rows = f"select row_to_json(t) from {table} t where {condition}"
copy: dict = {}


async def load(connection: AsyncConnection, cursor: str) -> None:
    await connection.execute("set local timezone = 'UTC'")  # as events write times
    loaded = await (await connection.execute(rows)).fetchall()
    copy.clear()
    copy.update((row["id"], row) for (row,) in loaded)
    print(f"loaded {len(copy)} at {cursor}", flush=True)


async def apply(event: dict, connection: AsyncConnection) -> None:
    stays = event["type"] in ("INSERT", "UPDATE")
    row = event["new"] if stays else None
    if stays and event["partial"]:
        # It was too large for the log: the row itself. First what can fail, then what cannot be done twice.
        found = await (await connection.execute(rows + " and id = %s", (event["key"]["id"],))).fetchone()
        row = found and found[0]
    if event["type"] == "TRUNCATE":
        copy.clear()
    for former in (event.get("old"), event["key"]):
        copy.pop((former or {}).get("id"), None)
    if row:
        copy[row["id"]] = row
    print(event["cursor"], event["id"], event["type"], json.dumps(event["key"]), flush=True)


async def main() -> None:
    follower = Follower(
        database=os.environ.get("DATABASE_URL", ""),
        topics=[topic],
        load=load,
        apply=apply,
        lost=lambda error: print(f"lost: {' '.join(str(error).split())}", flush=True),
        listen=os.environ.get("LISTEN", "listen realtime_sync"),
        poll=float(os.environ.get("POLL", 5)),
        limit=float(os.environ.get("LIMIT", 15)),
        cursor=os.environ.get("CURSOR", ""),
    )
    task = asyncio.create_task(follower.run())
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, task.cancel)
    await asyncio.gather(task, return_exceptions=True)
    print("copy:")
    for row in copy.values():
        print(json.dumps(row))


asyncio.run(main())
