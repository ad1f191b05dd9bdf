//! What stands on no cassette: credentials, secrets, and the names that the person wants replaced.
//!
//! The same text is replaced everywhere by the same other one, in addresses too, so that a cassette answers
//! what will be asked of it.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::context::secrets;
use crate::net::cassette::Recording;

/// What is as long as this is replaced wherever it stands; a shorter secret only where it was found.
const TELLING: usize = 12;

/// A text and what stands for it on the cassette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The text, letter for letter.
    pub old: String,
    /// What stands for it.
    pub new: String,
}

impl FromStr for Replacement {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((old, new)) if !old.is_empty() => Ok(Self { old: old.to_owned(), new: new.to_owned() }),
            _ => Err("write it as OLD=NEW"),
        }
    }
}

/// How many secrets of each kind were taken out.
pub type Erased = BTreeMap<&'static str, usize>;

/// Makes the replacements, then takes out what looks like a secret.
pub(super) fn erase(recording: &mut Recording, replacements: &[Replacement]) -> Erased {
    let (swap, mut telling) = (Swap::new(replacements), Telling::default());
    recording.change(|text| {
        swap.apply(text);
        telling.look(text);
    });
    // Some are told by their names only.
    recording.named(|name, text| telling.look(&format!("{name}: \"{text}\"")));
    let mut erased = Erased::new();
    let mut stands = Vec::new();
    for (secret, kind) in telling.0 {
        let count = erased.entry(kind).or_default();
        *count += 1;
        stands.push(Replacement { old: secret, new: stand_in(kind, *count) });
    }
    let swap = Swap::new(&stands);
    recording.change(|text| {
        swap.apply(text);
        let redacted = secrets::redact(text);
        redacted.found.iter().for_each(|found| *erased.entry(found.kind).or_default() += 1);
        *text = redacted.text;
    });
    erased
}

/// What stands for a secret: the same in an address as elsewhere, and one for each, so that the cursors of a
/// listing stay apart.
fn stand_in(kind: &str, number: usize) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let kind: String = kind.chars().map(letter).collect();
    format!("redacted-{kind}-{number}")
}

/// The secrets that can be told from other text, in an order of their own, and their kinds.
#[derive(Default)]
struct Telling(BTreeMap<String, &'static str>);

impl Telling {
    fn look(&mut self, text: &str) {
        for (span, kind) in secrets::spans(text) {
            let secret = text.get(span).unwrap_or_default();
            if secret.len() >= TELLING {
                self.0.entry(secret.to_owned()).or_insert(kind);
            }
        }
    }
}

/// The same texts with the replacements made.
pub(super) fn replaced(mut texts: Vec<String>, replacements: &[Replacement]) -> Vec<String> {
    let swap = Swap::new(replacements);
    for text in &mut texts {
        swap.apply(text);
    }
    texts
}

/// Texts that are replaced in one go, the longest first.
struct Swap(Vec<(String, String)>);

impl Swap {
    /// Each as it is and as it stands in addresses.
    fn new(replacements: &[Replacement]) -> Self {
        let spelled = |Replacement { old, new }: &Replacement| {
            let query =
                |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
            let path = |text: &str| query(text).replace('+', "%20");
            [(old.clone(), new.clone()), (query(old), query(new)), (path(old), path(new))]
        };
        let mut pairs: Vec<_> = replacements.iter().flat_map(spelled).collect();
        // Stable: of two for the same text the first holds.
        pairs.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(pairs)
    }

    fn apply(&self, text: &mut String) {
        let pairs: Vec<_> = self.0.iter().filter(|(old, _)| text.contains(old.as_str())).collect();
        if pairs.is_empty() {
            return;
        }
        let (mut swapped, mut rest) = (String::with_capacity(text.len()), text.as_str());
        while let Some(first) = rest.chars().next() {
            let fits = pairs.iter().find_map(|(old, new)| Some((rest.strip_prefix(old.as_str())?, new)));
            if let Some((after, new)) = fits {
                swapped.push_str(new);
                rest = after;
            } else {
                swapped.push(first);
                rest = rest.strip_prefix(first).unwrap_or_default();
            }
        }
        *text = swapped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(replacements: &[&str], text: &str, expected: &str) {
        let replacements: Vec<_> = replacements.iter().map(|text| text.parse().unwrap()).collect();
        let mut swapped = text.to_owned();
        Swap::new(&replacements).apply(&mut swapped);
        assert_eq!(swapped, expected);
    }

    #[test]
    fn names_are_replaced_letter_for_letter_and_as_addresses_have_them() {
        check(&["ada=octo"], "ada Ada @ada/shop", "octo Ada @octo/shop");
        check(&["ada=octo", "octo=ada"], "ada octo", "octo ada");
        check(&["ada=a", "ada/shop=octo/app"], "ada/shop ada", "octo/app a");
        check(&["Å B=Ö C"], "?q=%C3%85+B /%C3%85%20B Å B", "?q=%C3%96+C /%C3%96%20C Ö C");
        check(&["ada="], "xadax", "xx");
        assert_eq!("=x".parse::<Replacement>(), Err("write it as OLD=NEW"));
        assert_eq!("x".parse::<Replacement>(), Err("write it as OLD=NEW"));
    }

    /// A cassette with this body, as it is written.
    fn written(body: &serde_json::Value) -> (String, Erased) {
        let mut recording = Recording::of(body);
        let erased = erase(&mut recording, &[]);
        (recording.text(&crate::net::cassette::Chosen::default()).unwrap(), erased)
    }

    #[test]
    fn a_secret_is_known_by_its_shape_its_name_or_its_place_in_an_address() {
        let (one, two) = ("q7Wm3xKp9Tz2Lv8N", "c4Rb6Yd1q7Wm3xKp");
        let address = format!("https://raw.example.com/a?token={one}&x=1");
        let body = serde_json::json!({"client_secret": two, "at": address, "again": format!("<{one}>")});
        let (text, erased) = written(&body);
        assert!(!text.contains(one) && !text.contains(two), "{text}");
        assert!(text.contains("?token=redacted-secret-value-2&x=1"), "{text}");
        assert!(text.contains("<redacted-secret-value-2>"), "the same everywhere: {text}");
        assert_eq!(erased, Erased::from([("secret value", 2)]));
        let (text, erased) = written(&serde_json::json!(["pg://me:hunter2@db/x hunter2"]));
        assert!(text.contains("pg://me:[secret removed: password in a URL]@db/x hunter2"), "{text}");
        assert_eq!(erased.len(), 1);
        let plain = serde_json::json!({"token_type": "bearer", "title": "the token is read", "n": 1});
        assert_eq!(written(&plain).1, Erased::new());
    }
}
