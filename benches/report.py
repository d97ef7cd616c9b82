"""The figures as markdown, to the terminal and into docs/performance.md between its two marks."""

import os
import re
from datetime import date
from pathlib import Path

from workload import TITLES, VARIANTS

BEGIN, END = "<!-- figures: written by benches/run -->", "<!-- end of figures -->"
# DESIGN.md "Speed to reach": added instructions a row, 12 columns, one large UPDATE
TARGETS = {"log": 42_000, "encode": 26_000, "unwatched": 2_000}
HEAD = ["trigger", "instructions a row", "backend CPU a row", "CPU, no trigger = 1", "WAL bytes a row"]
TITLE = {v.name: v.title for v in VARIANTS}


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


def targets(instructions):
    bulk = instructions["wide", "bulk"]
    lines = []
    for name, limit in TARGETS.items():
        if name in bulk:
            added = bulk[name] - bulk["none"]
            lines.append([TITLE[name], f"{limit:,}", f"{added:,.0f}", "reached" if added <= limit else "**missed**"])
    if lines:
        yield "### Targets (added instructions a row, 12 columns, one large UPDATE, old_row full)\n"
        yield table(["what", "at most", "measured", ""], lines) + "\n"


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


def write(text, path):
    page = path.read_text()
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"benches: {path} has lost its marks {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")
