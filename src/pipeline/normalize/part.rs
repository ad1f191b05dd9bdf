//! The part of an item's text that the spec keeps: by paths, every value that stays whole letter for letter.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::take::Members;

/// An object's text with what is kept and without what is left out. Keeping nothing in particular keeps all.
pub(super) fn of(text: &str, keep: &[String], drop: &[String]) -> Option<String> {
    let mut kept = Vec::new();
    for (name, value) in members(text)? {
        let is_named = keep.is_empty() || keep.contains(&name);
        let inner_keep = if is_named { Vec::new() } else { below(&name, keep) };
        if drop.contains(&name) || (!is_named && inner_keep.is_empty()) {
            continue;
        }
        let inner_drop = below(&name, drop);
        let is_cut = !(inner_keep.is_empty() && inner_drop.is_empty()) && value.get().starts_with('{');
        let cut = if is_cut { of(value.get(), &inner_keep, &inner_drop) } else { None };
        let value = cut.map_or_else(|| Cow::Borrowed(value.get()), Cow::Owned);
        kept.push(format!("{}:{value}", Value::from(name)));
    }
    Some(format!("{{{}}}", kept.join(",")))
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
