"""A stand-in for PostgREST: of POST /rpc/FUNCTION just what its documentation says that it does with the database.

Against its own logic nothing is tested here, but what the kit meets: the role and the claims of a token, the access mode of a
function's volatility, arguments by name, errors as JSON. The environment says: PGHOST, PORT, SECRET, SCHEMAS.
"""

import base64
import hashlib
import hmac
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
from psycopg import sql

SCHEMAS = os.environ["SCHEMAS"].split(",")
STATUS = {"42883": 404, "42P01": 404, "23503": 409, "23505": 409, "25006": 405, "P0001": 400} | dict.fromkeys(["08", "53"], 503)
STATUS |= dict.fromkeys(["0L", "0P", "28"], 403) | dict.fromkeys("09 25 2D 38 39 3B 40 54 55 57 58 F0 HV P0 XX".split(), 500)
# a function that takes these arguments and needs no other
FUNCTION = """
select p.provolatile, p.proretset, p.prorettype = 'void'::regtype,
    array(select a.name from unnest(p.proargnames[:p.pronargs]) a(name) where a.name = any (%(names)s)),
    array(select t.type::regtype::text from rows from (unnest(p.proargnames[:p.pronargs]), unnest(p.proargtypes)) t(name, type) where t.name = any (%(names)s))
from pg_proc p
where p.pronamespace = %(schema)s::regnamespace and p.proname = %(name)s and p.prokind = 'f'
    and %(names)s <@ coalesce(p.proargnames[:p.pronargs], '{}') and coalesce(p.proargnames[:p.pronargs - p.pronargdefaults], '{}') <@ %(names)s
"""


class Refused(Exception):
    def __init__(self, status, code, message):
        self.status, self.error = status, {"code": code, "message": message, "details": None, "hint": None}


def claims(authorization):
    if not authorization:
        return {"role": "anon"}
    head, body, signature = (authorization.removeprefix("Bearer ").split(".") + ["", ""])[:3]
    right = hmac.new(os.environ["SECRET"].encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    if signature != base64.urlsafe_b64encode(right).decode().rstrip("="):
        raise Refused(401, "PGRST301", "JWSError JWSInvalidSignature")
    return {"role": "anon"} | json.loads(base64.urlsafe_b64decode(body + "=="))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def call(self, body):
        schema = self.headers.get("Content-Profile", SCHEMAS[0])
        if schema not in SCHEMAS:
            raise Refused(406, "PGRST106", f"Invalid schema: {schema}")
        token = claims(self.headers.get("Authorization"))
        name, given = self.path.rsplit("/rpc/", 1)[-1], json.loads(body or "{}")
        with psycopg.connect(user="authenticator", autocommit=True) as connection:
            wanted = {"schema": schema, "name": name, "names": list(given)}
            found = connection.execute(FUNCTION, wanted).fetchall()
            if len(found) != 1:
                raise Refused(300 if found else 404, "PGRST203" if found else "PGRST202", f"{schema}.{name}({', '.join(given)}) is not one function")
            volatility, many, void, names, types = found[0]
            connection.read_only = volatility != "v"
            with connection.transaction():
                settings = {"role": token["role"], "request.jwt.claims": json.dumps(token), "search_path": f'"{schema}"', "request.method": "POST"}
                settings["request.headers"] = json.dumps({key.lower(): value for key, value in self.headers.items()})
                for setting in settings.items():
                    connection.execute("select set_config(%s, %s, true)", setting)
                arguments = sql.SQL(", ").join(sql.SQL("{0} := a.{0}").format(sql.Identifier(n)) for n in names)
                columns = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(t)) for n, t in zip(names, types))
                source = sql.SQL("json_to_record(%s) as a({}),").format(columns) if names else sql.SQL("(select %s::json) as a,")
                shape = sql.SQL("coalesce(json_agg(called), '[]')" if many else "coalesce(json_agg(called) -> 0, 'null')")
                query = sql.SQL("select {}::text from {} lateral {}({}) as called").format(shape, source, sql.Identifier(schema, name), arguments)
                result = connection.execute(query, [json.dumps(given)]).fetchone()[0]
            return None if void else result

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            result = self.call(body)
            status = 204 if result is None else 200
        except Refused as refused:
            status, result = refused.status, json.dumps(refused.error)
        except psycopg.Error as error:
            code, said = error.sqlstate or "08000", error.diag
            status = STATUS.get(code, STATUS.get(code[:2], 400))
            if code == "42501":
                status = 403 if self.headers.get("Authorization") else 401
            result = json.dumps({"code": code, "message": said.message_primary, "details": said.message_detail, "hint": said.message_hint})
        answer = (result or "").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    server.handle_error = lambda *_: None  # a client that hung up
    server.serve_forever()
