//! Pipelines: resources to extract, SQL models to build, data tests.
