//! Guests by hand, of what no compiler emits: a few lines of core module text,
//! made a component by the encoder that makes all of them.

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const CONTRACT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/liaison-sdk/wit/since-v0.1.0");

const MANIFEST: &str = r#"{"id":"handmade","version":"0.1.0","contract":"0.1.0",
    "capabilities":["source"],"settings":{"type":"object"}}"#;

/// The bytes of a component that reads. `read` is the body of its function, which
/// leaves the address of an answer or never returns; `rest` are further items of
/// its module, among them the allocator.
fn source(rest: &str, read: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            {rest}
            (memory (export "memory") 1)
            (func (export "liaison:connector/connection@0.1.0#check")
                (param i32 i32 i32 i32 i32) (result i32) i32.const 1024)
            (func (export "liaison:connector/connection@0.1.0#discover")
                (param i32 i32 i32 i32 i32) (result i32) unreachable)
            (func (export "liaison:connector/source@0.1.0#read")
                (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) {read})
        )"#
    );
    let mut module = wat::parse_str(text).unwrap();
    let mut contract = Resolve::default();
    let (package, _) = contract.push_dir(CONTRACT).unwrap();
    let world = contract.select_world(&[package], Some("source-only")).unwrap();
    embed_component_metadata(&mut module, &contract, world, StringEncoding::UTF8, false).unwrap();
    let component = plugin_pack::encode(&module).unwrap();
    plugin_pack::append(&component, MANIFEST.as_bytes()).unwrap()
}

/// Always the same place: whoever comes later overwrites what was there.
const ALLOCATOR: &str = r#"(func (export "cabi_realloc")
    (param i32 i32 i32 i32) (result i32) i32.const 2048)"#;

/// Grows its table until it may not, and then ends.
pub fn grows_its_table() -> Vec<u8> {
    let table = format!("{ALLOCATOR} (table $t 1 funcref)");
    let read = "(loop $again
        (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))
        unreachable";
    source(&table, read)
}

/// A table that is too large from the start.
pub fn has_a_huge_table() -> Vec<u8> {
    source(&format!("{ALLOCATOR} (table 1000000 funcref)"), "unreachable")
}

/// Calls the host while the host is handing over an argument.
pub fn calls_back_at_once() -> Vec<u8> {
    let allocator = r#"
        (import "liaison:connector/clock@0.1.0" "now" (func $now (result i64)))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (drop (call $now)) (i32.const 2048))"#;
    source(allocator, "unreachable")
}
