//! The part of an item's text that the spec keeps: by paths, every value that stays whole letter for letter.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::value::RawValue;

use super::take::{Members, order};

/// Which part of an item is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    paths: Paths,
    cut: Cut,
}

/// By paths, what of an object is kept.
#[derive(Debug, Clone, Default)]
struct Paths {
    /// Those that are kept; none keeps all.
    keep: Vec<String>,
    /// Those that are left out.
    drop: Vec<String>,
    /// Those that are kept in any case, because columns take them: raw must be able to fill them again.
    taken: Vec<String>,
}

/// The same, by the members' names, in the [`order`] of these.
#[derive(Debug, Clone, Default)]
struct Cut {
    named: Vec<(String, Fate)>,
    keeps_others: bool,
}

/// What is kept of a member.
#[derive(Debug, Clone)]
enum Fate {
    Whole,
    Nothing,
    /// Where it is an object, this part of it.
    Part(Cut),
}

impl Part {
    /// Of what a spec keeps and leaves out, and what its columns take.
    pub(super) fn new(keep: &[String], drop: &[String], taken: Vec<String>) -> Self {
        let mut keep = keep.to_vec();
        if !keep.is_empty() {
            keep.extend_from_slice(&taken);
        }
        Self::of_paths(Paths { keep, drop: drop.to_vec(), taken })
    }

    /// The same without what is left out besides.
    #[must_use]
    pub(super) fn without(self, more: &[String]) -> Self {
        let Paths { keep, mut drop, taken } = self.paths;
        drop.extend_from_slice(more);
        Self::of_paths(Paths { keep, drop, taken })
    }

    fn of_paths(paths: Paths) -> Self {
        Self { cut: paths.cut(), paths }
    }

    /// Whether it is all of it.
    pub(super) const fn is_all(&self) -> bool {
        self.paths.is_all()
    }

    /// This part of an object's text.
    pub(super) fn of(&self, text: &str) -> Option<String> {
        let mut kept = String::with_capacity(text.len());
        self.cut.write(text, &mut kept)?;
        Some(kept)
    }
}

impl Cut {
    fn write(&self, text: &str, kept: &mut String) -> Option<()> {
        let mut between = '{';
        for (name, value) in members(text)? {
            let fate = self.fate(&name);
            if matches!(fate, Fate::Nothing) {
                continue;
            }
            kept.push(between);
            between = ',';
            match name {
                // It has nothing that is to be escaped.
                Cow::Borrowed(name) => {
                    kept.push('"');
                    kept.push_str(name);
                    kept.push('"');
                }
                Cow::Owned(name) => kept.push_str(&Value::from(name).to_string()),
            }
            kept.push(':');
            match fate {
                Fate::Part(cut) if value.get().starts_with('{') => cut.write(value.get(), kept)?,
                _ => kept.push_str(value.get()),
            }
        }
        kept.push_str(if between == '{' { "{}" } else { "}" });
        Some(())
    }

    /// What becomes of the member of this name.
    fn fate(&self, name: &str) -> &Fate {
        let other = if self.keeps_others { &Fate::Whole } else { &Fate::Nothing };
        let place = self.named.binary_search_by(|(known, _)| order(known, name));
        place.ok().and_then(|place| self.named.get(place)).map_or(other, |(_, fate)| fate)
    }
}

impl Paths {
    const fn is_all(&self) -> bool {
        self.keep.is_empty() && self.drop.is_empty()
    }

    fn cut(&self) -> Cut {
        let paths = self.keep.iter().chain(&self.drop).chain(&self.taken);
        let names: BTreeSet<&str> =
            paths.map(|path| path.split_once('.').map_or(&**path, |it| it.0)).collect();
        let fate = |name: &str| match self.below(name) {
            None => Fate::Nothing,
            Some(inner) if inner.is_all() => Fate::Whole,
            Some(inner) => Fate::Part(inner.cut()),
        };
        let mut named: Vec<_> = names.into_iter().map(|name| (name.to_owned(), fate(name))).collect();
        named.sort_by(|(one, _), (other, _)| order(one, other));
        Cut { named, keeps_others: self.keep.is_empty() }
    }

    /// What is kept of the member of this name, if anything.
    fn below(&self, name: &str) -> Option<Self> {
        let is_in = |paths: &[String]| paths.iter().any(|path| path == name);
        let taken = below(name, &self.taken);
        if is_in(&self.taken) {
            return Some(Self { taken, ..Self::default() });
        }
        if is_in(&self.drop) {
            return (!taken.is_empty()).then(|| Self { keep: taken.clone(), drop: Vec::new(), taken });
        }
        let keep = below(name, &self.keep);
        let is_named = self.keep.is_empty() || is_in(&self.keep);
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
pub(super) fn members(text: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    serde_json::from_str::<Members<'_>>(text).ok().map(|members| members.0)
}

/// The text of the value at a dotted path through objects.
pub(in crate::pipeline) fn at<'t>(text: &'t str, path: &str) -> Option<&'t str> {
    let member = |text: &'t str, name| members(text)?.into_iter().find(|(known, _)| known == name);
    path.split('.').try_fold(text, |text, name| Some(member(text, name)?.1.get()))
}
