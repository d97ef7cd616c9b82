"""The figures as markdown, to the terminal and into docs/performance.md between its two marks."""

import os
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from workload import TITLES, VARIANTS

BEGIN, END = "<!-- figures: written by benches/run -->", "<!-- end of figures -->"
# added instructions a row, 12 columns, one large UPDATE, old_row full
INSTRUCTIONS = {"log": 42_000, "encode": 26_000, "unwatched": 2_000}
HEAD = ["trigger", "instructions a row", "backend CPU a row", "CPU, no trigger = 1", "WAL bytes a row"]
TITLE = {v.name: v.title for v in VARIANTS}


@dataclass
class Figures:
    """What each part measured; a part that did not run has none."""

    counted: dict = field(default_factory=dict)
    measured: dict = field(default_factory=dict)
    committed: dict = field(default_factory=dict)
    latency: dict = field(default_factory=dict)
    backlog: dict = field(default_factory=dict)


def parts(figures, plan):
    reached = list(targets(figures))
    if reached:
        yield "### Targets\n"
        yield table(["what", "to reach", "measured", ""], reached) + "\n"
    if figures.counted:
        yield from per_row(figures.counted, figures.measured, plan)
    yield from commits(figures.committed)
    if figures.latency:
        yield from latencies(figures.latency)
    if figures.backlog:
        yield from backlogs(figures.backlog)


def machine(server):
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
    version = server.query("select split_part(version(), ' on ', 1)")
    name = model[1] if model else os.uname().machine
    return f"{name}, {os.cpu_count()} cores, {memory / 2**20:.0f} GB; {version}; {date.today()}"


def table(head, rows):
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def per_row(instructions, rows, plan):
    for shape, title in TITLES.items():
        for size, statement in (("bulk", f"one UPDATE of {plan.rows:,} rows"), ("single", "one row a statement")):
            counted, measured = instructions[shape, size], rows[shape, size]
            names = [v.name for v in VARIANTS if v.name in measured]
            yield f"### {title}, {statement}\n"
            yield table(HEAD, [line(name, counted, measured[name]) for name in names]) + "\n"


def line(name, counted, figures):
    if name == "none":
        cells = (f"{counted[name]:,.0f}", f"{figures['bare']:.1f} us", "1.00", f"{figures['bare_wal']:,.0f}")
    else:
        cells = (
            f"+{counted[name] - counted['none']:,.0f}",
            f"{figures['cpu']:+.1f} us",
            f"{figures['ratio']:.2f}",
            f"{round(figures['wal']):+,}",
        )
    return [TITLE[name], *cells]


def targets(figures):
    """Lines of the table: what, to reach, measured, whether."""
    if figures.counted:
        bulk = figures.counted["wide", "bulk"]
        for name, most in INSTRUCTIONS.items():
            if name in bulk:
                added = bulk[name] - bulk["none"]
                yield target(f"added instructions a row: {TITLE[name]}", added, at_most=most)
    for mode, by_count in figures.committed.items():
        most = max(by_count)
        if "worker" in by_count[most]:
            bare, ours = by_count[most]["none"], by_count[most]["worker"]
            what = f"{most} clients, relay to a live listener, {mode}"
            yield target(f"{what}: transactions a second, no trigger = 1", ours["ratio"], at_least=0.8)
            yield target(f"{what}: WAL flushes a transaction, no trigger = 1", ours["flushes"] / bare["flushes"], at_most=1.1)
    counts = [c["worker"] for by_count in figures.committed.values() for c in by_count.values() if "worker" in c]
    if counts:
        committed, received = (sum(c[key] for c in counts) for key in ("committed", "received"))
        word = "reached" if committed == received else "**missed**"
        yield ["events the live listener received in all these runs", f"{committed:,}", f"{received:,}", word]
    if ours := figures.latency.get(1000, {}).get("worker"):
        yield target("acknowledged to received, 1,000 events/s, p50 in ms", ours["p50"], at_most=0.5)
        yield target("acknowledged to received, 1,000 events/s, p99 in ms", ours["p99"], at_most=5)
    if figures.backlog:
        for what, (rate, *_) in figures.backlog["relay"].items():
            if what != "NOTIFY alone":
                yield target(f"relayed events/s on one core, backlog of {what}", rate, at_least=100_000)
        for role, least in (("superuser", 300_000), ("reader", 100_000)):
            policies = "no policies" if role == "superuser" else "one topic policy"
            yield target(f"replayed events/s on one core, {policies}", figures.backlog["replay"][role], at_least=least)


def target(what, value, at_most=None, at_least=None):
    limit = at_least if at_most is None else at_most
    reached = value >= limit if at_most is None else value <= limit
    number = f"{value:,.0f}" if limit >= 1000 else f"{value:.2f}"
    word = "at least" if at_most is None else "at most"
    return [what, f"{word} {limit:,}", number, "reached" if reached else "**missed**"]


def commits(figures):
    for mode, by_count in figures.items():
        counts = list(by_count)
        names = [v.name for v in VARIANTS if v.name in by_count[counts[0]]]
        yield f"### Transactions a second, {mode} (no trigger = 1; WAL flushes a transaction behind)\n"
        head = ["trigger"] + [f"{c} client{'s' * (c > 1)}" for c in counts]
        yield table(head, [[TITLE[n], *(commit_cell(by_count[c][n], n) for c in counts)] for n in names]) + "\n"


def commit_cell(figures, name):
    first = f"{figures['tps']:,.0f} tps" if name == "none" else f"{figures['ratio']:.2f}"
    return f"{first} ({figures['flushes']:.2f})"


def latencies(figures):
    yield "### From the commit's acknowledgement to its event, one listener (milliseconds)\n"
    rows = []
    for rate, by_name in figures.items():
        for name, seen in by_name.items():
            asked = f"{rate:,} events/s" if rate else "as many as go"
            times = (f"{seen[key]:.2f}" for key in ("p50", "p95", "p99", "most"))
            missing = f"{seen['received']:,.0f} of {seen['committed']:,.0f}"
            rows.append([f"{asked}: {LISTENED[name]}", f"{seen['rate']:,.0f}", *times, missing])
    yield table(["", "events/s", "p50", "p95", "p99", "most", "received"], rows) + "\n"


LISTENED = {
    "worker": "realtime_sync, the relay",
    "inline": "realtime_sync, NOTIFY in the transaction",
    "notify": "PL/pgSQL `pg_notify(json)`",
}


def backlogs(figures):
    yield "### A backlog relayed, to a live listener where nothing else is said\n"
    rows = [
        [what, f"{rate:,.0f}", f"{clock:,.0f}", f"{octets:,.0f}"]
        for what, (rate, clock, octets) in (figures["relay"] | figures["sinks"]).items()
    ]
    yield table(["", "events/s of the process's CPU", "events/s by the clock", "bytes an event"], rows) + "\n"
    yield f"### Replay of ticks with {figures['ticks']:.1f} events each, 1,000 events a call\n"
    rows = [
        ["no policies" if role == "superuser" else "one topic policy", f"{rate:,.0f}"]
        for role, rate in figures["replay"].items()
    ]
    yield table(["", "events/s of the process's CPU"], rows) + "\n"


def write(text, path):
    page = path.read_text()
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"benches: {path} has lost its marks {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")
