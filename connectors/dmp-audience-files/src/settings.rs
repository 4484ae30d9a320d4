//! The connection's settings: what goes out to whom, and what comes in.

use std::collections::{BTreeMap, BTreeSet};

use liaison_sdk::{Call, EntityKind, Fault, FaultCode};
use serde::Deserialize;

use crate::identifier::Identifier;

/// Fewest and most bytes of a file before it is compressed.
const SPLIT_BYTES: std::ops::RangeInclusive<usize> = 10_000..=200_000_000;
/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

/// The settings as written. The schema in `connector.json` says the same.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    folder: Option<String>,
    audience_manager: Option<AudienceManager>,
    liveramp: Option<LiveRamp>,
    #[serde(default)]
    identifiers: Vec<Identifier>,
    #[serde(default)]
    segments: BTreeMap<String, String>,
    #[serde(default = "yes")]
    gzip: bool,
    #[serde(default = "split_bytes")]
    split_bytes: usize,
    #[serde(default)]
    streams: BTreeMap<String, Inbound>,
}

const fn yes() -> bool {
    true
}

const fn split_bytes() -> usize {
    100_000_000
}

/// The form of Adobe Audience Manager.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudienceManager {
    /// The data source that the ids belong to.
    pub source: Option<String>,
    /// The data source that the traits belong to, if it is another.
    pub target: Option<String>,
    /// A replacement of everybody may be an `.overwrite` file.
    #[serde(default)]
    pub overwrite: bool,
}

/// The form of LiveRamp.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveRamp {
    /// What names of files begin with.
    pub name: String,
}

/// Whose form files have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Partner {
    /// Adobe Audience Manager.
    AudienceManager(AudienceManager),
    /// LiveRamp.
    LiveRamp(LiveRamp),
}

/// What goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Alias of the folder that the partner takes files from.
    pub folder: String,
    /// Whose form they have.
    pub partner: Partner,
    /// What people are matched by, in the order of the columns.
    pub identifiers: Vec<Identifier>,
    /// The partner's name of each segment, by title.
    pub segments: BTreeMap<String, String>,
    /// Whether files are compressed.
    pub gzip: bool,
    /// Most bytes of a file before it is compressed.
    pub split_bytes: usize,
}

/// What comes in as one stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbound {
    /// Alias of the folder that the partner puts files into.
    pub folder: String,
    /// Their names, `*` for anything.
    pub files: String,
    /// The column that tells the rows apart.
    pub key: String,
    /// The character between two cells.
    #[serde(default = "comma")]
    delimiter: char,
    /// What a row describes.
    #[serde(default)]
    kind: Kind,
    /// Days after which the values of a file are over.
    time_to_live_days: Option<u16>,
}

const fn comma() -> char {
    ','
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Person,
    Account,
    Object,
}

/// The settings, understood.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What goes out.
    pub outbound: Option<Outbound>,
    /// What comes in.
    pub streams: BTreeMap<String, Inbound>,
}

impl Settings {
    /// The settings of a call.
    ///
    /// # Errors
    /// `config`, with what was expected.
    pub fn of(call: &Call) -> Result<Self, Fault> {
        let mut written: Written = call.settings()?;
        let streams = std::mem::take(&mut written.streams);
        for (name, stream) in &streams {
            stream.expect_sound(name)?;
        }
        let outbound = written.outbound()?;
        if outbound.is_none() && streams.is_empty() {
            let expected = "audience_manager or liveramp, or streams that come in";
            return Err(Fault::config("settings", expected));
        }
        Ok(Self { outbound, streams })
    }

    /// What goes out, where something does.
    ///
    /// # Errors
    /// `not-supported`.
    pub fn out(&self) -> Result<&Outbound, Fault> {
        self.outbound.as_ref().ok_or_else(|| {
            Fault::not_supported("segments").with("expected", "audience_manager or liveramp")
        })
    }

    /// A stream that comes in.
    ///
    /// # Errors
    /// `not-found`.
    pub fn stream(&self, name: &str) -> Result<&Inbound, Fault> {
        let missing = || Fault::new(FaultCode::NotFound).at(name);
        self.streams.get(name).ok_or_else(missing)
    }
}

impl Written {
    fn outbound(self) -> Result<Option<Outbound>, Fault> {
        let partner = match (self.audience_manager, self.liveramp) {
            (Some(_), Some(_)) => {
                return Err(Fault::config("settings.liveramp", "one partner for each connection"));
            }
            (Some(form), None) => Partner::AudienceManager(form),
            (None, Some(form)) => Partner::LiveRamp(form),
            (None, None) if self.segments.is_empty() => return Ok(None),
            (None, None) => {
                let expected = "audience_manager or liveramp, whose segments they are";
                return Err(Fault::config("settings.segments", expected));
            }
        };
        let missing = || Fault::config("settings.folder", "the alias of a granted folder");
        let folder = self.folder.filter(|folder| !folder.is_empty()).ok_or_else(missing)?;
        if !SPLIT_BYTES.contains(&self.split_bytes) {
            let (least, most) = (SPLIT_BYTES.start(), SPLIT_BYTES.end());
            return Err(Fault::config("settings.split_bytes", format!("{least} to {most}")));
        }
        let (identifiers, segments) = (self.identifiers, self.segments);
        partner.expect_sound(&identifiers)?;
        let mut names = BTreeSet::new();
        for (title, name) in &segments {
            let place = || format!("settings.segments.{title}");
            if !partner.has_segment(name) {
                return Err(Fault::config(place(), partner.segment_form()));
            }
            if !names.insert(name) {
                return Err(Fault::config(place(), "a segment that has one title"));
            }
        }
        let (gzip, split_bytes) = (self.gzip, self.split_bytes);
        Ok(Some(Outbound { folder, partner, identifiers, segments, gzip, split_bytes }))
    }
}

