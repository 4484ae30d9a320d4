//! What a missing or broken answer means: that hangs on whether the request changes
//! something.

use serde::de::DeserializeOwned;

use crate::fault::{Fault, FaultCode};
use crate::http::Response;

/// Statuses by which a proxy says that the vendor was not reached.
const NOT_REACHED: [u16; 4] = [503, 521, 522, 523];

/// Whether a request changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It can be repeated.
    Reads,
    /// Without an answer nobody knows.
    Writes,
}

impl Effect {
    /// Whether a server that answered so may have written.
    pub fn is_unknown(self, status: u16) -> bool {
        self == Self::Writes && status >= 500 && !NOT_REACHED.contains(&status)
    }

    /// What an answer that is none means: `timeout` where nobody knows.
    #[must_use]
    pub fn judged(self, response: &Response, fault: Fault) -> Fault {
        match fault.code {
            FaultCode::Transient if self.is_unknown(response.status) => {
                Fault { code: FaultCode::Timeout, ..fault }
            }
            _ => fault,
        }
    }

    /// The answer as JSON.
    ///
    /// # Errors
    /// `schema-drift`, and after a write `timeout`: it is the page of a proxy, or it
    /// broke off.
    pub fn json<T: DeserializeOwned>(self, response: &Response) -> Result<T, Fault> {
        response.json().map_err(|fault: Fault| {
            let kind = response.header("content-type").unwrap_or_default();
            let fault = fault.with("content-type", kind);
            match self {
                Self::Reads => fault,
                Self::Writes => Fault { code: FaultCode::Timeout, ..fault },
            }
        })
    }
}
