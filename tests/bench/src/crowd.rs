//! A crowd whose truth is known: what makes a resolver merge strangers. Families
//! share a telephone, some of them a mailbox, and a tablet; colleagues give the
//! switchboard and `info@` of their company; the browser of a library is
//! everybody's; now and then a child is called like a parent.
//!
//! Three systems show these people. The CRM has customer numbers, birth dates
//! and no duplicates; the shop knows what somebody typed at the till; the web
//! site has browsers, some of them logged in as a customer. The key of a row is
//! `rec-<person>-<n>`, for whoever scores; to a hub, keys name nobody.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::dice::Dice;
use crate::people::phone;
use crate::words::{CITIES, FIRST_NAMES, LAST_NAMES};

/// The systems: the file of each, with its columns.
pub const SYSTEMS: [(&str, &str); 3] = [
    ("crm.csv", "key,number,given_name,surname,birth_date,postcode,email,phone"),
    ("shop.csv", "key,given_name,surname,birth_date,email,phone"),
    ("web.csv", "key,cookie,number"),
];
const CRM: usize = 0;
const SHOP: usize = 1;
const WEB: usize = 2;

/// So many households work at one company.
const COMPANY_HOUSEHOLDS: u64 = 60;
/// So many households go to one library.
const LIBRARY_HOUSEHOLDS: u64 = 300;
/// Most people under one roof.
const HOUSEHOLD_PERSONS_MAX: u64 = 5;
/// Telephone numbers, apart from those of persons.
const LANDLINES: u64 = 20_000_000;
const SWITCHBOARDS: u64 = 40_000_000;

/// Rows of the three systems, in no order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Crowd {
    /// Persons with at least one row.
    pub persons: u64,
    rows: [Vec<String>; 3],
}

/// What people under one roof share.
struct Household {
    number: u64,
    surname: String,
    postcode: String,
    /// Used by those who have no mailbox of their own.
    mailbox: Option<String>,
}

/// What names one person, when asked.
struct Person {
    number: u64,
    given_name: &'static str,
    born: String,
    email: Option<String>,
    phone: String,
    /// The company whose telephone and mailbox are given instead, at times.
    company: Option<u64>,
}

impl Crowd {
    /// Makes people until there are so many rows; the same for the same seed.
    #[must_use]
    pub fn make(seed: u64, rows_min: usize) -> Self {
        let mut crowd = Self::default();
        let (mut people, mut homes) = (0, 0);
        while crowd.len() < rows_min {
            let mut dice = Dice::of(seed, homes);
            let home = Household::make(homes, &mut dice);
            for person in home.persons(people, &mut dice) {
                people += 1;
                crowd.persons += u64::from(crowd.show(&home, &person, &mut dice));
            }
            homes += 1;
        }
        for (system, rows) in (0..).zip(&mut crowd.rows) {
            shuffle(rows, &mut Dice::of(seed.wrapping_add(1), system));
        }
        crowd
    }

    /// Rows of all systems.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }

    /// Whether nobody is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the file of each system into a folder.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for ((name, columns), rows) in SYSTEMS.iter().zip(&self.rows) {
            let path = folder.join(name);
            fs::write(&path, format!("{columns}\n{}\n", rows.join("\n")))
                .with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }

    /// The rows of one person; whether there are any.
    fn show(&mut self, home: &Household, person: &Person, dice: &mut Dice) -> bool {
        let before = self.len();
        let key = format!("rec-{}", person.number);
        let Person { number, given_name, born, .. } = person;
        let customer = dice.percent(90).then(|| format!("C{number:07}"));
        if let Some(customer) = &customer {
            let (email, phone) = (person.email(dice, 90), person.phone(dice, 85));
            let (surname, postcode) = (&home.surname, &home.postcode);
            self.rows[CRM].push(format!(
                "{key}-0,{customer},{given_name},{surname},{born},{postcode},{email},{phone}"
            ));
        }
        for order in 0..dice.below(3) {
            let (email, phone) = (person.email(dice, 85), person.phone(dice, 60));
            let given_name = typed(given_name, dice);
            let surname = typed(&home.surname, dice);
            let born = if dice.percent(50) { born.as_str() } else { "" };
            self.rows[SHOP]
                .push(format!("{key}-{order},{given_name},{surname},{born},{email},{phone}"));
        }
        for visit in 0..dice.below(2) {
            let login = customer.as_deref().filter(|_| dice.percent(60)).unwrap_or_default();
            let browser = match dice.below(100) {
                0..4 => format!("library-{:08}", home.number / LIBRARY_HOUSEHOLDS),
                4..35 => format!("tablet-{:08}", home.number),
                _ => format!("browser-{number:08}"),
            };
            self.rows[WEB].push(format!("{key}-{visit},{browser},{login}"));
        }
        self.len() > before
    }
}

