"""The driver's app of examples/fleet-supabase, against a stand-in for PostgREST that dies and comes back, and the other
clients of docs/fleet.md.

Started by run, which makes the server and the database. What the app shows is compared with the database."""

import base64
import hashlib
import hmac
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg

ROOT = Path(__file__).parents[2]
SECRET = "a secret of thirty-two characters"
WITHIN = 20
ANNA, BERT, PAUL, DORA = ({"role": "authenticated", "sub": f"00000000-0000-0000-0000-00000000000{n}"} for n in "abcd")
DORA |= {"app_metadata": {"role": "dispatcher"}}

passed = failed = 0


def check(what, expected, got):
    global passed, failed
    if expected == got:
        passed += 1
    else:
        failed += 1
        print(f"{what}: expected {expected!r}, got {got!r}", flush=True)


def until(what, condition):
    deadline = time.monotonic() + WITHIN
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {WITHIN} s\n" + "\n".join(app.lines()[-20:]))
        time.sleep(0.02)
    check(what, True, True)
    return found


def token(claims, secret=SECRET):
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "HS256"}, claims))
    signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def rpc(function, bearer=None, schema="public", **arguments):
    """As any other client calls: (status, answer)."""
    headers = {"Content-Type": "application/json", "Content-Profile": schema}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer if isinstance(bearer, str) else token(bearer)}"
    request = urllib.request.Request(f"{URL}/rest/v1/rpc/{function}", json.dumps(arguments).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def query(text, *parameters):
    with psycopg.connect(autocommit=True) as connection:
        cursor = connection.execute(text, parameters or None)
        return cursor.fetchall() if cursor.description else None


class StandIn:
    def __init__(self):
        environment = os.environ | {"SECRET": SECRET, "PORT": str(PORT), "SCHEMAS": "public,realtime_sync"}
        self.process = subprocess.Popen([sys.executable, str(Path(__file__).parent / "postgrest.py")], env=environment)
        deadline = time.monotonic() + WITHIN
        while socket.socket().connect_ex(("127.0.0.1", PORT)):
            if time.monotonic() > deadline:
                raise TimeoutError("the stand-in does not answer")
            time.sleep(0.02)

    def kill(self):
        self.process.kill()
        self.process.wait()


class App:
    def __init__(self, claims, name):
        self.path = Path(os.environ["OUTPUT"]) / name
        environment = os.environ | {"SUPABASE_URL": URL, "SUPABASE_KEY": token({"role": "anon"}), "TOKEN": token(claims), "POLL": "0.2"}
        command = ["node", str(ROOT / "examples/fleet-supabase/dist/driver.js")]
        with self.path.open("w") as output:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, text=True)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def lines(self):
        return self.path.read_text().splitlines()

    def shows(self, *lines):
        return all(line in self.lines() for line in lines)

    def shown_last(self):
        return [line for line in self.lines() if line.startswith("Anna: ")][-1:]


def offer(trip, *drivers):
    """By a dispatcher; the offers' ids by driver."""
    status, offers = rpc("offer_trip", DORA, trip_id=trip, drivers=drivers, timeout="1 hour")
    check(f"a dispatcher offers trip {trip}", (200, list(drivers)), (status, [one.get("driver_id") for one in offers]))
    return {one["driver_id"]: one["id"] for one in offers}


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]
URL = f"http://127.0.0.1:{PORT}"

program = (ROOT / "examples/fleet-supabase/driver.ts").read_text()
DOCS = (ROOT / "docs/fleet.md").read_text()
snippets = re.findall("```ts\n(.*?)```", DOCS, re.DOTALL)
check("docs/fleet.md shows the client", True, len(snippets) > 0)
for part in [part for snippet in snippets for part in snippet.strip().split("\n\n")]:
    check(f"what docs/fleet.md shows is what runs here: {part[:40]}", True, part in program)

