//! Which of several rows that a person has in one stream are written.
//!
//! Systems hold people twice, and a sync that writes both keeps both alive. The rule
//! only chooses among living rows: one that is passed over keeps what it shows, and
//! is told everything at once when its turn comes, because what was delivered is
//! known of each row.

use hub_model::{Mapping, Record, Several};

use super::echo::form_there;

/// Those of the living rows of one person that receive writes.
pub fn receiving<'a>(mut rows: Vec<&'a Record>, mapping: &Mapping) -> Vec<&'a Record> {
    rows.sort_by_key(|row| row.number);
    let came = |row: &&&Record| (row.born, row.number);
    let only = |row: Option<&&'a Record>| row.copied().into_iter().collect();
    match &mapping.several {
        Several::All => rows,
        Several::Newest => only(rows.iter().max_by_key(came)),
        Several::Oldest => only(rows.iter().min_by_key(came)),
        Several::Primary { field, is } => {
            let shows = |row: &&&Record| form_there(row, field).is_some_and(|it| is.contains(it));
            let primary: Vec<&Record> = rows.iter().filter(shows).copied().collect();
            if primary.is_empty() { only(rows.iter().min_by_key(came)) } else { primary }
        }
    }
}
