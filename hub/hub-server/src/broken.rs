//! A connection that cannot work still has its place: its syncs fail with the
//! reason, every time they are due, while the others run.

use async_trait::async_trait;
use hub_model::{Fault, RemoteKey, Timestamp};
use plugin_api::{
    Admitted, Audience, CallContext, Connector, Container, ContainerPage, ContainerWish, Cursor,
    Delivery, Found, Inbound, JobState, LookupRequest, Manifest, MemberReport, MemberRequest, Page,
    Parsed, ReadRequest, Refusal, Reply, StreamInfo, WriteReport, WriteRequest,
};

/// A connector that answers every call with why it cannot.
pub struct BrokenConnector {
    manifest: Manifest,
    fault: Fault,
}

impl BrokenConnector {
    /// For the connector of that name.
    pub fn new(connector: &str, fault: Fault) -> Self {
        let manifest = Manifest {
            id: connector.to_owned(),
            version: String::new(),
            contract: String::new(),
            title: String::new(),
            capabilities: Vec::new(),
            hosts: Vec::new(),
            credentials: Vec::new(),
            settings: serde_json::Value::Bool(true),
            streams: Vec::new(),
            budgets: Vec::new(),
            inbound: None,
            api_version: None,
            api_sunset: None,
        };
        Self { manifest, fault }
    }
}

#[async_trait]
impl Connector for BrokenConnector {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn inbound(&self) -> Option<&dyn Inbound> {
        Some(self)
    }

    fn audience(&self) -> Option<&dyn Audience> {
        Some(self)
    }

    async fn check(&self, _: &CallContext) -> Result<(), Fault> {
        Err(self.fault.clone())
    }

    async fn discover(&self, _: &CallContext) -> Result<Vec<StreamInfo>, Fault> {
        Err(self.fault.clone())
    }

    async fn read(&self, _: &CallContext, _: &ReadRequest) -> Result<Page, Fault> {
        Err(self.fault.clone())
    }

    async fn lookup(&self, _: &CallContext, _: &LookupRequest) -> Result<Vec<Found>, Fault> {
        Err(self.fault.clone())
    }

    async fn write(&self, _: &CallContext, _: &WriteRequest) -> Result<WriteReport, Fault> {
        Err(self.fault.clone())
    }

    async fn poll_job(&self, _: &CallContext, _: &str) -> Result<JobState, Fault> {
        Err(self.fault.clone())
    }
}

/// Whether its connector has a way in is not known: what was kept before it broke
/// waits until it is mended.
#[async_trait]
impl Inbound for BrokenConnector {
    fn origins(&self) -> Vec<String> {
        Vec::new()
    }

    fn admit(&self, _: Delivery, _: Timestamp) -> Result<Admitted, Refusal> {
        Err(Refusal::NotReady(self.fault.clone()))
    }

    async fn handshake(&self, _: &CallContext, _: &Delivery) -> Result<Option<Reply>, Fault> {
        Err(self.fault.clone())
    }

    async fn parse(&self, _: &CallContext, _: &Delivery) -> Result<Vec<Parsed>, Fault> {
        Err(self.fault.clone())
    }
}

/// Whether its connector has audiences is not known either: deliveries to them fail
/// with the reason.
#[async_trait]
impl Audience for BrokenConnector {
    async fn containers(
        &self,
        _: &CallContext,
        _: Option<&Cursor>,
    ) -> Result<ContainerPage, Fault> {
        Err(self.fault.clone())
    }

    async fn ensure_container(
        &self,
        _: &CallContext,
        _: &ContainerWish,
    ) -> Result<Container, Fault> {
        Err(self.fault.clone())
    }

    async fn delete_container(&self, _: &CallContext, _: &RemoteKey) -> Result<(), Fault> {
        Err(self.fault.clone())
    }

    async fn write_members(
        &self,
        _: &CallContext,
        _: &MemberRequest,
    ) -> Result<MemberReport, Fault> {
        Err(self.fault.clone())
    }
}
