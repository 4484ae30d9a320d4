//! Hosts, bindings and components for tests.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hub_model::Timestamp;
use plugin_api::{CallContext, Connector, Cursor, ReadRequest};
use plugin_gateway::{
    ConnectionGateway, ConnectionPolicy, Credential, Gateway, Grants, HttpLimits,
};
use plugin_host::{Binding, Host, HostOptions, Limits};
use serde_json::Value;

/// Longer than any call here may take on a busy machine: what exceeds it hangs.
const HANGS_AFTER: Duration = Duration::from_secs(120);

fn components() -> PathBuf {
    match std::env::var_os("LIAISON_COMPONENTS_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/components")),
    }
}

/// The path of a component.
pub fn component(name: &str) -> PathBuf {
    let path = components().join(format!("{name}.wasm"));
    assert!(
        path.is_file(),
        "{} is missing: `cargo xtask components` builds it (LIAISON_COMPONENTS_DIR says where \
         it is looked for)",
        path.display()
    );
    path
}

/// Tight limits, so that what misbehaves is stopped soon.
pub fn limits() -> Limits {
    Limits { cpu: Duration::from_millis(300), wall: Duration::from_secs(60), ..Limits::default() }
}

pub fn host_with(limits: Limits) -> Host {
    Host::new(HostOptions { cache_dir: None, cache_key: [7; 32], limits }).unwrap()
}

pub fn host() -> Host {
    host_with(limits())
}

pub fn gateway_with(grants: Grants, limits: HttpLimits) -> Arc<ConnectionGateway> {
    gateway_of(grants, limits, BTreeMap::new())
}

fn gateway_of(
    grants: Grants,
    limits: HttpLimits,
    credentials: BTreeMap<String, Credential>,
) -> Arc<ConnectionGateway> {
    let gateway = Gateway::new(plugin_gateway::GatewayOptions::default()).unwrap();
    gateway.connection(ConnectionPolicy {
        connection: "test".to_owned(),
        grants,
        credentials,
        settings: Value::Null,
        limits,
    })
}

pub fn gateway(grants: Grants) -> Arc<ConnectionGateway> {
    gateway_with(grants, HttpLimits::default())
}

/// A connector of a component, with settings and grants.
pub async fn connect(
    host: &Host,
    name: &str,
    settings: Value,
    grants: Grants,
) -> Arc<dyn Connector> {
    let package = host.load(&component(name)).await.unwrap();
    host.connect(package, Binding::new("test", settings, gateway(grants)))
}

/// A connector of a component, with settings and what verifies its deliveries.
pub async fn connect_with_key(
    host: &Host,
    (name, slot): (&str, &str),
    settings: Value,
    key: &str,
) -> Arc<dyn Connector> {
    let package = host.load(&component(name)).await.unwrap();
    let hook = Credential::Webhook { key: key.into(), previous: None };
    let credentials = BTreeMap::from([(slot.to_owned(), hook)]);
    let gateway = gateway_of(Grants::default(), HttpLimits::default(), credentials);
    host.connect(package, Binding::new("test", settings, gateway))
}

pub fn call() -> CallContext {
    CallContext { purpose: "run-1".to_owned(), now: Timestamp::from_seconds(1), seed: 1 }
}

pub fn start(stream: &str) -> ReadRequest {
    ReadRequest { stream: stream.into(), cursor: None, fields: Vec::new() }
}

pub fn after(stream: &str, cursor: &[u8]) -> ReadRequest {
    ReadRequest { cursor: Some(Cursor(cursor.to_vec())), ..start(stream) }
}

/// The result of a call that must not hang.
pub async fn soon<T>(call: impl Future<Output = T>) -> T {
    match tokio::time::timeout(HANGS_AFTER, call).await {
        Ok(result) => result,
        Err(_) => panic!("the call hangs"),
    }
}
