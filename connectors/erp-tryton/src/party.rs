//! A party with its children as Tryton holds them, and the flat row made of it.

use serde_json::{Map, Value};

use crate::fields::{AddressPart, FIELDS, Home};

/// An object of JSON.
pub type Row = Map<String, Value>;

/// `party.contact_mechanism`, active ones only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mechanism {
    /// Its id.
    pub id: i64,
    /// `email`, `phone`, ...
    pub kind: String,
    /// Its value.
    pub value: String,
    /// Rank set by a person; none sorts first, as in Tryton's own list.
    pub sequence: Option<i64>,
    /// `_timestamp`: what the optimistic lock compares.
    pub stamp: String,
}

/// `party.address`, active ones only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Its id.
    pub id: i64,
    /// Street; may have several lines.
    pub street: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// City.
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// See [`Mechanism::sequence`].
    pub sequence: Option<i64>,
    /// See [`Mechanism::stamp`].
    pub stamp: String,
}

impl Address {
    /// The value of a part.
    pub fn part(&self, part: AddressPart) -> Option<&str> {
        match part {
            AddressPart::Street => self.street.as_deref(),
            AddressPart::PostalCode => self.postal_code.as_deref(),
            AddressPart::City => self.city.as_deref(),
            AddressPart::Country => self.country.as_deref(),
        }
    }

    /// The same address with another value in a part.
    pub fn set(&mut self, part: AddressPart, value: Option<String>) {
        *match part {
            AddressPart::Street => &mut self.street,
            AddressPart::PostalCode => &mut self.postal_code,
            AddressPart::City => &mut self.city,
            AddressPart::Country => &mut self.country,
        } = value;
    }

    /// Whether it says nothing: such a row only keeps the place of a slot.
    pub fn is_empty(&self) -> bool {
        AddressPart::ALL.iter().all(|part| self.part(*part).is_none())
    }
}

/// `party.party` with its active children, each list in Tryton's order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// Its id: the key of the row.
    pub id: i64,
    /// `code`.
    pub code: Option<String>,
    /// `name`.
    pub name: Option<String>,
    /// The code of `lang`.
    pub language: Option<String>,
    /// The code of `tax_identifier`.
    pub tax_identifier: Option<String>,
    /// `active`.
    pub active: bool,
    /// The party that this one was merged into by Tryton's "Replace" wizard.
    pub replaced_by: Option<i64>,
    /// See [`Mechanism::stamp`].
    pub stamp: String,
    /// Active contact mechanisms.
    pub mechanisms: Vec<Mechanism>,
    /// Active addresses.
    pub addresses: Vec<Address>,
}

/// An answer that does not look like Tryton's: the member that is missing or
/// of another type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexpected(pub &'static str);

impl Party {
    /// From a row of `search_read`, still without children.
    ///
    /// # Errors
    /// [`Unexpected`] when a member is missing.
    pub fn from_tryton(row: &Value) -> Result<Self, Unexpected> {
        Ok(Self {
            id: id(row, "id")?,
            code: text(row, "code"),
            name: text(row, "name"),
            language: row.get("lang.").and_then(|lang| text(lang, "code")),
            tax_identifier: row.get("tax_identifier.").and_then(|tax| text(tax, "code")),
            active: truth(row.get("active")),
            replaced_by: row.get("replaced_by").and_then(Value::as_i64),
            stamp: text(row, "_timestamp").ok_or(Unexpected("party.party._timestamp"))?,
            mechanisms: Vec::new(),
            addresses: Vec::new(),
        })
    }

    /// Puts the children into the order that decides which value a row shows:
    /// rank (none first, as Tryton lists them), then age.
    pub fn order_children(&mut self) {
        self.mechanisms.sort_by_key(|child| (child.sequence, child.id));
        self.addresses.sort_by_key(|child| (child.sequence, child.id));
    }

    /// The first mechanism of a type.
    pub fn mechanism(&self, kind: &str) -> Option<&Mechanism> {
        self.mechanisms.iter().find(|mechanism| mechanism.kind == kind)
    }

