//! HTTP clients: the one place that builds them.
