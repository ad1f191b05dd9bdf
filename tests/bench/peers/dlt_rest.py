"""dlt's REST source, tuned: listings side by side, Parquet load files, two workers, nested lists as JSON.

Called as `dlt_rest.py load|count FOLDER`, with GITHUB_API_URL and GITHUB_TOKEN in the environment.
"""

import os
import sys

# Read by dlt when it is imported.
os.environ.update(
    RUNTIME__DLTHUB_TELEMETRY="false",
    RUNTIME__LOG_LEVEL="ERROR",
    EXTRACT__WORKERS="8",
    NORMALIZE__WORKERS="2",
    LOAD__WORKERS="2",
    # So that there is work for two.
    SOURCES__DATA_WRITER__FILE_MAX_ITEMS="4000",
)

import dlt
import duckdb
from dlt.sources.rest_api import rest_api_source


def listing(name, path):
    """Rows of every repository that changed since the last load, the oldest change first."""
    return {
        "name": name,
        "endpoint": {
            "path": "repos/{resources.repos.full_name}/" + path,
            "params": {
                "state": "all",
                "sort": "updated",
                "direction": "asc",
                "per_page": 100,
                "since": "{incremental.start_value}",
            },
            "incremental": {"cursor_path": "updated_at", "initial_value": "2008-01-01T00:00:00Z"},
        },
    }


def source():
    return rest_api_source(
        {
            "client": {
                "base_url": os.environ["GITHUB_API_URL"],
                "auth": {"type": "bearer", "token": os.environ["GITHUB_TOKEN"]},
                "paginator": "header_link",
            },
            "resource_defaults": {"primary_key": "id", "write_disposition": "merge", "parallelized": True},
            "resources": [
                {"name": "repos", "endpoint": {"path": "user/repos", "params": {"per_page": 100}}},
                listing("issues", "issues"),
                listing("issue_comments", "issues/comments"),
            ],
        },
        max_table_nesting=0,
    )


def main(verb, folder):
    database = os.path.join(folder, "warehouse.duckdb")
    if verb == "load":
        pipeline = dlt.pipeline(
            "github",
            pipelines_dir=os.path.join(folder, "pipelines"),
            destination=dlt.destinations.duckdb(database),
            dataset_name="github",
        )
        pipeline.run(source(), loader_file_format="parquet")
    else:
        with duckdb.connect(database, read_only=True) as connection:
            for table in ("repos", "issues", "issue_comments"):
                print(connection.execute(f"SELECT count(*) FROM github.{table}").fetchone()[0])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
