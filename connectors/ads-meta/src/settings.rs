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
    /// Number of the dataset (pixel) that conversions go to.
    pub dataset: Option<String>,
    /// Code of the tab "Test events": conversions are tests.
    pub test_event_code: Option<String>,
    /// Numbers of the forms whose leads are read.
    #[serde(default)]
    pub forms: Vec<String>,
    /// How long Meta may need to show a lead: leads of that long are read once more.
    #[serde(default = "overlap")]
    pub overlap_seconds: u32,
    /// Hours between two reads of all leads that Meta still has.
    #[serde(default = "sweep")]
    pub sweep_hours: u32,
}

const fn overlap() -> u32 {
    3_600
}

const fn sweep() -> u32 {
    24
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
        let numbers = settings.dataset.iter().map(|number| ("settings.dataset", number));
        let forms = settings.forms.iter().map(|number| ("settings.forms", number));
        if let Some((place, _)) = numbers.chain(forms).find(|(_, number)| !is_number(number)) {
            return Err(Fault::config(place, "a number of Meta's"));
        }
        Ok(settings)
    }
}

/// Whether a text can be the number of something at Meta.
pub fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
