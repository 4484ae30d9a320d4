//! A form and the leads that people have sent by it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ACCOUNT;
use crate::http::{Answer, Request};

/// The number of the form.
pub const FORM: &str = "555000222";

/// The leads of the form.
#[derive(Debug, Default)]
pub struct Leads(BTreeMap<u64, Lead>);

#[derive(Debug)]
struct Lead {
    created: i64,
    answers: Value,
}

impl Leads {
    /// Somebody sends the form at that second since 1970; the lead's number.
    pub fn send(&mut self, created: i64, answers: Value) -> String {
        let number = self.0.keys().next_back().map_or(881_000_001, |last| last + 1);
        self.0.insert(number, Lead { created, answers });
        number.to_string()
    }

    /// Whether there is such a lead.
    #[must_use]
    pub fn has(&self, number: &str) -> bool {
        number.parse().is_ok_and(|number: u64| self.0.contains_key(&number))
    }

    /// One lead.
    #[must_use]
    pub fn one(&self, number: &str) -> Answer {
        let number: u64 = number.parse().unwrap_or_default();
        let shown = self.0.get(&number).map(|lead| lead.shown(number));
        Answer::json(200, &shown.unwrap_or_default())
    }

    /// A page, newest first.
    #[must_use]
    pub fn page(&self, request: &Request, items_max: usize) -> Answer {
        let limit = request.parameter("limit").and_then(|text| text.parse().ok()).unwrap_or(25);
        let most = if items_max == 0 { limit } else { limit.min(items_max) };
        let filters: Value = request
            .parameter("filtering")
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let newer =
            (filters[0]["field"] == "time_created").then(|| filters[0]["value"].as_i64()).flatten();
        let before: u64 =
            request.parameter("after").and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
        let fits = |lead: &Lead| newer.is_none_or(|newer| lead.created > newer);
        let found = self.0.range(..before).rev().filter(|(_, lead)| fits(lead));
        let found: Vec<_> = found.take(most.saturating_add(1)).collect();
        let shown: Vec<Value> =
            found.iter().take(most).map(|(number, lead)| lead.shown(**number)).collect();
        let mut answer = json!({ "data": shown });
        if let (true, Some((last, _))) = (found.len() > most, found.get(most.wrapping_sub(1))) {
            answer["paging"] = json!({
                "cursors": {"before": "0", "after": last.to_string()},
                "next": format!("https://graph.facebook.com/?after={last}"),
            });
        }
        Answer::json(200, &answer)
    }
}

impl Lead {
    fn shown(&self, number: u64) -> Value {
        let answer = |(name, values): (&String, &Value)| json!({"name": name, "values": values});
        let answers = self.answers.as_object().into_iter().flatten();
        let time = chrono::DateTime::from_timestamp(self.created, 0).unwrap_or_default();
        json!({
            "id": number.to_string(), "form_id": FORM, "is_organic": false, "platform": "ig",
            "created_time": time.format("%Y-%m-%dT%H:%M:%S+0000").to_string(),
            "ad_id": "23851", "ad_name": "Spring", "campaign_id": ACCOUNT,
            "field_data": answers.map(answer).collect::<Vec<_>>(),
        })
    }
}
