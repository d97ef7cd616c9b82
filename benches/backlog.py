"""What one processor relays, and what it replays: events a second of the process's own CPU time."""

import time
from pathlib import Path

from listener import listening
from rows import READ

# each in its own database, where no relay has run yet
MANUAL = ("realtime_sync.delivery=manual", "synchronous_commit=off")
WORKER = ("realtime_sync.delivery=worker", "synchronous_commit=off")
MOVE = "update bench.wide set latitude = latitude + 0.0001, longitude = longitude - 0.0001, updated_at = clock_timestamp()"
ZERO = "00000000-0000000000000000-0000000000000000"
# of PostgreSQL's own NOTIFY, as the relay uses it: 500 a transaction
NOTIFY = """do $$ begin for n in 1..{transactions} loop
    perform pg_notify('bench', repeat('x', {octets} - 12) || to_char(n * 1000 + i, 'FM000000000000')) from generate_series(1, 500) i;
    commit;
end loop; end $$;"""
# where else a relay writes the same events, alone
SINKS = {
    "one transaction, into a table": "create table outbox (id bigint generated always as identity primary key, event_id bigint, payload json);"
    "select realtime_sync.add_sink('bench', target => 'table:outbox');",
    "one transaction, into the WAL": "select realtime_sync.add_sink('bench', target => 'wal:bench');",
}


def prepare(server):
    server.query("create database backlog;")
    server.script(Path(__file__).with_name("workload.sql"), database="backlog", rows=10_000)
    server.query(
        "create extension realtime_sync; select realtime_sync.enable('bench.wide', topics => array['wide', 'wide:{id}']);"
        "create role reader; grant usage on schema realtime_sync to reader;"
        "select realtime_sync.allow('reader', 'read', topics => array['wide']);",
        database="backlog",
    )


def copy(server, database):
    server.query(f"create database {database} template backlog;")


def drop(server, database):
    server.query(f"drop database {database} with (force);")


def single(server, database, events, options, clients):
    """So many transactions of one event."""
    script = server.directory / "backlog.sql"
    script.write_text("\\set id random(1, 10000)\n" + MOVE + " where id = :id;\n")
    server.run(
        *("pgbench", "-n", "-M", "prepared", "-f", script, "-c", clients, "-j", 2, "-t", events // clients),
        options=options,
        database=database,
    )


def bulk(server, database, events, options, _clients=0):
    """One transaction of so many."""
    updates = "".join(f"{MOVE};" for _ in range(events // 10_000))
    server.query(f"begin; {updates} commit;", options=options, database=database)


def relay(server, database, events, fill):
    """A backlog, and a relay that finds it: (events a second of its CPU, of the clock, octets an event)"""
    copy(server, database)
    fill(server, database, events, MANUAL, 4)
    with listening(server, "realtime_sync", database) as listener:
        # one more change, of a writer that starts the relay
        server.query(MOVE + " where id = 1;", options=WORKER, database=database)
        count = listener.wait_for(events + 1)
        spent = relay_cpu(server, database)
    drop(server, database)
    if count.received != events + 1 or count.twice:
        raise SystemExit(f"benches: {events + 1} events were committed, {count.received} received, {count.twice} twice")
    return events / spent, events / count.seconds, count.bytes / count.received


def relay_cpu(server, database):
    """Seconds of its CPU since it started."""
    relay = f"(select pid from pg_stat_activity where backend_type = 'realtime_sync relay' and datname = '{database}')"
    read = f"select split_part(pg_read_file('/proc/' || {relay} || '/schedstat'), ' ', 1);"
    return int(server.query(read, database=database)) / 1e9


def sink(server, database, events, add, octets):
    """The same with another sink in the place of NOTIFY."""
    copy(server, database)
    server.query(f"select realtime_sync.drop_sink('notify'); {add}", database=database)
    bulk(server, database, events, MANUAL)
    start = time.monotonic()
    server.query(MOVE + " where id = 1;", options=WORKER, database=database)
    even = "select state = 'even' and sent = {} from realtime_sync.sink;".format(events + 1)
    while server.query(even, database=database) != "t":
        if time.monotonic() - start > 300:
            raise SystemExit("benches: the sink has not got everything after 300 s")
        time.sleep(0.1)
    seconds = time.monotonic() - start
    spent = relay_cpu(server, database)
    drop(server, database)
    return events / spent, events / seconds, octets


def notify(server, events, octets):
    """PostgreSQL's NOTIFY alone, with payloads of the same size."""
    statement = NOTIFY.format(transactions=events // 500, octets=round(octets))
    with listening(server, "bench") as listener:
        seconds = cpu(server, statement, "postgres", ("synchronous_commit=off",))
        # the warm-up's are among them
        count = listener.wait_for(2 * events)
    return events / seconds, count.received / count.seconds, octets


def cpu(server, statement, database, options=(), role=""):
    """Seconds of the backend's CPU for a statement that has run once before."""
    # not every role may read what READ reads
    become, back = (f"set role {role};", "reset role;") if role else ("", "")
    lines = (become, statement, back, READ, become, statement, back, READ)
    printed = server.query("\n".join(lines), options=options, database=database).split("\n")
    before, after = (int(line.split()[0]) for line in printed if " " in line)
    return (after - before) / 1e9


def replay(server, database, events):
    """{role: events a second of the backend's CPU}, of events in the ticks that a relay made."""
    figures = {}
    for role in ("", "reader"):
        cursors = [ZERO]
        while True:
            row = server.query(
                (f"set role {role};" if role else "")
                + "select a ->> 'cursor', a ->> 'more', json_array_length(a -> 'events') from"
                f" realtime_sync.replay(since => '{cursors[-1]}') a;",
                database=database,
            ).split()
            if row[1] == "false":
                break
            cursors.append(row[0])
        statement = (
            "select sum(octet_length(realtime_sync.replay(since => c)::text))"
            f" from unnest('{{{','.join(cursors)}}}'::text[]) c;"
        )
        # other work on the machine only ever makes it slower
        figures[role or "superuser"] = events / min(cpu(server, statement, database, role=role) for _ in range(3))
    return figures


def measure(server, events):
    """{"relay" and "sinks": {what: (events/s of CPU, of the clock, octets)}, "replay": {role: events/s}}"""
    prepare(server)
    relayed = {
        "transactions of one event": relay(server, "backlog_single", events, single),
        "one transaction": relay(server, "backlog_bulk", events, bulk),
    }
    octets = relayed["one transaction"][2]
    relayed["NOTIFY alone"] = notify(server, events, octets)
    copy(server, "ticks")
    with listening(server, "realtime_sync", "ticks") as listener:
        single(server, "ticks", events, WORKER, 32)
        written = events // 32 * 32
        listener.wait_for(written)
    replayed = replay(server, "ticks", written)
    ticks = int(server.query("select count(*) from realtime_sync.tick;", database="ticks"))
    drop(server, "ticks")
    # asked for by the sink that writes the WAL
    server.restart(wal_level="logical")
    sinks = {what: sink(server, "backlog_sink", events, add, octets) for what, add in SINKS.items()}
    return {"relay": relayed, "sinks": sinks, "replay": replayed, "ticks": written / ticks}
