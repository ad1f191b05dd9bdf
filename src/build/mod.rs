//! The build verb: one issue worked to a reviewed commit.
