//! The people of the demo: FEBRL's 1,000 rows as they are, and customers with
//! e-mails, phones and two addresses each, made from FEBRL's own names.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};

/// Columns of the customers' file.
pub const CUSTOMER_COLUMNS: [&str; 10] = [
    "id",
    "name",
    "email",
    "phone",
    "address1_street",
    "address1_postal_code",
    "address1_city",
    "address2_street",
    "address2_postal_code",
    "address2_city",
];

/// One row, by column.
pub type Row = BTreeMap<String, String>;

/// Writes the first `count` rows of FEBRL's first data set with its own columns,
/// an `id` and a `name`; returns the number of rows.
///
/// # Errors
/// The data set is not there or cannot be written.
pub fn write_febrl(people: &Path, file: &Path, count: usize) -> Result<usize> {
    let rows = read_rows(&people.join("dataset1.csv"))?;
    let mut columns = vec!["id", "name"];
    let own = ["street", "suburb", "postcode", "state", "date_of_birth", "soc_sec_id"];
    columns.extend(own);
    let rows: Vec<Row> = rows
        .iter()
        .take(count)
        .map(|row| {
            let part = |name: &str| row.get(name).cloned().unwrap_or_default();
            let join = |a: &str, b: &str| format!("{} {}", part(a), part(b)).trim().to_owned();
            let mut shown: Row = own.iter().map(|name| ((*name).to_owned(), part(name))).collect();
            shown.insert("id".to_owned(), part("rec_id"));
            shown.insert("name".to_owned(), join("given_name", "surname"));
            shown.insert("street".to_owned(), join("street_number", "address_1"));
            shown
        })
        .collect();
    write_rows(file, &columns, &rows)?;
    Ok(rows.len())
}

/// Makes customers, the same for the same number. Names come from FEBRL's
/// second data set; addresses at example domains and numbers kept for fiction.
///
/// # Errors
/// The data set is not there.
pub fn customers(people: &Path, count: usize) -> Result<Vec<Row>> {
    let source = read_rows(&people.join("dataset2.csv"))?;
    let named: Vec<&Row> =
        source.iter().filter(|r| !r["given_name"].is_empty() && !r["surname"].is_empty()).collect();
    let pick = |index: usize, step: usize| named[index * step % named.len()];
    let customer = |index: usize| {
        let (first, last) = (&pick(index, 7)["given_name"], &pick(index, 13)["surname"]);
        let (home, work) = (pick(index, 3), pick(index, 11));
        let values = [
            format!("C{:05}", index + 1),
            format!("{} {}", capital(first), capital(last)),
            format!("{first}.{last}.{index}@example.org").replace(' ', ""),
            format!("+33 1 99 00 {:02} {:02}", index / 100 % 100, index % 100),
            format!("{} {}", index + 1, capital(&home["address_1"])),
            home["postcode"].clone(),
            capital(&home["suburb"]),
            format!("{} {}", index + 2, capital(&work["address_1"])),
            work["postcode"].clone(),
            capital(&work["suburb"]),
        ];
        CUSTOMER_COLUMNS.iter().map(|c| (*c).to_owned()).zip(values).collect()
    };
    Ok((0..count).map(customer).collect())
}

/// Writes rows as CSV, whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn write_rows(file: &Path, columns: &[&str], rows: &[Row]) -> Result<()> {
    let fresh = file.with_extension("new");
    let mut writer = csv::Writer::from_path(&fresh)?;
    writer.write_record(columns)?;
    for row in rows {
        writer.write_record(columns.iter().map(|column| row.get(*column).map_or("", |v| v)))?;
    }
    writer.flush()?;
    fs::rename(&fresh, file).with_context(|| format!("write {}", file.display()))
}

/// Reads a CSV file by column names.
///
/// # Errors
/// The file cannot be read.
pub fn read_rows(file: &Path) -> Result<Vec<Row>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file)?;
    let rows = reader.deserialize();
    rows.collect::<Result<_, _>>().with_context(|| format!("read {}", file.display()))
}

fn capital(words: &str) -> String {
    let mut begin = true;
    let letters = words.chars().map(|letter| {
        let shown = if begin { letter.to_ascii_uppercase() } else { letter };
        begin = letter == ' ';
        shown
    });
    letters.collect()
}
