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

    /// 128 bits in hex that nobody can guess: the standard library keys its hash maps from the system's
    /// randomness.
    pub fn random() -> Self {
        use std::hash::{BuildHasher as _, RandomState};
        let keys = RandomState::new();
        Self(format!("{:016x}{:016x}", keys.hash_one(0_u8), keys.hash_one(1_u8)))
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
