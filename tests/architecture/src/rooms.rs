//! The table: which room may know which, and which library lives where.

/// One crate of the product and the rooms it may know.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// The crate, which is also the name of its folder.
    pub name: &'static str,
    /// Rooms it may depend on.
    pub may_know: &'static [&'static str],
    /// Rooms that its tests may know besides, to build what they test against.
    pub tests_may_know: &'static [&'static str],
    /// Why a pure room must stay free of input and output; `None` for the
    /// others.
    pub pure_because: Option<&'static str>,
}

const DECIDES: &str = "it decides, and a decision neither waits nor reads a clock";
const VALUES: &str = "it is values, which every other room shares";

/// The rooms under `hub`, `plugins` and `sdk`. Those under `connectors` and
/// `tests` follow the rule of their folder.
pub const ROOMS: [Room; 16] = [
    room("hub-model", &[], Some(VALUES)),
    room(
        "hub-config",
        &["hub-model"],
        Some("it is text in and values or faults out; it never learns how anything runs"),
    ),
    room("hub-core", &["hub-model"], Some(DECIDES)),
    room("hub-schedule", &["hub-model"], Some(DECIDES)),
    room("hub-store", &["hub-model"], None),
    room("hub-store-sled", &["hub-model", "hub-store"], None),
    room("hub-engine", &["hub-model", "hub-core", "hub-schedule", "hub-store", "plugin-api"], None),
    Room {
        tests_may_know: &["hub-core", "hub-schedule", "plugin-api"],
        ..room("hub-http", &["hub-model", "hub-engine", "hub-store"], None)
    },
    room(
        "hub-server",
        &[
            "hub-model",
            "hub-config",
            "hub-core",
            "hub-schedule",
            "hub-store",
            "hub-store-sled",
            "hub-engine",
            "hub-http",
            "plugin-api",
            "plugin-gateway",
            "plugin-host",
            "plugin-pack",
            "plugin-install",
            "plugin-conformance",
        ],
        None,
    ),
    room("plugin-api", &["hub-model"], None),
    room("plugin-gateway", &["hub-model", "plugin-api"], None),
    Room {
        tests_may_know: &["plugin-conformance", "plugin-pack"],
        ..room("plugin-host", &["hub-model", "plugin-api", "plugin-gateway"], None)
    },
    room("plugin-pack", &[], None),
    room("plugin-install", &["plugin-api"], Some(DECIDES)),
    room("plugin-conformance", &["hub-model", "plugin-api"], None),
    room("liaison-sdk", &[], None),
];

const fn room(
    name: &'static str,
    may_know: &'static [&'static str],
    pure_because: Option<&'static str>,
) -> Room {
    Room { name, may_know, tests_may_know: &[], pure_because }
}

/// Libraries with one home in the product. Tests may use what they like.
pub const HOMES: [(&str, &str); 7] = [
    ("sled", "hub-store-sled"),
    ("wasmtime", "plugin-host"),
    ("reqwest", "plugin-gateway"),
    ("russh", "plugin-gateway"),
    ("axum", "hub-http"),
    ("cron", "hub-schedule"),
    ("wit-bindgen", "liaison-sdk"),
];

/// Libraries that a pure room must not reach, not even through another one:
/// they wait, or open sockets or files.
pub const IMPURE: [&str; 12] = [
    "async-std",
    "axum",
    "hyper",
    "mio",
    "reqwest",
    "rusqlite",
    "sled",
    "smol",
    "socket2",
    "tokio",
    "wasmtime",
    "wit-bindgen",
];

/// Sources of randomness, which a pure room must not declare itself. Reaching
/// one is no fault: hash maps of other libraries seed themselves with it.
pub const RANDOM: [&str; 3] = ["fastrand", "getrandom", "rand"];

/// What a connector may use: the SDK, and libraries that only compute.
pub const CONNECTOR_LIBRARIES: [&str; 7] =
    ["liaison-sdk", "csv", "flate2", "serde", "serde_json", "thiserror", "unicode-normalization"];

/// What may be visible in the root. `target` is cargo's and not in the
/// repository.
pub const VISIBLE_ROOT: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE",
    "hub",
    "plugins",
    "sdk",
    "connectors",
    "tests",
    "target",
];

/// Folders whose files stay short.
pub const PRODUCT_FOLDERS: [&str; 4] = ["hub", "plugins", "sdk", "connectors"];

/// A file of the product stays below this many lines.
pub const MAX_FILE_LINES: usize = 500;
