"""Transactions per second of many clients, each updating one row a transaction, with a live listener on whatever
notifies, and WAL flushes per transaction."""

import re
import time
from statistics import median

from listener import listening
from workload import COMMITTING, empty_sinks

# the second mode gives every flush the same 3 ms, so that machines with different disks agree
MODES = {
    "fsync as it is": ("commit_delay=0",),
    "every flush at least 3 ms": ("commit_delay=3000", "commit_siblings=0"),
}


def flushes(server):
    # a backend reports its last flushes when it ends, which is a little after its client has gone
    while server.query("select 1 from pg_stat_activity where application_name = 'pgbench'"):
        time.sleep(0.02)
    return int(server.query("select wal_sync from pg_stat_wal;"))


def run(server, variant, clients, seconds, rows, mode):
    """(transactions a second, WAL flushes a transaction, committed, received)"""
    script = server.directory / "commit.sql"
    script.write_text(f"\\set id random(1, {rows})\n" + variant.update("wide", "id = :id") + "\n")
    before = flushes(server)
    with listening(server, variant.channel) as listener:
        done = server.run(
            *("pgbench", "-n", "-M", "prepared", "-f", script, "-c", clients, "-j", min(clients, 2), "-T", seconds),
            options=(*variant.options, *mode),
        )
        tps = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])
        transactions = int(re.search(r"actually processed: (\d+)", done.stdout)[1])
        count = listener and listener.wait_for(transactions)
    received = (transactions, count.received if not count.twice else -count.twice) if count else (0, 0)
    return tps, (flushes(server) - before) / transactions, *received


def measure(server, variants, clients, seconds, rounds, rows):
    """{mode: {clients: {variant name: {"tps", "ratio", "flushes": medians, "committed", "received": sums}}}}"""
    variants = [v for v in variants if v.name in COMMITTING]
    seen = {}
    for number in range(rounds):
        order = variants[number % len(variants) :] + variants[: number % len(variants)]
        empty_sinks(server, variants)
        for title, mode in MODES.items():
            for count in clients:
                for variant in order:
                    figures = run(server, variant, count, seconds, rows, mode)
                    seen.setdefault(title, {}).setdefault(count, {}).setdefault(variant.name, []).append(figures)
    return {
        title: {
            count: {name: summary(mine, by_name["none"]) for name, mine in by_name.items()}
            for count, by_name in by_count.items()
        }
        for title, by_count in seen.items()
    }


def summary(mine, bare):
    return {
        "tps": median(m[0] for m in mine),
        "ratio": median(m[0] / b[0] for m, b in zip(mine, bare)),
        "flushes": median(m[1] for m in mine),
        "committed": sum(m[2] for m in mine),
        "received": sum(m[3] for m in mine),
    }
