//! Finding people by an identity that somebody typed: `email:Ana@X.fr `.

use std::str::FromStr;

use hub_engine::identity::{Normalised, Reason, normalise};
use hub_engine::workspace::Workspace;
use hub_model::{Identity, Profile, Rules, Value};
use hub_store::Error;

/// Why an identity was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnIdentity {
    /// It is not `namespace:value`.
    #[error("expected namespace:value")]
    Form,
    /// There is no such namespace.
    #[error("there is no namespace `{name}`; known: {known}")]
    Namespace {
        /// What was asked.
        name: String,
        /// What there is, in order, separated by commas.
        known: String,
    },
    /// The value does not fit the namespace's form. Never quotes the value.
    #[error("{0}")]
    Value(String),
}

/// `namespace:value` in its normal form.
///
/// # Errors
/// [`NotAnIdentity`].
pub fn identity(text: &str, rules: &Rules) -> Result<Identity, NotAnIdentity> {
    let (name, value) = text.split_once(':').ok_or(NotAnIdentity::Form)?;
    let namespace = rules.namespace(name).ok_or_else(|| NotAnIdentity::Namespace {
        name: name.chars().take(64).collect(),
        known: known(rules),
    })?;
    match normalise(namespace, &Value::text(value)) {
        Normalised::Identity(identity) => Ok(identity),
        Normalised::Empty => Err(NotAnIdentity::Value("the value is empty".into())),
        Normalised::Invalid(reason) => Err(NotAnIdentity::Value(why(reason).into())),
        Normalised::Never => Err(NotAnIdentity::Value(
            "this value is on the list of those that never identify".into(),
        )),
    }
}

const fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Kind => "the value is of another kind than this namespace takes",
        Reason::Length => "the value is too long",
        Reason::Control => "the value holds control characters",
        Reason::Email => "expected an address of the form local@domain",
        Reason::Domain => "the part behind the @ is no domain name",
        Reason::Phone => "expected a telephone number that exists, such as +33140205050",
        Reason::Country => {
            "a national telephone number needs the country: write it with +, or give the \
             namespace a country"
        }
        Reason::Cookie => {
            "expected what a web site stores in a browser: at least a few letters and digits"
        }
        Reason::Device => "expected the hexadecimal digits of a device's advertising id",
        Reason::Name => "expected a name with at least one letter",
        Reason::Date => "expected a day of the calendar such as 1984-05-17",
        Reason::Parts => "the value has not as many parts as this namespace is made of",
    }
}

fn known(rules: &Rules) -> String {
    let names: Vec<&str> = rules.namespaces.iter().map(|n| &*n.name).collect();
    names.join(", ")
}

/// The profiles that claim an identity.
///
/// # Errors
/// When the store cannot answer.
pub async fn profiles(workspace: &Workspace, identity: &Identity) -> Result<Vec<Profile>, Error> {
    workspace.profiles_of(identity).await
}

/// A profile's number from text.
pub fn number(text: &str) -> Option<u64> {
    u64::from_str(text).ok().filter(|number| *number > 0)
}