impl Partner {
    fn expect_sound(&self, identifiers: &[Identifier]) -> Result<(), Fault> {
        use Identifier::{CustomerId, Email, Gaid, Idfa, Phone};
        let place = "settings.identifiers";
        match self {
            Self::LiveRamp(form) => {
                let taken = |it: &Identifier| matches!(it, CustomerId | Email | Phone);
                let unique: BTreeSet<_> = identifiers.iter().collect();
                if identifiers.is_empty() || !identifiers.iter().all(taken) {
                    return Err(Fault::config(place, "some of customer_id, email and phone"));
                }
                if unique.len() != identifiers.len() {
                    return Err(Fault::config(place, "each identifier once"));
                }
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                if form.name.is_empty() || form.name.len() > 60 || !form.name.bytes().all(plain) {
                    let expected = "1 to 60 letters, digits and dashes";
                    return Err(Fault::config("settings.liveramp.name", expected));
                }
            }
            Self::AudienceManager(form) => {
                let [identifier] = identifiers else {
                    let expected = "one of customer_id, email, idfa and gaid: \
                                    a file holds ids of one kind";
                    return Err(Fault::config(place, expected));
                };
                let place = "settings.audience_manager";
                for number in [&form.source, &form.target].into_iter().flatten() {
                    if !is_number(number) {
                        return Err(Fault::config(place, "numbers of data sources"));
                    }
                }
                match (identifier, &form.source, &form.target) {
                    (Idfa | Gaid, None, Some(_)) | (CustomerId | Email, Some(_), _) => {}
                    (Idfa | Gaid, ..) => {
                        let expected = "target, and no source: device ids have one of their own";
                        return Err(Fault::config(place, expected));
                    }
                    (Phone, ..) => {
                        let expected = "one of customer_id, email, idfa and gaid";
                        return Err(Fault::config("settings.identifiers", expected));
                    }
                    (CustomerId | Email, None, _) => {
                        return Err(Fault::config(place, "source, which the ids belong to"));
                    }
                }
            }
        }
        Ok(())
    }

    fn has_segment(&self, name: &str) -> bool {
        match self {
            Self::AudienceManager(_) => is_number(name),
            Self::LiveRamp(_) => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                (1..=100).contains(&name.len()) && name.bytes().all(plain)
            }
        }
    }

    const fn segment_form(&self) -> &'static str {
        match self {
            Self::AudienceManager(_) => "the number of an onboarded trait",
            Self::LiveRamp(_) => "the name of a column: 1 to 100 letters, digits and underscores",
        }
    }
}

impl Inbound {
    fn expect_sound(&self, name: &str) -> Result<(), Fault> {
        let place = |part: &str| format!("settings.streams.{name}.{part}");
        if name == crate::MEMBERS {
            return Err(Fault::config(format!("settings.streams.{name}"), "another name"));
        }
        if !self.delimiter.is_ascii() || matches!(self.delimiter, '"' | '\r' | '\n') {
            return Err(Fault::config(place("delimiter"), "one character such as , or ;"));
        }
        if self.time_to_live_days == Some(0) {
            return Err(Fault::config(place("time_to_live_days"), "at least 1"));
        }
        if self.key.is_empty() {
            return Err(Fault::config(place("key"), "the name of a column"));
        }
        Ok(())
    }

    /// The byte between two cells.
    pub fn delimiter(&self) -> u8 {
        u8::try_from(self.delimiter).unwrap_or(b',')
    }

    /// What a row describes.
    pub const fn kind(&self) -> EntityKind {
        match self.kind {
            Kind::Person => EntityKind::Person,
            Kind::Account => EntityKind::Account,
            Kind::Object => EntityKind::Object,
        }
    }

    /// How long the values of a file are good.
    pub fn time_to_live_seconds(&self) -> Option<i64> {
        self.time_to_live_days.map(|days| i64::from(days) * DAY_SECONDS)
    }

    /// Whether a file is one of this stream.
    pub fn takes(&self, name: &str) -> bool {
        let mut parts = self.files.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else { return rest.is_empty() };
        // Anything is anything within a folder.
        for part in parts {
            let Some((skipped, behind)) = rest.split_once(part) else { return false };
            if skipped.contains('/') {
                return false;
            }
            rest = behind;
        }
        rest.strip_suffix(last).is_some_and(|skipped| !skipped.contains('/'))
    }
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
