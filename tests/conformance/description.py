"""GitHub's published description of its REST API, asked by path: parameters, bodies, answers, examples.

It is OpenAPI 3.0, whose `nullable` JSON Schema does not know; that is rewritten once. Everything else is
taken as it stands, so that what is judged is judged by GitHub's own words.
"""

import json
import re
from datetime import datetime
from functools import cached_property
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = "urn:github"

# What may stand where any key is allowed.
ANYTHING = {"type": "anything"}

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time")
def is_time(value):
    """Whether text is a time with its zone, as RFC 3339 has it."""
    if not isinstance(value, str):
        return True
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


@FORMATS.checks("uri")
def is_address(value):
    """Whether text is an address; templates such as `{/sha}` stand in it as GitHub writes them."""
    return not isinstance(value, str) or bool(urlsplit(value.split("{")[0]).scheme)


class Description:
    """The whole description."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.whole = json.load(file)
        rewrite_nullable(self.whole)
        resource = Resource(contents=self.whole, specification=DRAFT202012)
        self.registry = Registry().with_resource(ROOT, resource)
        self.routes = [(path.strip("/").split("/"), path) for path in self.whole["paths"]]

    def resolve(self, node):
        """What a reference names; anything else is itself."""
        while isinstance(node, dict) and "$ref" in node:
            found = self.whole
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def operation(self, method, path):
        """The operation of a path, whose unknown parts may be written `{so}`; the most literal one wins."""
        parts = path.strip("/").split("/")
        fits = [
            (sum(part.startswith("{") for part in route), template)
            for route, template in self.routes
            if len(route) == len(parts)
            and all(known.startswith("{") or known == part for known, part in zip(route, parts))
            and method.lower() in self.whole["paths"][template]
        ]
        return Operation(self, method.lower(), min(fits)[1]) if fits else None

    def leaves(self, schemas):
        """The schemas without references and alternatives: every shape that a value may have."""
        found = []
        for schema in schemas:
            schema = self.resolve(schema)
            for word in ("allOf", "anyOf", "oneOf"):
                found += self.leaves(schema.get(word, ()))
            if schema.keys() & {"type", "properties", "items", "additionalProperties", "format"}:
                found.append(schema)
        return found

    def members(self, schemas, name):
        """What may stand at a key: the schemas of it, and whether every object shape promises it."""
        shapes = [leaf for leaf in self.leaves(schemas) if "properties" in leaf]
        found = [shape["properties"][name] for shape in shapes if name in shape["properties"]]
        found += [ANYTHING for leaf in self.leaves(schemas) if leaf.get("additionalProperties") is True]
        return found, bool(shapes) and all(name in shape.get("required", ()) for shape in shapes)

    def at(self, schemas, path):
        """What may stand at a path such as `user.login` or `labels[].name`, and whether it is promised."""
        promised = True
        for part in path.split("."):
            name = part.removesuffix("[]")
            schemas, here = self.members(schemas, name)
            promised = promised and here
            if part.endswith("[]"):
                schemas = [leaf["items"] for leaf in self.leaves(schemas) if "items" in leaf]
        return self.leaves(schemas), promised

    def unknown(self, schemas, value, place=""):
        """Places of keys that no shape knows; shapes that allow any key know all."""
        leaves = self.leaves(schemas)
        if isinstance(value, list):
            items = [leaf["items"] for leaf in leaves if "items" in leaf]
            for one in value if items else ():
                yield from self.unknown(items, one, place + "[]")
        elif isinstance(value, dict):
            shapes = [leaf for leaf in leaves if leaf.get("properties")]
            if not shapes or any(shape.get("additionalProperties") for shape in shapes):
                return
            for name, member in value.items():
                found, _ = self.members(shapes, name)
                here = f"{place}.{name}".lstrip(".")
                if found:
                    yield from self.unknown(found, member, here)
                else:
                    yield here


class Operation:
    """One method of one path."""

    def __init__(self, description, method, template):
        self.description, self.method, self.template = description, method, template
        self.pointer = f"#/paths/{template.replace('~', '~0').replace('/', '~1')}/{method}"
        self.body = description.whole["paths"][template][method]

    def __str__(self):
        return f"{self.method.upper()} {self.template}"

    @cached_property
    def parameters(self):
        """Parameters by place and name."""
        every = map(self.description.resolve, self.body.get("parameters", ()))
        return {(one["in"], one["name"]): one for one in every}

    def wrong_parameter(self, name, text):
        """What is wrong with a query parameter and its text, if anything."""
        known = self.parameters.get(("query", name))
        if not known:
            return f"`{name}` is no parameter of {self}"
        schema, value = self.description.resolve(known["schema"]), as_typed(text)
        if "items" in schema and schema.get("type") == "array":
            schema, value = schema["items"], None
        limit = re.search(r"max(?:imum)?\W+(\d+)", known.get("description", ""))
        if limit and isinstance(value, int) and value > int(limit[1]):
            return f"`{name}={text}` is above the {limit[1]} of {self}"
        kinds = [schema | {"type": "string"}] if schema.get("type") == "string" else [schema]
        for one in kinds if value is not None else ():
            typed = text if one.get("type") == "string" else value
            error = best_match(self.validator(one).iter_errors(typed))
            if error:
                return f"`{name}={text}` of {self}: {error.message}"
        return None

    def page_size(self):
        """The largest page that can be asked for; `None` where it cannot be said."""
        known = self.parameters.get(("query", "per_page"))
        limit = known and re.search(r"max(?:imum)?\W+(\d+)", known.get("description", ""))
        return int(limit[1]) if limit else None

    def answers(self, status):
        """Media types and what they hold, for a status; `None` where it is not declared."""
        found = self.body["responses"].get(str(status))
        return None if found is None else self.description.resolve(found).get("content", {})

    def content(self, status, media):
        """What an answer of this media type holds. GitHub declares its own types with or without their
        old version, and some only in the words of the operation, whose answer then says both shapes."""
        declared = self.answers(status) or {}
        named = media in self.body.get("description", "")
        known = [media, media.replace("github.", "github.v3.")] + ["application/json"] * named
        return next((declared[one] for one in known if one in declared), {})

    def answer(self, media="application/json"):
        """The schemas of a successful answer of this media type."""
        found = [self.content(status, media) for status in (200, 201, 202)]
        return [content["schema"] for content in found if "schema" in content][:1]

    def example(self, media="application/json"):
        """The published examples of a successful answer."""
        content = self.content(200, media)
        named = map(self.description.resolve, content.get("examples", {}).values())
        return [one["value"] for one in named if "value" in one]

    def request(self):
        """The schemas of what is sent along, and whether something must be."""
        sent = self.description.resolve(self.body.get("requestBody", {}))
        content = sent.get("content", {}).get("application/json")
        return [content["schema"]] if content else [], sent.get("required", False)

    def validator(self, schema):
        """Judges values by a schema of this description."""
        return Draft202012Validator(absolute(schema), registry=self.description.registry, format_checker=FORMATS)

    def wrong(self, schemas, value):
        """What is wrong with a value, and keys that are not known there."""
        missing = {}
        for schema in schemas:
            for error in self.validator(schema).iter_errors(value):
                deepest = best_match([error])
                place = ".".join("[]" if isinstance(part, int) else part for part in deepest.absolute_path)
                if deepest.validator == "required":
                    lacked = missing.setdefault(place, set())
                    lacked.update(set(deepest.validator_value) - set(deepest.instance))
                else:
                    yield f"`{place}`: {deepest.message[:160]}"
        for place, names in missing.items():
            yield f"`{place}` lacks {', '.join(sorted(names))}"
        for place in sorted(set(self.description.unknown(schemas, value))):
            yield f"`{place}` is not in the description"


def absolute(schema):
    """A schema whose references name the whole description."""
    if isinstance(schema, dict):
        return {
            key: ROOT + value if key == "$ref" and isinstance(value, str) else absolute(value)
            for key, value in schema.items()
        }
    return [absolute(one) for one in schema] if isinstance(schema, list) else schema


def as_typed(text):
    """The text of a query as the value that it stands for."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def rewrite_nullable(node):
    """Says `nullable` in words of JSON Schema, everywhere below."""
    if isinstance(node, list):
        for one in node:
            rewrite_nullable(one)
        return
    if not isinstance(node, dict):
        return
    for one in node.values():
        rewrite_nullable(one)
    if node.get("nullable") is not True:
        return
    del node["nullable"]
    if isinstance(node.get("type"), str) and not node.keys() & {"enum", "allOf", "anyOf", "oneOf"}:
        node["type"] = [node["type"], "null"]
    else:
        own = dict(node)
        node.clear()
        node["anyOf"] = [own, {"type": "null"}]
