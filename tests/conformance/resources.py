"""Whether what `pipelines/github` asks for exists: paths, parameters, media types, and every field.

The spec is read as its files stand, without planwright.
"""

import re
import tomllib

PART = "resources"

# What a column holds, and what may come for it.
FITS = {
    "bigint": {"integer"},
    "double": {"integer", "number"},
    "boolean": {"boolean"},
    "varchar": {"string", "time"},
    "timestamp": {"time"},
    "json": {"object", "array"},
}

# The values of `sort` that sort by a field.
SORTS = {"updated_at": "updated", "created_at": "created"}


def read(folder):
    """The resources of a pipeline, in order."""
    files = [folder / "pipeline.toml", *sorted((folder / "resources").glob("*.toml"))]
    return [one for file in files for one in tomllib.loads(file.read_text())["resources"]]


def template(path):
    """A resource's path with as many parts as GitHub's: a repository's full name is two."""
    return re.sub(r"^/repos/\{\w+\}", "/repos/{owner}/{repo}", path)


def check(description, resources, findings):
    """Checks every resource."""
    by_name = {one["name"]: one for one in resources}
    for one in resources:
        for path in filter(None, (one.get("path"), one.get("chosen"))):
            listing(description, one, {"path": path, "query": one.get("query", {})}, findings)
        if account := one.get("account"):
            query = one.get("query", {}) | account.get("query", {})
            listing(description, one, account | {"query": query}, findings)
            whole = account["inherit"] | {"": account["parent"]}
            held(description, one, account["path"], [*whole.values(), *account.get("drop", ())], findings)
        if "path" in one and (parent := by_name.get(one.get("parent"))):
            filled(description, one, parent, findings)


def listing(description, one, asked, findings):
    """Checks one way to ask for a resource."""
    where = f"{one['name']} {asked['path']}"
    operation = description.operation("GET", template(asked["path"]))
    if not operation or not is_spelled(template(asked["path"]), operation.template):
        findings.check(PART, where, "no such path")
        return
    single = asked["path"] == one.get("chosen")
    if not single:
        for name, value in asked["query"].items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            missing = ("query", name) not in operation.parameters and f"`{name}` is no parameter of {operation}"
            wrong = operation.wrong_parameter(name, text) if "{" not in text else missing
            findings.check(PART, where, wrong)
        findings.check(PART, where, *by_time(one, asked, operation))
        size = operation.page_size()
        if size and asked["query"].get("per_page") != size:
            findings.check(PART, where, f"pages of {size} can be asked for")
    item = items(description, one, operation, single)
    lacking = f"no list `{one['items']}`" if "items" in one else f"no answer of the type {one.get('accept')}"
    findings.check(PART, where, None if item else lacking)
    if item:
        fields(description, one, where, item, findings)


def is_spelled(own, known):
    """Whether what we spell out is spelled out there, and does not just fill a blank."""
    pairs = zip(own.split("/"), known.split("/"))
    return all(part.startswith("{") or not there.startswith("{") for part, there in pairs)


def by_time(one, asked, operation):
    """What is wrong with how a listing is read from a time on."""
    how = one.get("incremental")
    if not how:
        return
    if "parameter" in how:
        yield operation.wrong_parameter(how["parameter"], how["start"])
    sort = operation.parameters.get(("query", "sort"))
    if sort and how["field"] in SORTS:
        said = asked["query"].get("sort", sort["schema"].get("default"))
        yield said != SORTS[how["field"]] and f"sorted by `{said}`, read by `{how['field']}`"
    if ("query", "direction") in operation.parameters:
        default = operation.parameters["query", "direction"]["schema"].get("default", "desc")
        direction = asked["query"].get("direction", default)
        wanted = "desc" if how.get("order") == "descending" else "asc"
        yield direction != wanted and f"sorted `{direction}`, read `{wanted}`"


def items(description, one, operation, single=False):
    """The schemas of an item."""
    schemas = operation.answer(one.get("accept", "application/json"))
    if "items" in one and not single:
        schemas, _ = description.at(schemas, one["items"])
    lists = [leaf["items"] for leaf in description.leaves(schemas) if "items" in leaf]
    return lists or schemas


def fields(description, one, where, item, findings):
    """Checks columns, key, time, and what is kept and left out."""
    kept = one.get("keep", ())
    for column in one.get("columns", ()):
        source, place = column.get("from", column["name"]), f"{where} {column['name']}"
        if source.startswith("@"):
            findings.check(PART, place)
            continue
        found, promised = description.at(item, source)
        findings.check(PART, place, misfit(description, column, source, found))
        is_kept = not kept or any(source == key or source.startswith(key + ".") for key in kept)
        findings.check(PART, place, None if is_kept else f"`{source}` is not among what is kept")
        if column["name"] in one["key"]:
            nullable = any("null" in kinds(leaf) for leaf in found)
            findings.check(PART, place, None if promised and not nullable else "part of the key, but it may be missing")
    said = [("keep", key) for key in kept] + [("drop", key) for key in one.get("drop", ())]
    said += [("incremental", one["incremental"]["field"])] if "incremental" in one else []
    for word, key in said:
        found, _ = description.at(item, key)
        findings.check(PART, f"{where} {word}", None if found else f"no field `{key}`")


def held(description, one, path, keys, findings):
    """Checks that the listing over all parents says what is told of it."""
    item = items(description, one, description.operation("GET", path))
    for key in keys:
        found, _ = description.at(item, key)
        findings.check(PART, f"{one['name']} {path}", None if found else f"no field `{key}`")


def misfit(description, column, source, found):
    """What is wrong with a column's source."""
    if not found:
        return f"no field `{source}`"
    if "[]" in source:
        return None if column["type"] == "json" else f"`{source}` is a list"
    come = set().union(*map(kinds, found)) - {"null"}
    if come <= FITS[column["type"]] | {"anything"}:
        return None
    return f"`{source}` is {' or '.join(sorted(come))}, the column {column['type']}"


def kinds(leaf):
    """What a schema without alternatives lets through."""
    said = leaf.get("type", "object" if "properties" in leaf else "anything")
    said = {said} if isinstance(said, str) else set(said)
    if "string" in said and leaf.get("format") == "date-time":
        said = said - {"string"} | {"time"}
    return said


def filled(description, one, parent, findings):
    """Checks that what fills the path has the type that the path takes."""
    operation = description.operation("GET", template(one["path"]))
    types = {column["name"]: column["type"] for column in parent.get("columns", ())}
    if not operation:
        return
    ours, theirs = template(one["path"]).split("/"), operation.template.split("/")
    for own, known in zip(ours, theirs):
        column = types.get(own.strip("{}"))
        parameter = operation.parameters.get(("path", known.strip("{}")))
        if own.startswith("{") and column and parameter:
            kind = {"bigint": "integer"}.get(column, "string")
            wanted = description.resolve(parameter["schema"]).get("type", kind)
            findings.check(PART, f"{one['name']} {own}", None if kind == wanted else f"{operation} takes a {wanted}")
