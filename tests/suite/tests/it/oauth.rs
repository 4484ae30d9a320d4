//! Tokens of an authorisation server that somebody else wrote: every way to one, and a
//! hub that somebody signs in to, with a browser and without, and that is killed between.
//! What the server gives out is then looked for everywhere.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use doubles::{
    canary::{Canary, holds},
    google::{ACCOUNT, Google, TOKEN},
    http::{Request, Server},
};
use plugin_api::CredentialSlot;
use plugin_gateway::{
    ConnectionGateway, ConnectionPolicy, Credential, Gateway, GatewayOptions, Grants, HttpRequest,
    Secret,
};
use serde_json::{Value, json};
use xtask::{
    Unavailable,
    demo::hub::{self, Hub},
    oauth::{CLIENT, Issuer, REFRESH_TOKEN, SECRET, Terms},
    paths,
};

use crate::free_port;

/// The example key of RFC 7515, appendix A.2.
const KEY: &str = include_str!("../../../../plugins/plugin-gateway/src/crypto/rfc7515-a2.pem");

/// What is logged: everything of ours and of HTTP. The compiler would log for minutes.
const LOGGED: &str = "info,liaison=trace,plugin_gateway=trace,plugin_host=trace,hub_http=trace,\
                      hub_engine=trace,reqwest=trace,hyper=trace,hyper_util=trace";

/// A server, or `None` after the test was noted as skipped.
fn issuer(test: &str, folder: &Path, redirect: &str, token: &str) -> Option<Issuer> {
    let key = folder.join("key.pem");
    fs::write(&key, KEY).unwrap();
    match Issuer::start(&folder.join("issuer"), Terms { redirect, key: &key, token }) {
        Ok(issuer) => Some(issuer),
        Err(error) => {
            error.downcast::<Unavailable>().unwrap().skip(test);
            None
        }
    }
}

/// What a browser gets: the status, where it is sent, and the text.
fn browse(port: u16, host: &str, target: &str) -> (u16, Option<String>, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {target} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let to = head.lines().find_map(|line| line.strip_prefix("Location: "));
    (status, to.map(str::to_owned), body.to_owned())
}

/// Somebody opens the address of a sign-in and agrees: where the browser is sent back to.
fn consent(issuer: &Issuer, address: &str) -> String {
    let query = address.split_once('?').unwrap().1;
    let (status, back, text) = browse(issuer.port, "127.0.0.1", &format!("/authorize?{query}"));
    back.unwrap_or_else(|| panic!("{status}: {text}"))
}

fn seen(issuer: &Issuer) -> Value {
    serde_json::from_str(&browse(issuer.port, "127.0.0.1", "/seen").2).unwrap()
}

fn connect(
    issuer: &Issuer,
    recipe: &Value,
    parts: &[(&str, &str)],
) -> std::sync::Arc<ConnectionGateway> {
    let mut whole = json!({ "token-url": "{settings.url}/token", "scopes": ["read"] });
    for (name, value) in recipe.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let slot = json!({ "name": "main", "kind": "oauth2", "recipe": whole });
    let slot: CredentialSlot = serde_json::from_value(slot).unwrap();
    let parts = parts.iter().map(|(name, part)| ((*name).to_owned(), Secret::from(*part)));
    let credential = Credential::from_slot(&slot, parts.collect()).unwrap();
    let grants = Grants {
        hosts: vec![format!("127.0.0.1:{}", issuer.port).parse().unwrap()],
        private: vec![format!("127.0.0.1/32:{}", issuer.port).parse().unwrap()],
        insecure_http: true,
        ..Grants::default()
    };
    Gateway::new(GatewayOptions::default()).unwrap().connection(ConnectionPolicy {
        connection: "shop".to_owned(),
        grants,
        credentials: BTreeMap::from([("main".to_owned(), credential)]),
        settings: json!({ "url": issuer.url() }),
        limits: plugin_gateway::HttpLimits::default(),
    })
}

