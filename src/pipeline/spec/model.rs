//! What a spec says of models: what each becomes in the warehouse, and what tells its rows apart.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::Problem;

/// How a model is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelOptions {
    /// What it becomes.
    pub kind: ModelKind,
    /// The columns that together tell the rows of an incremental model apart; of others there are none.
    pub key: Vec<String>,
    /// What its columns mean.
    pub columns: BTreeMap<String, String>,
}

/// What a model becomes in the warehouse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Computed when it is read.
    #[default]
    View,
    /// Computed once after each load that changed what it reads.
    Table,
    /// A table that is kept: after a load new rows take the place of those with the same `key`.
    Incremental,
}

/// Options of a model, as people write them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelFile {
    /// `view` (the default), `table` or `incremental`.
    #[serde(rename = "as")]
    #[schemars(with = "Option<ModelKind>")]
    kind: Option<Spanned<ModelKind>>,
    /// The columns that together tell the rows of an incremental model apart.
    #[schemars(with = "Option<Vec<String>>")]
    key: Option<Spanned<Vec<String>>>,
    /// What its columns mean.
    #[serde(default)]
    columns: BTreeMap<String, String>,
}

/// The options of a file's models, checked.
pub(super) fn read(
    files: BTreeMap<String, ModelFile>,
    text: &str,
) -> Result<BTreeMap<String, ModelOptions>, Problem> {
    let read = |(name, file): (String, ModelFile)| Ok((name.clone(), file.read(&name, text)?));
    files.into_iter().map(read).collect()
}

impl ModelFile {
    fn read(self, name: &str, text: &str) -> Result<ModelOptions, Problem> {
        let at = |at: usize, fact: String, hint: &str| {
            Err(Problem { hint: Some(hint.to_owned()), ..Problem::at(text, at, fact) })
        };
        let kind = self.kind.as_ref().map(|kind| *kind.get_ref()).unwrap_or_default();
        match (&self.kind, &self.key) {
            (Some(said), None) if kind == ModelKind::Incremental => {
                let fact = format!("the incremental model `{name}` has no `key`");
                return at(
                    said.span().start,
                    fact,
                    "name the columns that tell its rows apart: key = [\"id\"]",
                );
            }
            (_, Some(key)) if kind != ModelKind::Incremental => {
                let fact = format!("`{name}` has a `key` and is not incremental");
                return at(key.span().start, fact, "write as = \"incremental\", or leave `key` out");
            }
            (_, Some(key)) if key.get_ref().is_empty() => {
                let fact = format!("the key of `{name}` is empty");
                return at(
                    key.span().start,
                    fact,
                    "name the columns that tell its rows apart: key = [\"id\"]",
                );
            }
            (_, Some(key)) if key.get_ref().iter().collect::<BTreeSet<_>>().len() < key.get_ref().len() => {
                let fact = format!("the key of `{name}` names a column twice");
                return at(key.span().start, fact, "name each column once");
            }
            _ => {}
        }
        let key = self.key.map(Spanned::into_inner).unwrap_or_default();
        Ok(ModelOptions { kind, key, columns: self.columns })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Spec;

    fn check(options: &str) -> String {
        let text = format!("source = \"github\"\n[models.days]\n{options}\n");
        let problem = Spec::parse("p", &text).unwrap_err();
        format!("{problem}\n{}", problem.hint.as_deref().unwrap_or_default())
    }

    #[test]
    fn a_key_belongs_to_an_incremental_model_and_is_said_with_its_line() {
        insta::assert_snapshot!(check("as = \"incremental\""), @r#"
        line 3: the incremental model `days` has no `key`
        name the columns that tell its rows apart: key = ["id"]
        "#);
        insta::assert_snapshot!(check("as = \"table\"\nkey = [\"day\"]"), @r#"
        line 4: `days` has a `key` and is not incremental
        write as = "incremental", or leave `key` out
        "#);
        insta::assert_snapshot!(check("as = \"incremental\"\nkey = []"), @r#"
        line 4: the key of `days` is empty
        name the columns that tell its rows apart: key = ["id"]
        "#);
        insta::assert_snapshot!(check("as = \"incremental\"\nkey = [\"day\", \"day\"]"), @r"
        line 4: the key of `days` names a column twice
        name each column once
        ");
        insta::assert_snapshot!(check("as = \"incrementl\""), @r"
        line 3: unknown value `incrementl`
        the nearest known value is `incremental`
        ");
    }
}
