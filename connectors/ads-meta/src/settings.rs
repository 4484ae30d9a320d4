//! The connection's settings.

use liaison_sdk::{Call, Fault, http};
use serde::Deserialize;

/// What `connector.json` describes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the Graph API, without a path.
    pub url: String,
    /// Number of the ad account.
    pub account: String,
    /// Who told the organisation about its people.
    #[serde(default)]
    pub source: Source,
}

/// Who told the organisation about its people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// They themselves.
    #[default]
    Customers,
    /// Partners.
    Partners,
    /// Both.
    Both,
}

impl Source {
    /// Meta's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customers => "USER_PROVIDED_ONLY",
            Self::Partners => "PARTNER_PROVIDED_ONLY",
            Self::Both => "BOTH_USER_AND_PARTNER_PROVIDED",
        }
    }
}

impl Settings {
    /// The settings of a call.
    ///
    /// # Errors
    /// `config`, with what was expected.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        let settings: Self = call.settings()?;
        if !http::is_origin(&settings.url) {
            let expected = "an address without a path: https://graph.facebook.com";
            return Err(Fault::config("settings.url", expected));
        }
        if !is_number(&settings.account) {
            let expected = "the number of an ad account, without act_ in front";
            return Err(Fault::config("settings.account", expected));
        }
        Ok(settings)
    }
}

/// Whether a text can be the number of something at Meta.
pub fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
