//! A vendor made of code: what a test double answers to requests that no
//! exchange expects.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::bindings::host::liaison::connector::http as wit;
use crate::http::Response;

/// A request as it left the connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The method.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty = none.
    pub body: Vec<u8>,
    /// The credential slot that the host was asked to apply.
    pub credential: Option<String>,
}

/// Answers requests, and may remember what it was told.
#[derive(Clone)]
pub(super) struct Vendor(Rc<RefCell<dyn FnMut(Sent) -> Response>>);

impl Vendor {
    pub(super) fn new(answer: impl FnMut(Sent) -> Response + 'static) -> Self {
        Self(Rc::new(RefCell::new(answer)))
    }

    pub(super) fn answer(&self, request: &wit::Request) -> wit::Response {
        let headers = request.headers.iter().map(|it| (it.name.clone(), it.value.clone()));
        let sent = Sent {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: headers.collect(),
            body: request.body.clone(),
            credential: request.credential.clone(),
        };
        let response = (self.0.borrow_mut())(sent);
        let headers = response.headers.into_iter();
        wit::Response {
            status: response.status,
            headers: headers.map(|(name, value)| wit::Header { name, value }).collect(),
            body: response.body,
        }
    }
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vendor")
    }
}
