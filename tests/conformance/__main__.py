"""Is what planwright asks of GitHub, and what its hub answers, true by GitHub's own description?

    resources   every path, parameter and field that `pipelines/github` names
    hub         every request of planwright and every answer of the hub, recorded between them
    published   GitHub's published examples, read by `sync`: nothing may be refused

`tests/conformance/run` fetches what this needs and starts it. It ends with a line of counts, and with 1
when something is wrong.
"""

import json
import sys
from pathlib import Path

import hub
import published
import resources
from description import Description
from findings import Findings

HERE = Path(__file__).parent
PIPELINE = HERE.parent.parent / "pipelines" / "github"


def main(planwright, cache):
    """Runs the three parts; the exit status."""
    description = Description(cache / "openapi" / "generated" / "api.github.com.json")
    webhooks = json.loads((cache / "webhooks-examples" / "api.github.com" / "index.json").read_text())
    findings = Findings(HERE / "exceptions.toml")
    resources.check(description, resources.read(PIPELINE), findings)
    graphql = cache / "graphql-schema" / "schema.graphql"
    unserved = hub.check(description, graphql, planwright, PIPELINE, findings)
    rows = published.check(description, webhooks, planwright, PIPELINE, findings)
    wrong = findings.end()
    if unserved:
        print(f"not served by the hub, so not checked there: {', '.join(sorted(unserved))}")
    counts = ", ".join(f"{part} {count} checks" for part, count in findings.checked.items())
    version = description.whole["info"]["version"]
    print(f"conformance with @octokit/openapi {version}: {counts}, {rows} published rows, {wrong} wrong")
    return 1 if wrong else 0


sys.exit(main(sys.argv[1], Path(sys.argv[2])))
