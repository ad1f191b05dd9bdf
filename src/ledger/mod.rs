//! The ledger: what every run cost and did.