impl Household {
    fn make(number: u64, dice: &mut Dice) -> Self {
        let mut surname = dice.pick(&LAST_NAMES).to_owned();
        if dice.percent(50) {
            surname = format!("{surname}-{}", dice.pick(&LAST_NAMES));
        }
        let city = dice.below(CITIES.len() as u64);
        let (_, postcode) = usize::try_from(city).map_or(CITIES[0], |city| CITIES[city]);
        let mailbox = format!("famille.{surname}.{number}@example.org").to_lowercase();
        Self {
            number,
            surname,
            postcode: format!("{postcode}{:02}", dice.below(100)),
            mailbox: dice.percent(10).then_some(mailbox),
        }
    }

    /// Who lives there; `first` is the number of the first of them.
    fn persons(&self, first: u64, dice: &mut Dice) -> Vec<Person> {
        let mut persons: Vec<Person> = Vec::new();
        for number in first..=first + dice.below(HOUSEHOLD_PERSONS_MAX) {
            let elder = persons.last().filter(|_| dice.percent(1));
            let given_name = elder.map_or_else(
                || loop {
                    let fresh = dice.pick(&FIRST_NAMES);
                    if persons.iter().all(|person| person.given_name != fresh) {
                        break fresh;
                    }
                },
                |elder| elder.given_name,
            );
            let own = format!("{given_name}.{}.{number}@example.org", self.surname).to_lowercase();
            let email = if dice.percent(85) { Some(own) } else { self.mailbox.clone() };
            let phone = phone(if dice.percent(70) { number } else { LANDLINES + self.number });
            let (year, month, day) =
                (1940 + dice.below(66), 1 + dice.below(12), 1 + dice.below(28));
            persons.push(Person {
                number,
                given_name,
                born: format!("{year}-{month:02}-{day:02}"),
                email,
                phone,
                company: dice.percent(25).then_some(self.number / COMPANY_HOUSEHOLDS),
            });
        }
        persons
    }
}

impl Person {
    /// What this person gives as address, so many times in a hundred anything.
    fn email(&self, dice: &mut Dice, percent: u64) -> String {
        let own = self.email.clone().unwrap_or_default();
        match self.company.filter(|_| dice.percent(30)) {
            _ if !dice.percent(percent) => String::new(),
            Some(company) => format!("info@company-{company}.example"),
            None => own,
        }
    }

    /// The same for the telephone.
    fn phone(&self, dice: &mut Dice, percent: u64) -> String {
        match self.company.filter(|_| dice.percent(50)) {
            _ if !dice.percent(percent) => String::new(),
            Some(company) => phone(SWITCHBOARDS + company),
            None => self.phone.clone(),
        }
    }
}

/// A name as people type it at a till.
fn typed(name: &str, dice: &mut Dice) -> String {
    match dice.below(4) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        2 => name.replacen('e', "\u{e9}", 1),
        _ => name.to_owned(),
    }
}

fn shuffle<T>(items: &mut [T], dice: &mut Dice) {
    for place in (1..items.len()).rev() {
        let other = usize::try_from(dice.below(place as u64 + 1)).unwrap_or(place);
        items.swap(place, other);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::Crowd;

    const ROWS: usize = 5_000;

    #[test]
    fn a_seed_makes_the_same_crowd_of_the_size_asked_for() {
        let crowd = Crowd::make(3, ROWS);
        assert_eq!(crowd, Crowd::make(3, ROWS));
        assert_ne!(crowd, Crowd::make(4, ROWS));
        assert!((ROWS..ROWS + 50).contains(&crowd.len()), "{}", crowd.len());
        assert!((crowd.persons as usize) < crowd.len() * 6 / 10, "{}", crowd.persons);
    }

    /// Telephones, mailboxes and browsers that several people use, the largest of
    /// them by many, and people whom only a birth date tells apart.
    #[test]
    fn what_makes_resolvers_fail_is_there() {
        let folder = tempfile::tempdir().unwrap();
        Crowd::make(3, ROWS).write(folder.path()).unwrap();
        let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (file, columns) in super::SYSTEMS {
            let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
            let mut lines = text.lines();
            assert_eq!(lines.next(), Some(columns));
            for line in lines {
                let cells: Vec<&str> = line.split(',').collect();
                assert_eq!(cells.len(), columns.split(',').count(), "{line}");
                let person = cells[0].split('-').nth(1).unwrap();
                let column = |name| columns.split(',').position(|column| column == name);
                for name in ["email", "phone", "cookie"] {
                    let value = column(name).map_or("", |at| cells[at]);
                    if !value.is_empty() {
                        users.entry(value.to_owned()).or_default().insert(person.to_owned());
                    }
                }
            }
        }
        for (shared, many) in
            [("info@", 20), ("+336", 20), ("library-", 10), ("tablet-", 2), ("famille.", 2)]
        {
            let most = users.iter().filter(|(value, _)| value.starts_with(shared));
            let most = most.map(|(_, persons)| persons.len()).max().unwrap();
            assert!(most >= many, "{shared}: {most}");
        }
    }
}
