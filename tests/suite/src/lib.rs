//! The whole from outside: the binary with connectors in their component form
//! and a real ERP. Everything is in `tests/it`; what it stands on is shared with
//! `cargo xtask demo`.
