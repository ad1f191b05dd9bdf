"""What passes between planwright and the hub, recorded by a proxy between them and held against GitHub's
description: every request against parameters and bodies, every answer against its schema.

Two hubs are asked: a made-up account, read by `sync`, and a kept one, to which a plan is published. What
planwright asks only when a model works, and what only other tools ask, is asked here by hand.
"""

import json
import shutil
from pathlib import Path
from http.client import HTTPConnection
from urllib.parse import parse_qsl, urlsplit

import queries
import resources as spec
from world import World, serving

PART = "hub"
SIZES = "repos=3,issues=60,comments=150,pulls=40%"
REPO = "ada/shop"
PLAN = Path(__file__).parent.parent / "fixtures" / "plans" / "labels.json"

# Headers of one connection, which a proxy does not pass on.
HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "host"}


class Recorder:
    """Passes requests on to a hub and keeps what was said."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.kept = []
        self.here = None

    def answer(self, method, target, headers, body):
        """Asks the hub, whose own address becomes the proxy's in what it says."""
        connection = HTTPConnection(urlsplit(self.upstream).netloc, timeout=60)
        passed = {name: value for name, value in headers.items() if name.lower() not in HOP}
        connection.request(method, target, body=body or None, headers=passed)
        response = connection.getresponse()
        out, status = response.read(), response.status
        said = {name: value for name, value in response.getheaders() if name.lower() not in HOP}
        connection.close()
        accept = headers.get("Accept", headers.get("accept", "")).split(",")[0]
        self.kept.append((method, target, body, status, out, accept))
        own, ours = self.upstream.encode(), self.here.encode()
        said = {name: value.replace(self.upstream, self.here) for name, value in said.items()}
        return status, said, out.replace(own, ours)


def check(description, graphql, planwright, folder, findings):
    """Records both hubs and judges what was said; which routes the made-up account does not serve."""
    unserved = set()
    for record in (sample, tracker):
        with World(planwright) as world:
            for exchange in record(world, folder):
                if urlsplit(exchange[1]).path == "/graphql":
                    query = json.loads(exchange[2])["query"]
                    findings.check(PART, "POST /graphql asked", *queries.wrong(graphql, query))
                else:
                    judge(description, exchange, findings, unserved)
    return unserved


def recorded(world, arguments, act):
    """What passes while `act` runs against a hub, whose address and token it is given."""
    with world.hub(*arguments) as (upstream, token):
        recorder = Recorder(upstream)
        with serving(recorder.answer) as recorder.here:
            act((recorder.here, token))
    return recorder.kept


def sample(world, folder):
    """`sync` of all resources of a made-up account, twice: from the beginning, and with nothing new."""
    shutil.copytree(folder, world.project / "pipelines" / "github")
    world.choose([one["name"] for one in spec.read(folder)])

    def act(api):
        world.sync(api)
        world.sync(api)
        for path in ("/repos/sample/repo-00001", "/users/sample", "/users/sample/repos", "/user/issues"):
            ask(api, "GET", path)

    return recorded(world, ["--sample", SIZES, "--port", "0"], act)


def tracker(world, folder):
    """A plan published, changed and published again, and by hand what else the hub can do."""

    shutil.copytree(folder, world.project / "pipelines" / "github")

    def act(api):
        plan = json.loads(PLAN.read_text())
        for title in (plan["epic"]["title"], "Count the open issues by label"):
            plan["epic"]["title"] = title
            (world.project / "plan.json").write_text(json.dumps(plan))
            world.run(world.planwright, "plan", "publish", "plan.json", "--yes", "-R", REPO, api=api)
        for verb in ("status", "next"):
            world.run(world.planwright, "plan", verb, "-R", REPO, api=api, expect=(0, 1))
        world.sync(api)
        by_hand(api)

    return recorded(world, ["--folder", str(world.folder / "hub"), "--repo", REPO, "--port", "0"], act)


