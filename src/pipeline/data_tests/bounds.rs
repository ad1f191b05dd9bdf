//! What a data test allows of a table as a whole: how old its newest row may be, and how many rows it has.
//! Pure.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::super::Table;
use super::super::warehouse::quoted;

/// A bound, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    table: String,
    limit: Limit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Limit {
    /// The newest value of a column of times is at most so old.
    Age { column: String, most: SignedDuration, said: String },
    /// There are so many rows.
    Rows(Rows),
}

/// How many rows there may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rows {
    at_least: Option<u64>,
    at_most: Option<u64>,
}

impl Bound {
    /// Of a column whose newest time may be at most so old, as in `2 days`.
    pub(super) fn age(table: &str, column: &str, said: &str) -> Result<Self, String> {
        let span: Span = said.parse().map_err(|error| format!("has the freshness `{said}`: {error}"))?;
        let most = span.to_duration(SpanRelativeTo::days_are_24_hours());
        let most = most.ok().filter(SignedDuration::is_positive);
        let most =
            most.ok_or_else(|| format!("has the freshness `{said}`: write days or hours, as `2 days`"))?;
        let limit = Limit::Age { column: column.to_owned(), most, said: said.to_owned() };
        Ok(Self { table: table.to_owned(), limit })
    }

    /// Of a table that has so many rows.
    pub(super) fn rows(table: &str, rows: Rows) -> Result<Self, String> {
        match (rows.at_least, rows.at_most) {
            (None, None) => Err("has `rows` with neither `at_least` nor `at_most`".to_owned()),
            (Some(least), Some(most)) if least > most => {
                Err(format!("has `rows` of at least {least} and at most {most}"))
            }
            _ => Ok(Self { table: table.to_owned(), limit: Limit::Rows(rows) }),
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        let table = &self.table;
        match &self.limit {
            Limit::Age { column, said, .. } => format!("{table}.{column} is fresh within {said}"),
            Limit::Rows(rows) => format!("{table} has {}", rows.said()),
        }
    }

    /// What is asked of the warehouse.
    pub(super) fn sql(&self) -> String {
        let table = quoted(&self.table);
        match &self.limit {
            Limit::Age { column, .. } => {
                format!("SELECT epoch_ms(max({0})) AS newest FROM {table}", quoted(column))
            }
            Limit::Rows(_) => format!("SELECT count(*) AS rows FROM {table}"),
        }
    }

    /// Whether waiting may change what it says.
    pub fn ages(&self) -> bool {
        matches!(self.limit, Limit::Age { .. })
    }

    /// What is wrong with the answer, if anything, at this time.
    pub(super) fn breach(&self, answer: &Table, now: Timestamp) -> Option<String> {
        let table = &self.table;
        let found = answer.first();
        match &self.limit {
            Limit::Age { column, most, said } => {
                let newest =
                    found.and_then(Value::as_i64).and_then(|ms| Timestamp::from_millisecond(ms).ok());
                let Some(newest) = newest else { return Some(format!("`{table}` has no `{column}`")) };
                let age = now.duration_since(newest);
                (age > *most).then(|| {
                    let age = SignedDuration::from_mins(age.as_mins());
                    format!("the newest `{column}` of `{table}` is {newest}, {age:#} ago; {said} are allowed")
                })
            }
            Limit::Rows(rows) => {
                let count = found.and_then(Value::as_u64).unwrap_or_default();
                let few = rows.at_least.is_some_and(|least| count < least);
                let many = rows.at_most.is_some_and(|most| count > most);
                (few || many).then(|| format!("`{table}` has {count} rows; {} are allowed", rows.said()))
            }
        }
    }
}

impl Rows {
    fn said(self) -> String {
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) => format!("{least} to {most} rows"),
            (Some(least), None) => format!("at least {least} rows"),
            (None, most) => format!("at most {} rows", most.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pipeline::table::Column;

    fn answer(value: Value) -> Table {
        let column = Column { name: "x".to_owned(), kind: "BIGINT".to_owned() };
        Table { columns: vec![column], rows: vec![vec![value]] }
    }

    #[test]
    fn what_is_too_old_is_told_by_the_clock_that_is_given() {
        let bound = Bound::age("issues", "updated_at", "2 days").unwrap();
        let newest: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let table = answer(json!(newest.as_millisecond()));
        let at = |hours| newest + SignedDuration::from_hours(hours);
        assert_eq!(bound.breach(&table, at(48)), None);
        assert_eq!(
            bound.breach(&table, at(50)).unwrap(),
            "the newest `updated_at` of `issues` is 2026-11-20T10:00:00Z, 50h ago; 2 days are allowed"
        );
        assert_eq!(bound.breach(&answer(Value::Null), at(0)).unwrap(), "`issues` has no `updated_at`");
        for wrong in ["soon", "", "-1 day", "1 month"] {
            assert!(Bound::age("t", "c", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn too_few_and_too_many_rows_are_told() {
        let bound = |at_least, at_most| Bound::rows("repos", Rows { at_least, at_most });
        assert_eq!(bound(Some(1), None).unwrap().breach(&answer(json!(1)), Timestamp::UNIX_EPOCH), None);
        assert_eq!(
            bound(Some(2), Some(3)).unwrap().breach(&answer(json!(4)), Timestamp::UNIX_EPOCH).unwrap(),
            "`repos` has 4 rows; 2 to 3 rows are allowed"
        );
        assert!(bound(None, None).is_err() && bound(Some(3), Some(2)).is_err());
    }
}
