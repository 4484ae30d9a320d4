//! A hub with one connection whose source waits for leave, and requests to it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use hub_engine::{Engine, EngineOptions, SyncJob, SystemEnv};
use hub_model::{
    Direction, Fault, FaultCode, FieldMapping, Guards, Mapping, Namespace, Normaliser, Object,
    Rules, StreamRef, SyncId, Timestamp,
};
use hub_schedule::Schedule;
use hub_store::MemoryStore;
use plugin_api::{
    Admitted, CallContext, Connector, Delivery, Found, Inbound, Item, ItemChange, JobState,
    LookupRequest, Manifest, Page, Parsed, ReadRequest, Refusal, Reply, StreamInfo, WriteReport,
    WriteRequest,
};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use crate::routes::{Route, router};
use crate::sign_in::{Brought, SignInRefused, SignInView, SignIns};
use crate::state::{AppState, ConnectionView, HttpOptions};
use crate::token::AccessToken;

const TOKEN: &str = "hub_test";
pub(super) const HOST: &str = "127.0.0.1:8420";
/// A page that may deliver.
pub(super) const PAGE: &str = "https://www.example.org";
pub(super) const ORIGIN: &str = "http://127.0.0.1:8420";

/// A source of one person, which waits for leave before it answers.
struct Gate {
    manifest: Manifest,
    leave: Arc<Semaphore>,
}

#[async_trait::async_trait]
impl Connector for Gate {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }
    fn inbound(&self) -> Option<&dyn Inbound> {
        Some(self)
    }
    async fn check(&self, _: &CallContext) -> Result<(), Fault> {
        Ok(())
    }
    async fn discover(&self, _: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        Ok(vec![
            serde_json::from_value(serde_json::json!({
                "name": "people", "readable": true, "writable": false, "batch-items-max": 1,
                "batch-bytes-max": 1000, "schema": true, "fields": [{ "name": "email" }]
            }))
            .unwrap(),
        ])
    }
    async fn read(&self, _: &CallContext, _: &ReadRequest) -> Result<Page, Fault> {
        self.leave.acquire().await.unwrap().forget();
        let row = Item {
            key: "1".into(),
            change: ItemChange::Upsert(Object::from([("email".into(), "Ana@X.fr".into())]).into()),
            version: None,
            time: None,
        };
        Ok(Page {
            items: vec![Ok(row)],
            next: None,
            more: false,
            snapshot_complete: true,
            poll_after_seconds: None,
        })
    }
    async fn lookup(&self, _: &CallContext, _: &LookupRequest) -> Result<Vec<Found>, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
    async fn write(&self, _: &CallContext, _: &WriteRequest) -> Result<WriteReport, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
    async fn poll_job(&self, _: &CallContext, _: &str) -> Result<JobState, Fault> {
        Err(Fault::new(FaultCode::NotSupported))
    }
}

/// Its door opens to a token in a header.
#[async_trait::async_trait]
impl Inbound for Gate {
    fn origins(&self) -> Vec<String> {
        vec![PAGE.to_owned()]
    }
    fn admit(&self, mut delivery: Delivery, _: Timestamp) -> Result<Admitted, Refusal> {
        if delivery.header("x-token") != Some("let me in") {
            return Err(Refusal::Unverified("another token"));
        }
        delivery.headers.retain(|(name, _)| name == "x-id");
        let id = delivery.header("x-id").map(str::to_owned);
        Ok(Admitted { id, handshake: delivery.method == "GET", delivery })
    }
    async fn handshake(&self, _: &CallContext, it: &Delivery) -> Result<Option<Reply>, Fault> {
        let body = it.target.clone().into_bytes();
        Ok(Some(Reply { status: 200, content_type: None, body }))
    }
    async fn parse(&self, _: &CallContext, _: &Delivery) -> Result<Vec<Parsed>, Fault> {
        Ok(vec![Parsed::Ignored])
    }
}

pub(super) struct Hub {
    pub(super) router: Router,
    pub(super) state: AppState,
    pub(super) leave: Arc<Semaphore>,
    pub(super) closing: watch::Sender<bool>,
}

