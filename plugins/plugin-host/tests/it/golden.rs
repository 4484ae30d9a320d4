//! Components as they were built once, kept as bytes: whatever becomes of the host, the
//! SDK and the compilers, the host loads and runs them. One is added with every contract
//! that is released; none is ever built anew.

use std::collections::BTreeSet;

use plugin_api::ItemChange;
use plugin_gateway::Grants;
use plugin_host::Binding;
use plugin_host::inspect::{CONTRACT_VERSIONS, inspect};
use serde_json::json;

use crate::support::{call, gateway, host, soon, start};

struct Golden {
    contract: &'static str,
    bytes: &'static [u8],
    digest: &'static str,
}

/// The least that a source can be, made by hand: `golden/contract-0.1.0.wat` shows how. It
/// imports one interface of eleven and exports two of seven.
const GOLDEN: [Golden; 1] = [Golden {
    contract: "0.1.0",
    bytes: include_bytes!("golden/contract-0.1.0.wasm"),
    digest: "b6280b4a2fef30ca5df8176732d5caedc1861169a0afa9a4dfe19fb49c28de94",
}];

#[tokio::test]
async fn components_of_earlier_contracts_load_and_run() {
    let names =
        |all: &[&str]| -> BTreeSet<String> { all.iter().map(ToString::to_string).collect() };
    for Golden { contract, bytes, digest } in GOLDEN {
        let inspected = inspect(bytes).unwrap();
        assert_eq!(inspected.manifest.contract, contract);
        assert_eq!(inspected.imports, names(&["clock", "types"]));
        assert_eq!(inspected.exports, names(&["connection", "source"]));
        let host = host();
        let package = host.load_bytes(bytes.to_vec()).await.unwrap();
        assert_eq!(package.digest.to_string(), digest, "{contract} is not what it was");
        let binding = Binding::new("test", json!({}), gateway(Grants::default()));
        let connector = host.connect(package, binding);
        soon(connector.check(&call())).await.unwrap();
        assert_eq!(soon(connector.discover(&call())).await.unwrap(), []);
        let page = soon(connector.read(&call(), &start("people"))).await.unwrap();
        assert_eq!((page.items.len(), page.more, page.snapshot_complete), (2, false, true));
        let ItemChange::Upsert(row) = &page.items[1].as_ref().unwrap().change else { panic!() };
        assert_eq!(row.fields().unwrap()["name"], "Bob".into());
    }
}

#[test]
fn every_contract_that_the_host_speaks_has_one() {
    let kept: Vec<&str> = GOLDEN.iter().map(|golden| golden.contract).collect();
    assert_eq!(kept, CONTRACT_VERSIONS);
}
