//! A connector that is well-behaved in all but one thing: it imports a shell. It
//! must be refused before it runs, with the import named.

use liaison_sdk::{Call, Connector, Fault, Stream};

#[allow(
    unsafe_code,
    missing_docs,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "guest" });
}

struct Forbidden;

impl Connector for Forbidden {
    fn discover(_: &Call) -> Result<Vec<Stream>, Fault> {
        Ok(vec![Stream::new(bindings::evil::host::shell::run("id"))])
    }
}

liaison_sdk::export_connector!(Forbidden);
