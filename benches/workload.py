"""What is compared: the tables, the statements, and the triggers put on them."""

import sys
from dataclasses import dataclass
from pathlib import Path

# what a moving vehicle writes: three of the twelve columns, two of the four
UPDATES = {
    "wide": "latitude = latitude + 0.0001, longitude = longitude - 0.0001, updated_at = clock_timestamp()",
    "narrow": "speed = speed + 0.5, updated_at = clock_timestamp()",
}
TITLES = {"wide": "12 columns", "narrow": "4 columns"}
COLUMNS = {"wide": "latitude,longitude,updated_at", "narrow": "speed,updated_at"}


@dataclass(frozen=True)
class Variant:
    name: str
    title: str
    attach: str = ""
    extension: str = ""
    options: tuple[str, ...] = ()
    # what a listener to it listens on
    channel: str = ""
    # how often each row is updated before anything is measured
    before: int = 0

    def table(self, shape):
        return f"bench.{shape}_{self.name}"

    def update(self, shape, where):
        return f"update {self.table(shape)} set {UPDATES[shape]} where {where};"


def trigger(call):
    return "create trigger bench after update on {table} for each row execute function " + call + ";"


def ours(name, title, delivery, more="", before=0):
    attach = "select realtime_sync.enable('{table}', old_row => 'full'" + more + ");"
    channel = "realtime_sync" if delivery in ("worker", "inline") else ""
    return Variant(name, title, attach, "realtime_sync", (f"realtime_sync.delivery={delivery}",), channel, before)


THROTTLE = ", throttle => '1 h', throttle_columns => '{{columns}}', throttle_log => 'last'"
VARIANTS = (
    Variant("none", "no trigger"),
    Variant("empty", "empty PL/pgSQL trigger", trigger("bench.nothing()")),
    Variant("tcn", "tcn (contrib; key only, NOTIFY)", trigger("triggered_change_notification('bench')"), "tcn"),
    Variant("notify", "PL/pgSQL `pg_notify(json)`", trigger("bench.notify()"), channel="bench"),
    Variant("outbox", "PL/pgSQL outbox insert", trigger("bench.outbox()")),
    Variant("pgq", "PgQ `jsontriga` with old row (C)", trigger("pgq.jsontriga('bench', 'backup')"), "pgq"),
    ours("unwatched", "realtime_sync, no watched column changed", "manual", ", watch => array['status']"),
    ours("encode", "realtime_sync, encoded and thrown away", "discard"),
    ours("log", "**realtime_sync, to the log**", "manual"),
    # the first update opens the row's window, the second is the first that is kept out
    ours("held", "realtime_sync, kept out of the log (`throttle_log => 'last'`)", "manual", THROTTLE, before=2),
    ours("inline", "realtime_sync, to the log + inline NOTIFY", "inline"),
    ours("worker", "**realtime_sync, relay to a live listener**", "worker"),
)
# instructions, CPU and WAL are those of the writer: the same with a relay as without
WRITING = tuple(v.name for v in VARIANTS if v.name != "worker")
# the commit benchmark compares what a team would choose between
COMMITTING = ("none", "notify", "outbox", "worker")

# what the sinks keep; emptied between rounds, so that the last round runs on the tables of the first
SINKS = {
    "": "truncate bench.outbox;",
    "pgq": "truncate pgq.event_1;",
    "realtime_sync": "truncate realtime_sync.event;",
}


def prepare(server, rows, names):
    """Creates the tables and triggers; returns the variants this server can run."""
    known = set(server.query("select name from pg_available_extensions").split("\n"))
    variants = [v for v in VARIANTS if v.name in names and (not v.extension or v.extension in known)]
    for absent in sorted(names - {v.name for v in variants}):
        print(f"benches: {absent} is left out, its extension is not installed here", file=sys.stderr)
    server.script(Path(__file__).with_name("workload.sql"), rows=rows)
    for extension in sorted({v.extension for v in variants} - {""}):
        server.query(f"create extension {extension};")
    if any(v.extension == "pgq" for v in variants):
        server.query("select pgq.create_queue('bench');")
    for variant in variants:
        for shape in UPDATES:
            table = variant.table(shape)
            server.query(f"create table {table} (like bench.{shape} including all);")
            server.query(f"insert into {table} select * from bench.{shape} order by id;")
            server.query(variant.attach.replace("{table}", table).replace("{columns}", COLUMNS[shape]))
            for _ in range(variant.before):
                server.query(variant.update(shape, "true"), options=variant.options)
            # hint bits and visibility are set now, not by whichever statement is measured first
            server.query(f"vacuum (freeze, analyze) {table};")
    return variants


def empty_sinks(server, variants):
    for extension in sorted({v.extension for v in variants} | {""}):
        server.query(SINKS.get(extension, ""))
