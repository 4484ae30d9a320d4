//! What a system is like: the ways in which real ones differ, drawn from dice.

use std::collections::BTreeMap;

use hub_model::{Cleaner, Conversion, Transform};

use crate::calls::Allowance;
use crate::dice::Dice;

/// The fields of every row.
pub const FIELDS: [&str; 4] = ["email", "name", "phone", "stage"];

/// What a system does to a value before it stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Nothing.
    Keep,
    /// Upper case.
    Upper,
    /// Lower case.
    Lower,
    /// The first six characters.
    Cut,
}

impl Habit {
    /// The stored form.
    pub fn apply(self, value: &Option<String>) -> Option<String> {
        value.as_ref().map(|text| match self {
            Self::Keep => text.clone(),
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::Cut => text.chars().take(6).collect(),
        })
    }
}

/// The form that a system gives a field, and that its mapping transforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// As everybody else has it.
    #[default]
    Plain,
    /// With a text before and one after it.
    Marked,
    /// Any case, which the mapping reads as upper case.
    AnyCase,
}

impl Form {
    /// The transforms of the mapping.
    pub fn conversion(self) -> Option<Box<Conversion>> {
        let steps = match self {
            Self::Plain => return None,
            Self::Marked => vec![
                Transform::StripPrefix { text: "T-".to_owned() }.into(),
                Transform::StripSuffix { text: "#".to_owned() }.into(),
            ],
            Self::AnyCase => vec![Transform::Clean(Cleaner::Upper).into()],
        };
        Some(Box::new(Conversion::reading(steps)))
    }

    /// What the system has where everybody else has the value.
    pub fn there(self, value: Option<String>) -> Option<String> {
        match self {
            Self::Plain | Self::AnyCase => value,
            Self::Marked => value.map(|text| format!("T-{text}#")),
        }
    }

    /// What everybody else has where the system has the value.
    pub fn elsewhere(self, value: Option<String>) -> Option<String> {
        match self {
            Self::Plain => value,
            Self::AnyCase => value.map(|text| text.to_uppercase()),
            Self::Marked => {
                value.and_then(|text| Some(text.strip_prefix("T-")?.strip_suffix('#')?.to_owned()))
            }
        }
    }
}

/// What becomes of a create whose e-mail address a row has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creates {
    /// Another row.
    Plain,
    /// Nothing: the answer names the row.
    Unique,
    /// The row is updated: an external id.
    Upsert,
}

/// How much a system says of what it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// The row as stored.
    Whole,
    /// Keys only.
    Thin,
    /// Not even the key of a new row: it has to be looked for.
    Mute,
    /// How many items it took and how many it found invalid, never which.
    Counts,
}

/// Where a system differs from others.
#[derive(Debug, Clone)]
pub struct Character {
    /// What it does to each field.
    pub habits: BTreeMap<&'static str, Habit>,
    /// The form that it gives each field.
    pub forms: BTreeMap<&'static str, Form>,
    /// Whether it checks `if-version`.
    pub conditional: bool,
    /// What it does with a second row of the same person.
    pub creates: Creates,
    /// How much it says.
    pub answers: Answers,
    /// Whether one bad item fails its whole batch.
    pub atomic: bool,
    /// Whether it refuses some telephone numbers.
    pub picky: bool,
    /// Whether reading is a whole snapshot each time.
    pub snapshot: bool,
    /// Rows per page.
    pub page_rows: usize,
    /// Most items in one write or look-up.
    pub batch_items: u32,
    /// Seconds per tick of its clock.
    pub tick_seconds: i64,
    /// How far its clock is off.
    pub skew_seconds: i64,
    /// How long a row that the hub created is not found by its fields.
    pub lag_seconds: i64,
    /// Whether it takes writes in and does them later.
    pub jobs: bool,
    /// Whether its connection may break in the midst of a batch.
    pub cuts: bool,
    /// How many calls it allows.
    pub allows: Option<Allowance>,
}

impl Character {
    /// As the dice fall.
    pub fn drawn(dice: &mut Dice) -> Self {
        let mut habits = BTreeMap::new();
        for field in FIELDS {
            let habit = match field {
                "name" | "stage" => {
                    *dice.pick(&[Habit::Keep, Habit::Keep, Habit::Upper, Habit::Lower, Habit::Cut])
                }
                _ => Habit::Keep,
            };
            habits.insert(field, habit);
        }
        let plain = Creates::Plain;
        Self {
            habits,
            forms: FIELDS.iter().map(|field| (*field, Form::Plain)).collect(),
            conditional: dice.percent(50),
            creates: *dice.pick(&[plain, plain, plain, Creates::Unique, Creates::Upsert]),
            answers: *dice.pick(&[Answers::Whole, Answers::Whole, Answers::Thin, Answers::Mute]),
            atomic: dice.percent(25),
            picky: dice.percent(20),
            snapshot: dice.percent(50),
            page_rows: *dice.pick(&[1, 3, 7]),
            batch_items: *dice.pick(&[1, 2, 5]),
            tick_seconds: *dice.pick(&[1, 5, 20]),
            skew_seconds: dice.below(600) as i64 - 300,
            lag_seconds: *dice.pick(&[0, 0, 10, 60]),
            jobs: false,
            cuts: false,
            allows: None,
        }
    }

    /// Gives it forms of its own, perhaps.
    pub fn give_forms(&mut self, mut dice: Dice) {
        if dice.percent(50) {
            self.forms.insert("phone", Form::Marked);
        }
        if dice.percent(50) {
            self.forms.insert("name", Form::AnyCase);
        }
    }

    /// Lets it take writes in and do them later, perhaps.
    pub fn give_jobs(&mut self, mut dice: Dice) {
        self.jobs = dice.percent(50);
    }

    /// Lets it only count what it took, perhaps. Such a system checks no versions.
    pub fn give_counts(&mut self, mut dice: Dice) {
        if dice.percent(50) {
            self.answers = Answers::Counts;
            self.conditional = false;
        }
    }

    /// Lets its connection break in the midst of a batch, perhaps.
    pub fn give_cuts(&mut self, mut dice: Dice) {
        self.cuts = dice.percent(50);
    }

    /// Lets it allow so many calls in a time, perhaps: in a burst, or in an hour.
    pub fn give_allowance(&mut self, mut dice: Dice) {
        let some = [(20, 10), (60, 3_600), (200, 3_600)];
        let (calls, seconds) = *dice.pick(&some);
        self.allows = dice.percent(50).then_some(Allowance { calls, seconds });
    }

    /// The form in which it stores a value.
    pub fn stored(&self, field: &str, value: &Option<String>) -> Option<String> {
        self.habits.get(field).copied().unwrap_or(Habit::Keep).apply(value)
    }

    /// Whether it takes a value, in its own form.
    pub fn accepts(&self, field: &str, value: &Option<String>) -> bool {
        let ends = |text: &str| text.trim_end_matches('#').ends_with("7x");
        !(self.picky && field == "phone" && value.as_deref().is_some_and(ends))
    }
}
