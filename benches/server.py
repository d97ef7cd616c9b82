"""A throwaway PostgreSQL server, and the ways in: psql, pgbench, and one backend alone under callgrind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

SETTINGS = {
    "listen_addresses": "",
    "autovacuum": "off",
    "jit": "off",
    "shared_buffers": "512MB",
    "max_connections": "60",
    # no checkpoint, so no full-page image, falls into a measurement
    "checkpoint_timeout": "1h",
    "max_wal_size": "20GB",
    "restart_after_crash": "off",
}


class Server:
    def __init__(self, pg_config, directory):
        for tool in (pg_config, "valgrind"):
            if not shutil.which(tool):
                raise SystemExit(f"benches: {tool} is not installed")
        # a killed run stops its server too
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        found = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True)
        self.bin = Path(found.stdout.strip())
        self.directory = Path(directory).resolve()
        # initdb refuses root
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        # a socket's path may have 107 bytes, a checkout's may have more
        self.socket = tempfile.mkdtemp(prefix="bench-")
        # PGOPTIONS and the like of the caller would end up in the figures; RUST_BACKTRACE in error details
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "RUST_BACKTRACE"))}
        self.env |= {"LC_ALL": "C.UTF-8", "PGHOST": self.socket, "PGUSER": "postgres", "PGDATABASE": "postgres"}
        self.running = False
        # settings of this start, beside the file's
        self.more = {}

    def __enter__(self):
        try:
            self.create()
        except BaseException:
            self.__exit__()
            raise
        return self

    def create(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        for path in (self.directory, self.socket):
            self.hand_over(path)
        if subprocess.run([*self.user, "test", "-w", self.directory]).returncode:
            raise SystemExit(f"benches: user postgres cannot reach {self.directory}; set BENCH_DIR to a place it can")
        self.data = self.directory / "data"
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        conf = "".join(f"{k} = '{v}'\n" for k, v in SETTINGS.items())
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(conf + f"unix_socket_directories = '{self.socket}'\n")
        self.start()

    def hand_over(self, path):
        if self.user:
            shutil.chown(path, "postgres", "postgres")

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.socket, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, program, *args, options=(), stdin="", under=(), database="postgres"):
        command = [*self.user, *under, str(self.bin / program), *map(str, args)]
        env = self.settings(options, database)
        done = subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, cwd=self.directory)
        if done.returncode:
            raise SystemExit(f"benches: {program} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done

    def settings(self, options, database):
        return self.env | {"PGOPTIONS": " ".join(f"-c {o}" for o in options), "PGDATABASE": database}

    def start(self):
        log = self.directory / "server.log"
        options = " ".join(f"-c {k}={v}" for k, v in self.more.items())
        self.run("pg_ctl", "start", "-w", "-s", "-D", self.data, "-l", log, "-o", options)
        self.running = True

    def restart(self, **more):
        self.stop()
        self.more = more
        self.start()

    def stop(self):
        if self.running:
            self.running = False
            self.run("pg_ctl", "stop", "-w", "-s", "-m", "fast", "-D", self.data)

    def query(self, sql, options=(), database="postgres"):
        psql = ("psql", "-XAtq", "-F", " ", "-v", "ON_ERROR_STOP=1", "-f", "-")
        return self.run(*psql, options=options, stdin=sql, database=database).stdout.strip()

    def script(self, path, database="postgres", **variables):
        sets = [word for k, v in variables.items() for word in ("-v", f"{k}={v}")]
        self.run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", *sets, "-f", "-", stdin=path.read_text(), database=database)

    @contextmanager
    def whole_under_callgrind(self):
        """The server with every process under callgrind, which writes out and zeroes its counters when the process reads its
        configuration anew; yields where the files go: out.PID, out.PID.1 for what was before the first reload, and so on."""
        self.stop()
        out = Path(tempfile.mkdtemp(dir=self.directory, prefix="callgrind-"))
        self.hand_over(out)
        valgrind = ("valgrind", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={out}/out.%p")
        command = [*self.user, *valgrind, "--dump-before=ProcessConfigFile", self.bin / "postgres", "-D", self.data]
        with open(out / "log", "w") as log:
            process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log, cwd=self.directory)
        try:
            while subprocess.run([self.bin / "pg_isready", "-q"], env=self.env).returncode:
                if process.poll() is not None:
                    raise SystemExit("benches: the server did not start under callgrind:\n" + (out / "log").read_text()[-2000:])
                time.sleep(0.2)
            yield out
        finally:
            self.run("pg_ctl", "stop", "-w", "-s", "-m", "fast", "-D", self.data)
            process.wait()
            self.start()

    def callgrind(self, statements):
        """Runs statements, one a line, in a lone backend; returns callgrind's files, one for each stretch between markers.

        A marker is `select pg_backend_pid()`: callgrind writes out and zeroes its counters whenever that function is
        entered, so that neither startup nor preparation is in the figures.
        """
        self.stop()
        out = Path(tempfile.mkdtemp(dir=self.directory, prefix="callgrind-"))
        self.hand_over(out)
        valgrind = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}/out", "--dump-before=pg_backend_pid")
        lines = "\n".join(statements) + "\n"
        done = self.run("postgres", "--single", "-D", self.data, "postgres", under=valgrind, stdin=lines)
        if "ERROR:" in done.stderr:
            raise SystemExit(f"benches: a statement failed in the lone backend:\n{done.stderr[-4000:]}")
        self.start()
        return sorted((f for f in out.iterdir() if f.suffix), key=lambda f: int(f.suffix[1:]))
