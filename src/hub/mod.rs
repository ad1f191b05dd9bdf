//! The hub: an embedded GitHub on loopback.
