//! Why a schedule was refused: what was expected, and how to mend it.

/// A schedule or zone that cannot be used. The sentence names what was
/// expected and, where there is one, what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Nothing is written.
    #[error(
        "the schedule is empty; write a cron line such as `30 2 * * *`, `@daily`, `every 15m` or `manual`"
    )]
    Empty,
    /// Longer than any schedule is.
    #[error("the schedule has {bytes} bytes and at most {max} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A character that occurs in no schedule.
    #[error("the schedule holds the character U+{codepoint:04X}; only plain ASCII is used here")]
    Character {
        /// Its code point.
        codepoint: u32,
    },
    /// Not five fields.
    #[error(
        "a cron line has five fields (minute, hour, day of month, month, day of week) and this has {found}; write for example `30 2 * * *`, `@daily`, `every 15m` or `manual`{}",
        did_you_mean(near.as_deref())
    )]
    FieldCount {
        /// How many there are.
        found: usize,
        /// The whole schedule that was probably meant.
        near: Option<String>,
    },
    /// Six or seven fields, as Quartz and others write them.
    #[error(
        "a cron line has five fields and begins with the minute, and this has {found}, as if it had seconds or a year; drop them: `{suggestion}`, or write `every 10s` for less than a minute"
    )]
    SecondsField {
        /// How many there are.
        found: usize,
        /// The five that remain.
        suggestion: String,
    },
    /// Not a value of its field.
    #[error("`{found}` is not a value of the {field}, which goes from {min} to {max}{names}")]
    Value {
        /// The field in words.
        field: &'static str,
        /// What was written.
        found: String,
        /// The first value.
        min: u8,
        /// The last value.
        max: u8,
        /// The names it may be written with, in words.
        names: &'static str,
    },
    /// A range that ends before it begins.
    #[error("the range `{found}` of the {field} ends before it begins; write the list `{list}`")]
    Reversed {
        /// The field in words.
        field: &'static str,
        /// What was written.
        found: String,
        /// The values that were probably meant.
        list: String,
    },
    /// A step of zero, too large, or after a single value.
    #[error("the step in `{found}` of the {field} cannot be used; {mend}")]
    Step {
        /// The field in words.
        field: &'static str,
        /// What was written.
        found: String,
        /// What to write.
        mend: String,
    },
    /// `L`, `W`, `#` or `?`.
    #[error("`{found}` in the {field} is Quartz, not Unix cron; {mend}")]
    Quartz {
        /// The field in words.
        field: &'static str,
        /// What was written.
        found: String,
        /// What to write.
        mend: &'static str,
    },
    /// No such day.
    #[error(
        "`{text}` never fires within {years} years; the days of the month do not exist in these months"
    )]
    NeverFires {
        /// The line.
        text: String,
        /// How far was looked.
        years: u32,
    },
    /// A word beginning with `@` that is none.
    #[error(
        "`{found}` is not known; write `@hourly`, `@daily`, `@weekly`, `@monthly` or `@yearly`{}",
        did_you_mean(near.as_deref())
    )]
    Macro {
        /// What was written.
        found: String,
        /// What was probably meant.
        near: Option<&'static str>,
    },
    /// A period that cannot be read.
    #[error(
        "`{found}` is not a period; write `every`, a blank, a whole number and one of s, m, h, d, from `every 1s` to `every {days_max}d`: `every 90s`, `every 15m`, `every 2h`"
    )]
    Every {
        /// What was written.
        found: String,
        /// The longest period.
        days_max: u32,
    },
    /// Not an IANA zone.
    #[error(
        "`{found}` is not an IANA time zone; write one such as `Europe/Paris` or `UTC`{}",
        did_you_mean(near.as_deref())
    )]
    Zone {
        /// What was written.
        found: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// More often than allowed.
    #[error("it fires every {period_seconds} s and at most every {min_seconds} s is allowed here")]
    TooOften {
        /// Its shortest period.
        period_seconds: i64,
        /// The shortest allowed.
        min_seconds: i64,
    },
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

impl ScheduleError {
    /// The code; stable across versions.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "schedule/empty",
            Self::TooLong { .. } => "schedule/too-long",
            Self::Character { .. } => "schedule/character",
            Self::FieldCount { .. } => "schedule/field-count",
            Self::SecondsField { .. } => "schedule/seconds-field",
            Self::Value { .. } => "schedule/value",
            Self::Reversed { .. } => "schedule/reversed-range",
            Self::Step { .. } => "schedule/step",
            Self::Quartz { .. } => "schedule/quartz",
            Self::NeverFires { .. } => "schedule/never-fires",
            Self::Macro { .. } => "schedule/macro",
            Self::Every { .. } => "schedule/every",
            Self::Zone { .. } => "schedule/zone",
            Self::TooOften { .. } => "schedule/too-often",
        }
    }

    /// Whether it is the zone that is wrong, not the schedule.
    pub const fn is_zone(&self) -> bool {
        matches!(self, Self::Zone { .. })
    }
}
