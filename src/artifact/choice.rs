//! Which repositories a sync gathers, as people say it: a name, a pattern of names, those that they starred;
//! with a leading `!`, what is left out.

use super::ids::{Invalid, RepoName};

/// One entry of the list that says which repositories are gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepoChoice {
    /// What it names is gathered.
    With(Repos),
    /// What it names is left out, whoever else names it.
    Without(Repos),
}

/// One or many repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repos {
    /// This one.
    Named(RepoName),
    /// Those whose names fit: `*` stands for any letters but `/`, `?` for one.
    Like(String),
    /// Those that the token's owner starred.
    Starred,
}

impl RepoChoice {
    /// The account that owns whatever these can choose, if it is one.
    pub fn owner(choices: &[Self]) -> Option<&str> {
        let mut owners = choices.iter().filter_map(|choice| match choice {
            Self::With(repos) => Some(repos.owner()),
            Self::Without(_) => None,
        });
        let first = owners.next()??;
        owners.all(|owner| owner.is_some_and(|owner| owner.eq_ignore_ascii_case(first))).then_some(first)
    }
}

impl Repos {
    fn owner(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(&name.owner),
            Self::Like(pattern) => Some(pattern.split_once('/')?.0).filter(|it| !it.contains(['*', '?'])),
            Self::Starred => None,
        }
    }
}

/// How the starred ones are said.
const STARRED: &str = "starred";

impl std::str::FromStr for RepoChoice {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = |_| Invalid { what: "choice of repositories", found: text.to_owned() };
        match text.strip_prefix('!') {
            Some(rest) => rest.parse().map(Self::Without).map_err(invalid),
            None => text.parse().map(Self::With).map_err(invalid),
        }
    }
}

impl std::str::FromStr for Repos {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text == STARRED {
            return Ok(Self::Starred);
        }
        if !text.contains(['*', '?']) {
            return text.parse().map(Self::Named);
        }
        let good = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.*?".contains(c))
        };
        match text.split_once('/') {
            Some((owner, name)) if good(owner) && good(name) => Ok(Self::Like(text.to_owned())),
            _ => Err(Invalid { what: "pattern of repositories", found: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &RepoChoice) {
        assert_eq!(text.parse::<RepoChoice>().as_ref(), Ok(expected), "{text}");
    }

    #[test]
    fn a_name_a_pattern_and_the_starred_ones_are_told_apart() {
        let like = |text: &str| Repos::Like(text.to_owned());
        check("octo/hello", &RepoChoice::With(Repos::Named("octo/hello".parse().unwrap())));
        check("octo/*", &RepoChoice::With(like("octo/*")));
        check("*/app-?", &RepoChoice::With(like("*/app-?")));
        check("starred", &RepoChoice::With(Repos::Starred));
        check("!octo/old-*", &RepoChoice::Without(like("octo/old-*")));
        check("!starred", &RepoChoice::Without(Repos::Starred));
    }

    #[test]
    fn one_account_may_own_all_that_is_chosen() {
        for (texts, expected) in [
            (&["acme/shop", "Acme/app-*", "!octo/old"][..], Some("acme")),
            (&["acme/shop", "octo/app"], None),
            (&["acme/shop", "starred"], None),
            (&["a*/shop"], None),
            (&["!acme/old"], None),
            (&[], None),
        ] {
            let choices: Vec<_> = texts.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(RepoChoice::owner(&choices), expected, "{texts:?}");
        }
    }

    #[test]
    fn what_is_none_of_them_is_refused() {
        for text in ["", "!", "!!a/b", "octo", "*", "octo/", "/app-*", "a/b/*", "a/[bc]*", "a/ *", "Starred"]
        {
            let error = text.parse::<RepoChoice>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is no choice of repositories"));
        }
    }
}
