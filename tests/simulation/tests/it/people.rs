//! People through the engine: explained, joined, taken apart, and brought up to
//! other rules, with every row read again in between.

mod decisions;
mod explained;
mod other_rules;
mod town;
