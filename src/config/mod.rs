//! Settings: defaults, the user's file, `planwright.toml`, the environment, flags; the later win.

pub mod secret;
pub mod settings;

pub use secret::Secret;
pub use settings::{Profile, Role, Settings};
