//! An answer that is described and not yet written: which rows stand on it, and as of when.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::account::Account;
use super::scene::{Base, Row, Scene};
use super::shape;

/// Bytes that a row takes, roughly.
const ROW: usize = 4_096;

/// One answer. Two that are equal are written alike, byte for byte.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::hub) struct Sheet {
    /// As it was before changes: what was changed is said by the rows.
    account: Account,
    base: Base,
    rows: Vec<Row>,
    form: Form,
}

/// What stands around the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    /// Nothing: there is one.
    One,
    /// A list.
    List,
    /// A list under this name, beside how many there are.
    Counted(&'static str, usize),
}

impl Sheet {
    pub(super) fn one(account: Account, base: &Base, row: Row) -> Self {
        Self { form: Form::One, ..Self::list(account, base, vec![row]) }
    }

    pub(super) fn list(account: Account, base: &Base, rows: Vec<Row>) -> Self {
        Self { account: account.unchanged(), base: base.clone(), rows, form: Form::List }
    }

    /// The same under this name, beside how many there are on all pages.
    pub(super) fn counted(self, name: &'static str, total: usize) -> Self {
        Self { form: Form::Counted(name, total), ..self }
    }

    /// A number that stands for what would be written, without writing it.
    pub(in crate::hub) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.account, &self.base, &self.rows, self.form).hash(&mut hasher);
        hasher.finish()
    }

    /// Writes it.
    pub(in crate::hub) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.rows.len() * ROW + 2);
        match self.form {
            Form::One => {}
            Form::List => out.push(b'['),
            Form::Counted(name, total) => {
                out.extend_from_slice(format!("{{\"total_count\":{total},\"{name}\":[").as_bytes());
            }
        }
        for (nth, row) in self.rows.iter().enumerate() {
            if nth > 0 {
                out.push(b',');
            }
            let shape = match row {
                Row::Person(_) => &shape::PROFILE,
                Row::User(_) => &shape::USER,
                Row::Starred(_) => &shape::STARRED,
                Row::Stargazer(_) => &shape::STARGAZER,
                Row::Repo(_) | Row::WholeRepo(_) => &shape::REPO,
                Row::Label(..) => &shape::LABEL,
                Row::Milestone(..) => &shape::MILESTONE,
                Row::Issue(_) | Row::IssueAtHome(_) => &shape::ISSUE,
                Row::Comment(_) => &shape::COMMENT,
                Row::Pull(_) | Row::WholePull(_) => &shape::PULL,
                Row::Review(_) => &shape::REVIEW,
                Row::Verdict(..) => &shape::VERDICT,
                Row::Liked(_) | Row::LikedComment(_) | Row::LikedRemark(_) => &shape::REACTION,
                Row::Happened(..) | Row::Event(..) => &shape::EVENT,
                Row::Said(_) => &shape::SAID,
                Row::Workflow(..) => &shape::WORKFLOW,
                Row::Run(_) => &shape::RUN,
                Row::Job(_) => &shape::JOB,
            };
            shape.fill(&Scene::of(self.account, &self.base, *row), &mut out);
        }
        match self.form {
            Form::One => {}
            Form::List => out.push(b']'),
            Form::Counted(..) => out.extend_from_slice(b"]}"),
        }
        out
    }
}
