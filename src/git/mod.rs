//! Running git, and nothing else that is git.
