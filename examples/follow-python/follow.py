"""Load, then follow: a copy of what the database has, kept up to date by every later change, each once and in order,
whatever happens to the connection. Copy this file into your application; main.py shows its use."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from psycopg import AsyncConnection, AsyncCursor, OperationalError, errors

REPLAY = "select realtime_sync.replay(since => %s, topics => %s, max_events => 1000)"


@dataclass
class Follower:
    database: str
    load: Callable[[AsyncConnection, str], Awaitable]  # replace the copy, by queries on this one snapshot
    apply: Callable[[dict, AsyncConnection], Awaitable]  # if it raises, the same event comes again
    lost: Callable[[Exception], None] = print  # the connection, say; all is tried again
    topics: list[str] | None = None  # by default all events
    listen: str = "listen realtime_sync"  # through a transaction pooler "": only poll
    poll: float = 5  # seconds between two looks where no notification tells
    pause: float = 0.01  # and at least: a thousand changes a second cost a hundred looks
    limit: float = 15  # seconds for each answer but those to load and apply: a network may go silent and close nothing
    cursor: str = ""  # all up to here has been applied; empty: load
    applied: dict[int, None] = field(default_factory=dict)  # ids: a crash of the server may send an event again

    async def run(self) -> None:
        self.failures = 0
        while True:
            try:
                # A LISTEN hears nothing inside a transaction; a pooler mixes prepared statements up.
                options = {"autocommit": True, "prepare_threshold": None, "connect_timeout": int(self.limit)}
                # Only the kernel can tell that nobody is there while load and apply wait.
                options |= {"keepalives_idle": 5, "keepalives_interval": 5, "tcp_user_timeout": int(self.limit * 1000)}
                connection = await AsyncConnection.connect(self.database, **options)
                try:
                    await self.follow(connection)
                finally:  # "async with" would roll back first, and wait for that
                    await connection.close()
            except Exception as error:
                self.lost(error)
            # Anything up to the limit, so that after an outage not everybody comes back at the same moment.
            await asyncio.sleep(random.random() * min(10, 0.1 * 2 ** min(self.failures, 7)))
            self.failures += 1

    async def follow(self, connection: AsyncConnection) -> None:
        with suppress(errors.ReadOnlySqlTransaction):  # a standby cannot: then we poll
            await self.ask(connection, self.listen)  # before anything is read, so that nothing falls between
        while True:
            if not self.cursor:
                await self.begin(connection)
            more = await self.replay(connection)
            self.failures = 0
            if not more:
                await asyncio.sleep(self.pause)
                # What a notification says, the log has, whole and in order: it is a reason to look, no more.
                async for _ in connection.notifies(timeout=self.poll, stop_after=1):
                    pass

    async def begin(self, connection: AsyncConnection) -> None:
        await self.ask(connection, "begin isolation level repeatable read, read only")
        (cursor,) = await (await self.ask(connection, "select realtime_sync.cursor()")).fetchone()
        await self.load(connection, cursor)
        await self.ask(connection, "commit")
        self.cursor = cursor
        self.applied.clear()

    async def replay(self, connection: AsyncConnection) -> bool:
        try:
            (page,) = await (await self.ask(connection, REPLAY, (self.cursor, self.topics))).fetchone()
        except errors.ObjectNotInPrerequisiteState:
            page = {"reset": True}  # away for too long
        if page["reset"]:  # or the server was set back to an earlier state
            self.cursor = ""
            return True
        for event in page["events"]:
            if event["id"] not in self.applied:
                await self.apply(event, connection)
                self.applied[event["id"]] = None
        while len(self.applied) > 100_000:
            del self.applied[next(iter(self.applied))]
        self.cursor = page["cursor"]
        return page["more"]

    async def ask(self, connection: AsyncConnection, query: str, parameters: tuple = ()) -> AsyncCursor:
        loop = asyncio.get_running_loop()
        watch = loop.call_later(self.limit, hang_up, connection)
        try:
            return await connection.execute(query, parameters)
        except OperationalError as error:
            if loop.time() < watch.when():
                raise
            raise TimeoutError(f"no answer within {self.limit} s") from error
        finally:
            watch.cancel()


def hang_up(connection: AsyncConnection) -> None:
    # To cancel the task would not do: psycopg then waits for the server to answer that.
    with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as line:
        line.shutdown(socket.SHUT_RDWR)
