"""From a commit's acknowledgement to its event, at some rates, beside NOTIFY in the transaction itself."""

from listener import latency
from workload import empty_sinks

# changes a second (0: as many as go) and the connections that make them
RATES = {20: 4, 1000: 8, 0: 32}
LISTENED = ("worker", "inline", "notify")
NAMES = ("committed", "received", "rate", "p50", "p95", "p99", "most")


def measure(server, variants, seconds):
    """{rate: {variant name: {"committed", "received", "rate", "p50", "p95", "p99", "most"}}}, times in ms"""
    seen = {rate: {} for rate in RATES}
    by_name = {v.name: v for v in variants}
    for rate, connections in RATES.items():
        for name in LISTENED:
            if name in by_name:
                v = by_name[name]
                words = latency(server, v.channel, v.table("wide"), connections, rate, seconds, v.options)
                seen[rate][name] = dict(zip(NAMES, map(float, words)))
        empty_sinks(server, variants)
    return seen
