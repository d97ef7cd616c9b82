"""Backend CPU and WAL per row on a live server, the variants taking turns in every round."""

from statistics import median

from workload import UPDATES, WRITING, empty_sinks

# the backend's own time on a processor in ns, and the end of WAL, read by itself between its statements
READ = (
    "select split_part(pg_catalog.pg_read_file('/proc/self/schedstat'), ' ', 1),"
    " pg_catalog.pg_current_wal_insert_lsn() - '0/0';"
)
# waiting for the disk is no CPU, but makes a thousand commits last seconds
NO_WAIT = "synchronous_commit=off"


def difference(server, variant, shape, statements, rows):
    """(CPU in us, WAL bytes) per row of these statements, in one fresh session."""
    warm_up = variant.update(shape, "id = 1") + "\n" + variant.update(shape, "id between 1 and 2")
    lines = "\n".join((warm_up, READ, *statements, READ))
    before, after = (
        [int(word) for word in line.split()]
        for line in server.query(lines, options=(*variant.options, NO_WAIT)).split("\n")
    )
    return (after[0] - before[0]) / 1000 / rows, (after[1] - before[1]) / rows


def measure(server, variants, rows, singles, rounds):
    """{(shape, size): {variant name: its medians}}"""
    seen = {}
    variants = [v for v in variants if v.name in WRITING]
    for number in range(rounds):
        # each round starts elsewhere in the list, so that none always follows the same neighbour
        order = variants[number % len(variants) :] + variants[: number % len(variants)]
        for shape in UPDATES:
            empty_sinks(server, variants)
            for variant in order:
                bulk = [variant.update(shape, "true")]
                single = [variant.update(shape, f"id = {i}") for i in range(1, singles + 1)]
                for size, lines, count in (("bulk", bulk, rows), ("single", single, singles)):
                    cpu, wal = difference(server, variant, shape, lines, count)
                    seen.setdefault((shape, size), {}).setdefault(variant.name, []).append((cpu, wal))
                server.query(f"vacuum {variant.table(shape)};")
    return {
        key: {name: summary(mine, by_name["none"]) for name, mine in by_name.items()} for key, by_name in seen.items()
    }


def summary(mine, bare):
    # a difference or ratio is taken within its round, where both sides saw the same machine
    return {
        "cpu": median(m[0] - b[0] for m, b in zip(mine, bare)),
        "ratio": median(m[0] / b[0] for m, b in zip(mine, bare)),
        "bare": median(b[0] for b in bare),
        "wal": median(m[1] - b[1] for m, b in zip(mine, bare)),
        "bare_wal": median(b[1] for b in bare),
    }
