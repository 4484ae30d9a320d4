//! The three kinds of record, and how HubSpot names what concerns them.

use liaison_sdk::EntityKind;

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Object {
    /// The stream, and its name in settings.
    pub stream: &'static str,
    /// For people.
    pub title: &'static str,
    /// What its rows describe.
    pub kind: EntityKind,
    /// Its name in paths.
    pub path: &'static str,
    /// The property that says when a record was last changed.
    pub modified: &'static str,
    /// Properties with unique values that HubSpot does not mark as such.
    pub unique: &'static [&'static str],
    /// Properties, not unique, by which records may be found all the same.
    pub searched: &'static [&'static str],
}

/// Every kind of record.
pub const OBJECTS: [Object; 3] = [CONTACTS, COMPANIES, DEALS];

/// People.
pub const CONTACTS: Object = Object {
    stream: "contacts",
    title: "Contacts",
    kind: EntityKind::Person,
    path: "contacts",
    modified: "lastmodifieddate",
    unique: &["email"],
    searched: &["phone", "mobilephone"],
};

/// Organisations. Their domain is not unique: HubSpot takes a second one.
pub const COMPANIES: Object = Object {
    stream: "companies",
    title: "Companies",
    kind: EntityKind::Account,
    path: "companies",
    modified: "hs_lastmodifieddate",
    unique: &[],
    searched: &["domain", "name"],
};

/// Deals.
pub const DEALS: Object = Object {
    stream: "deals",
    title: "Deals",
    kind: EntityKind::Object,
    path: "0-3",
    modified: "hs_lastmodifieddate",
    unique: &[],
    searched: &["dealname"],
};

impl Object {
    /// The object of a stream.
    pub fn of(stream: &str) -> Option<&'static Self> {
        OBJECTS.iter().find(|object| object.stream == stream)
    }
}
