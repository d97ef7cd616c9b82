"""Runs every follow client, in every way of connecting, under writes and cuts; compares each one's copy with the table.

Started by run, which makes the server. A client prints what it loads and applies, and its copy when it is told to stop."""

import asyncio
import ctypes
import json
import logging
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from unittest import mock
from urllib.parse import quote

import psycopg

ROOT = Path(__file__).parents[2]
DIRECTORY = Path(os.environ["SERVER_DIR"])
OUTPUT = ROOT / "target/follow/output"
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
SECONDS = float(os.environ.get("SECONDS_OF_WRITES", 12))
PORTS = {"direct": os.environ["PGPORT"], "pooler": "6432", "standby": "5433"}
# fsync: a kill undoes what was not yet written, and that is the same without; wal_writer_delay: what is not waited for is
# written late, so that there is something to undo
SETTINGS = ["fsync=off", "wal_writer_delay=10s"]
WITHIN = 30
MOST_LOST = 40  # by a client, in a run: the server is away for two seconds, and some cuts hit it
DRIVERS, TRIPS, WRITERS = 100, 100, 6

LANGUAGES = {
    "typescript": ["node", str(ROOT / "examples/follow-typescript/dist/main.js")],
    "python": [sys.executable, str(ROOT / "examples/follow-python/main.py")],
    "rust": [str(ROOT / "target/release/follow-rust")],
}
# How a client connects and hears (DATABASE_URL, LISTEN), what it follows (table, topic, condition), and POLL: so long that
# each notification must arrive, or short where none does.
WAYS = {
    "direct": ("direct", "listen realtime_sync", ["drivers"], 2 * WITHIN),
    "topic": ("direct", "listen realtime_sync", ["trips", "driver:7", "driver_id = 7"], 2 * WITHIN),
    "topic, its channel": ("direct", 'listen "driver:7"', ["trips", "driver:7", "driver_id = 7"], 2 * WITHIN),
    "pooler": ("pooler", "", ["drivers"], 0.2),
    "LISTEN lost in the pooler": ("pooler", "listen realtime_sync", ["drivers"], 0.2),
    "standby": ("standby", "listen realtime_sync", ["drivers"], 0.2),
}
LOADING = "wait_event_type = 'Lock' and query like '%row_to_json%'"
EVENT = re.compile(r"([0-9a-f]{8}-[0-9a-f]{16}-[0-9a-f]{16}) (\d+) ([A-Z]+) (.*)")

passed = failed = 0
writing = threading.Event()


def check(what, good, detail=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"{what}{': ' + str(detail) if detail else ''}", flush=True)


def url(where, application=""):
    host = quote(os.environ["PGHOST"], safe="")
    return f"postgresql://postgres@{host}:{PORTS[where]}/postgres?application_name={quote(application)}"


def query(text, *parameters, where="direct"):
    with psycopg.connect(url(where, "check"), autocommit=True) as connection:
        return connection.execute(text, parameters or None).fetchall()


