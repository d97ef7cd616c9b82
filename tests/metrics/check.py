"""Checks of metrics() and the alert rules; tests/metrics/run calls it."""

import os
import re
import subprocess
import sys

import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic

metrics_file, stats_file, alerts_file, promtool, alerts_test = sys.argv[1:]
DATABASE = 'odd"\\name'
results = []


def check(what, condition, got=""):
    results.append(bool(condition))
    if not condition:
        print(f"{what}: {got}")


def refused(text):
    try:
        list(openmetrics(text))
    except ValueError:
        return True
    return False


with open(metrics_file, encoding="utf-8") as file:
    text = file.read()
families = list(openmetrics(text))
samples = {(sample.name, sample.labels.get("sink") or sample.labels.get("source") or sample.labels.get("le")): sample.value
           for family in families for sample in family.samples}
names = {name for name, _ in samples}

# the parser is a strict one
for what, broken in {
    "no end": text.replace("# EOF\n", ""),
    "a quote not escaped": text.replace('odd\\"', 'odd"'),
    "a counter without its suffix": text.replace("realtime_sync_sent_total{", "realtime_sync_sent{"),
    "a unit that the name does not end with": text.replace("# UNIT realtime_sync_lag_seconds seconds", "# UNIT realtime_sync_lag_seconds bytes"),
    "a histogram without its count": re.sub("realtime_sync_latency_seconds_count.*\n", "", text),
    "a family in two places": text.replace("# EOF\n", "") + '# TYPE realtime_sync_sent counter\nrealtime_sync_sent_total 1\n# EOF\n',
}.items():
    check(f"refused: {what}", broken != text and refused(broken), "it was accepted")

check("every family has a type and a text", all(f.type != "unknown" and f.documentation for f in families), [f.name for f in families])
check("every sample names the database", all(s.labels.get("database") == DATABASE for f in families for s in f.samples), families)
check("the odd source", ("realtime_sync_source_changes_total", 'public."t ""\\"') in samples, samples)
check("the odd sink", ("realtime_sync_sink_behind_ticks", 'outbox "\\') in samples, samples)
check("what was sent", samples.get(("realtime_sync_sent_total", None)) == 20, samples)
check("what one sink was sent", samples.get(("realtime_sync_sink_sent_total", 'outbox "\\')) == 10, samples)
check("what was written", samples.get(("realtime_sync_written_total", None)) == 10, samples)
check("a relay runs", samples.get(("realtime_sync_relay_running", None)) == 1, samples)
check("seconds are plausible", 0 <= samples.get(("realtime_sync_relay_idle_seconds", None), -1) < 60, samples)
buckets = [value for (name, _), value in samples.items() if name == "realtime_sync_latency_seconds_bucket"]
check("the histogram counts the ticks", buckets and buckets[-1] == samples[("realtime_sync_ticks_total", None)] > 0, buckets)
latency = [samples.get((f"realtime_sync_latency_seconds_{what}", None)) for what in ("count", "sum")]
check("so many ticks took so long together", latency[0] == buckets[-1] and 0 < latency[1] < 60 * buckets[-1], latency)

# one list of names: all that stats has, and nothing else
with open(stats_file, encoding="utf-8") as file:
    stats = [line.rstrip("\n").split("\t") for line in file]
for name, subject, value in stats:
    if name in ("relay_pid", "latency_ticks") or value == "":
        continue
    found = [key for key in ((f"realtime_sync_{name}{suffix}", subject or None) for suffix in ("", "_total")) if key in samples]
    check(f"{name} of stats", len(found) == 1, found)
check("nothing else", len(names) == len({name for name, _, value in stats if name != "relay_pid" and value != ""}) + 3, sorted(names))

# the format before OpenMetrics, which the textfile collector of the node exporter reads
older = {sample.name for family in classic(text) for sample in family.samples}
check("the older format", names == older, names ^ older)

with open(alerts_file, encoding="utf-8") as file:
    rules = [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]
check("there are rules", len(rules) > 5, rules)
check("their names differ", len({rule["alert"] for rule in rules}) == len(rules), rules)
for rule in rules:
    used = set(re.findall(r"realtime_sync_\w+", rule["expr"]))
    check(f"{rule['alert']} asks what exists", used and used <= names, used - names)
    check(f"{rule['alert']} says what is wrong", rule["annotations"].get("summary") and rule["labels"].get("severity"), rule)

if os.access(promtool, os.X_OK):
    for what, arguments, given in (
        ("rules", ["check", "rules", alerts_file], ""),
        ("rules tried", ["test", "rules", alerts_test], ""),
        ("metrics", ["check", "metrics"], text),
    ):
        run = subprocess.run([promtool, *arguments], input=given, capture_output=True, text=True)
        # "check metrics" also lints the older format's style; 3 is the status of that alone
        check(f"promtool: {what}", run.returncode in ((0, 3) if what == "metrics" else (0,)), run.stdout + run.stderr)
else:
    check("promtool is there", "CI" not in os.environ, "not found: alert rules were not tried")

print(f"{results.count(True)} passed, {results.count(False)} failed")
sys.exit(not all(results))
