//! The one shape of "no": `application/problem+json` (RFC 9457) with a stable
//! code, the place, what was expected and how to mend it.
//!
//! Handlers answer with a [`Problem`] that holds codes and arguments; it
//! becomes words in [`render`], which is the only place that knows the
//! reader's language.

mod en;
mod fr;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hub_engine::hold::AnswerRefused;
use hub_engine::{PlanRefused, RunRefused};
use hub_model::Fault;
use serde_json::json;

use crate::lang::Lang;
use crate::sentences::sentence;

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// No credential, or one that is not known (any more).
    Unauthenticated,
    /// The credential may not do this.
    Forbidden,
    /// The request was made by a page of another site.
    CrossSite,
    /// The name in `Host` is not a name of this hub.
    WrongHost,
    /// There is nothing at this address.
    NoSuchPath,
    /// The address takes other methods.
    WrongMethod,
    /// The body has another content type than the address takes.
    WrongContentType,
    /// The body is larger than the address takes.
    BodyTooLarge,
    /// The body did not arrive in time or broke off.
    BodyIncomplete,
    /// The body is not what was expected.
    BadBody,
    /// A parameter is unknown, doubled or out of range.
    BadParameter,
    /// There is no such sync.
    UnknownSync,
    /// There is no such connection.
    UnknownConnection,
    /// There is no such run.
    UnknownRun,
    /// The run does not wait for an answer.
    NotHeld,
    /// The ledger has no such entry, or not any more.
    NoSuchEntry,
    /// There is no such profile.
    UnknownProfile,
    /// What the profile was then is not kept any more.
    NotKept,
    /// There is no such record.
    UnknownRecord,
    /// It was decided, or is so, already.
    DecidedAlready,
    /// Nothing of that trait waits, and nothing was settled.
    NotOpen,
    /// A person and an account are never one.
    KindsDiffer,
    /// The records named do not make two sides.
    NoSides,
    /// The profiles do not follow the configuration yet.
    RulesChanged,
    /// Too many records hang together to be decided about at once.
    TooManyTogether,
    /// There is no such namespace.
    UnknownNamespace,
    /// The value is not one that the namespace accepts.
    BadIdentity,
    /// No row of that key waits in quarantine.
    NotQuarantined,
    /// There is no object of that key.
    UnknownObject,
    /// There is no such segment.
    UnknownSegment,
    /// Nobody has the identity.
    Nobody,
    /// Several people have the identity.
    SeveralPeople,
    /// A write about the person has no known outcome yet.
    WriteUnderWay,
    /// There is no such erasure.
    UnknownErasure,
    /// The sync is running already.
    AlreadyRunning,
    /// The store is being compacted or backed up.
    UpkeepRunning,
    /// The delivery is not what the connector's recipe verifies.
    NotVerified,
    /// The body is not compressed as it says.
    NotDecompressed,
    /// Too many deliveries in a second.
    TooManyDeliveries,
    /// The connection takes no deliveries at present.
    DoorClosed,
    /// Nobody signs in to the connection.
    NoSignIn,
    /// There is no such sign-in, or not any more.
    UnknownSignIn,
    /// The vendor refused the sign-in, or its answer was of no use.
    SignInFailed,
    /// Too many failed logins.
    TooManyLogins,
    /// Too many watchers.
    TooManyWatchers,
    /// The hub stops.
    Stopping,
}

