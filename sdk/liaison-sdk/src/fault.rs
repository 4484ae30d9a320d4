//! Faults: a code that the hub acts upon, a place, and arguments.

use crate::bindings::host::liaison::connector::types as wit;

/// What went wrong. The hub decides from it whether to retry, wait, ask a
/// person, read anew or stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// The connection's settings are wrong.
    Config,
    /// The vendor refused the credential.
    Auth,
    /// The credential is good but may not do this.
    Permission,
    /// The host is not granted to this connection.
    HostDenied,
    /// No connection to the host.
    Unreachable,
    /// No answer in time; the outcome of a write is unknown.
    Timeout,
    /// The vendor failed; a later attempt may work.
    Transient,
    /// Too many requests; not before so many seconds, if known.
    RateLimited(Option<u32>),
    /// The allowance is used up; it renews after so many seconds, if known.
    QuotaExhausted(Option<u32>),
    /// The row changed since it was read.
    Conflict,
    /// The row does not exist.
    NotFound,
    /// The cursor is no longer valid; the hub takes a new snapshot.
    CursorExpired,
    /// The vendor's answer does not fit what it promised.
    SchemaDrift,
    /// The vendor has blocked the account.
    Blocked,
    /// The connector met a case that it should not have met.
    Bug,
    /// More was used than is allowed: bytes, calls, time.
    Limit,
    /// The connector has no such ability.
    NotSupported,
    /// The vendor refused the content. For a batch: nothing of it was written.
    Rejected,
    /// A row that cannot be used as it is.
    RowInvalid,
}

/// Longest argument in bytes; longer ones are cut. A vendor's error page is
/// not a message.
pub const ARGUMENT_BYTES_MAX: usize = 500;

/// A fault: never a sentence for people, since the hub speaks several
/// languages. What the vendor said goes into the arguments `vendor-code` and
/// `vendor-message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What went wrong.
    pub code: FaultCode,
    /// Where: a field, a setting, `line 17`.
    pub place: String,
    /// Named arguments. Never a secret, never a customer's value.
    pub args: Vec<(String, String)>,
}

impl Fault {
    /// A fault at no particular place.
    pub fn new(code: FaultCode) -> Self {
        Self { code, place: String::new(), args: Vec::new() }
    }

    /// A defect of the connector itself, with what it did not expect.
    pub fn bug(what: impl ToString) -> Self {
        Self::new(FaultCode::Bug).with("what", what)
    }

    /// A setting that is wrong, with what was expected.
    pub fn config(setting: impl Into<String>, expected: impl ToString) -> Self {
        Self::new(FaultCode::Config).at(setting).with("expected", expected)
    }

    /// An answer that does not fit what the vendor promised.
    pub fn drift(place: impl Into<String>, expected: impl ToString) -> Self {
        Self::new(FaultCode::SchemaDrift).at(place).with("expected", expected)
    }

    /// A value that the vendor would refuse, with what was expected.
    pub fn rejected(place: impl Into<String>, expected: impl ToString) -> Self {
        Self::new(FaultCode::Rejected).at(place).with("expected", expected)
    }

    /// A field that the stream of such things does not have.
    pub fn no_field(field: impl Into<String>, of: &str) -> Self {
        let expected = format!("a field of the stream of {of}");
        Self::new(FaultCode::NotSupported).at(field).with("expected", expected)
    }

    /// The connector has no such ability.
    pub fn not_supported(what: impl ToString) -> Self {
        Self::new(FaultCode::NotSupported).with("what", what)
    }

    /// The same fault at a place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// The same fault with one more argument, cut at [`ARGUMENT_BYTES_MAX`].
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.args.push((name.to_owned(), shorten(&value.to_string())));
        self
    }

    /// The same fault with what the vendor said.
    #[must_use]
    pub fn vendor(self, code: impl ToString, message: impl ToString) -> Self {
        self.with("vendor-code", code).with("vendor-message", message)
    }

    /// The argument of that name.
    pub fn arg(&self, name: &str) -> Option<&str> {
        self.args.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn shorten(text: &str) -> String {
    text.get(..text.floor_char_boundary(ARGUMENT_BYTES_MAX)).unwrap_or_default().to_owned()
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.code)?;
        if !self.place.is_empty() {
            write!(f, " at {}", self.place)?;
        }
        self.args.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

impl std::error::Error for Fault {}

macro_rules! convert {
    ($($name:ident),+; $($with_seconds:ident),+) => {
        impl From<FaultCode> for wit::FaultCode {
            fn from(code: FaultCode) -> Self {
                match code {
                    $(FaultCode::$name => Self::$name,)+
                    $(FaultCode::$with_seconds(after) => Self::$with_seconds(after),)+
                }
            }
        }

        impl From<wit::FaultCode> for FaultCode {
            fn from(code: wit::FaultCode) -> Self {
                match code {
                    $(wit::FaultCode::$name => Self::$name,)+
                    $(wit::FaultCode::$with_seconds(after) => Self::$with_seconds(after),)+
                }
            }
        }
    };
}

convert!(
    Config, Auth, Permission, HostDenied, Unreachable, Timeout, Transient, Conflict, NotFound,
    CursorExpired, SchemaDrift, Blocked, Bug, Limit, NotSupported, Rejected, RowInvalid;
    RateLimited, QuotaExhausted
);

impl From<Fault> for wit::Fault {
    fn from(fault: Fault) -> Self {
        Self { code: fault.code.into(), place: fault.place, args: fault.args }
    }
}

impl From<wit::Fault> for Fault {
    fn from(fault: wit::Fault) -> Self {
        Self { code: fault.code.into(), place: fault.place, args: fault.args }
    }
}