fn rules() -> Rules {
    let email = Namespace::new("email", Normaliser::Email);
    let mapping = Mapping {
        fields: vec![FieldMapping {
            field: "email".into(),
            to: "email".into(),
            direction: Direction::ToProfile,
            identity: Some("email".into()),
            conversion: None,
        }],
        priority: 10,
        ..Mapping::new(SyncId::new("people"), StreamRef::new("default", "crm", "people"))
    };
    Rules::new("default".into(), vec![email], vec![mapping])
}

pub(super) async fn hub() -> Hub {
    let leave = Arc::new(Semaphore::new(0));
    let manifest = serde_json::from_value(serde_json::json!({
        "id": "gate", "version": "1.0.0", "contract": "0.1.0", "capabilities": ["source"],
        "settings": true
    }));
    let rules = rules();
    let job = SyncJob {
        mapping: rules.mappings[0].clone(),
        guards: Guards::default(),
        schedule: Schedule::parse("manual", "UTC").unwrap(),
        schedule_text: "manual".into(),
        paused: false,
        account: (&rules.mappings[0].stream.connection).into(),
        connector: Arc::new(Gate { manifest: manifest.unwrap(), leave: leave.clone() }),
    };
    let store = Arc::new(MemoryStore::default());
    let options = EngineOptions {
        store: store.clone(),
        rules,
        jobs: vec![job],
        env: Arc::new(SystemEnv::default()),
        upkeep: Some(store.clone()),
        privacy_key: [7; 32],
    };
    let closing = watch::Sender::new(false);
    let connection = ConnectionView {
        id: "crm".into(),
        connector: "gate".into(),
        version: Some("1.0.0".into()),
        title: String::new(),
        hosts: vec![],
        fault: None,
    };
    let state = AppState::new(HttpOptions {
        engine: Engine::open(options).await.unwrap(),
        upkeep: store,
        connections: vec![connection],
        token: AccessToken::of(TOKEN),
        port: 8420,
        version: "0.0.0",
        sign_ins: Arc::new(Waiting),
        closing: closing.subscribe(),
    });
    Hub { router: router(state.clone()), state, leave, closing }
}

/// Somebody must sign in to one connection, with one `state` and one code.
struct Waiting;

#[async_trait]
impl SignIns for Waiting {
    fn standing(&self, connection: &str) -> Option<SignInView> {
        let needed = Some("nobody has signed in yet".to_owned());
        (connection == "crm").then_some(SignInView { needed, ended: 0, failure: None })
    }

    fn begin(&self, connection: &str, redirect: &str) -> Result<String, SignInRefused> {
        assert_eq!(connection, "crm");
        Ok(format!("https://vendor.example/?to={redirect}"))
    }

    async fn finish(&self, state: &str, brought: Brought) -> Result<(), SignInRefused> {
        match (state, brought) {
            ("right", Ok(code)) if code == "c" => Ok(()),
            ("right", Ok(_)) => Err(SignInRefused::Failed("invalid_grant".to_owned())),
            ("right", Err(error)) => Err(SignInRefused::Failed(error)),
            _ => Err(SignInRefused::Unknown),
        }
    }
}

/// A route's address with something for its parameters.
pub(super) fn address(route: &Route) -> String {
    let path = route.path.replace("{connection}", "crm").replace("{*path}", "v1/track");
    path.replace("{id}", "people").replace("{number}", "1").replace("{run}", "1-people")
}

pub(super) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        builder = builder.header("host", HOST);
    }
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).unwrap()
}

impl Hub {
    pub(super) async fn send(&self, request: Request<Body>) -> (StatusCode, Value, Response<()>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let stream =
            parts.headers.get(header::CONTENT_TYPE).is_some_and(|t| t == "text/event-stream");
        let bytes =
            if stream { Default::default() } else { to_bytes(body, 1 << 20).await.unwrap() };
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (parts.status, json, Response::from_parts(parts, ()))
    }

    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (StatusCode, Value) {
        let (status, json, _) = self.send(request(method, path, headers, body.to_owned())).await;
        (status, json)
    }

    /// An answer that is no JSON.
    pub(super) async fn text(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (u16, String) {
        let answer = self.router.clone().oneshot(request(method, path, headers, "")).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    pub(super) async fn owner(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        self.ask(method, path, &[BEARER, JSON], body).await
    }
}

pub(super) const BEARER: (&str, &str) = ("authorization", "Bearer hub_test");
pub(super) const JSON: (&str, &str) = ("content-type", "application/json");

pub(super) fn code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1.get("code").and_then(Value::as_str).unwrap_or_default())
}