impl Code {
    /// Every code, for tests.
    pub const ALL: &'static [Self] = &[
        Self::Unauthenticated,
        Self::Forbidden,
        Self::CrossSite,
        Self::WrongHost,
        Self::NoSuchPath,
        Self::WrongMethod,
        Self::WrongContentType,
        Self::BodyTooLarge,
        Self::BodyIncomplete,
        Self::BadBody,
        Self::BadParameter,
        Self::UnknownSync,
        Self::UnknownConnection,
        Self::UnknownRun,
        Self::NotHeld,
        Self::NoSuchEntry,
        Self::UnknownProfile,
        Self::NotKept,
        Self::UnknownRecord,
        Self::DecidedAlready,
        Self::NotOpen,
        Self::KindsDiffer,
        Self::NoSides,
        Self::RulesChanged,
        Self::TooManyTogether,
        Self::UnknownNamespace,
        Self::BadIdentity,
        Self::NotQuarantined,
        Self::UnknownObject,
        Self::UnknownSegment,
        Self::Nobody,
        Self::SeveralPeople,
        Self::WriteUnderWay,
        Self::UnknownErasure,
        Self::AlreadyRunning,
        Self::UpkeepRunning,
        Self::NotVerified,
        Self::NotDecompressed,
        Self::TooManyDeliveries,
        Self::DoorClosed,
        Self::NoSignIn,
        Self::UnknownSignIn,
        Self::SignInFailed,
        Self::TooManyLogins,
        Self::TooManyWatchers,
        Self::Stopping,
    ];

    /// The code as text and the status that goes with it.
    pub const fn parts(self) -> (&'static str, StatusCode) {
        match self {
            Self::Unauthenticated => ("http/unauthenticated", StatusCode::UNAUTHORIZED),
            Self::Forbidden => ("http/forbidden", StatusCode::FORBIDDEN),
            Self::CrossSite => ("http/cross-site", StatusCode::FORBIDDEN),
            Self::WrongHost => ("http/wrong-host", StatusCode::MISDIRECTED_REQUEST),
            Self::NoSuchPath => ("http/no-such-path", StatusCode::NOT_FOUND),
            Self::WrongMethod => ("http/wrong-method", StatusCode::METHOD_NOT_ALLOWED),
            Self::WrongContentType => {
                ("http/wrong-content-type", StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
            Self::BodyTooLarge => ("http/body-too-large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::BodyIncomplete => ("http/body-incomplete", StatusCode::REQUEST_TIMEOUT),
            Self::BadBody => ("http/bad-body", StatusCode::BAD_REQUEST),
            Self::BadParameter => ("http/bad-parameter", StatusCode::BAD_REQUEST),
            Self::UnknownSync => ("http/unknown-sync", StatusCode::NOT_FOUND),
            Self::UnknownConnection => ("http/unknown-connection", StatusCode::NOT_FOUND),
            Self::UnknownRun => ("http/unknown-run", StatusCode::NOT_FOUND),
            Self::NotHeld => ("http/not-held", StatusCode::CONFLICT),
            Self::NoSuchEntry => ("http/no-such-entry", StatusCode::NOT_FOUND),
            Self::UnknownProfile => ("http/unknown-profile", StatusCode::NOT_FOUND),
            Self::NotKept => ("http/not-kept", StatusCode::GONE),
            Self::UnknownRecord => ("http/unknown-record", StatusCode::NOT_FOUND),
            Self::DecidedAlready => ("people/decided-already", StatusCode::CONFLICT),
            Self::NotOpen => ("conflict/not-open", StatusCode::NOT_FOUND),
            Self::KindsDiffer => ("people/kinds-differ", StatusCode::UNPROCESSABLE_ENTITY),
            Self::NoSides => ("people/no-sides", StatusCode::UNPROCESSABLE_ENTITY),
            Self::RulesChanged => ("people/rules-changed", StatusCode::CONFLICT),
            Self::TooManyTogether => ("people/too-many", StatusCode::UNPROCESSABLE_ENTITY),
            Self::UnknownNamespace => ("http/unknown-namespace", StatusCode::NOT_FOUND),
            Self::BadIdentity => ("http/bad-identity", StatusCode::BAD_REQUEST),
            Self::NotQuarantined => ("http/not-quarantined", StatusCode::NOT_FOUND),
            Self::UnknownObject => ("http/unknown-object", StatusCode::NOT_FOUND),
            Self::UnknownSegment => ("http/unknown-segment", StatusCode::NOT_FOUND),
            Self::Nobody => ("http/nobody", StatusCode::NOT_FOUND),
            Self::SeveralPeople => ("http/several-people", StatusCode::CONFLICT),
            Self::WriteUnderWay => ("http/write-under-way", StatusCode::CONFLICT),
            Self::UnknownErasure => ("http/unknown-erasure", StatusCode::NOT_FOUND),
            Self::AlreadyRunning => ("http/already-running", StatusCode::CONFLICT),
            Self::UpkeepRunning => ("http/upkeep-running", StatusCode::CONFLICT),
            Self::NotVerified => ("inbox/not-verified", StatusCode::UNAUTHORIZED),
            Self::NotDecompressed => ("inbox/not-decompressed", StatusCode::BAD_REQUEST),
            Self::TooManyDeliveries => ("inbox/too-many", StatusCode::TOO_MANY_REQUESTS),
            Self::DoorClosed => ("inbox/closed", StatusCode::SERVICE_UNAVAILABLE),
            Self::NoSignIn => ("sign-in/none", StatusCode::CONFLICT),
            Self::UnknownSignIn => ("sign-in/unknown", StatusCode::GONE),
            Self::SignInFailed => ("sign-in/failed", StatusCode::BAD_GATEWAY),
            Self::TooManyLogins => ("http/too-many-logins", StatusCode::TOO_MANY_REQUESTS),
            Self::TooManyWatchers => ("http/too-many-watchers", StatusCode::SERVICE_UNAVAILABLE),
            Self::Stopping => ("http/stopping", StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// What happened and how to mend it.
    pub const fn words(self, lang: Lang) -> (&'static str, &'static str) {
        match lang {
            Lang::En => en::english(self),
            Lang::Fr => fr::french(self),
        }
    }
}

/// What is said of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Refused(Code),
    Fault(Fault),
}

/// A refusal, before it is put into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    place: String,
    detail: String,
}

impl Problem {
    /// A refusal of the HTTP face.
    pub fn new(code: Code) -> Self {
        Self { kind: Kind::Refused(code), place: String::new(), detail: String::new() }
    }

    /// The same at a place: a parameter, a line of the body.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }

    /// The same with technical detail, the same in every language.
    #[must_use]
    pub fn with(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match &self.kind {
            Kind::Refused(code) => code.parts().1,
            Kind::Fault(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn json(&self, lang: Lang) -> serde_json::Value {
        match &self.kind {
            Kind::Refused(code) => {
                let (title, mend) = code.words(lang);
                json!({
                    "code": code.parts().0, "status": code.parts().1.as_u16(), "title": title,
                    "detail": self.detail, "place": self.place, "mend": mend,
                })
            }
            Kind::Fault(fault) => {
                let s = sentence(fault, lang);
                json!({
                    "code": s.code, "status": self.status().as_u16(), "title": s.title,
                    "detail": s.detail, "place": s.place, "mend": s.mend,
                })
            }
        }
    }
}

impl From<hub_store::Error> for Problem {
    fn from(error: hub_store::Error) -> Self {
        tracing::error!(%error, "the store did not answer a request");
        let kind = Kind::Fault(error.into());
        Self { kind, place: String::new(), detail: String::new() }
    }
}

impl From<RunRefused> for Problem {
    fn from(refused: RunRefused) -> Self {
        match refused {
            RunRefused::Unknown(sync) => Self::new(Code::UnknownSync).at(format!("syncs/{sync}")),
            RunRefused::Running { sync, run } => {
                Self::new(Code::AlreadyRunning).at(format!("syncs/{sync}")).with(run.to_string())
            }
            RunRefused::Stopping => Self::new(Code::Stopping),
        }
    }
}

impl From<PlanRefused> for Problem {
    fn from(refused: PlanRefused) -> Self {
        match refused {
            PlanRefused::Run(refused) => refused.into(),
            PlanRefused::Fault(fault) => {
                let kind = Kind::Fault(fault);
                Self { kind, place: String::new(), detail: String::new() }
            }
        }
    }
}

impl From<AnswerRefused> for Problem {
    fn from(refused: AnswerRefused) -> Self {
        match refused {
            AnswerRefused::Unknown(run) => Self::new(Code::UnknownRun).at(format!("runs/{run}")),
            AnswerRefused::NotHeld(run) => Self::new(Code::NotHeld).at(format!("runs/{run}")),
            AnswerRefused::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    /// An answer without words yet: [`render`] puts them in.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Puts the words of a refusal into its answer.
pub(crate) fn render(mut response: Response, lang: Lang) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    *response.body_mut() = Body::from(problem.json(lang).to_string());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.tag()));
    if problem.status() == StatusCode::UNAUTHORIZED {
        headers
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"liaison\""));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_code_and_words_in_every_language() {
        let mut seen = std::collections::BTreeSet::new();
        for &code in Code::ALL {
            let (text, status) = code.parts();
            assert!(seen.insert(text), "{text} twice");
            assert!(status.is_client_error() || status.is_server_error(), "{text}");
            let [(en, en_mend), (fr, fr_mend)] = Lang::ALL.map(|lang| code.words(lang));
            assert!(en.len() > 10 && fr.len() > 10 && en != fr, "{text}");
            assert!(
                en_mend.ends_with('.') && fr_mend.ends_with('.') && en_mend != fr_mend,
                "{text}"
            );
        }
    }
}
