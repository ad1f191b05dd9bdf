//! A value that must not be seen.
//!
//! Its `Debug` prints dots, it has no `Display` and no `Serialize`, so it reaches no log, prompt,
//! transcript or cassette by accident. Whoever needs the text says so by calling [`Secret::expose`].

use std::fmt;

/// A credential. Compare by use, not by value.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text of a credential.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one header that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••••")
    }
}
