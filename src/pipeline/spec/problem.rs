//! What can be wrong with a spec: found once, said with its line and the nearest known name.

use std::collections::BTreeMap;

use toml::Spanned;

use super::file::{ColumnFile, ResourceFile};
use super::{Chosen, DEFAULTS, Disposition, placeholders};
use crate::error::{Exit, Failure};

/// Why a pipeline's spec cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder has no spec.
    #[error("there is no pipeline spec `{place}`")]
    Missing {
        /// Where it was looked for.
        place: String,
    },
    /// The spec is wrong.
    #[error("cannot read pipeline spec `{place}`")]
    Unreadable {
        /// The file.
        place: String,
        /// What is wrong in it.
        #[source]
        problem: Problem,
    },
}

impl Error {
    /// The file that it is about.
    pub(super) fn place(&self) -> &str {
        match self {
            Self::Missing { place } | Self::Unreadable { place, .. } => place,
        }
    }
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Missing { .. } => Vec::new(),
            Self::Unreadable { problem, .. } => problem.hint.iter().cloned().collect(),
        }
    }
}

/// One thing wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fact}")]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub fact: String,
    /// What is near it.
    pub hint: Option<String>,
}

impl Problem {
    /// What the TOML reader says, with an unknown key turned into the nearest known one.
    pub(crate) fn of_toml(error: &toml::de::Error, text: &str) -> Self {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        let message = error.message();
        let quoted: Vec<_> = message.split('`').skip(1).step_by(2).collect();
        match (message.split_once(" `"), quoted.split_first()) {
            (Some(("unknown field", _)), Some((found, known))) => {
                Self { line, fact: format!("unknown key `{found}`"), hint: nearest("key", found, known) }
            }
            (Some(("unknown variant", _)), Some((found, known))) => {
                Self { line, fact: format!("unknown value `{found}`"), hint: nearest("value", found, known) }
            }
            _ => Self { line, fact: message.lines().collect::<Vec<_>>().join(", "), hint: None },
        }
    }

    pub(super) fn at(text: &str, offset: usize, fact: String) -> Self {
        Self { line: line_of(text, offset), fact, hint: None }
    }
}

/// Checks what the reader cannot see: names that refer to each other, in one file and those before it.
pub(super) fn check(before: &[ResourceFile], own: &[ResourceFile], text: &str) -> Result<(), Problem> {
    let mut earlier: Vec<&ResourceFile> = before.iter().collect();
    for resource in own {
        let names: Vec<_> = earlier.iter().map(|other| other.name.get_ref().as_str()).collect();
        let mut tables = names.clone();
        tables.extend(
            earlier.iter().flat_map(|other| &other.children).map(|child| child.name.get_ref().as_str()),
        );
        check_name(resource, &tables, text)?;
        check_place(resource, text)?;
        check_parent(resource, &names, text)?;
        check_needs(resource, &names, text)?;
        check_chosen(resource, text)?;
        check_graphql(resource, text)?;
        check_columns(resource, text)?;
        check_disposition(resource, &earlier, text)?;
        check_children(resource, &tables, text)?;
        earlier.push(resource);
    }
    Ok(())
}

/// Whether the table can be what others and the reading of its listing need it to be.
fn check_disposition(resource: &ResourceFile, earlier: &[&ResourceFile], text: &str) -> Result<(), Problem> {
    let of = |resource: &ResourceFile| resource.disposition.as_ref().map(|said| *said.get_ref());
    let parent = resource.parent.as_ref();
    let above = parent.and_then(|name| earlier.iter().find(|other| other.name.get_ref() == name.get_ref()));
    if let (Some(parent), Some(Disposition::Append | Disposition::Scd2)) =
        (parent, above.and_then(|other| of(other)))
    {
        let fact = format!("the table of the parent `{}` holds a row more than once", parent.get_ref());
        return Err(Problem::at(text, parent.span().start, fact));
    }
    let Some(said) = &resource.disposition else { return Ok(()) };
    let at = |fact: &str| Err(Problem::at(text, said.span().start, fact.to_owned()));
    match said.get_ref() {
        Disposition::Replace if resource.incremental.is_some() || resource.rolling => {
            at("`replace` needs a listing that is read whole: without `incremental` and `rolling`")
        }
        Disposition::Append | Disposition::Scd2 if !resource.children.is_empty() => {
            at("children belong to a row that is there once: to `merge` or `replace`")
        }
        _ => Ok(()),
    }
}