def by_hand(api):
    """The other routes."""

    def tell(method, path, **body):
        return ask(api, method, path, body)

    repo = f"/repos/{REPO}"
    tell("POST", "/user/repos", name="made", private=True)
    tell("PATCH", repo, description="A shop")
    tell("POST", f"{repo}/labels", name="by hand", color="c5def5", description="Made by hand")
    tell("GET", f"{repo}/labels/by%20hand")
    tell("POST", f"{repo}/milestones", title="First", description="What comes first")
    one, two = (tell("POST", f"{repo}/issues", title=title, body="…", milestone=1, labels=["by hand"]) for title in "ab")
    here = f"{repo}/issues/{one['number']}"
    tell("PATCH", here, title="c", assignees=["ada"], state="closed", state_reason="not_planned")
    tell("POST", f"{here}/labels", labels=["pipeline"])
    tell("DELETE", f"{here}/labels/pipeline")
    comment = tell("POST", f"{here}/comments", body="So it is.")
    tell("PATCH", f"{repo}/issues/comments/{comment['id']}", body="So it was.")
    for path in ("", "/comments", "/labels"):
        tell("GET", here + path)
    tell("POST", f"{here}/sub_issues", sub_issue_id=two["id"])
    tell("POST", f"{here}/dependencies/blocked_by", issue_id=two["id"])
    tell("GET", f"{repo}/issues/{two['number']}/parent")
    for path in ("sub_issues", "dependencies/blocked_by"):
        tell("GET", f"{here}/{path}")
    tell("GET", f"{repo}/issues/{two['number']}/dependencies/blocking")
    tell("DELETE", f"{here}/dependencies/blocked_by/{two['id']}")
    tell("DELETE", f"{here}/sub_issue", sub_issue_id=two["id"])
    pull = tell("POST", f"{repo}/pulls", title="d", head="topic", base="main", body="Closes #1")
    tell("GET", f"{repo}/pulls?head=ada:topic&per_page=100")
    tell("GET", f"{repo}/pulls/{pull['number']}")
    tell("GET", f"{repo}/issues/comments?sort=updated&direction=asc")
    tell("GET", f"{repo}/milestones/1")
    tell("DELETE", f"{repo}/issues/comments/{comment['id']}")
    tell("GET", f"{repo}/issues/999999")
    tell("POST", f"{repo}/issues", title="")


def ask(api, method, path, body=None):
    """Asks the hub; what it answers."""
    address, token = api
    connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "conformance"}
    sent = json.dumps(body) if body and method != "GET" else None
    connection.request(method, path, body=sent, headers=headers)
    out = connection.getresponse().read()
    connection.close()
    return json.loads(out) if out else None


def judge(description, exchange, findings, unserved):
    """Holds one exchange against the description."""
    method, target, body, status, out, accept = exchange
    url = urlsplit(target)
    operation = description.operation(method, url.path)
    if not operation:
        findings.check(PART, f"{method} {url.path}", "no such operation")
        return
    where = f"{operation}"
    query = parse_qsl(url.query, keep_blank_values=True)
    findings.check(PART, f"{where} asked", *(operation.wrong_parameter(*pair) for pair in query))
    if body and status < 400:
        schemas, _ = operation.request()
        wrong = operation.wrong(schemas, json.loads(body)) if schemas else ["takes no body"]
        findings.check(PART, f"{where} sent", *wrong)
    if status == 404 and method == "GET":
        unserved.add(str(operation))
    if status in (204, 304):
        declared = status == 304 or operation.answers(status) is not None
        findings.check(PART, f"{where} answered", *([] if declared else [f"{status} is not declared"]))
        return
    answer = json.loads(out)
    if status >= 400:
        said = isinstance(answer, dict) and isinstance(answer.get("message"), str)
        findings.check(PART, f"{where} refused", None if said else f"{status} without a message")
        return
    media = accept if "star" in accept else "application/json"
    content = operation.content(status, media)
    if "schema" not in content:
        findings.check(PART, f"{where} answered", f"{status} with a body is not declared")
        return
    findings.check(PART, f"{where} answered", *operation.wrong([content["schema"]], answer))
