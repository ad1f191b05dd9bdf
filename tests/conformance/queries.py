"""Whether GraphQL queries are what GitHub's published schema understands.

The schema is older than some of GitHub's fields (sub-issues are in it, issue types are not): what it does
not know is excused by name in `exceptions.toml`, or is wrong.
"""

from functools import cache

from graphql import GraphQLError, build_schema, parse, validate


@cache
def schema(path):
    """The schema, read once."""
    return build_schema(path.read_text(), assume_valid=True)


def wrong(path, query):
    """What is wrong with a query."""
    try:
        return [error.message for error in validate(schema(path), parse(query))]
    except GraphQLError as error:
        return [error.message]
