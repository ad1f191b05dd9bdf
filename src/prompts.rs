//! Prompt templates, embedded and overridable.
