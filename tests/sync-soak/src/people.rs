//! Made-up people: the same for the same number.

const FIRST: [&str; 12] = [
    "Ana", "Bruno", "Chloe", "Diego", "Elsa", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira",
    "Luis",
];
const LAST: [&str; 17] = [
    "Arnaud", "Bianchi", "Costa", "Dubois", "Evans", "Ferrari", "Garcia", "Haas", "Ivanov",
    "Jansen", "Keller", "Lopez", "Martin", "Novak", "Oliveira", "Petit", "Rossi",
];
const CITIES: [&str; 7] = ["Brest", "Dijon", "Lille", "Lyon", "Metz", "Nantes", "Nice"];

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// `P00042`.
    pub code: String,
    /// Never that of anybody else.
    pub email: String,
    /// First name.
    pub first_name: &'static str,
    /// Last name, which is never the first.
    pub last_name: String,
    /// A telephone number that is kept for fiction.
    pub phone: String,
    /// Street with a number.
    pub street: String,
    /// City.
    pub city: &'static str,
}

impl Person {
    /// The person of a number.
    pub fn of(number: usize) -> Self {
        let pick = |names: &[&'static str]| names[number % names.len()];
        let (first_name, last_name) = (pick(&FIRST), pick(&LAST));
        Self {
            code: format!("P{number:05}"),
            email: format!("{first_name}.{last_name}.{number}@example.org").to_lowercase(),
            first_name,
            last_name: format!("{last_name}-{number}"),
            phone: format!("+33 1 99 00 {:02} {:02}", number / 100 % 100, number % 100),
            street: format!("{number} Quay Street"),
            city: pick(&CITIES),
        }
    }

    /// Both names.
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}