fn check_children(resource: &ResourceFile, tables: &[&str], text: &str) -> Result<(), Problem> {
    let mut tables = tables.to_vec();
    tables.push(resource.name.get_ref());
    for child in &resource.children {
        let name = child.name.get_ref().as_str();
        let at = |fact| Err(Problem::at(text, child.name.span().start, fact));
        check_table_name(name, child.name.span().start, text)?;
        if tables.contains(&name) {
            return at(format!("two tables are called `{name}`"));
        }
        if child.columns.is_empty() {
            return at(format!("the child `{name}` has no columns"));
        }
        check_column_names(&child.inherit, &child.columns, text)?;
        let known: Vec<_> = resource
            .inherit
            .keys()
            .map(String::as_str)
            .chain(resource.columns.iter().map(|column| column.name.get_ref().as_str()))
            .collect();
        if let Some(missing) = child.inherit.values().find(|theirs| !known.contains(&theirs.as_str())) {
            let fact = format!("`{name}` inherits `{missing}`, which is no declared column of its row");
            let line = line_of(text, child.name.span().start);
            return Err(Problem { line, fact, hint: nearest("column", missing, &known) });
        }
        tables.push(name);
    }
    Ok(())
}

fn check_table_name(name: &str, at: usize, text: &str) -> Result<(), Problem> {
    if is_identifier(name) {
        return Ok(());
    }
    let fact = format!("`{name}` cannot name a table: lowercase letters, digits and `_` can");
    Err(Problem::at(text, at, fact))
}

fn check_name(resource: &ResourceFile, tables: &[&str], text: &str) -> Result<(), Problem> {
    let name = resource.name.get_ref();
    let at = |fact| Err(Problem::at(text, resource.name.span().start, fact));
    check_table_name(name, resource.name.span().start, text)?;
    if name == DEFAULTS {
        return at(format!("`{name}` cannot name a resource: it stands for those that are read by default"));
    }
    if tables.contains(&name.as_str()) {
        return at(format!("two resources are called `{name}`"));
    }
    if resource.key.get_ref().is_empty() {
        return Err(Problem::at(text, resource.key.span().start, format!("the key of `{name}` is empty")));
    }
    Ok(())
}

/// Whether a source that is not GitHub can be asked so.
pub(super) fn check_elsewhere(resource: &ResourceFile, text: &str) -> Result<(), Problem> {
    let graphql = resource.graphql.as_ref().map(|said| ("graphql", said.span().start));
    let total = resource.total.as_ref().map(|said| ("total", said.span().start));
    let Some((key, at)) = graphql.or(total) else { return Ok(()) };
    Err(Problem::at(text, at, format!("`{key}` is asked of GitHub only")))
}

/// Whether its path stays below the API's base, and its pages can be found.
fn check_place(resource: &ResourceFile, text: &str) -> Result<(), Problem> {
    if let Some(path) = resource.path.as_ref().filter(|path| !path.get_ref().starts_with('/')) {
        let fact = format!("the path `{}` does not begin with `/`", path.get_ref());
        return Err(Problem::at(text, path.span().start, fact));
    }
    let fault = resource.paging.as_ref().and_then(|paging| Some((paging.get_ref().fault()?, paging.span())));
    fault.map_or(Ok(()), |(fact, span)| Err(Problem::at(text, span.start, fact.to_owned())))
}

fn check_parent(resource: &ResourceFile, earlier: &[&str], text: &str) -> Result<(), Problem> {
    let Some(parent) = &resource.parent else {
        let braces =
            resource.path.as_ref().and_then(|path| Some((path, placeholders(path.get_ref()).next()?)));
        let Some((path, name)) = braces else { return Ok(()) };
        let fact = format!("the path has `{{{name}}}` and the resource has no `parent` to fill it from");
        return Err(Problem::at(text, path.span().start, fact));
    };
    stands_above("the parent", parent.get_ref(), parent.span().start, earlier, text)
}

