//! The harness: runs tests and checks, returns evidence.
