//! Whole configurations, good and bad: every folder of `tests/cases` is a case.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test measures how long something took")]

mod cases;
mod files;
mod schemas;
mod summary;
