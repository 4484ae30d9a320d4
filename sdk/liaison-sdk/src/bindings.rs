//! What `wit-bindgen` makes of the contract. One binding per exported
//! interface, so that a connector exports those it implements and no others;
//! the types of the imports are shared by all of them.
#![allow(
    unsafe_code,
    missing_docs,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated from the contract, where everything is documented"
)]

/// The imports, and the types that everything shares.
pub mod host {
    wit_bindgen::generate!({
        path: "wit/since-v0.1.0",
        inline: "
            package sdk:host;
            world imports {
                include liaison:connector/host@0.1.0;
                import liaison:connector/types@0.1.0;
            }
        ",
        world: "sdk:host/imports",
        additional_derives: [PartialEq],
        generate_all,
        generate_unused_types: true,
    });
}

macro_rules! exported {
    ($($(#[$doc:meta])* $module:ident, $world:tt, $macro:tt, $inline:tt;)+) => {$(
        $(#[$doc])*
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit/since-v0.1.0",
                inline: $inline,
                world: $world,
                with: {
                    "liaison:connector/types@0.1.0": crate::bindings::host::liaison::connector::types,
                },
                additional_derives: [PartialEq],
                pub_export_macro: true,
                export_macro_name: $macro,
                generate_unused_types: true,
            });
        }
    )+};
}

exported! {
    /// Exported by every connector.
    connection, "sdk:connection/connection-exports", "export_connection",
        "package sdk:connection; world connection-exports { export liaison:connector/connection@0.1.0; }";
    /// Values for forms.
    choices, "sdk:choices/choices-exports", "export_choices",
        "package sdk:choices; world choices-exports { export liaison:connector/choices@0.1.0; }";
    /// Reading.
    source, "sdk:source/source-exports", "export_source",
        "package sdk:source; world source-exports { export liaison:connector/source@0.1.0; }";
    /// Finding rows.
    lookup, "sdk:lookup/lookup-exports", "export_lookup",
        "package sdk:lookup; world lookup-exports { export liaison:connector/lookup@0.1.0; }";
    /// Writing.
    destination, "sdk:destination/destination-exports", "export_destination",
        "package sdk:destination; world destination-exports { export liaison:connector/destination@0.1.0; }";
    /// Erasing people.
    erasure, "sdk:erasure/erasure-exports", "export_erasure",
        "package sdk:erasure; world erasure-exports { export liaison:connector/erasure@0.1.0; }";
    /// Containers and members.
    audience, "sdk:audience/audience-exports", "export_audience",
        "package sdk:audience; world audience-exports { export liaison:connector/audience@0.1.0; }";
    /// Messages.
    sender, "sdk:sender/sender-exports", "export_sender",
        "package sdk:sender; world sender-exports { export liaison:connector/sender@0.1.0; }";
    /// Webhooks and events.
    inbound, "sdk:inbound/inbound-exports", "export_inbound",
        "package sdk:inbound; world inbound-exports { export liaison:connector/inbound@0.1.0; }";
}
