//! What is judged: a connector, one of its streams, and the calls that rules
//! have in common.

use std::borrow::Cow;

use hub_model::{Object, RemoteKey, StreamName, Timestamp};
use plugin_api::{
    CallContext, Connector, Found, Item, ItemChange, LookupKey, LookupRequest, Page, ReadRequest,
    StreamInfo,
};

use crate::breach::{Breach, Must};

/// Most pages that a snapshot under test may have.
pub const PAGES_MAX: usize = 1_000;

/// A connector under test.
pub struct Subject<'a> {
    /// The connector, bound to a test account.
    pub connector: &'a dyn Connector,
    /// The stream under test.
    pub stream: StreamName,
    /// What calls are made with.
    pub call: CallContext,
}

impl<'a> Subject<'a> {
    /// A stream of a connector.
    pub fn new(connector: &'a dyn Connector, stream: &str) -> Self {
        let call =
            CallContext { purpose: "conformance".to_owned(), now: Timestamp::default(), seed: 1 };
        Self { connector, stream: StreamName::new(stream), call }
    }

    pub(crate) async fn info(&self, must: Must) -> Result<StreamInfo, Breach> {
        let streams = must.succeed("discover", self.connector.discover(&self.call).await)?;
        let found = streams.into_iter().find(|info| info.name == self.stream);
        found.ok_or_else(|| must.broken(format!("stream {} is not discovered", self.stream)))
    }

    pub(crate) async fn page(
        &self,
        must: Must,
        cursor: Option<plugin_api::Cursor>,
    ) -> Result<Page, Breach> {
        let request = ReadRequest { stream: self.stream.clone(), cursor, fields: Vec::new() };
        must.succeed("read", self.connector.read(&self.call, &request).await)
    }

    /// Every page from the beginning to where there is no more.
    pub(crate) async fn snapshot(&self, must: Must) -> Result<Vec<Page>, Breach> {
        self.pages_from(must, None).await
    }

    /// Every page from a cursor to where there is no more.
    pub(crate) async fn pages_from(
        &self,
        must: Must,
        mut cursor: Option<plugin_api::Cursor>,
    ) -> Result<Vec<Page>, Breach> {
        let mut pages = Vec::new();
        while pages.len() < PAGES_MAX {
            let page = self.page(must, cursor).await?;
            let (more, next) = (page.more, page.next.clone());
            pages.push(page);
            if !more {
                return Ok(pages);
            }
            cursor = next;
        }
        Err(must.broken(format!("no end after {PAGES_MAX} pages")))
    }

    pub(crate) async fn find(
        &self,
        must: Must,
        keys: Vec<LookupKey>,
    ) -> Result<Vec<Found>, Breach> {
        let (stream, fields) = (self.stream.clone(), Vec::new());
        let count = keys.len();
        let request = LookupRequest { stream, keys, fields };
        let found = must.succeed("lookup", self.connector.lookup(&self.call, &request).await)?;
        let answers = found.len();
        must.hold(answers == count, || format!("{answers} answers to {count} keys"))?;
        Ok(found)
    }

    /// The row of one key, if there is one.
    pub(crate) async fn find_one(
        &self,
        must: Must,
        key: &RemoteKey,
    ) -> Result<Option<Item>, Breach> {
        match self.find(must, vec![LookupKey::Key(key.clone())]).await?.pop() {
            Some(Found::One(item)) => Ok(Some(item)),
            Some(Found::None) | None => Ok(None),
            Some(Found::Several(_)) => Err(must.broken("several rows under one key")),
        }
    }
}

/// The items that could be read.
pub(crate) fn items(pages: &[Page]) -> impl Iterator<Item = &Item> {
    pages.iter().flat_map(|page| page.items.iter().filter_map(|item| item.as_ref().ok()))
}

/// The row that an item shows, if it can be read.
pub(crate) fn row(item: &Item) -> Option<Cow<'_, Object>> {
    match &item.change {
        ItemChange::Upsert(row) => row.fields().ok(),
        ItemChange::Archive(row) | ItemChange::Event(row) => Some(Cow::Borrowed(row)),
        _ => None,
    }
}
