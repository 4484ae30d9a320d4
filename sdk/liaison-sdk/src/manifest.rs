//! The manifest: `connector.json` beside `Cargo.toml`.

/// The text of the connector's `connector.json`, for its tests.
#[macro_export]
macro_rules! manifest {
    () => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/connector.json"))
    };
}
