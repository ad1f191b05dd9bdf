"""Data that planwright's people did not write: GitHub's published examples, read by `sync` as if they were
an account, and nothing of it may be refused.

The examples are those of the description (one answer of each operation) and those of webhooks (hundreds of
real issues, pull requests, comments, runs), which carry the same objects.
"""

import json
from urllib.parse import urlsplit

import resources as spec
from world import World, serving

PART = "published"

# Where webhooks carry an object of a listing: event, key in its payload, the listing's path, its envelope.
CARRIED = [
    ("issues", "issue", "/issues", None),
    ("issues", "issue", "/repos/{owner}/{repo}/issues", None),
    ("issue_comment", "comment", "/repos/{owner}/{repo}/issues/comments", None),
    ("pull_request", "pull_request", "/repos/{owner}/{repo}/pulls", None),
    ("pull_request_review", "review", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews", None),
    ("pull_request_review_comment", "comment", "/repos/{owner}/{repo}/pulls/comments", None),
    ("label", "label", "/repos/{owner}/{repo}/labels", None),
    ("milestone", "milestone", "/repos/{owner}/{repo}/milestones", None),
    ("release", "release", "/repos/{owner}/{repo}/releases", None),
    ("fork", "forkee", "/repos/{owner}/{repo}/forks", None),
    ("deployment", "deployment", "/repos/{owner}/{repo}/deployments", None),
    ("deployment_status", "deployment_status", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses", None),
    ("workflow_run", "workflow_run", "/repos/{owner}/{repo}/actions/runs", "workflow_runs"),
    ("workflow_run", "workflow", "/repos/{owner}/{repo}/actions/workflows", "workflows"),
    ("workflow_job", "workflow_job", "/repos/{owner}/{repo}/actions/runs/{run_id}/jobs", "jobs"),
    ("dependabot_alert", "alert", "/repos/{owner}/{repo}/dependabot/alerts", None),
    ("code_scanning_alert", "alert", "/repos/{owner}/{repo}/code-scanning/alerts", None),
    ("team", "team", "/orgs/{org}/teams", None),
    ("member", "member", "/repos/{owner}/{repo}/assignees", None),
    ("organization", "organization", "/user/orgs", None),
]


class Account:
    """The examples as an account that is served."""

    def __init__(self, description, webhooks):
        self.description = description
        self.carried = {}
        events = {one["name"]: one["examples"] for one in webhooks}
        for event, key, path, envelope in CARRIED:
            held = self.carried.setdefault((path, envelope), [])
            for place, payload in enumerate(events[event]):
                item = renumbered(payload[key], place)
                if path == "/issues":
                    item |= {"repository": self.home()}
                held.append(item)

    def home(self):
        """The repository of the description's examples, in which all is served."""
        return self.description.operation("GET", "/user/repos").example()[0][0]

    def body(self, path, accept):
        """The answer to a path; `None` where nothing is published for it."""
        operation = self.description.operation("GET", path)
        found = operation and operation.example(accept)
        if not found:
            return None
        body = found[-1]
        said = self.description.leaves(operation.answer(accept))
        if isinstance(body, dict) and any(leaf.get("type") == "array" for leaf in said):
            body = [body]
        for envelope in (None, "workflow_runs", "workflows", "jobs"):
            more = self.carried.get((operation.template, envelope), [])
            if more and envelope:
                body = body | {envelope: body[envelope] + more}
            elif more:
                body = body + more
        return body

    def answer(self, method, target, headers, _):
        """Answers a request."""
        accept = headers.get("Accept", headers.get("accept", "")).split(",")[0]
        accept = accept if "star" in accept else "application/json"
        body = self.body(urlsplit(target).path, accept) if method == "GET" else None
        status, body = (200, body) if body is not None else (404, {"message": "Not Found"})
        return status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(body).encode()


def renumbered(item, place):
    """The object with an id of its own: most webhooks tell of the same few issues, each time differently."""
    own = {key: 1_000_000 + place for key in ("id", "number") if isinstance(item.get(key), int)}
    return item | own


def check(description, webhooks, planwright, folder, findings):
    """Syncs every resource and says what of it was refused, and which resources had nothing."""
    # Nothing is published of what only GraphQL lists.
    resources = [one for one in spec.read(folder) if "path" in one]
    account = Account(description, webhooks)
    with World(planwright) as world, serving(account.answer) as api:
        copy_without_conditions(folder, world.project / "pipelines" / "github")
        world.choose([one["name"] for one in resources])
        world.sync((api, "any"))
        for row in world.query("SELECT resource, \"column\", reason, value FROM planwright.rejects"):
            what = f"`{row['column']}`: {row['reason']}: {json.dumps(row['value'])[:100]}"
            findings.check(PART, row["resource"], what)
        for row in world.query("SELECT resource, status, reason FROM planwright.outcomes"):
            is_whole = row["status"] == "complete"
            findings.check(PART, row["resource"], None if is_whole else f"{row['status']}: {row['reason']}")
        counts = {
            one["name"]: world.query(f'SELECT count(*)::INTEGER AS rows FROM "{one["name"]}"')[0]["rows"]
            for one in resources
        }
        for name, rows in counts.items():
            findings.check(PART, name, None if rows else "no row came of what is published")
    return sum(counts.values())


def copy_without_conditions(source, target):
    """Copies the spec without `only_if`, so that every listing is asked for every parent."""
    for file in [source / "pipeline.toml", *(source / "resources").glob("*.toml")]:
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        lines = file.read_text().splitlines(keepends=True)
        copy.write_text("".join(line for line in lines if not line.startswith("only_if")))