    /// The value of a field.
    pub fn value(&self, home: Home) -> Value {
        let text = match home {
            Home::Active => return Value::Bool(self.active),
            Home::Code => self.code.as_deref(),
            Home::Name => self.name.as_deref(),
            Home::Language => self.language.as_deref(),
            Home::TaxIdentifier => self.tax_identifier.as_deref(),
            Home::Mechanism(kind) => self.mechanism(kind).map(|found| found.value.as_str()),
            Home::Address(slot, part) => {
                self.addresses.get(slot).and_then(|address| address.part(part))
            }
        };
        text.map_or(Value::Null, |text| Value::String(text.to_owned()))
    }

    /// The flat row.
    pub fn row(&self) -> Row {
        FIELDS.iter().map(|field| (field.name.to_owned(), self.value(field.home))).collect()
    }

    /// The version of the whole row: the party's timestamp, and a digest of the
    /// ids and timestamps of its active children. Tryton's own check compares
    /// only the rows that a call touches, so that a new second e-mail address
    /// would go unnoticed.
    pub fn version(&self) -> String {
        let mut digest = Fnv::new();
        for child in &self.mechanisms {
            digest.add(&format!("m{}@{};", child.id, child.stamp));
        }
        for child in &self.addresses {
            digest.add(&format!("a{}@{};", child.id, child.stamp));
        }
        format!("{}-{:016x}", self.stamp, digest.0)
    }

    /// The party's own row and timestamp for Tryton's optimistic lock.
    pub fn lock(&self) -> (String, String) {
        (format!("party.party,{}", self.id), self.stamp.clone())
    }

    /// When party or children changed last: seconds since 1970 with a fraction.
    pub fn changed_at(&self) -> &str {
        let children = self.mechanisms.iter().map(|child| child.stamp.as_str());
        let addresses = self.addresses.iter().map(|child| child.stamp.as_str());
        let seconds = |stamp: &str| stamp.parse::<f64>().unwrap_or(0.0);
        children.chain(addresses).fold(&self.stamp, |latest, stamp| {
            if seconds(stamp) > seconds(latest) { stamp } else { latest }
        })
    }
}

impl Mechanism {
    /// From a row of `search_read`, with the party it belongs to.
    ///
    /// # Errors
    /// [`Unexpected`] when a member is missing.
    pub fn from_tryton(row: &Value) -> Result<(i64, Self), Unexpected> {
        let mechanism = Self {
            id: id(row, "id")?,
            kind: text(row, "type").ok_or(Unexpected("party.contact_mechanism.type"))?,
            value: text(row, "value").unwrap_or_default(),
            sequence: row.get("sequence").and_then(Value::as_i64),
            stamp: text(row, "_timestamp")
                .ok_or(Unexpected("party.contact_mechanism._timestamp"))?,
        };
        Ok((id(row, "party")?, mechanism))
    }
}

impl Address {
    /// From a row of `search_read`, with the party it belongs to.
    ///
    /// # Errors
    /// [`Unexpected`] when a member is missing.
    pub fn from_tryton(row: &Value) -> Result<(i64, Self), Unexpected> {
        let address = Self {
            id: id(row, "id")?,
            street: text(row, "street"),
            postal_code: text(row, "postal_code"),
            city: text(row, "city"),
            country: row.get("country.").and_then(|country| text(country, "code")),
            sequence: row.get("sequence").and_then(Value::as_i64),
            stamp: text(row, "_timestamp").ok_or(Unexpected("party.address._timestamp"))?,
        };
        Ok((id(row, "party")?, address))
    }
}

fn id(row: &Value, name: &'static str) -> Result<i64, Unexpected> {
    row.get(name).and_then(Value::as_i64).ok_or(Unexpected(name))
}

/// Tryton keeps "" and null apart; to people both say "none".
fn text(row: &Value, name: &str) -> Option<String> {
    row.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// SQLite answers 1 and 0, PostgreSQL true and false.
fn truth(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        _ => false,
    }
}

/// FNV-1a, 64 bits: a version must differ by accident only, nobody gains by
/// forging one.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