def as_server():
    """PostgreSQL and pgbouncer refuse to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}


def until(what, condition, within=WITHIN):
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within} s")
        time.sleep(0.05)


class Client:
    def __init__(self, language, way, called="", **environment):
        database, listen, self.follows, poll = WAYS[way]
        self.on = "standby" if way == "standby" else "direct"
        self.language, self.name = language, f"{language}, {called or way}"
        self.application = re.sub("[^a-z]+", "-", self.name)
        self.path = OUTPUT / (self.application + "".join(environment))
        settings = {"DATABASE_URL": url(database, self.application), "LISTEN": listen, "POLL": str(poll), **environment}
        with self.path.open("w") as output:
            self.process = subprocess.Popen(
                LANGUAGES[language] + self.follows, env=os.environ | settings, stdout=output, stderr=subprocess.STDOUT
            )

    def lines(self):
        return self.path.read_text().splitlines()

    def events(self):
        return [match.groups() for match in map(EVENT.fullmatch, self.lines()) if match]

    def lines_with(self, start):
        return [line for line in self.lines() if line.startswith(start)]


class Pooler:
    """Debian's pgbouncer, in transaction mode."""

    def __init__(self):
        self.file = DIRECTORY / "pgbouncer.ini"
        self.file.write_text(
            f"""[databases]
postgres = host={os.environ["PGHOST"]} port={os.environ["PGPORT"]} user=postgres
[pgbouncer]
unix_socket_dir = {os.environ["PGHOST"]}
listen_port = {PORTS["pooler"]}
auth_type = any
pool_mode = transaction
default_pool_size = 12
server_login_retry = 0.2
logfile = {DIRECTORY}/pgbouncer.log
pidfile = {DIRECTORY}/pgbouncer.pid
"""
        )
        self.file.chmod(0o644)
        self.start()

    def start(self):
        command = [os.environ["PGBOUNCER"], "-q", str(self.file)]
        self.process = subprocess.Popen(command, cwd=DIRECTORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_server())

        def answers():
            try:
                psycopg.connect(url("pooler", "check"), connect_timeout=2).close()
                return True
            except psycopg.OperationalError:
                return False

        until("pgbouncer answers", answers)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Standby:
    def __init__(self):
        self.data = DIRECTORY / "standby"
        self.run("pg_basebackup", "-D", self.data, "-U", "postgres", "-R", "-c", "fast", "--no-sync")
        # what a cut replication connection costs at the most
        settings = f"-c port={PORTS['standby']} -c wal_retrieve_retry_interval=200ms"
        self.run("pg_ctl", "-D", self.data, "-l", DIRECTORY / "standby.log", "-o", settings, "-w", "start")

    def run(self, program, *arguments):
        command = [os.path.join(os.environ["PGBIN"], program), *map(str, arguments)]
        subprocess.run(command, cwd=DIRECTORY, check=True, stdout=subprocess.DEVNULL, **as_server())

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")


