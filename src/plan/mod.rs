//! The plan verb: one sentence becomes linked issues.
