//! Which items of a resource are read, where not all are: names, patterns of names, and what is left out. Pure.
//!
//! What is named is asked for by its own path, whether or not the source lists it; what a pattern names is
//! found in the listing. Letters count the same in either case, as they do at GitHub.

use globset::{GlobBuilder, GlobMatcher};

/// Which items are read. By default all.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    only: Option<Only>,
    without: Vec<Pattern>,
}

/// Nothing but these.
#[derive(Debug, Clone, Default)]
struct Only {
    names: Vec<String>,
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl Choice {
    /// Nothing but these names; all where there are none.
    pub fn named(names: &[String]) -> Self {
        let only = Only { names: names.to_vec(), patterns: Vec::new() };
        Self { only: (!names.is_empty()).then_some(only), without: Vec::new() }
    }

    /// Nothing but these names, and what fits these patterns; both may be empty.
    pub fn only(names: Vec<String>, patterns: &[String]) -> Result<Self, globset::Error> {
        let mut once: Vec<String> = Vec::with_capacity(names.len());
        for name in names {
            if !once.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                once.push(name);
            }
        }
        Ok(Self { only: Some(Only { names: once, patterns: compiled(patterns)? }), without: Vec::new() })
    }

    /// The same, without what fits these patterns. A name is a pattern too.
    pub fn without(self, patterns: &[String]) -> Result<Self, globset::Error> {
        Ok(Self { without: compiled(patterns)?, ..self })
    }

    /// Whether nothing narrows it.
    pub fn is_everything(&self) -> bool {
        self.only.is_none() && self.without.is_empty()
    }

    /// Whether the source's listing tells what is chosen.
    pub fn is_listed(&self) -> bool {
        self.only.as_ref().is_none_or(|only| !only.patterns.is_empty())
    }

    /// The names that are asked for one by one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.only.iter().flat_map(|only| &only.names).map(String::as_str);
        names.filter(|name| !is_any(&self.without, name))
    }

    /// Whether an item of this name is read.
    pub fn has(&self, name: &str) -> bool {
        let is_named = |only: &Only| {
            only.names.iter().any(|known| known.eq_ignore_ascii_case(name)) || is_any(&only.patterns, name)
        };
        self.only.as_ref().is_none_or(is_named) && !is_any(&self.without, name)
    }

    /// The patterns, what is left out among them, that none of these names fits.
    pub fn idle<'c>(&'c self, names: &'c [&str]) -> impl Iterator<Item = &'c str> {
        let patterns = self.only.iter().flat_map(|only| &only.patterns).chain(&self.without);
        let named = self.only.iter().flat_map(|only| &only.names).map(String::as_str);
        let known: Vec<&str> = names.iter().copied().chain(named).collect();
        patterns
            .filter(move |pattern| !known.iter().any(|name| pattern.matcher.is_match(name)))
            .map(|pattern| pattern.text.as_str())
    }
}

fn is_any(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matcher.is_match(name))
}

fn compiled(patterns: &[String]) -> Result<Vec<Pattern>, globset::Error> {
    let one = |text: &String| {
        let glob = GlobBuilder::new(text).case_insensitive(true).literal_separator(true).build()?;
        Ok(Pattern { text: text.clone(), matcher: glob.compile_matcher() })
    };
    patterns.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: [&str; 4] = ["octo/app-one", "Octo/old-app", "ada/app-two", "ada/shop"];

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn check(choice: &Choice, expected: &[&str]) {
        let found: Vec<_> = LISTED.into_iter().filter(|name| choice.has(name)).collect();
        assert_eq!(found, expected, "{choice:?}");
    }

    #[test]
    fn patterns_narrow_the_listing_and_names_need_none() {
        let all = Choice::default();
        check(&all, &LISTED);
        assert!(all.is_everything() && all.is_listed());
        let like = Choice::only(Vec::new(), &texts(&["octo/*", "*/shop"])).unwrap();
        check(&like, &["octo/app-one", "Octo/old-app", "ada/shop"]);
        let named = Choice::only(texts(&["Ada/Shop", "ada/shop", "far/away"]), &[]).unwrap();
        check(&named, &["ada/shop"]);
        assert_eq!(named.names().collect::<Vec<_>>(), ["Ada/Shop", "far/away"], "each once");
        assert!(!named.is_listed());
    }

    #[test]
    fn what_is_left_out_is_left_out_whoever_names_it() {
        let old = texts(&["octo/old-*", "far/away"]);
        let but = Choice::default().without(&old).unwrap();
        check(&but, &["octo/app-one", "ada/app-two", "ada/shop"]);
        assert!(!but.is_everything() && but.is_listed());
        let named = Choice::only(texts(&["octo/old-app", "far/away", "ada/shop"]), &[]).unwrap();
        assert_eq!(named.without(&old).unwrap().names().collect::<Vec<_>>(), ["ada/shop"]);
    }

    #[test]
    fn a_choice_of_nothing_is_not_everything() {
        let nothing = Choice::only(Vec::new(), &[]).unwrap();
        check(&nothing, &[]);
        assert!(!nothing.is_everything() && !nothing.is_listed());
    }

    #[test]
    fn patterns_that_fit_nothing_are_known() {
        let choice = Choice::only(texts(&["far/away"]), &texts(&["octo/*", "oct/*"])).unwrap();
        let choice = choice.without(&texts(&["far/*", "ada/olds"])).unwrap();
        assert_eq!(choice.idle(&LISTED).collect::<Vec<_>>(), ["oct/*", "ada/olds"]);
    }
}