async fn is_let_in(connection: &ConnectionGateway, issuer: &Issuer) -> bool {
    let request = HttpRequest {
        method: "GET".to_owned(),
        url: format!("{}/data", issuer.url()),
        credential: Some("main".to_owned()),
        ..HttpRequest::default()
    };
    let answer = connection.send(request).await.unwrap();
    answer.status == 200 && answer.body == b"let in"
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_a_token_is_understood_by_a_server_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let redirect = "http://localhost:8420/oauth/callback";
    let test = "every_way_to_a_token_is_understood_by_a_server_of_others";
    let Some(issuer) = issuer(test, folder.path(), redirect, "") else { return };
    let client = [("client_id", CLIENT), ("client_secret", SECRET)];
    let code = json!({ "authorization-code": {"url": "{settings.url}/authorize"} });
    let jwt = json!({ "jwt-bearer": {"audience": "{settings.url}/token"} });
    for how in ["basic", "post"] {
        let itself = json!({ "client-credentials": true, "client-auth": how });
        assert!(is_let_in(&connect(&issuer, &itself, &client), &issuer).await, "{how}");
    }
    let signed = connect(&issuer, &jwt, &[("client_id", CLIENT), ("private_key", KEY)]);
    assert!(is_let_in(&signed, &issuer).await);
    let refreshed = [client[0], client[1], ("refresh_token", REFRESH_TOKEN)];
    assert!(is_let_in(&connect(&issuer, &code, &refreshed), &issuer).await);

    let connection = connect(&issuer, &code, &client);
    let begun = connection.begin_sign_in(redirect).unwrap();
    let back = Request::new("GET", &consent(&issuer, &begun.address), &Value::Null);
    let (state, given) = (back.parameter("state").unwrap(), back.parameter("code").unwrap());
    connection.finish_sign_in(&state, Ok(given.clone())).await.unwrap();
    assert!(is_let_in(&connection, &issuer).await);
    let begun = connection.begin_sign_in(redirect).unwrap();
    let back = Request::new("GET", &consent(&issuer, &begun.address), &Value::Null);
    let used = connection.finish_sign_in(&back.parameter("state").unwrap(), Ok(given)).await;
    assert!(used.unwrap_err().to_string().contains("invalid_grant"));
    let jwt_bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let all = [
        "client_credentials",
        "client_credentials",
        jwt_bearer,
        "refresh_token",
        "authorization_code",
        "authorization_code",
    ];
    assert_eq!(seen(&issuer)["grants"], json!(all));
}

/// A hub's folder with an account of ads behind the server.
struct Place {
    root: tempfile::TempDir,
    _google: Server<Google>,
    port: u16,
}

impl Place {
    fn new(root: tempfile::TempDir, issuer: &Issuer, port: u16) -> Self {
        let google = Server::start(Google::default()).unwrap();
        for name in ["syncs", "secrets"] {
            fs::create_dir_all(root.path().join(name)).unwrap();
        }
        for (name, text) in [("client", CLIENT), ("secret", SECRET)] {
            let file = root.path().join("secrets").join(name);
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let ports = [google.port(), issuer.port];
        let hosts = ports.map(|port| format!("127.0.0.1:{port}"));
        let private = ports.map(|port| format!("127.0.0.1/32:{port}"));
        let config = format!(
            "version = 1\n[http]\nlisten = \"127.0.0.1:{port}\"\n[connectors]\ndir = {:?}\n\
             [connections.ads]\nconnector = \"ads-google\"\nhosts = {hosts:?}\n\
             private = {private:?}\ninsecure_http = true\n\
             settings = {{ url = \"{}\", login_url = \"{}\", account = \"{ACCOUNT}\" }}\n\
             credentials.google = {{ client_id = \"file:secrets/client\", \
             client_secret = \"file:secrets/secret\" }}\n",
            paths::components(),
            google.url(),
            issuer.url(),
        );
        fs::write(root.path().join("liaison.toml"), config).unwrap();
        Self { root, _google: google, port }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(paths::binary());
        command.current_dir(self.root.path()).args(arguments).env("RUST_LOG", LOGGED);
        command.env_remove("LC_ALL").env("LANG", "C").stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command; its exit code, and all that it said.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command(arguments).output().unwrap();
        let said = [output.stderr, output.stdout].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    /// Begins to sign in; the address that is to be opened.
    fn sign_in(&self) -> (Child, String, BufReader<std::process::ChildStderr>) {
        let mut child = self.command(&["connection", "sign-in", "ads"]).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (mut said, mut line) = (String::new(), String::new());
        while !line.starts_with("https://accounts.google.com/o/oauth2/v2/auth?") {
            line.clear();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "{said}");
            said.push_str(&line);
        }
        (child, line.trim().to_owned(), stderr)
    }
}

fn ended(child: Child, mut stderr: BufReader<std::process::ChildStderr>) -> (Option<i32>, String) {
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), said + &String::from_utf8(output.stdout).unwrap())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inner = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(inner).collect()
}

