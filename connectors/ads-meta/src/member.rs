//! One person as a row of Meta's schema: the values it can be matched by, in the
//! form that Meta matches on.

use std::collections::BTreeMap;

use liaison_sdk::hash::{Kind, Profile, Unfit};
use liaison_sdk::{Fault, Field, Member};

/// Columns of Meta's schema by their values.
pub type Row = BTreeMap<Column, String>;

/// A column of Meta's schema. Their order is that of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::upper_case_acronyms, reason = "as Meta writes them")]
pub enum Column {
    /// The organisation's own number of the person; in clear.
    ExternId,
    /// The e-mail address.
    Email,
    /// The telephone number.
    Phone,
    /// The advertising identifier of a device; in clear.
    MadId,
    /// The family name.
    Ln,
    /// The given name.
    Fn,
    /// The gender.
    Gen,
    /// The year of birth.
    DobY,
    /// The month of birth.
    DobM,
    /// The day of birth.
    DobD,
    /// The town.
    Ct,
    /// The state.
    St,
    /// The postcode.
    Zip,
    /// The country.
    Country,
}

impl Column {
    /// Meta's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExternId => "EXTERN_ID",
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::MadId => "MADID",
            Self::Ln => "LN",
            Self::Fn => "FN",
            Self::Gen => "GEN",
            Self::DobY => "DOBY",
            Self::DobM => "DOBM",
            Self::DobD => "DOBD",
            Self::Ct => "CT",
            Self::St => "ST",
            Self::Zip => "ZIP",
            Self::Country => "COUNTRY",
        }
    }

    /// Meta's word for it in the data of a conversion.
    pub const fn in_conversion(self) -> &'static str {
        match self {
            Self::ExternId => "external_id",
            Self::Email => "em",
            Self::Phone => "ph",
            Self::MadId => "madid",
            Self::Ln => "ln",
            Self::Fn => "fn",
            Self::Gen => "ge",
            Self::DobY => "doby",
            Self::DobM => "dobm",
            Self::DobD => "dobd",
            Self::Ct => "ct",
            Self::St => "st",
            Self::Zip => "zp",
            Self::Country => "country",
        }
    }

    /// Whether somebody can be found by it alone.
    pub const fn finds(self) -> bool {
        matches!(self, Self::ExternId | Self::Email | Self::Phone | Self::MadId)
    }
}

/// A field of the stream of memberships: what becomes of its value.
struct Source {
    field: &'static str,
    title: &'static str,
    pii: &'static str,
    /// The value is a digest already.
    digest: bool,
    columns: &'static [(Column, Kind)],
}

const fn source(
    field: &'static str,
    title: &'static str,
    pii: &'static str,
    columns: &'static [(Column, Kind)],
) -> Source {
    Source { field, title, pii, digest: false, columns }
}

const SOURCES: [Source; 14] = [
    source("external_id", "Customer number", "id", &[(Column::ExternId, Kind::ExternalId)]),
    source("email", "E-mail", "email", &[(Column::Email, Kind::Email)]),
    Source {
        digest: true,
        ..source("email_sha256", "E-mail, as SHA-256", "email", &[(Column::Email, Kind::Email)])
    },
    source("phone", "Telephone", "phone", &[(Column::Phone, Kind::Phone)]),
    Source {
        digest: true,
        ..source("phone_sha256", "Telephone, as SHA-256", "phone", &[(Column::Phone, Kind::Phone)])
    },
    source("device_id", "Advertising identifier", "id", &[(Column::MadId, Kind::DeviceId)]),
    source("last_name", "Family name", "name", &[(Column::Ln, Kind::LastName)]),
    source("first_name", "Given name", "name", &[(Column::Fn, Kind::FirstName)]),
    source("gender", "Gender", "name", &[(Column::Gen, Kind::Gender)]),
    source(
        "birth_date",
        "Date of birth",
        "name",
        &[
            (Column::DobY, Kind::BirthYear),
            (Column::DobM, Kind::BirthMonth),
            (Column::DobD, Kind::BirthDay),
        ],
    ),
    source("city", "Town", "address", &[(Column::Ct, Kind::City)]),
    source("region", "State", "address", &[(Column::St, Kind::Region)]),
    source("postcode", "Postcode", "address", &[(Column::Zip, Kind::Postcode)]),
    source("country", "Country", "address", &[(Column::Country, Kind::Country)]),
];

/// What members are matched by, as discovery says it.
pub fn fields() -> impl Iterator<Item = Field> {
    SOURCES.iter().map(|source| {
        let field = Field::text(source.field).title(source.title).pii(source.pii).matchable();
        match (source.digest, source.columns) {
            (false, [(_, kind), ..]) => field.hash_profile(Profile::Meta.annotation(*kind)),
            _ => field,
        }
    })
}

/// The row of a member. A value that nobody could be matched by is left out while
/// another one finds the person.
///
/// # Errors
/// `rejected`, when nothing finds it, with what is wrong with the first value;
/// `not-supported` for a field that there is not.
pub fn row(member: &Member) -> Result<Row, Fault> {
    let (mut row, mut unfit) = (Row::new(), None);
    for identity in &member.identities {
        let known = add(&mut row, &identity.namespace, &identity.value);
        let known = known.ok_or_else(|| Fault::no_field(&identity.namespace, "memberships"))?;
        unfit = unfit.or(known.err());
    }
    if row.keys().any(|column| column.finds()) {
        return Ok(row);
    }
    Err(unfit
        .unwrap_or_else(|| Fault::from(Unfit::Empty).at("email, phone, external_id or device_id")))
}

/// Puts the value of a field into a row, in Meta's form, or says what is wrong with it.
/// `None` for a field that nobody is matched by.
pub fn add(row: &mut Row, field: &str, value: &str) -> Option<Result<(), Fault>> {
    let source = SOURCES.iter().find(|source| source.field == field)?;
    let mut added = Ok(());
    for (column, kind) in source.columns {
        let value = match source.digest {
            true => Profile::Meta.adopt(*kind, value),
            false => Profile::Meta.prepare(*kind, value),
        };
        match value {
            // Of several addresses the first one counts: a row has one column for them.
            Ok(value) => drop(row.entry(*column).or_insert(value)),
            Err(reason) => added = Err(Fault::from(reason).at(source.field)),
        }
    }
    Some(added)
}
