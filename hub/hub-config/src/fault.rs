//! Faults of a configuration: a code, a place, and arguments for the sentence.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::located::Location;
use crate::sentence;

/// The codes of this crate. Stable: scripts and translations depend on them.
pub mod code {
    macro_rules! codes {
        ($($name:ident = $text:literal),+ $(,)?) => {
            $(#[doc = concat!("`", $text, "`")] pub const $name: &str = $text;)+
            /// Every code.
            pub const ALL: &[&str] = &[$($name),+];
        };
    }

    codes! {
        FILE_MISSING = "config/file-missing",
        FILE_UNREADABLE = "config/file-unreadable",
        FILE_TOO_LARGE = "config/file-too-large",
        TOO_MANY_FILES = "config/too-many-files",
        ENCODING = "config/encoding",
        SYNTAX = "config/syntax",
        DUPLICATE_KEY = "config/duplicate-key",
        UNKNOWN_KEY = "config/unknown-key",
        MISSING_KEY = "config/missing-key",
        WRONG_TYPE = "config/wrong-type",
        OUT_OF_RANGE = "config/out-of-range",
        EMPTY = "config/empty",
        CONTROL_CHARACTER = "config/control-character",
        NEWER_VERSION = "config/newer-version",
        UNKNOWN_WORD = "config/unknown-word",
        NOT_SUPPORTED = "config/not-supported",
        KIND = "config/kind",
        OBJECT = "config/object",
        RELATION = "config/relation",
        UNKNOWN_STREAM = "config/unknown-stream",
        UNKNOWN_KIND = "config/unknown-kind",
        UNKNOWN_EVENT = "config/unknown-event",
        UNKNOWN_SEGMENT = "config/unknown-segment",
        CONDITION = "config/condition",
        ID = "config/id",
        NAME = "config/name",
        LISTEN = "config/listen",
        NOT_LOOPBACK = "config/not-loopback",
        HOST = "config/host",
        PRIVATE = "config/private",
        COUNTRY = "config/country",
        FOLDER_HOLDS_DATA = "config/folder-holds-data",
        LITERAL_SECRET = "config/literal-secret",
        SECRET_REFERENCE = "config/secret-reference",
        UNKNOWN_CONNECTION = "config/unknown-connection",
        UNKNOWN_NAMESPACE = "config/unknown-namespace",
        UNKNOWN_FIELD = "config/unknown-field",
        DUPLICATE_FIELD = "config/duplicate-field",
        DUPLICATE_STREAM = "config/duplicate-stream",
        NO_FIELDS = "config/no-fields",
        NO_MATCHING = "config/no-matching",
        NO_EFFECT = "config/no-effect",
        CONTRADICTION = "config/contradiction",
        TOO_MANY = "config/too-many",
        NAMESPACE_USE = "config/namespace-use",
        UNKNOWN_TRAIT = "config/unknown-trait",
        UNKNOWN_SYNC = "config/unknown-sync",
        UNKNOWN_PURPOSE = "config/unknown-purpose",
        UNKNOWN_CHANNEL = "config/unknown-channel",
        NOT_READ = "config/not-read",
        CONSENT_KEY = "config/consent-key",
        PERIOD = "config/period",
        TIME_FORMAT = "config/time-format",
        SEPARATOR = "config/separator",
        SCHEMA = "config/schema",
        TEMPLATE = "config/template",
        FACTOR = "config/factor",
        STEP_KIND = "config/step-kind",
        NOT_INVERTIBLE = "config/not-invertible",
        SETTINGS = "config/settings",
        SETTINGS_KEY = "config/settings-key",
        CONNECTOR_SCHEMA = "config/connector-schema",
    }
}

/// Something wrong in a configuration.
///
/// No argument ever holds the text of a credential or of a connector's
/// setting: either may be a secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// What went wrong: one of [`code::ALL`], or a code of whoever adds a fault.
    pub code: &'static str,
    /// Where it is written.
    pub location: Location,
    /// The dotted path: `connections.erp.hosts[0]`; empty for a whole file.
    pub place: String,
    /// Named arguments for the sentence. A fault added from outside carries
    /// its own words in `problem` and, if there is one, `mend`.
    pub args: BTreeMap<&'static str, String>,
}

impl ConfigFault {
    /// A fault without arguments.
    pub fn new(code: &'static str, location: Location, place: impl Into<String>) -> Self {
        Self { code, location, place: place.into(), args: BTreeMap::new() }
    }

    /// A fault found by somebody else (a schedule, a gateway, a connector),
    /// with its words: what is wrong, and how to mend it (may be empty).
    pub fn told(
        code: &'static str,
        location: Location,
        place: impl Into<String>,
        problem: impl fmt::Display,
        mend: impl fmt::Display,
    ) -> Self {
        let fault = Self::new(code, location, place).with("problem", problem);
        let mend = mend.to_string();
        if mend.is_empty() { fault } else { fault.with("mend", mend) }
    }

    /// The same fault with one more argument.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.args.insert(name, value.to_string());
        self
    }

    /// What is wrong, in English, without place and code.
    pub fn problem(&self) -> String {
        sentence::problem(self)
    }

    /// How to mend it, in English; empty where nothing more can be said.
    pub fn mend(&self) -> String {
        sentence::mend(self)
    }
}

impl fmt::Display for ConfigFault {
    /// One paragraph: `file:line:column: problem; mend [code]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.problem())?;
        let mend = self.mend();
        if !mend.is_empty() {
            write!(f, "; {mend}")?;
        }
        write!(f, " [{}]", self.code)
    }
}

impl std::error::Error for ConfigFault {}

impl Serialize for ConfigFault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("ConfigFault", 8)?;
        out.serialize_field("code", self.code)?;
        out.serialize_field("file", &self.location.file)?;
        out.serialize_field("line", &self.location.line)?;
        out.serialize_field("column", &self.location.column)?;
        out.serialize_field("place", &self.place)?;
        out.serialize_field("problem", &self.problem())?;
        out.serialize_field("mend", &self.mend())?;
        out.serialize_field("args", &self.args)?;
        out.end()
    }
}
