//! Rows out of raw by SQL: tables made anew when only their columns changed, and the history of every row.
//!
//! Raw holds every body that was ever read, letter for letter, and a row without body where a key went.
//! What a column takes from a body is said here in SQL as `normalize` does it in one pass while loading;
//! a test holds the two together. So a new column asks the source for nothing.

use super::schema::{Column, Kind};
use super::spec::{Child, ColumnSpec, ITEM, MEMBER, POSITION, Resource};
use super::store;
use super::warehouse::{literal, quoted};

/// The table in which a new one is made.
pub(crate) const ANEW: &str = "_anew";

/// Makes a table of the current rows anew from raw, as [`ANEW`]. `columns` are all its columns, those
/// taken over from the parent first.
pub(crate) fn anew(resource: &Resource, columns: &[Column]) -> String {
    let lineage = store::lineage(resource.disposition).iter().map(|name| format!("o.{name}"));
    let columns = listed(&shown(resource, columns), &lineage.collect::<Vec<_>>());
    let joined = joined(resource, "o._origin", "o._parent");
    format!("CREATE TABLE {ANEW} AS SELECT {columns} FROM {}{joined}", current(resource))
}

/// Makes a child's table anew from raw, for the current rows of its resource, as [`ANEW`].
pub(crate) fn child_anew(resource: &Resource, child: &Child, kinds: &[Kind]) -> String {
    let inherited = child.inherit.iter().zip(kinds);
    let inherited = inherited
        .map(|((own, theirs), kind)| (own.as_str(), format!("m.{}::{}", quoted(theirs), kind.sql())));
    let own = child.columns.iter().map(|column| (column.name.as_str(), member(column)));
    let lineage = ["_key || '/' || m._place AS _key", "_key AS _parent", "_hash", "_fetched_at", "_origin"]
        .map(|column| format!("m.{column}"));
    let columns = listed(&inherited.chain(own).collect::<Vec<_>>(), &lineage);
    let list = literal(&format!("{}[*]", path(&child.from)));
    format!(
        "CREATE TABLE {ANEW} AS SELECT {columns} FROM (SELECT o.*, unnest(json_extract(r.body, {list})) AS _member, \
         generate_subscripts(json_extract(r.body, {list}), 1) AS _place FROM {}) m",
        current(resource)
    )
}

/// The history of a resource's rows as a SELECT: each version, from when to when it held.
pub(crate) fn history(resource: &Resource, columns: &[Column]) -> String {
    let from = ["key", "parent", "origin", "run", "fetched_at", "until"];
    let shown_as = ["_key", "_parent", "_origin", "_run", "_valid_from", "_valid_to"];
    let lineage: Vec<_> =
        from.iter().zip(shown_as).map(|(from, name)| format!("r.{from} AS {name}")).collect();
    let (columns, name) = (listed(&shown(resource, columns), &lineage), literal(&resource.name));
    format!(
        "SELECT {columns} FROM (SELECT *, lead(fetched_at) OVER each AS until \
         FROM (SELECT *, rowid AS line FROM planwright.raw WHERE resource = {name} QUALIFY hash IS DISTINCT \
         FROM lag(hash) OVER (PARTITION BY origin, key ORDER BY fetched_at, rowid)) \
         WINDOW each AS (PARTITION BY origin, key ORDER BY fetched_at, line)) r{} WHERE r.body IS NOT NULL",
        joined(resource, "r.origin", "r.parent")
    )
}

/// Each column with what it takes, over `r` (raw) and `p` (the parent's row).
fn shown<'a>(resource: &'a Resource, columns: &'a [Column]) -> Vec<(&'a str, String)> {
    let inherited = resource.inherit.iter().map(|(own, theirs)| {
        let kind =
            columns.iter().find(|column| column.name == *own).map_or(Kind::Varchar, |column| column.kind);
        (own.as_str(), format!("p.{}::{}", quoted(theirs), kind.sql()))
    });
    let declared = |column: &Column| resource.columns.iter().find(|spec| spec.name == column.name);
    let own = columns.iter().filter(|column| !resource.inherit.iter().any(|(own, _)| *own == column.name));
    let own = own.map(|column| {
        let elsewhere = resource.graphql.as_ref().and_then(|how| how.from.get(&column.name));
        let value = match declared(column) {
            // Bodies came by the one way or by the other.
            Some(spec) if let Some(from) = elsewhere => {
                format!("coalesce({}, {})", value(from, column.kind), value(&spec.from, column.kind))
            }
            Some(spec) => value(&spec.from, column.kind),
            None => at("r.body", &format!("$.{}", quoted_key(&column.name)), column.kind),
        };
        (column.name.as_str(), value)
    });
    inherited.chain(own).collect()
}

