//! How much of Meta's limits is used: percentages of a rolling hour, in headers.
//!
//! They tell shares and no counts, so nothing is made of them while something is
//! left; once nothing is, the hub hears for how long.

use liaison_sdk::RateHint;
use liaison_sdk::http::Response;
use serde_json::Value;

/// Of the app: one object of percentages.
const APP: &str = "x-app-usage";
/// Of the ad account: a percentage, and seconds.
const AD_ACCOUNT: &str = "x-ad-account-usage";
/// Of what is done with accounts: lists of percentages by account, and minutes.
const BUSINESS_USE_CASE: &str = "x-business-use-case-usage";
/// The members that are percentages.
const SHARES: [&str; 4] = ["call_count", "total_cputime", "total_time", "acc_id_util_pct"];
/// A share at which Meta refuses.
const ALL_PERCENT: u32 = 100;

/// Seconds until Meta takes requests again, where it says so.
pub fn regained_after_seconds(response: &Response) -> Option<u32> {
    let minutes = entries(response, BUSINESS_USE_CASE)
        .filter_map(|entry| number(&entry, "estimated_time_to_regain_access"))
        .filter_map(|minutes| minutes.checked_mul(60));
    let seconds =
        entries(response, AD_ACCOUNT).filter_map(|entry| number(&entry, "reset_time_duration"));
    minutes.chain(seconds).filter(|seconds| *seconds > 0).max()
}

/// That nothing is left, if nothing is.
pub fn hint(response: &Response) -> Option<RateHint> {
    let all = [APP, AD_ACCOUNT, BUSINESS_USE_CASE];
    let used_up = all.iter().flat_map(|header| entries(response, header)).any(|entry| {
        let shares = SHARES.iter().filter_map(|name| number(&entry, name));
        shares.into_iter().any(|share| share >= ALL_PERCENT)
            || number(&entry, "estimated_time_to_regain_access").is_some_and(|minutes| minutes > 0)
    });
    used_up.then(|| RateHint {
        scope: "account".to_owned(),
        remaining: Some(0),
        limit: None,
        reset_after_seconds: regained_after_seconds(response),
        cost: None,
    })
}

/// The objects of a header: itself, or those of its lists.
fn entries(response: &Response, header: &str) -> impl Iterator<Item = Value> {
    let told = response.header(header).and_then(|text| serde_json::from_str(text).ok());
    let lists: Vec<Value> = match told {
        Some(Value::Object(members)) if members.values().all(Value::is_array) => {
            members.into_values().filter_map(|list| list.as_array().cloned()).flatten().collect()
        }
        Some(entry) => vec![entry],
        None => Vec::new(),
    };
    lists.into_iter()
}

/// A number without what is behind its point.
fn number(entry: &Value, name: &str) -> Option<u32> {
    let text = entry.get(name)?.as_number()?.to_string();
    text.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use liaison_sdk::http::Response;

    use super::{hint, regained_after_seconds};

    fn response(header: &str, value: &str) -> Response {
        let headers = vec![(header.to_owned(), value.to_owned())];
        Response { status: 200, headers, body: Vec::new() }
    }

    #[test]
    fn headers_tell_when_nothing_is_left() {
        let business = "X-Business-Use-Case-Usage";
        for (header, value, used_up, seconds) in [
            ("X-App-Usage", r#"{"call_count":99,"total_cputime":1,"total_time":2}"#, false, None),
            ("X-App-Usage", r#"{"call_count":100,"total_cputime":1,"total_time":2}"#, true, None),
            (
                "X-Ad-Account-Usage",
                r#"{"acc_id_util_pct":12.5,"reset_time_duration":0}"#,
                false,
                None,
            ),
            (
                "X-Ad-Account-Usage",
                r#"{"acc_id_util_pct":100,"reset_time_duration":90}"#,
                true,
                Some(90),
            ),
            (
                business,
                r#"{"7":[{"type":"custom_audience","call_count":28,"total_cputime":3,"total_time":5,"estimated_time_to_regain_access":0}]}"#,
                false,
                None,
            ),
            (
                business,
                r#"{"7":[{"type":"ads_management","call_count":1,"estimated_time_to_regain_access":0},{"type":"custom_audience","call_count":100,"estimated_time_to_regain_access":19}]}"#,
                true,
                Some(1_140),
            ),
            (business, "not json", false, None),
            (business, "{}", false, None),
        ] {
            let response = response(header, value);
            let hint = hint(&response);
            assert_eq!(hint.is_some(), used_up, "{value}");
            assert_eq!(regained_after_seconds(&response), seconds, "{value}");
            assert_eq!(hint.and_then(|hint| hint.reset_after_seconds), seconds, "{value}");
        }
    }
}
