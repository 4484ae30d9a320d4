//! Whole configurations, good and bad: every folder of `tests/cases` is a case.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cases;
mod files;
mod schemas;
mod summary;