/// Whether what is chosen can be asked for, and known again among what is listed.
fn check_chosen(resource: &ResourceFile, text: &str) -> Result<(), Problem> {
    let Some(path) = &resource.chosen else { return Ok(()) };
    let at = |fact: String, hint| Err(Problem { hint, ..Problem::at(text, path.span().start, fact) });
    if resource.parent.is_some() {
        return at("`chosen` is for a resource without `parent`".to_owned(), None);
    }
    let Some(chosen) = Chosen::read(path.get_ref().clone()) else {
        return at("`chosen` needs one `{column}`, which holds names".to_owned(), None);
    };
    let known: Vec<_> = resource.columns.iter().map(|column| column.name.get_ref().as_str()).collect();
    if known.is_empty() || known.contains(&chosen.column.as_str()) {
        return Ok(());
    }
    let hint = nearest("column", &chosen.column, &known);
    at(format!("`chosen` has `{{{}}}`, which is no declared column", chosen.column), hint)
}

/// Whether there is a way to ask for it.
fn check_graphql(resource: &ResourceFile, text: &str) -> Result<(), Problem> {
    let (at, fact) = match (&resource.graphql, &resource.path) {
        (None, Some(_)) => return Ok(()),
        (None, None) => {
            let fact = format!("`{}` has neither `path` nor `graphql`", resource.name.get_ref());
            (resource.name.span(), Some(fact))
        }
        (Some(graphql), _) if resource.parent.is_none() => {
            (graphql.span(), Some("`graphql` asks for parents, and the resource has no `parent`".to_owned()))
        }
        (Some(graphql), _) => (graphql.span(), graphql.get_ref().problem()),
    };
    fact.map_or(Ok(()), |fact| Err(Problem::at(text, at.start, fact)))
}

/// Whether what must be read before it stands above it.
fn check_needs(resource: &ResourceFile, earlier: &[&str], text: &str) -> Result<(), Problem> {
    if let Some(touched) = &resource.touched {
        stands_above("`touched.by`", &touched.get_ref().by, touched.span().start, earlier, text)?;
    }
    let mut after = resource.after.iter();
    after.try_for_each(|name| stands_above("`after`", name.get_ref(), name.span().start, earlier, text))
}

fn stands_above(what: &str, name: &str, at: usize, earlier: &[&str], text: &str) -> Result<(), Problem> {
    if earlier.contains(&name) {
        return Ok(());
    }
    let fact = format!("{what} `{name}` is not a resource above this one");
    Err(Problem { line: line_of(text, at), fact, hint: nearest("resource", name, earlier) })
}

fn check_column_names<'a>(
    inherit: &'a BTreeMap<String, String>,
    columns: &'a [ColumnFile],
    text: &str,
) -> Result<Vec<&'a str>, Problem> {
    let mut known: Vec<_> = inherit.keys().map(String::as_str).collect();
    for column in columns {
        let name = column.name.get_ref().as_str();
        let at = |fact| Err(Problem::at(text, column.name.span().start, fact));
        if !is_identifier(name) || name.starts_with('_') {
            return at(format!("`{name}` cannot name a column: lowercase letters, digits and inner `_` can"));
        }
        if known.contains(&name) {
            return at(format!("two columns are called `{name}`"));
        }
        known.push(name);
    }
    Ok(known)
}

fn check_columns(resource: &ResourceFile, text: &str) -> Result<(), Problem> {
    let known = check_column_names(&resource.inherit, &resource.columns, text)?;
    let declared = !resource.columns.is_empty();
    match resource.key.get_ref().iter().find(|key| declared && !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let hint = nearest("column", key, &known);
            let fact = format!("the key column `{key}` is not declared");
            Err(Problem { line: line_of(text, Spanned::span(&resource.key).start), fact, hint })
        }
    }
}

/// Whether DuckDB takes it as a name without surprises.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// A hint that names what was probably meant.
pub(crate) fn nearest(what: &str, found: &str, known: &[&str]) -> Option<String> {
    let best = known
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(found, a).total_cmp(&strsim::jaro_winkler(found, b)))?;
    Some(format!("the nearest known {what} is `{best}`"))
}

#[cfg(test)]
mod tests {
    use super::super::Spec;

    const GOOD: &str =
        "source = \"github\"\n\n[[resources]]\nname = \"repos\"\npath = \"/user/repos\"\nkey = [\"id\"]\n";

