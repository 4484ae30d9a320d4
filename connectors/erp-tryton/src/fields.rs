//! The fields of a row of `parties`: one table from which discovery, reading,
//! matching and writing are derived, so that they cannot disagree.

/// The kinds of contact mechanism that have a field of their own.
pub const MECHANISM_TYPES: [&str; 5] = ["email", "phone", "mobile", "fax", "website"];

/// Addresses that a row shows; further ones stay in Tryton untouched.
pub const ADDRESS_SLOTS: usize = 2;

/// A part of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressPart {
    /// Street with house number; may have several lines.
    Street,
    /// Postal code.
    PostalCode,
    /// City.
    City,
    /// Country as ISO 3166-1 alpha-2; Tryton must know the country.
    Country,
}

impl AddressPart {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Street, Self::PostalCode, Self::City, Self::Country];

    /// Its name in Tryton's `party.address`.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Street => "street",
            Self::PostalCode => "postal_code",
            Self::City => "city",
            Self::Country => "country",
        }
    }
}

/// Where a field's value lives in Tryton.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// `party.party.code`: given by a sequence unless set on creation.
    Code,
    /// `party.party.name`.
    Name,
    /// `party.party.lang`, by the language's code.
    Language,
    /// `party.party.active`.
    Active,
    /// `party.party.tax_identifier`, by the identifier's code.
    TaxIdentifier,
    /// The first active contact mechanism of a type, by sequence and id.
    Mechanism(&'static str),
    /// A part of the first or second active address, by sequence and id.
    Address(usize, AddressPart),
}

/// A field of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in a row.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Class of personal data; empty = none.
    pub pii: &'static str,
    /// Where its value lives.
    pub home: Home,
}

const fn field(name: &'static str, title: &'static str, pii: &'static str, home: Home) -> Field {
    Field { name, title, pii, home }
}

/// Every field of a row.
pub const FIELDS: [Field; 18] = [
    field("code", "Code", "id", Home::Code),
    field("name", "Name", "name", Home::Name),
    field("lang", "Language", "", Home::Language),
    field("active", "Active", "", Home::Active),
    field("tax_identifier", "Tax identifier", "id", Home::TaxIdentifier),
    field("email", "E-mail", "email", Home::Mechanism("email")),
    field("phone", "Phone", "phone", Home::Mechanism("phone")),
    field("mobile", "Mobile phone", "phone", Home::Mechanism("mobile")),
    field("fax", "Fax", "phone", Home::Mechanism("fax")),
    field("website", "Website", "", Home::Mechanism("website")),
    field("address1_street", "Street", "address", Home::Address(0, AddressPart::Street)),
    field(
        "address1_postal_code",
        "Postal code",
        "address",
        Home::Address(0, AddressPart::PostalCode),
    ),
    field("address1_city", "City", "address", Home::Address(0, AddressPart::City)),
    field("address1_country", "Country", "address", Home::Address(0, AddressPart::Country)),
    field("address2_street", "Second street", "address", Home::Address(1, AddressPart::Street)),
    field(
        "address2_postal_code",
        "Second postal code",
        "address",
        Home::Address(1, AddressPart::PostalCode),
    ),
    field("address2_city", "Second city", "address", Home::Address(1, AddressPart::City)),
    field("address2_country", "Second country", "address", Home::Address(1, AddressPart::Country)),
];

impl Field {
    /// The field of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name)
    }

    /// Tryton computes it, or keeps it in a place that this connector does not write.
    pub const fn read_only(&self) -> bool {
        matches!(self.home, Home::TaxIdentifier)
    }

    /// Tryton refuses every later change ("You are not allowed to modify the
    /// field Code").
    pub const fn create_only(&self) -> bool {
        matches!(self.home, Home::Code)
    }

    /// Rows can be found by it.
    pub const fn matchable(&self) -> bool {
        matches!(self.home, Home::Code | Home::Name | Home::Mechanism(_))
    }

    /// No two parties have the same value.
    pub const fn unique(&self) -> bool {
        matches!(self.home, Home::Code)
    }
}
