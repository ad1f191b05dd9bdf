//! The pack: project context for a model, within a token budget, with what was left out.
