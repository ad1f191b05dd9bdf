//! The part of an item's text that the spec keeps: by paths, every value that stays whole letter for letter.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::take::Members;

/// Which part of an item is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    /// Paths that are kept; empty keeps all.
    keep: Vec<String>,
    /// Paths that are left out.
    drop: Vec<String>,
    /// Paths that are kept in any case, because columns take them: raw must be able to fill them again.
    taken: Vec<String>,
}

impl Part {
    /// Of what a spec keeps and leaves out, and what its columns take.
    pub(super) fn new(keep: &[String], drop: &[String], taken: Vec<String>) -> Self {
        let mut keep = keep.to_vec();
        if !keep.is_empty() {
            keep.extend_from_slice(&taken);
        }
        Self { keep, drop: drop.to_vec(), taken }
    }

    /// Leaves out more.
    pub(super) fn leave_out(&mut self, more: &[String]) {
        self.drop.extend_from_slice(more);
    }

    /// Whether it is all of it.
    pub(super) fn is_all(&self) -> bool {
        self.keep.is_empty() && self.drop.is_empty()
    }

    /// This part of an object's text.
    pub(super) fn of(&self, text: &str) -> Option<String> {
        let mut kept = Vec::new();
        for (name, value) in members(text)? {
            let Some(inner) = self.below(&name) else { continue };
            let is_cut = !inner.is_all() && value.get().starts_with('{');
            let cut = if is_cut { inner.of(value.get()) } else { None };
            let value = cut.map_or_else(|| Cow::Borrowed(value.get()), Cow::Owned);
            kept.push(format!("{}:{value}", Value::from(name)));
        }
        Some(format!("{{{}}}", kept.join(",")))
    }

    /// What is kept of the member of this name, if anything.
    fn below(&self, name: &String) -> Option<Self> {
        let taken = below(name, &self.taken);
        if self.taken.contains(name) {
            return Some(Self { taken, ..Self::default() });
        }
        if self.drop.contains(name) {
            return (!taken.is_empty()).then(|| Self { keep: taken.clone(), drop: Vec::new(), taken });
        }
        let keep = below(name, &self.keep);
        let is_named = self.keep.is_empty() || self.keep.contains(name);
        let keep = if is_named { Vec::new() } else { keep };
        (is_named || !keep.is_empty()).then(|| Self { keep, drop: below(name, &self.drop), taken })
    }
}

/// What paths say of the members of the member of this name.
fn below(name: &str, paths: &[String]) -> Vec<String> {
    let rest = |path: &String| path.strip_prefix(name)?.strip_prefix('.').map(str::to_owned);
    paths.iter().filter_map(rest).collect()
}

/// The members of an object, in order, their values as text.
pub(super) fn members(text: &str) -> Option<Vec<(String, &RawValue)>> {
    serde_json::from_str::<Members<'_>>(text).ok().map(|members| members.0)
}

/// The text of the value at a dotted path through objects.
pub(in crate::pipeline) fn at<'t>(text: &'t str, path: &str) -> Option<&'t str> {
    let member = |text: &'t str, name| members(text)?.into_iter().find(|(known, _)| known == name);
    path.split('.').try_fold(text, |text, name| Some(member(text, name)?.1.get()))
}
