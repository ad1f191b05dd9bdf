//! The sandbox: what a spawned process may do.
