//! The room table as a test
