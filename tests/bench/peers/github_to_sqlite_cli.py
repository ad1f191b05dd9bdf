"""github-to-sqlite as it comes: its three commands for each repository. It knows no "since": each load reads all.

Called as `github_to_sqlite_cli.py load|count FOLDER`, with GITHUB_API_URL and GITHUB_TOKEN in the environment.
"""

import os
import sqlite3
import sys


def redirect():
    """Its address of GitHub is fixed; requests for it go to the server of the benchmark, whose answers speak of it."""
    import requests

    plain = requests.get
    base, fixed = os.environ["GITHUB_API_URL"], "https://api.github.com"

    def get(url, **rest):
        response = plain(url.replace(fixed, base, 1), **rest)
        response._content = response.content.replace(base.encode(), fixed.encode())
        return response

    requests.get = get


def load(database):
    redirect()
    from github_to_sqlite.cli import cli

    # Without a file of tokens it takes the one in the environment.
    def call(*args):
        cli(args, standalone_mode=False)

    call("repos", database)
    names = [name for (name,) in sqlite3.connect(database).execute("SELECT full_name FROM repos")]
    for name in names:
        call("issues", database, name)
        call("issue-comments", database, name)


def main(verb, folder):
    database = os.path.join(folder, "github.sqlite")
    if verb == "load":
        load(database)
    else:
        for table in ("repos", "issues", "issue_comments"):
            print(sqlite3.connect(database).execute(f"SELECT count(*) FROM {table}").fetchone()[0])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
