"""tap-github into target-duckdb, with the state that the target last confirmed.

Called as `tap_github_duckdb.py load|count FOLDER`, with GITHUB_API_URL and GITHUB_TOKEN in the environment.
"""

import json
import os
import subprocess
import sys

STREAMS = ("repositories", "issues", "issue_comments")


def tap(args):
    """The tap with its three streams, made to speak to the server of the benchmark."""
    from tap_github import repository_streams
    from tap_github.authenticator import TokenManager
    from tap_github.tap import TapGitHub

    # It would ask api.github.com, whatever its configuration says.
    TokenManager.is_valid_token = lambda _self: True
    # It looks for GitHub's `after=` in links; the server numbers its pages.
    repository_streams.IssuesStream.use_cursor_pagination = False
    every = TapGitHub.discover_streams
    TapGitHub.discover_streams = lambda self: [stream for stream in every(self) if stream.name in STREAMS]
    TapGitHub.cli(args)


def written(folder, name, value):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)
    return path


def load(folder):
    state = os.path.join(folder, "state.json")
    settings = {
        "organizations": ["sample"],
        "api_url_base": os.environ["GITHUB_API_URL"],
        "auth_token": os.environ["GITHUB_TOKEN"],
        "start_date": "2008-01-01T00:00:00Z",
    }
    arguments = ["--config", written(folder, "tap.json", settings)]
    if os.path.exists(state):
        arguments += ["--state", state]
    target = {"path": database(folder), "default_target_schema": "github", "add_metadata_columns": False}
    with (
        subprocess.Popen([sys.executable, __file__, "tap", *arguments], stdout=subprocess.PIPE) as reads,
        subprocess.Popen(
            [sys.executable, "-c", "import target_duckdb; target_duckdb.main()"]
            + ["--config", written(folder, "target.json", target)],
            stdin=reads.stdout,
            stdout=subprocess.PIPE,
            text=True,
        ) as writes,
    ):
        reads.stdout.close()
        confirmed = [line for line in writes.stdout if line.strip()]
    if reads.returncode or writes.returncode:
        sys.exit(f"the tap ended with {reads.returncode}, the target with {writes.returncode}")
    if confirmed:
        written(folder, "state.json", json.loads(confirmed[-1]))


def database(folder):
    return os.path.join(folder, "warehouse.duckdb")


def count(folder):
    import duckdb

    with duckdb.connect(database(folder), read_only=True) as connection:
        for table in STREAMS:
            print(connection.execute(f"SELECT count(*) FROM github.{table}").fetchone()[0])


if __name__ == "__main__":
    if sys.argv[1] == "tap":
        tap(sys.argv[2:])
    elif sys.argv[1] == "load":
        load(sys.argv[2])
    else:
        count(sys.argv[2])
