//! A guest for tests.