class Network:
    """Between clients and the server, until it goes silent: then nothing comes through and nothing is closed. What is lost
    is not even acknowledged: the kernel drops what comes to a socket with such a filter. Else it is taken and goes nowhere,
    as by a proxy whose server is gone."""

    ATTACH_FILTER, DETACH_FILTER = 26, 27  # of Linux's socket.h; Python has no names for them
    NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # the program "return 0": keep no byte

    def __init__(self, loses):
        self.loses, self.silent = loses, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self.lines = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, server, silent = self.listener.accept()[0], socket.socket(socket.AF_UNIX), self.silent
            self.lines += [client, server]
            if not silent.is_set():
                server.connect(f"{os.environ['PGHOST']}/.s.PGSQL.{os.environ['PGPORT']}")
                for ends in [(client, server), (server, client)]:
                    threading.Thread(target=self.forward, args=(*ends, silent), daemon=True).start()

    def forward(self, source, target, silent):
        try:
            while (data := source.recv(65536)) and not silent.is_set():
                target.sendall(data)
            if not silent.is_set():
                target.shutdown(socket.SHUT_WR)
        except OSError:  # the other end is gone
            pass

    def go_silent(self):
        self.silent.set()
        if self.loses:
            program = struct.pack("HL", 1, ctypes.addressof(self.NOTHING))
            for line in [self.listener, *self.lines[::2]]:
                line.setsockopt(socket.SOL_SOCKET, self.ATTACH_FILTER, program)

    def restore(self):
        """For new connections: the old ones stay silent."""
        self.silent = threading.Event()
        if self.loses:
            self.listener.setsockopt(socket.SOL_SOCKET, self.DETACH_FILTER, 0)

    def held(self, client):
        """A client's connections to here, by their ports at its end. (What psycopg fails to connect it closes with its next
        collection of garbage, so that their number alone says little.)"""
        sockets = set()
        for file in Path(f"/proc/{client.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                sockets.add(os.readlink(file))
        table = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {row[1] for row in table if row[2].endswith(f":{self.port:04X}") and f"socket:[{row[9]}]" in sockets}


def change(connection, rng, nth):
    """One transaction of the kinds that trouble a feed."""
    driver, trip, other = rng.randrange(DRIVERS), rng.randrange(TRIPS), rng.randrange(10)
    with connection.transaction():
        kind = rng.random()
        if kind < 0.35:
            connection.execute("update drivers set version = version + 1 where id = %s", [driver])
        elif kind < 0.6:
            connection.execute("update trips set driver_id = %s, version = version + 1 where id = %s", [other, trip])
        elif kind < 0.65:  # more than a notification holds
            note = rng.randbytes(4500).hex()
            connection.execute("update drivers set version = version + 1, note = %s where id = %s", [note, driver])
        elif kind < 0.66:  # and more than the log's limit for an event
            note = rng.randbytes(35000).hex()
            connection.execute("update drivers set version = version + 1, note = %s where id = %s", [note, driver])
        elif kind < 0.75:
            connection.execute("delete from drivers where id = %s", [driver])
            connection.execute("insert into drivers values (%s, 1) on conflict do nothing", [(driver + 1) % DRIVERS])
        elif kind < 0.8:
            connection.execute("update drivers set version = version + 1, note = null where id %% 5 = %s", [driver % 5])
        elif kind < 0.85:
            with connection.transaction(force_rollback=True):
                connection.execute("update drivers set version = -1 where id = %s", [driver])
            connection.execute("update trips set driver_id = 7 where id = %s", [trip])
        elif kind < 0.9:
            connection.execute("update drivers set version = -1 where id = %s", [driver])
            raise psycopg.Rollback
        elif kind < 0.93:  # held open while others commit
            connection.execute("update trips set driver_id = 7, version = version + 1 where id = %s", [trip])
            connection.execute("select pg_sleep(0.5)")
        elif kind < 0.95:  # another key for the same row
            connection.execute("update drivers set id = id + %s where id = %s", [DRIVERS + nth, driver])
        elif kind < 0.98:
            connection.execute("set local synchronous_commit = off")
            connection.execute("update drivers set version = version + 1 where id = %s", [driver])
        elif nth % 20 == 0:
            connection.execute("truncate drivers")
        else:
            connection.execute("insert into drivers select n, 1 from generate_series(0, %s) n on conflict do nothing", [DRIVERS])


def writer(number, transactions):
    rng = random.Random(SEED * 100 + number)
    connection = None
    while writing.is_set():
        try:
            connection = connection or psycopg.connect(url("direct", "writer"), autocommit=True)
            transactions[number] += 1
            change(connection, rng, transactions[number])
        except (psycopg.OperationalError, psycopg.Rollback):  # deadlocks too; a ROLLBACK that found no server
            if connection and connection.closed:
                connection = None
            time.sleep(0.05)
        except psycopg.errors.UniqueViolation:
            pass
        time.sleep(rng.random() * 0.05)


def cut(rng, clients):
    """Ends a client's connection."""
    client = rng.choice(clients)
    end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s"
    try:
        return len(query(end, client.application, where=client.on))
    except psycopg.OperationalError:
        return 0


def server(*command):
    subprocess.run([os.environ["SERVER"], *command], check=True, stdout=subprocess.DEVNULL)


def loading(what):
    return [row for where in ("direct", "standby") for row in query(f"select {what} from pg_stat_activity where {LOADING}", where=where)]


def cut_while_loading(clients):
    """Lets every client wait for a lock in the middle of its load, and cuts it there. Meanwhile the relay is held, so that
    changes which the loads see are announced only when the clients have replayed."""

    def replayed():
        of = "select count(distinct application_name) from pg_stat_activity where state = 'idle' and query like '%replay(since%' and application_name ~ '^[a-z]+-(direct|topic)$'"
        return query(of)[0][0] >= 2 * len(LANGUAGES)

    with psycopg.connect(url("direct", "holder")) as holder:
        holder.execute("lock table realtime_sync.tick in exclusive mode")
        query("update drivers set version = version + 1 where id < 10 returning 1")
        query("update trips set driver_id = 7 where id < 10 returning 1")
        with psycopg.connect(url("direct", "locker")) as locker:
            locker.execute("lock table drivers, trips in access exclusive mode")
            query("select pg_switch_wal()")  # the standby hears of a lock with the next flush
            locked = "select count(*) from pg_locks where locktype = 'relation' and mode = 'AccessExclusiveLock'"
            until("the standby has the locks", lambda: query(locked, where="standby")[0][0] == 2)
            clients += [Client(language, way) for way in WAYS for language in LANGUAGES]
            until("every client loads", lambda: len(loading("pid")) == len(clients))
            check("each load was cut", sum(cut for (cut,) in loading("pg_terminate_backend(pid)")) == len(clients))
            until("each client notices", lambda: all(client.lines_with("lost:") for client in clients))
        until("the clients load and replay", replayed)


def cut_while_applying(clients):
    """What is too large for the log is applied by reading the row: lets that wait for a lock, and cuts it there."""
    note = random.Random(SEED).randbytes(35000).hex()
    with psycopg.connect(url("direct", "change")) as change, psycopg.connect(url("direct", "locker")) as locker:
        change.execute("insert into drivers values (-3, 0, %s)", [note])
        change.execute("insert into trips values (-3, 7, 0)")
        lock = threading.Thread(target=locker.execute, args=("lock table drivers in access exclusive mode",))
        lock.start()
        until("the lock waits", lambda: query("select count(*) from pg_locks where not granted")[0][0] > 0)
        change.commit()
        lock.join()
        query("select pg_switch_wal()")
        of_drivers = [client for client in clients if client.follows == ["drivers"]]
        until("each client applies it", lambda: len(loading("pid")) == len(of_drivers))
        check("each was cut as it applied", sum(cut for (cut,) in loading("pg_terminate_backend(pid)")) == len(of_drivers))
    has_all(clients, -3)


def crash_after_delivery(clients):
    """Kills the server when a tick has been delivered but not yet written: its events come again, in another tick."""
    query("insert into drivers values (-2, 0) returning 1")
    query("insert into trips values (-2, 7, 0) returning 1")
    has_all(clients, -2)
    server("stop", os.environ["SERVER_NAME"], "immediate")
    server("restart", os.environ["SERVER_NAME"], *SETTINGS)


def has_all(clients, key):
    def has(client):
        return any(re.fullmatch(r'\{"id": ?%d\}' % key, text) for _, _, _, text in client.events())

    try:
        until("all are up to date", lambda: all(map(has, clients)))
    except TimeoutError:
        for client in clients:
            check(f"{client.name}: is up to date within {WITHIN} s", has(client), client.lines()[-3:])


def followed(client, rows):
    """What a client printed against what the log and the table have."""
    table, topic, condition = (client.follows + [client.follows[0], "true"])[:3]
    loads = client.lines_with("loaded ")
    events = client.events()
    ids = [int(id) for _, id, _, _ in events]
    cursors = [cursor for cursor, _, _, _ in events]
    # a load that was cut before its commit comes again, but nothing was applied in between
    lines = client.lines()
    first = next(n for n, line in enumerate(lines) if EVENT.fullmatch(line))
    check(f"{client.name}: loaded once, then caught up by replay", not any(line in loads for line in lines[first:]), loads)
    lost = len(client.lines_with("lost:"))
    check(f"{client.name}: lost its connection only when it was cut, and waited between two tries", lost <= MOST_LOST, lost)
    check(f"{client.name}: no event twice", len(set(ids)) == len(ids))
    check(f"{client.name}: cursors grow", all(a < b for a, b in zip(cursors, cursors[1:])))
    if client.on != "standby":  # whose own snapshots are not exact, so that a load's cursor has none
        snapshot = loads[-1].split("/")[1]
        since = "select id from realtime_sync.events where topics && array[%s] and not pg_visible_in_snapshot(xid, %s::pg_snapshot)"
        due = {id for (id,) in query(since, topic, snapshot)}
        missing, strange = sorted(due - set(ids)), sorted(set(ids) - due)
        check(f"{client.name}: exactly the events since the load", due == set(ids), f"missing {missing[:5]}, strange {strange[:5]}")
    copy = [json.loads(line) for line in lines[lines.index("copy:") + 1 :]] if "copy:" in lines else None
    table = sorted((row for (row,) in rows(f"select row_to_json(t) from {table} t where {condition}")), key=lambda row: row["id"])
    check(f"{client.name}: its copy is the table", copy is not None and sorted(copy, key=lambda row: row["id"]) == table)
    return len(ids)


def goes_on_from(language, former):
    """Kept cursors: one more than a page ago, one too old, one of a history that the server does not have."""
    events = former.events()
    early = events[len(events) // 4][0]

    def run(what, cursor, done):
        client = Client(language, "direct", CURSOR=cursor)
        try:
            until(what, lambda: done(client))
            check(f"{language}: {what}", not client.lines_with("lost:"), client.lines()[:3])
        except TimeoutError:
            check(f"{language}: {what}", False, client.lines()[:3])
        client.process.kill()

    later = [(id, kind) for cursor, id, kind, _ in events if cursor > early]
    run("goes on from a kept cursor, without a load", early, lambda client: [(id, kind) for _, id, kind, _ in client.events()] == later)
    run("loads again when its cursor has expired", "00000000-0000000000000001-7fffffffffffffff", lambda client: client.lines_with("loaded "))
    run("loads again when the server was set back", "00ffffff-0000000000000001-7fffffffffffffff", lambda client: client.lines_with("loaded "))


def all_notice(what, clients, within):
    began = time.monotonic()
    for client in clients:
        with suppress(TimeoutError):
            until(what, lambda: client.lines_with("lost:"), began + within - time.monotonic())
        check(f"{client.name}: notices it within {within} s", client.lines_with("lost:"), client.lines()[-2:])
    print(f"{what}: noticed by all after {time.monotonic() - began:.1f} s", flush=True)


def network_goes_silent():
    """As they wait for the next event, and in the middle of a load. There only the kernel can tell, where packets are lost."""
    short = {"POLL": "1", "LIMIT": "3"}
    clients = []
    try:
        for key, called, loses in [(-4, "packets lost", True), (-5, "packets taken", False)]:
            network = Network(loses)
            started = [Client(language, "direct", called, DATABASE_URL=network.url, **short) for language in LANGUAGES]
            clients += started
            until("all load", lambda: all(client.lines_with("loaded ") for client in started))
            query("insert into drivers values (%s, 0) returning 1", key * 10)
            has_all(started, key * 10)
            former = [network.held(client) for client in started]
            network.go_silent()
            query("insert into drivers values (%s, 0) returning 1", key)
            all_notice(called, started, 10)  # POLL and LIMIT, and a machine that is busy
            network.restore()
            has_all(started, key)
            for client, lines in zip(started, former):
                check(f"{client.name}: had one connection, and closed it", len(lines) == 1 and not lines & network.held(client), lines)

        network = Network(True)
        with psycopg.connect(url("direct", "locker")) as locker:
            locker.execute("lock table drivers in access exclusive mode")
            called = "packets lost in a load"
            started = [Client(language, "direct", called, DATABASE_URL=network.url, **short) for language in LANGUAGES]
            clients += started
            until("all wait in their load", lambda: len(loading("pid")) == len(started))
            network.go_silent()
            all_notice(called, started, 20)  # LIMIT, and the ten seconds that Node's kernel tries
            network.restore()
        until("all load after all", lambda: all(client.lines_with("loaded ") for client in started))
        query("insert into drivers values (-6, 0) returning 1")
        has_all(started, -6)

        network.go_silent()  # and who is told to end, ends
        for client in clients:
            client.process.terminate()
        with psycopg.connect(url("direct"), autocommit=True) as connection:
            for client in clients:
                client.process.wait(10)
                followed(client, lambda text: connection.execute(text).fetchall())
    finally:
        for client in clients:
            client.process.kill()


def outlasts_an_outage():
    """Python's integers have no end, and its floats have one: a wait that doubles came to it after an hour and a half."""
    sys.path.insert(0, str(ROOT / "examples/follow-python"))
    import follow

    waits = []

    async def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 1_100:
            raise asyncio.CancelledError

    follower = follow.Follower(database="host=/nowhere", load=None, apply=None, lost=lambda error: None)
    with mock.patch.object(follow, "asyncio", SimpleNamespace(sleep=sleep)):
        try:
            asyncio.run(follower.run())
        except asyncio.CancelledError:
            pass
        except ArithmeticError as error:
            check(f"python: goes on after {len(waits)} tries", False, repr(error))
    check("python: still tries after 1,100 tries, within 10 s each", len(waits) == 1_100 and max(waits) <= 10, len(waits))


def main():
    print(f"seed {SEED}", flush=True)
    outlasts_an_outage()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    rng = random.Random(SEED)
    with psycopg.connect(url("direct"), autocommit=True) as connection:
        for statement in [
            "create extension realtime_sync",
            "create table drivers (id int primary key, version int not null, note text)",
            "create table trips (id int primary key, driver_id int not null, version int not null)",
            "select realtime_sync.enable('drivers')",
            "select realtime_sync.enable('trips', topics => array['driver:{driver_id}'])",
            "select realtime_sync.add_sink('channels', target => 'notify:{topic}', topics => array['driver:*'], payload => 'reference')",
            f"insert into drivers select n, 1 from generate_series(0, {DRIVERS - 1}) n",
            f"insert into trips select n, n % 10, 1 from generate_series(0, {TRIPS - 1}) n",
        ]:
            connection.execute(statement)
    server("restart", os.environ["SERVER_NAME"], *SETTINGS)
    pooler = Pooler()
    standby = Standby()
    clients = []
    try:
        transactions = [0] * WRITERS
        writers = [threading.Thread(target=writer, args=(number, transactions)) for number in range(WRITERS)]
        cut_while_loading(clients)
        writing.set()
        for thread in writers:
            thread.start()

        began = time.monotonic()
        cuts = 0
        events = [(SECONDS * rng.uniform(0.3, 0.5), "server"), (SECONDS * rng.uniform(0.6, 0.8), "pooler")]
        while (now := time.monotonic() - began) < SECONDS:
            if events and now > events[0][0]:
                if events.pop(0)[1] == "server":
                    server("stop", os.environ["SERVER_NAME"], "immediate")
                    time.sleep(1)
                    server("restart", os.environ["SERVER_NAME"], *SETTINGS)
                else:
                    pooler.kill()
                    time.sleep(0.5)
                    pooler.start()
            cuts += cut(rng, clients)
            time.sleep(rng.uniform(0, 0.4))
        writing.clear()
        for thread in writers:
            thread.join()

        cut_while_applying(clients)
        crash_after_delivery(clients)
        query("select count(realtime_sync.send('drivers', 'note', 'null')) from generate_series(1, 1500)")  # more than one page
        # the last change of each table: who has it has had its chance to have them all
        query("insert into drivers values (-1, 0) returning 1")
        query("insert into trips values (-1, 7, 0) returning 1")

        has_all(clients, -1)
        check("connections were cut", cuts >= 10, cuts)
        check("every writer wrote", min(transactions) > SECONDS, transactions)
        for client in clients:
            client.process.terminate()
        with psycopg.connect(url("direct"), autocommit=True) as connection:
            connection.execute("set timezone = 'UTC'")
            for client in clients:
                client.process.wait(10)
                count = followed(client, lambda text: connection.execute(text).fetchall())
                print(f"{client.name}: {count} events, lost its connection {len(client.lines_with('lost:'))} times", flush=True)
        for client in clients[: len(LANGUAGES)]:
            goes_on_from(client.language, client)
        network_goes_silent()
        print(f"{sum(transactions)} transactions, {cuts} connections cut")
    finally:
        writing.clear()
        for client in clients:
            client.process.kill()
        pooler.kill()
        standby.stop()


logging.getLogger("psycopg").setLevel(logging.CRITICAL)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
try:
    main()
except (TimeoutError, psycopg.Error, subprocess.SubprocessError) as error:
    check("the test ran to its end", False, repr(error))
if failed:
    print(f"what the clients printed is in {OUTPUT}")
else:
    shutil.rmtree(OUTPUT)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
