//! Contracts: what becomes of data that a resource's columns do not foresee.
//!
//! Whatever the contract says, the body stays in raw: nothing that was read is lost.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What becomes of one kind of surprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The table follows: it gets the column, or the column becomes wide enough.
    Evolve,
    /// The resource fails and says what came.
    Freeze,
    /// The value stays out of the table.
    DiscardValue,
    /// The row stays out of the table and stands among the rejects.
    DiscardRow,
}

/// What becomes of keys without a column and of values that do not fit theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// Of a key that no column takes.
    pub columns: Rule,
    /// Of a value that does not fit its column.
    pub data_type: Rule,
}

impl Contract {
    /// Whether rows may change the table.
    pub const fn is_open(self) -> bool {
        matches!(self.columns, Rule::Evolve) || matches!(self.data_type, Rule::Evolve)
    }

    /// What holds where the spec says nothing: declared columns stay as they are declared, and inferred
    /// ones follow the data.
    pub(super) const fn usual(declared: bool) -> Self {
        let rule = if declared { Rule::DiscardValue } else { Rule::Evolve };
        Self { columns: rule, data_type: rule }
    }
}

/// As people write it: one rule for both, or each by its name.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Each {
    /// Of a key that no column takes.
    columns: Option<Rule>,
    /// Of a value that does not fit its column.
    data_type: Option<Rule>,
}

/// The two ways to write a contract, for the JSON Schema.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its shape is of use")]
pub(super) enum Written {
    /// One rule for both.
    Both(Rule),
    /// Each by its name.
    Each(Each),
}

/// A contract of a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ContractFile(Each);

impl ContractFile {
    /// With what the file leaves out as it is usual.
    pub(super) fn over(self, usual: Contract) -> Contract {
        let Each { columns, data_type } = self.0;
        Contract {
            columns: columns.unwrap_or(usual.columns),
            data_type: data_type.unwrap_or(usual.data_type),
        }
    }
}

impl<'de> Deserialize<'de> for ContractFile {
    fn deserialize<D: Deserializer<'de>>(toml: D) -> Result<Self, D::Error> {
        struct Said;

        impl<'de> Visitor<'de> for Said {
            type Value = ContractFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule, or rules for `columns` and `data_type`")
            }

            fn visit_str<E: serde::de::Error>(self, rule: &str) -> Result<Self::Value, E> {
                let rule = Some(Rule::deserialize(StrDeserializer::new(rule))?);
                Ok(ContractFile(Each { columns: rule, data_type: rule }))
            }

            fn visit_map<A: MapAccess<'de>>(self, rules: A) -> Result<Self::Value, A::Error> {
                Each::deserialize(MapAccessDeserializer::new(rules)).map(ContractFile)
            }
        }

        toml.deserialize_any(Said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, declared: bool, columns: Rule, data_type: Rule) {
        let file: toml::Table = toml::from_str(written).unwrap();
        let contract = ContractFile::deserialize(file["contract"].clone()).unwrap();
        assert_eq!(contract.over(Contract::usual(declared)), Contract { columns, data_type }, "{written}");
    }

    #[test]
    fn one_rule_or_each_and_what_is_left_out_is_usual() {
        check("contract = \"freeze\"", true, Rule::Freeze, Rule::Freeze);
        check("contract = { columns = \"evolve\" }", true, Rule::Evolve, Rule::DiscardValue);
        check("contract = { data_type = \"discard_row\" }", false, Rule::Evolve, Rule::DiscardRow);
    }

    #[test]
    fn an_unknown_rule_is_named() {
        let file: toml::Table = toml::from_str("contract = \"freze\"").unwrap();
        let error = ContractFile::deserialize(file["contract"].clone()).unwrap_err();
        assert!(error.to_string().contains("unknown variant `freze`"), "{error}");
    }
}