#[test]
fn somebody_signs_in_and_the_hub_goes_on_whatever_dies() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let redirect = format!("http://localhost:{port}/oauth/callback");
    let test = "somebody_signs_in_and_the_hub_goes_on_whatever_dies";
    let Some(issuer) = issuer(test, folder.path(), &redirect, TOKEN) else { return };
    let place = Place::new(tempfile::tempdir().unwrap(), &issuer, port);
    let mut said = String::new();
    let (code, text) = place.run(&["connection", "check", "ads"]);
    assert!(code == Some(1) && text.contains("error[auth]"), "{text}");
    assert!(text.contains("liaison connection sign-in ads"), "{text}");

    // The hub hears of the browser by itself.
    let hub = Hub::start(&paths::binary(), place.root.path()).unwrap();
    let status =
        |hub: &Hub| hub.get("/api/v1/connections").unwrap()["connections"][0]["status"].take();
    assert_eq!(status(&hub), "sign-in");
    let (child, address, stderr) = place.sign_in();
    let back = consent(&issuer, &address);
    let target = back.strip_prefix(&format!("http://localhost:{port}")).unwrap();
    let (code, _, page) = browse(place.port, "localhost", target);
    assert!(code == 200 && page.contains("You are signed in"), "{page}");
    assert_eq!(browse(place.port, "localhost", target).0, 410, "a way back works twice");
    let (code, text) = ended(child, stderr);
    assert!(code == Some(0) && text.contains("ads  signed in"), "{text}");
    said.push_str(&text);
    assert_eq!(status(&hub), "ready");
    let (code, text) = place.run(&["connection", "check", "ads"]);
    assert!(code == Some(1) && text.contains("holds the tokens"), "{text}");

    // It is killed; what was signed for is there, and goes on rotating.
    hub.kill().unwrap();
    for _ in 0..2 {
        let (code, text) = place.run(&["connection", "check", "ads"]);
        assert_eq!(code, Some(0), "{text}");
        said.push_str(&text);
    }
    let kinds = json!(["authorization_code", "refresh_token", "refresh_token"]);
    assert_eq!(seen(&issuer)["grants"], kinds);

    // Without a hub, and with a browser elsewhere, the address is brought by hand.
    let (mut child, address, stderr) = place.sign_in();
    let back = consent(&issuer, &address);
    writeln!(child.stdin.take().unwrap(), "{back}").unwrap();
    let (code, text) = ended(child, stderr);
    assert!(code == Some(0) && text.contains("ads  signed in"), "{text}");
    said.push_str(&text);
    let (code, text) = place.run(&["connection", "check", "ads"]);
    assert_eq!(code, Some(0), "{text}");
    said.push_str(&text);
    let (code, text) = place.run(&["store", "export", "--to", "store.ndjson"]);
    assert_eq!(code, Some(0), "{text}");

    // Nothing that was given out is anywhere.
    assert!(holds(said.as_bytes(), b"fetching a token"), "the log is not whole");
    let shown = seen(&issuer);
    let given = shown["refresh"].as_array().unwrap().iter().filter_map(Value::as_str);
    let canaries: Vec<&str> = given.chain([TOKEN, SECRET]).collect();
    assert!(canaries.len() > 5, "{canaries:?}");
    let secrets = place.root.path().join("secrets");
    let written = files(place.root.path());
    for token in &canaries {
        let canary = Canary::new(token);
        assert!(!canary.sings(said.as_bytes()), "{token} was said");
        for path in written.iter().filter(|path| !path.starts_with(&secrets)) {
            assert!(!canary.sings(&fs::read(path).unwrap()), "{token} in {}", path.display());
        }
    }
    assert!(Canary::new(SECRET).sings(&fs::read(secrets.join("secret")).unwrap()));
    hub::command(&paths::binary(), place.root.path(), &["store", "verify"]).unwrap();
}
