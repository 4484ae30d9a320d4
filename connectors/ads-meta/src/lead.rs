//! One lead: what somebody answered in a form, as a flat row.

use liaison_sdk::{Fault, Field, Row, time};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is asked of a lead.
pub const FIELDS: &str = "id,created_time,form_id,ad_id,ad_name,adset_id,adset_name,campaign_id,\
                          campaign_name,is_organic,platform,field_data";
/// What comes before the name of a question that a field of Meta's has.
const ANSWER: &str = "answer_";
/// What Meta tells besides the answers, and what it is.
const OWN: [(&str, &str); 10] = [
    ("id", "Number of the lead"),
    ("created_time", "When it was sent"),
    ("form_id", "Number of the form"),
    ("ad_id", "Number of the ad"),
    ("ad_name", "Ad"),
    ("adset_id", "Number of the ad set"),
    ("adset_name", "Ad set"),
    ("campaign_id", "Number of the campaign"),
    ("campaign_name", "Campaign"),
    ("platform", "Facebook or Instagram (fb, ig)"),
];
/// Meta's ready-made questions; others have names of their own.
const QUESTIONS: [(&str, &str, &str); 13] = [
    ("email", "E-mail", "email"),
    ("phone_number", "Telephone", "phone"),
    ("full_name", "Name", "name"),
    ("first_name", "First name", "name"),
    ("last_name", "Last name", "name"),
    ("date_of_birth", "Date of birth", "name"),
    ("gender", "Gender", ""),
    ("street_address", "Street", "address"),
    ("city", "Town", "address"),
    ("state", "State", "address"),
    ("zip_code", "Postcode", "address"),
    ("country", "Country", "address"),
    ("company_name", "Company", ""),
];

/// A lead as Meta shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Lead {
    id: String,
    #[serde(default)]
    field_data: Vec<Answer>,
    #[serde(flatten)]
    own: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct Answer {
    name: String,
    #[serde(default)]
    values: Vec<String>,
}

/// The fields of leads, as discovery says them.
pub fn fields() -> impl Iterator<Item = Field> {
    let own = OWN.iter().map(|(name, title)| Field::text(*name).title(*title));
    let organic = [Field::flag("is_organic").title("Without an ad")];
    let answers =
        QUESTIONS.iter().map(|(name, title, pii)| Field::text(*name).title(*title).pii(*pii));
    own.chain(organic).chain(answers).map(Field::read_only)
}

impl Lead {
    /// The number of its form.
    pub fn form(&self) -> &str {
        self.own.get("form_id").and_then(Value::as_str).unwrap_or_default()
    }

    /// Its row: several answers to one question are a list.
    ///
    /// # Errors
    /// `schema-drift` for a time that is none.
    pub fn row(self) -> Result<Row, Fault> {
        let mut data = self.own;
        data.insert("id".to_owned(), self.id.as_str().into());
        let mut created = None;
        if let Some(text) = data.get("created_time").and_then(Value::as_str) {
            let instant = instant(text).ok_or_else(|| Fault::drift("created_time", "a time"))?;
            created = Some(time::format(instant));
        }
        if let Some(created) = &created {
            data.insert("created_time".to_owned(), created.as_str().into());
        }
        for answer in self.field_data {
            let mut values = answer.values.into_iter().map(Value::String);
            let value = match values.len() {
                0 => Value::Null,
                1 => values.next().unwrap_or_default(),
                _ => Value::Array(values.collect()),
            };
            let taken =
                answer.name == "is_organic" || OWN.iter().any(|(own, _)| *own == answer.name);
            let name = if taken { format!("{ANSWER}{}", answer.name) } else { answer.name };
            data.insert(name, value);
        }
        let row = Row::upsert(self.id, data);
        Ok(match created {
            Some(created) => row.time(created),
            None => row,
        })
    }
}

/// An instant as Meta writes it: `2026-11-30T08:49:14+0000`.
fn instant(text: &str) -> Option<i64> {
    time::parse(text).or_else(|| {
        let (clock, minutes) = text.split_at_checked(text.len().checked_sub(2)?)?;
        time::parse(&format!("{clock}:{minutes}"))
    })
}
