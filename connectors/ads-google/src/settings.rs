//! The connection's settings.

use liaison_sdk::{Call, Fault, http};
use serde::Deserialize;

/// What `connector.json` describes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the Data Manager API, without a path.
    pub url: String,
    /// Address of the log-in, which the host uses.
    pub login_url: String,
    /// Number of the account that owns the lists.
    pub account: String,
    /// Number of the manager account through which there is access.
    pub login_account: Option<String>,
    /// Number of the conversion action of conversions that name none.
    pub conversion_action: Option<String>,
    /// The purpose that is consent to the use of user data.
    #[serde(default = "advertising")]
    pub ad_user_data: String,
    /// The purpose that is consent to personalised advertising.
    #[serde(default = "advertising")]
    pub ad_personalization: String,
}

fn advertising() -> String {
    "advertising".to_owned()
}

impl Settings {
    /// The settings of a call.
    ///
    /// # Errors
    /// `config`, with what was expected.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        let settings: Self = call.settings()?;
        for (name, url) in [("url", &settings.url), ("login_url", &settings.login_url)] {
            if !http::is_origin(url) {
                let expected = "an address without a path: https://datamanager.googleapis.com";
                return Err(Fault::config(format!("settings.{name}"), expected));
            }
        }
        let accounts = [
            ("account", Some(&settings.account)),
            ("login_account", settings.login_account.as_ref()),
        ];
        for (name, account) in accounts {
            if account.is_some_and(|account| !is_number(account)) {
                let expected = "the number of a Google Ads account, without dashes";
                return Err(Fault::config(format!("settings.{name}"), expected));
            }
        }
        if settings.conversion_action.as_ref().is_some_and(|action| !is_number(action)) {
            let expected = "the number of a conversion action";
            return Err(Fault::config("settings.conversion_action", expected));
        }
        Ok(settings)
    }
}

/// Whether a text can be the number of something at Google.
pub fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
