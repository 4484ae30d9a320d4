//! Ad platforms, as their doubles show them, filled by the components.

use std::{collections::BTreeMap, fs, process::Command};

use doubles::{
    google::{self, Google},
    http::{Server, Vendor},
    meta::{self, Meta},
};
use plugin_api::Identity;
use plugin_conformance::{Subject, audience};
use plugin_gateway::{ConnectionPolicy, Credential, Gateway, GatewayOptions, Grants, HttpLimits};
use plugin_host::{Binding, Host, HostOptions, Limits};
use serde_json::{Value, json};
use xtask::{components, paths};

/// An account at a vendor, and how a connection to it is made.
struct Account<V> {
    component: &'static str,
    server: Server<V>,
    settings: Value,
    slot: &'static str,
    credential: &'static [(&'static str, &'static str)],
}

fn meta() -> Account<Meta> {
    let server = Server::start(Meta::default()).unwrap();
    let settings = json!({ "url": server.url(), "account": meta::ACCOUNT });
    let credential = &[("token", meta::TOKEN)];
    Account { component: "ads-meta", server, settings, slot: "token", credential }
}

fn google() -> Account<Google> {
    let server = Server::start(Google::default()).unwrap();
    let (url, account) = (server.url(), google::ACCOUNT);
    let settings = json!({ "url": url, "login_url": url, "account": account });
    let credential = &[
        ("client_id", "client"),
        ("client_secret", "secret"),
        ("refresh_token", google::REFRESH_TOKEN),
    ];
    Account { component: "ads-google", server, settings, slot: "google", credential }
}

impl<V: Vendor> Account<V> {
    /// Which rules about audiences the component breaks.
    async fn breaches(&self) -> Vec<String> {
        let host = HostOptions { cache_dir: None, cache_key: [7; 32], limits: Limits::default() };
        let host = Host::new(host).unwrap();
        let package = host.load(&components::built(self.component).unwrap()).await.unwrap();
        let slots = &package.manifest.credentials;
        let slot = slots.iter().find(|slot| slot.name == self.slot).unwrap();
        let parts = self.credential.iter().map(|(name, part)| ((*name).to_owned(), (*part).into()));
        let credential = Credential::from_slot(slot, parts.collect()).unwrap();
        let port = self.server.port();
        let grants = Grants {
            hosts: vec![format!("127.0.0.1:{port}").parse().unwrap()],
            private: vec![format!("127.0.0.1/32:{port}").parse().unwrap()],
            insecure_http: true,
            ..Grants::default()
        };
        let policy = ConnectionPolicy {
            connection: "ads".to_owned(),
            grants,
            credentials: BTreeMap::from([(self.slot.to_owned(), credential)]),
            settings: self.settings.clone(),
            limits: HttpLimits::default(),
        };
        let gateway = Gateway::new(GatewayOptions::default()).unwrap().connection(policy);
        let binding = Binding::new("ads", self.settings.clone(), gateway);
        let connector = host.connect(package, binding);
        let identity = |(namespace, value): (&str, &str)| Identity {
            namespace: namespace.to_owned(),
            value: value.to_owned(),
        };
        let sample = [("email", "ana@x.example"), ("phone", "+33612345678")].map(identity);
        let subject = Subject::new(&*connector, "members");
        let breaches = audience::check(&subject, &sample).await;
        breaches.iter().map(ToString::to_string).collect()
    }

    /// What `liaison connector test` says.
    fn report(&self) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let (component, port) = (self.component, self.server.port());
        let mut config = format!(
            "version = 1\n[connectors]\ndir = {:?}\n[connections.ads]\nconnector = \"{component}\"\n\
             hosts = [\"127.0.0.1:{port}\"]\nprivate = [\"127.0.0.1/32:{port}\"]\n\
             insecure_http = true\n[connections.ads.settings]\n",
            paths::components()
        );
        for (name, value) in self.settings.as_object().unwrap() {
            config += &format!("{name} = {value}\n");
        }
        config += &format!("[connections.ads.credentials.{}]\n", self.slot);
        let mut command = Command::new(paths::binary());
        for (name, part) in self.credential {
            config += &format!("{name} = \"env:ADS_{name}\"\n");
            command.env(format!("ADS_{name}"), part);
        }
        fs::write(folder.path().join("liaison.toml"), config).unwrap();
        command.current_dir(folder.path()).args(["connector", "test", "ads", "--json"]);
        let output = command.env_remove("RUST_LOG").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

#[tokio::test]
async fn meta_keeps_the_rules_about_audiences() {
    let account = meta();
    assert_eq!(account.breaches().await, [""; 0]);
    assert_eq!(account.server.vendor().names(), [""; 0], "the rules left something behind");
}

#[tokio::test]
async fn google_keeps_the_rules_about_audiences() {
    let account = google();
    assert_eq!(account.breaches().await, [""; 0]);
    assert_eq!(account.server.vendor().names(), [""; 0], "the rules left something behind");
}

#[test]
fn meta_tells_its_troubles() {
    let report = meta().report();
    // Two of connecting, one of wrong settings, five of trouble.
    assert_eq!(report["score"]["kept"], 8, "{report:#}");
}

/// The host logs in, so that trouble meets the host and not the component: its native
/// tests have that.
#[test]
fn google_can_be_connected() {
    let report = google().report();
    assert_eq!(report["score"]["kept"], 3, "{report:#}");
}