/// Columns and what follows them, as a SELECT lists them.
fn listed(columns: &[(&str, String)], after: &[impl ToString]) -> String {
    let columns = columns.iter().map(|(name, value)| format!("{value} AS {}", quoted(name)));
    columns.chain(after.iter().map(ToString::to_string)).collect::<Vec<_>>().join(", ")
}

/// The current rows as `o`, each with its body as `r`.
fn current(resource: &Resource) -> String {
    format!(
        "{} o LEFT JOIN (SELECT origin, key, hash, any_value(body) AS body, any_value(place) AS place \
         FROM planwright.raw WHERE resource = {} AND body IS NOT NULL GROUP BY ALL) r \
         ON r.origin = o._origin AND r.key = o._key AND r.hash = o._hash",
        quoted(&resource.name),
        literal(&resource.name)
    )
}

/// The parent's row as `p`, where anything is taken over from it.
fn joined(resource: &Resource, origin: &str, key: &str) -> String {
    match &resource.parent {
        Some(parent) if !resource.inherit.is_empty() => {
            format!(" LEFT JOIN {} p ON p._origin = {origin} AND p._key = {key}", quoted(parent))
        }
        _ => String::new(),
    }
}

/// What lies at the `from` of a column in `r.body`.
fn value(from: &str, kind: Kind) -> String {
    match from {
        POSITION => format!("r.place::{}", kind.sql()),
        ITEM => "r.body".to_owned(),
        _ => match from.split_once("[].") {
            Some((list, rest)) => each(list, rest, kind),
            None => at("r.body", &path(from.strip_suffix("[]").unwrap_or(from)), kind),
        },
    }
}

/// What a child's column takes of the member `m._member`.
fn member(column: &ColumnSpec) -> String {
    let path = if column.from == MEMBER { "$".to_owned() } else { path(&column.from) };
    at("m._member", &path, column.kind)
}

/// The values at a path of each member of a list, as a list.
fn each(list: &str, rest: &str, kind: Kind) -> String {
    if kind != Kind::Json {
        return format!("NULL::{}", kind.sql());
    }
    let (list, members, rest) =
        (literal(&path(list)), literal(&format!("{}[*]", path(list))), literal(&path(rest)));
    format!(
        "CASE json_type(r.body, {list}) WHEN 'ARRAY' THEN to_json(list_transform(json_extract(r.body, {members}), \
         lambda x: coalesce(json_extract(x, {rest}), 'null'::JSON))) END"
    )
}

/// A value as the column's type, as `schema::cell` takes it; what does not fit is null.
fn at(json: &str, path: &str, kind: Kind) -> String {
    let path = literal(path);
    let (found, text) = (format!("json_type({json}, {path})"), format!("({json} ->> {path})"));
    match kind {
        Kind::Json => format!("CASE WHEN {found} <> 'NULL' THEN json_extract({json}, {path}) END"),
        Kind::Varchar => {
            format!("CASE WHEN {found} NOT IN ('OBJECT', 'ARRAY') THEN replace({text}, chr(0), '') END")
        }
        Kind::Bigint => {
            // GitHub's GraphQL writes ids of 64 bits as text.
            let whole = format!("{found} IN ('BIGINT', 'UBIGINT') OR {text} SIMILAR TO '-?[0-9]+'");
            format!("CASE WHEN {whole} THEN TRY_CAST({text} AS BIGINT) END")
        }
        Kind::Double => {
            format!(
                "CASE WHEN {found} IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN TRY_CAST({text} AS DOUBLE) END"
            )
        }
        Kind::Boolean => format!("CASE WHEN {found} = 'BOOLEAN' THEN {text} = 'true' END"),
        // Without ICU, DuckDB reads an offset only into a time with zone; its microseconds are UTC.
        Kind::Timestamp => format!(
            "CASE WHEN {found} = 'VARCHAR' AND length({text}) >= 20 AND {text} LIKE '____-_____T%' \
             THEN make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))) END"
        ),
    }
}

/// A dotted path as DuckDB's JSON path, whatever the names hold.
fn path(dotted: &str) -> String {
    dotted.split('.').fold("$".to_owned(), |path, name| path + "." + &quoted_key(name))
}

/// A key that is one name, dots and all.
fn quoted_key(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