    fn check(more: &str) -> String {
        let text = format!("{GOOD}{more}");
        let problem = Spec::parse("p", &text).unwrap_err();
        format!("{problem}\n{}", problem.hint.as_deref().unwrap_or_default())
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
        insta::assert_snapshot!(check("incremntal = \"x\"\n"), @r"
        line 7: unknown key `incremntal`
        the nearest known key is `incremental`
        ");
    }

    #[test]
    fn an_unknown_source_is_named() {
        let problem = Spec::parse("p", "source = \"gitlab\"\n").unwrap_err();
        assert_eq!(problem.to_string(), "line 1: unknown value `gitlab`");
    }

    #[test]
    fn what_only_github_answers_is_refused_elsewhere() {
        let text = GOOD.replace("source = \"github\"", "source = { base = \"https://api.example.com\" }");
        let text = format!("{text}total = {{ id = \"node\", on = \"Shop\", of = [\"orders\"] }}\n");
        let problem = Spec::parse("p", &text).unwrap_err();
        assert_eq!(problem.to_string(), "line 7: `total` is asked of GitHub only");
    }

    #[test]
    fn a_parent_must_stand_above() {
        insta::assert_snapshot!(
            check("[[resources]]\nname = \"issues\"\npath = \"/repos/{name}/issues\"\nparent = \"repo\"\nkey = [\"id\"]\n"), @r"
        line 10: the parent `repo` is not a resource above this one
        the nearest known resource is `repos`
        ");
    }

    #[test]
    fn a_path_needs_a_parent_for_its_braces() {
        insta::assert_snapshot!(
            check("[[resources]]\nname = \"issues\"\npath = \"/repos/{name}/issues\"\nkey = [\"id\"]\n"), @r"
        line 9: the path has `{name}` and the resource has no `parent` to fill it from
        ");
    }

    #[test]
    fn what_is_chosen_is_named_by_a_column() {
        insta::assert_snapshot!(check("chosen = \"/repos\"\n"), @"line 7: `chosen` needs one `{column}`, which holds names");
        let columns =
            "columns = [{ name = \"id\", type = \"bigint\" }, { name = \"full_name\", type = \"varchar\" }]";
        insta::assert_snapshot!(check(&format!("chosen = \"/repos/{{fullname}}\"\n{columns}\n")), @r"
        line 7: `chosen` has `{fullname}`, which is no declared column
        the nearest known column is `full_name`
        ");
    }

    #[test]
    fn names_are_unique_and_fit_for_tables() {
        insta::assert_snapshot!(check("[[resources]]\nname = \"repos\"\npath = \"/x\"\nkey = [\"id\"]\n"), @"line 8: two resources are called `repos`");
        insta::assert_snapshot!(check("[[resources]]\nname = \"My Repos\"\npath = \"/x\"\nkey = [\"id\"]\n"), @"line 8: `My Repos` cannot name a table: lowercase letters, digits and `_` can");
    }

    #[test]
    fn a_declared_key_must_be_a_column() {
        insta::assert_snapshot!(check("columns = [{ name = \"ident\", type = \"bigint\" }]\n"), @r"
        line 6: the key column `id` is not declared
        the nearest known column is `ident`
        ");
    }

    #[test]
    fn what_cannot_be_asked_by_graphql_is_said() {
        let ask = |on: &str, batch: u32| {
            let graphql = format!(
                "{{ id = \"node_id\", on = \"{on}\", connection = \"issues\", batch = {batch}, fields = \"id\" }}"
            );
            check(&format!(
                "[[resources]]\nname = \"x\"\nkey = [\"id\"]\nparent = \"repos\"\ngraphql = {graphql}\n"
            ))
        };
        insta::assert_snapshot!(ask("Repository", 101), @"line 11: `graphql.batch` is 101; GitHub takes 1 to 100");
        insta::assert_snapshot!(ask("Repo}", 9), @"line 11: `graphql.on` is `Repo}`, which is no name in GraphQL");
    }

    #[test]
    fn a_missing_key_and_broken_toml_are_said() {
        insta::assert_snapshot!(check("[[resources]]\nname = \"x\"\nkey = [\"id\"]\n"), @"line 8: `x` has neither `path` nor `graphql`");
        insta::assert_snapshot!(check("[[resources]\n"), @"line 7: unclosed array table, expected `]`");
    }
}