standin = StandIn()
app = App(ANNA, "anna")
try:
    until("loads the dashboard", lambda: app.shows("Anna: free"))
    (begun,) = query("select realtime_sync.cursor()")[0]
    until("heartbeats", lambda: query("select 1 from realtime_sync.presence where member = '1' and state = 'online'"))
    app.say("at 52.5002 13.4001")
    until("reports where he is", lambda: app.shows("at 52.5002 13.4001"))
    check("and is there", [(52.5002, 13.4001)], query("select lat, lng from drivers where id = 1"))
    app.say("at 12 13")
    until("hears of a place he cannot have reached", lambda: app.shows("not at 12 13: impossible_jump"))

    first = offer(1, 1, 2)
    until("sees an offer", lambda: app.shows(f"Anna: free, offer {first[1]}: trip 1 for 9.5"))
    check("another driver accepts", 200, rpc("accept_offer", BERT, offer_id=first[2])[0])
    until("sees that it is gone", lambda: app.shown_last() == ["Anna: free"])
    app.say(f"accept {first[1]}")
    until("is told who was first", lambda: app.shows(f"offer {first[1]} was taken by another driver"))
    status, error = rpc("accept_offer", ANNA, offer_id=first[1])
    check("as PostgREST tells it", (500, "55000", "Load the driver's open offers again."), (status, error["code"], error["hint"]))

    declined = offer(2, 1)
    until("sees the next", lambda: app.shows(f"Anna: free, offer {declined[1]}: trip 2 for 9.5"))
    app.say(f"decline {declined[1]}")
    until("declines", lambda: app.shows("declined trip 2"))

    standin.kill()
    query("select count(*) from offer_trip(3, array[1]::bigint[], timeout => '1 hour')")
    until("says that it has no connection", lambda: any(line.startswith("failed: ") for line in app.lines()))
    standin = StandIn()
    (third,) = query("select id from trip_offers where trip_id = 3")[0]
    until("has what came meanwhile", lambda: app.shows(f"Anna: free, offer {third}: trip 3 for 9.5"))
    app.say(f"accept {third}")
    until("accepts", lambda: app.shows("accepted trip 3"))
    until("shows the trip, from the dashboard", lambda: app.shown_last() == ["Anna: trip 3 accepted"])
    for step in ("arrived", "in_progress", "completed"):
        check(f"a dispatcher makes it {step}", step, rpc("set_trip_status", DORA, trip_id=3, status=step)[1].get("to"))
    until("is free again", lambda: app.shown_last() == ["Anna: free"])

    # what came between a load's look and its answer is in the load
    topics = ["driver:1"]
    expected = [event["id"] for event in query("select realtime_sync.replay(%s, %s)", begun, topics)[0][0]["events"]]
    got = [int(line.split()[1]) for line in app.lines() if line.startswith("event ")]
    check("events in order, none twice", sorted(set(got)), got)
    check("none invented", [], sorted(set(got) - set(expected)))

    # away for longer than the log goes back
    standin.kill()
    ((missed,),) = query("select realtime_sync.send('driver:1', 'missed', null)")
    until("the relay ticks", lambda: query("select events from realtime_sync.unticked") == [(0,)])
    query("select realtime_sync.set_segment((segment %% 7 + 1)::smallint) from realtime_sync.event where id = %s", missed)
    query("update realtime_sync.tick set at = at - interval '2 days'")
    query("update realtime_sync.event set at = at - interval '2 days'")
    loads = len([line for line in app.lines() if line.startswith("Anna: ")])
    query("select count(*) from realtime_sync.retain()")
    check("the log has let go", [(0,)], query("select count(*) from realtime_sync.event where id = %s", missed))
    standin = StandIn()
    until("loads again when its cursor has expired", lambda: len([line for line in app.lines() if line.startswith("Anna: ")]) > loads)
    fourth = offer(4, 1)
    until("and follows on from there", lambda: app.shows(f"Anna: free, offer {fourth[1]}: trip 4 for 9.5"))
    check("it lives", None, app.process.poll())

    status, answer = rpc("get_driver_dashboard")
    check("nobody in particular gets nothing", (401, "42501"), (status, answer["code"]))
    status, answer = rpc("get_driver_dashboard", token(ANNA, "another secret"))
    check("nor does a forged token", (401, "PGRST301"), (status, answer["code"]))
    check("a passenger is no driver", (200, None), (rpc("get_driver_dashboard", PAUL)[0], rpc("get_driver_dashboard", PAUL)[1]["driver"]))
    status, page = rpc("replay", PAUL, "realtime_sync", since=begun[:8] + "-0000000000000000-7fffffffffffffff", topics=topics)
    check("and does not hear one", True, status >= 400 or page["events"] == [])
    status, answer = rpc("nearby_drivers", ANNA, lat=52.5, lng=13.4)
    check("where the others are is not a driver's", (403, "42501"), (status, answer["code"]))
    status, answer = rpc("nearby_drivers", DORA, lat=52.5, lng=13.4, statuses=["available"])
    check("but a dispatcher's", (200, [1, 2]), (status, [row["driver_id"] for row in answer]))
    status, answer = rpc("get_fleet_overview", DORA, bounds={"west": 13, "south": 52, "east": 14, "north": 53})
    check("and the map", (200, ["Anna", "Bert"]), (status, sorted(driver["name"] for driver in answer["drivers"])))
    check("a call that gives nothing", (204, None), rpc("driver_track", BERT, state="on_break"))
    status, answer = rpc("fleet_setup", ANNA, "realtime_sync")
    check("migrations are no user's", (403, "42501"), (status, answer["code"]))
    status, answer = rpc("update_locations", ANNA, locations=[{"lat": 52.5003, "lng": 13.4001, "recorded_at": "2026-01-01T00:00:00Z", "client_id": "a"}])
    check("a batch that was queued", (200, "late"), (status, answer[0].get("flag")))

    # what docs/fleet.md has for those without supabase-js, run as it stands there
    (shell,) = re.findall("```sh\n(.*?curl.*?)```", DOCS, re.DOTALL)
    said = subprocess.run(
        ["bash", "-e"], input=shell, capture_output=True, text=True, timeout=WITHIN, cwd=os.environ["OUTPUT"],
        env=os.environ | {"API": f"{URL}/rest/v1", "TOKEN": token(ANNA)},
    )
    check("curl moves Anna and hears of it", (0, ["true", "UPDATE"], ""), (said.returncode, said.stdout.split("\n")[:2], said.stderr))
    (script,) = re.findall("```js\n(.*?)```", DOCS, re.DOTALL)
    back_end = subprocess.Popen(
        ["node", "--input-type=module", "-e", script], cwd=ROOT / "examples/follow-typescript", stdout=subprocess.PIPE, text=True
    )
    try:
        check("a plain connection has the map", "Anna, Bert\n", back_end.stdout.readline())
        rpc("update_location", BERT, lat=52.5013, lng=13.4)
        query("update drivers set name = 'Berta' where id = 2")
        check("and follows it", True, any("Berta" in back_end.stdout.readline() for _ in range(5)))
    finally:
        back_end.kill()

    # PostgREST listens on pgrst for what it is to call
    with psycopg.connect(autocommit=True) as connection:
        connection.execute("listen pgrst")

        def told():
            return [(one.channel, one.payload) for one in connection.notifies(timeout=WITHIN if expected else 0.5, stop_after=1)]

        for what, statement, expected in (
            ("a function that is new", "drop function driver_trail; set role migrator; select count(*) from realtime_sync.fleet_setup()", True),
            ("nothing new", "set role migrator; select count(*) from realtime_sync.fleet_setup()", False),
            ("functions that go", "select count(*) from realtime_sync.fleet_remove()", True),
        ):
            with psycopg.connect(autocommit=True) as other:
                other.execute(statement)
            check(f"PostgREST is told of {what}", [("pgrst", "reload schema")] if expected else [], told())
    app.say("quit")
    check("ends when told to", 0, app.process.wait(WITHIN))
except TimeoutError as error:
    failed += 1
    print(error)
finally:
    app.process.kill()
    standin.kill()
    print(f"{passed} passed, {failed} failed", flush=True)
sys.exit(failed > 0)
