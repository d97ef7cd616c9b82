"""Instructions per row, by callgrind: the figure that does not depend on the machine's mood."""

import re

from workload import UPDATES, WRITING

MARKER = "select pg_backend_pid();"


def statements(variant, shape, rows, singles):
    """Two measured stretches: one statement over `rows` rows, then `singles` statements of one row."""
    yield from (f"set {name} = '{value}';" for name, value in (o.split("=") for o in variant.options))
    # catalog caches, plans and the library are loaded before the first marker
    yield variant.update(shape, f"id = {rows + singles + 1}")
    yield variant.update(shape, f"id between {rows + singles + 1} and {rows + singles + 2}")
    yield MARKER
    yield variant.update(shape, f"id between 1 and {rows}")
    yield MARKER
    yield from (variant.update(shape, f"id = {i}") for i in range(rows + 1, rows + singles + 1))
    yield MARKER


def total(path):
    return int(re.search(r"^totals: (\d+)", path.read_text(), re.MULTILINE)[1])


def measure(server, variants, rows, singles):
    """{(shape, size): {variant name: instructions a row}}, with size "bulk" or "single"."""
    runs = [(v, shape) for shape in UPDATES for v in variants if v.name in WRITING]
    files = server.callgrind([line for v, shape in runs for line in statements(v, shape, rows, singles)])
    figures = {(shape, size): {} for shape in UPDATES for size in ("bulk", "single")}
    for number, (variant, shape) in enumerate(runs):
        # of each run's three files the first holds its warm-up
        bulk, single = files[3 * number + 1 : 3 * number + 3]
        figures[shape, "bulk"][variant.name] = total(bulk) / rows
        figures[shape, "single"][variant.name] = total(single) / singles
    return figures
