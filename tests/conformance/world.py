"""A throw-away home in which planwright runs, and small servers on loopback."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# What a server or a command may take before the program gives up on it, in seconds.
PATIENCE = 300


class World:
    """Of one part of the program."""

    def __init__(self, planwright):
        self.planwright = planwright
        self.folder = Path(tempfile.mkdtemp(prefix="conformance-"))
        self.project = self.folder / "project"
        self.project.mkdir()
        self.run("git", "init", "--quiet", "--initial-branch", "main")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, api=None):
        """Nothing of the person's own but where programs lie; `api` is an address and a token."""
        own = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "NO_COLOR": "1"}
        return own | (dict(zip(("GITHUB_API_URL", "GITHUB_TOKEN"), api)) if api else {})

    def run(self, *command, api=None, expect=(0,)):
        """Runs a command in the project; what it said on stdout."""
        ran = subprocess.run(
            command, cwd=self.project, env=self.environment(api), text=True, capture_output=True, timeout=PATIENCE
        )
        if ran.returncode not in expect:
            raise RuntimeError(f"{command} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    def choose(self, resources):
        """Writes down what `sync` is to read."""
        (self.project / "planwright.toml").write_text(f"[sync]\nresources = {json.dumps(resources)}\n")

    def sync(self, api):
        """Syncs; 4 is partial, which is right where the server lacks something. What it told."""
        return self.run(self.planwright, "sync", api=api, expect=(0, 4))

    def query(self, sql):
        """The rows of a query of the warehouse."""
        said = self.run(self.planwright, "query", "--format", "json", sql)
        return [json.loads(line) for line in said.splitlines() if line]

    @contextmanager
    def hub(self, *arguments):
        """The embedded GitHub, served as people serve it; its address and token."""
        command = [self.planwright, "hub", "serve", *arguments]
        hub = subprocess.Popen(
            command, cwd=self.project, env=self.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            said = dict(hub.stdout.readline().strip().removeprefix("export ").split("=", 1) for _ in range(2))
            yield said["GITHUB_API_URL"], said["GITHUB_TOKEN"]
        finally:
            hub.terminate()
            hub.wait(PATIENCE)


@contextmanager
def serving(answer):
    """Serves `answer(method, path with query, headers, body)` -> (status, headers, body) on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, out = answer(self.command, self.path, dict(self.headers.items()), body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            if status not in (204, 304):
                self.wfile.write(out)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
