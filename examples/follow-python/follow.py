"""Load, then follow: a copy of what the database has, kept up to date by every later change, each once and in order,
whatever happens to the connection. Copy this file into your application; main.py shows its use."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from psycopg import AsyncConnection, Error, IsolationLevel, errors

REPLAY = "select realtime_sync.replay(since => %s, topics => %s, max_events => 1000)"


@dataclass
class Follower:
    database: str  # for loads and replays; may lead through a transaction pooler
    load: Callable[[AsyncConnection, str], Awaitable]  # replace the copy, by queries on this one snapshot
    apply: Callable[[dict, AsyncConnection], Awaitable]  # if it raises, the same event comes again
    lost: Callable[[Exception], None] = print  # the connection, say; all is tried again
    listen: str | None = None  # for LISTEN, past the pooler; "none": poll. By default as database
    topics: list[str] | None = None  # by default all events
    poll: float = 1  # seconds between two looks where no notification can arrive
    heartbeat: float = 30  # and where they do, should one get lost
    # All up to here has been applied: place, and until replayed beyond it /snapshot of the load; they sort as strings. Empty: load.
    cursor: str = ""
    # Ids: a crash of the server may send an event again, under a later cursor.
    applied: dict[int, None] = field(default_factory=dict)

    async def run(self) -> None:
        self.failures = 0
        while True:
            try:
                await self.session()
            except Exception as error:
                self.lost(error)
            # Anything up to the limit, so that after an outage not everybody comes back at the same moment.
            await asyncio.sleep(random.random() * min(10, 0.1 * 2**self.failures))
            self.failures += 1

    async def session(self) -> None:
        async with AsyncExitStack() as stack:
            # autocommit: a LISTEN hears nothing inside a transaction; no prepared statements: a pooler mixes them up
            connect = lambda url: AsyncConnection.connect(url, autocommit=True, prepare_threshold=None, connect_timeout=10)
            listener, wait = None, self.poll
            if self.listen != "none":
                # Before anything is read, so that nothing falls between. On a connection that does nothing else: through
                # a transaction pooler it then hears nothing, which the heartbeat finds out, rather than a part.
                listener = await stack.enter_async_context(await connect(self.listen or self.database))
                try:
                    await listener.execute("listen realtime_sync")
                    wait = self.heartbeat
                except errors.ReadOnlySqlTransaction:
                    pass  # a standby: then we poll
            connection = await stack.enter_async_context(await connect(self.database))
            if not self.cursor:
                await self.begin(connection)
            await self.replay(connection)
            self.failures = 0
            while True:
                payloads = await heard(listener, wait)
                for payload in payloads:
                    await self.live(json.loads(payload), connection)
                if payloads:
                    wait = self.heartbeat
                elif await self.replay(connection):
                    wait = self.poll  # there was something, and no notification of it: a pooler keeps them, perhaps

    async def begin(self, connection: AsyncConnection) -> None:
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with connection.transaction():
            (cursor,) = await (await connection.execute("select realtime_sync.cursor()")).fetchone()
            await self.load(connection, cursor)
        await connection.set_isolation_level(None)
        self.cursor = cursor
        self.applied.clear()

    async def replay(self, connection: AsyncConnection) -> int:
        count = 0
        while True:
            try:
                (page,) = await (await connection.execute(REPLAY, (self.cursor, self.topics))).fetchone()
            except errors.ObjectNotInPrerequisiteState:
                page = {"reset": True}  # away for too long
            if page["reset"]:  # or the server was set back to an earlier state
                await self.begin(connection)
                continue
            for event in page["events"]:
                await self.take(event, connection)
            self.cursor = page["cursor"]
            count += len(page["events"])
            if not page["more"]:
                return count

    async def live(self, event: dict, connection: AsyncConnection) -> None:
        wanted = not self.topics or not event["topics"] or bool(set(self.topics) & set(event["topics"]))
        whole = "new" in event or event["type"] == "MESSAGE"  # not a reference to what a notification cannot hold
        place = event["cursor"]  # none: sent by the writing transaction itself (inline delivery)
        if place and place <= self.cursor:
            pass  # loaded or replayed
        elif place and "/" not in self.cursor and (whole or not wanted):
            if wanted:
                await self.take(event, connection)
            self.cursor = place
        else:
            await self.replay(connection)  # which also knows what the load's snapshot has seen
            if place and place > self.cursor:
                raise Error("the notification is ahead of the log: not the same server?")

    async def take(self, event: dict, connection: AsyncConnection) -> None:
        if event["id"] not in self.applied:
            await self.apply(event, connection)
            self.applied[event["id"]] = None
            if len(self.applied) > 100_000:
                del self.applied[next(iter(self.applied))]


async def heard(listener: AsyncConnection | None, wait: float) -> list[str]:
    if listener:
        return [notify.payload async for notify in listener.notifies(timeout=wait, stop_after=1)]
    await asyncio.sleep(wait)
    return []
