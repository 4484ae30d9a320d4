//! Ad platforms, as their doubles show them, filled by the components.

use std::{collections::BTreeMap, fs, process::Command};

use doubles::{
    http::Server,
    meta::{ACCOUNT, Meta, TOKEN},
};
use plugin_api::Identity;
use plugin_conformance::{Subject, audience};
use plugin_gateway::{ConnectionPolicy, Credential, Gateway, GatewayOptions, Grants, HttpLimits};
use plugin_host::{Binding, Host, HostOptions, Limits};
use serde_json::{Value, json};
use xtask::{components, paths};

#[tokio::test]
async fn meta_keeps_the_rules_about_audiences() {
    let server = Server::start(Meta::default()).unwrap();
    let address = format!("127.0.0.1:{}", server.port());
    let grants = Grants {
        hosts: vec![address.parse().unwrap()],
        private: vec![format!("127.0.0.1/32:{}", server.port()).parse().unwrap()],
        insecure_http: true,
        ..Grants::default()
    };
    let settings = json!({ "url": server.url(), "account": ACCOUNT });
    let token = Credential::Bearer(TOKEN.into());
    let gateway = Gateway::new(GatewayOptions::default()).unwrap().connection(ConnectionPolicy {
        connection: "ads".to_owned(),
        grants,
        credentials: BTreeMap::from([("token".to_owned(), token)]),
        settings: settings.clone(),
        limits: HttpLimits::default(),
    });
    let options = HostOptions { cache_dir: None, cache_key: [7; 32], limits: Limits::default() };
    let host = Host::new(options).unwrap();
    let package = host.load(&components::built("ads-meta").unwrap()).await.unwrap();
    let connector = host.connect(package, Binding::new("ads", settings, gateway));
    let identity = |namespace: &str, value: &str| Identity {
        namespace: namespace.to_owned(),
        value: value.to_owned(),
    };
    let sample = [identity("email", "ana@x.example"), identity("phone", "+33612345678")];
    let subject = Subject::new(&*connector, "members");
    assert_eq!(audience::check(&subject, &sample).await, []);
    assert_eq!(server.vendor().names(), [""; 0], "the rules left something behind");
}

#[test]
fn meta_tells_its_troubles() {
    let server = Server::start(Meta::default()).unwrap();
    let (port, url) = (server.port(), server.url());
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "version = 1\n[connectors]\ndir = {:?}\n[connections.ads]\nconnector = \"ads-meta\"\n\
         hosts = [\"127.0.0.1:{port}\"]\nprivate = [\"127.0.0.1/32:{port}\"]\n\
         insecure_http = true\nsettings = {{ url = \"{url}\", account = \"{ACCOUNT}\" }}\n\
         credentials.token = {{ token = \"env:API_TOKEN\" }}\n",
        paths::components()
    );
    fs::write(folder.path().join("liaison.toml"), config).unwrap();
    let mut command = Command::new(paths::binary());
    command.current_dir(folder.path()).args(["connector", "test", "ads", "--json"]);
    let output = command.env("API_TOKEN", TOKEN).env_remove("RUST_LOG").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{report:#}");
    // Two of connecting, one of wrong settings, five of trouble.
    assert_eq!(report["score"]["kept"], 8, "{report:#}");
}
