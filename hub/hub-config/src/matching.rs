//! By which fields a row is found before one is created.

use hub_model::FieldName;

use crate::fault::{ConfigFault, code};
use crate::located::Located;
use crate::near;
use crate::policies::Policies;
use crate::sync_file::Pair;
use crate::table::{TableReader, shown};

/// The fields to find rows by: those written, else those with an identity.
/// `None` if one of those written is not mapped.
pub(crate) fn read(
    table: &mut TableReader<'_>,
    pairs: &[Pair],
    pairs_sound: bool,
) -> Option<Vec<FieldName>> {
    let given = table.has("matching");
    let written = table.texts("matching", "matching = [\"code\"]");
    // Where no way leads back to a field's form, nobody is found by it.
    let telling = |pair: &&Pair| {
        let conversion = pair.mapping.conversion.as_ref();
        conversion.is_none_or(|conversion| conversion.write.is_some())
    };
    if !given {
        let telling = pairs.iter().filter(|pair| pair.identity.is_some()).filter(telling);
        return Some(telling.map(|pair| pair.mapping.field.clone()).collect());
    }
    let mut sound = true;
    for name in &written {
        let pair = pairs.iter().find(|pair| pair.field.value == name.value);
        if let Some(pair) = pair.filter(|pair| !telling(pair)) {
            sound = false;
            cannot_find(table, name, pair);
        }
        if !pairs_sound || pair.is_some() {
            continue;
        }
        sound = false;
        let place = table.place_of("matching");
        let fault = ConfigFault::new(code::UNKNOWN_FIELD, name.location.clone(), place)
            .with("name", shown(name));
        let known = pairs.iter().map(|pair| pair.field.as_str());
        table.document().fault(near::hint(fault, name, known));
    }
    sound.then(|| written.iter().map(|name| FieldName::new(name.as_str())).collect())
}

/// A field whose form cannot be made of the trait's value finds no row.
fn cannot_find(table: &TableReader<'_>, name: &Located<String>, pair: &Pair) {
    let read = pair.mapping.conversion.iter().flat_map(|conversion| &conversion.read);
    let stuck = read.map(|step| &step.transform).find_map(|t| Some((t, t.inverse().err()?)));
    let Some((step, why)) = stuck else { return };
    let place = table.place_of("matching");
    let fault = ConfigFault::new(code::NOT_INVERTIBLE, name.location.clone(), place);
    let fault = fault.with("step", step.as_str()).with("need", "rows are to be found by the field");
    let mend = format!(
        "leave `{}` out of `matching`, or convert it by steps that can be undone",
        name.value
    );
    table.document().fault(fault.with("why", why).with("mend", mend));
}

/// A sync that creates must be able to find.
pub(crate) fn check(
    table: &TableReader<'_>,
    pairs: &[Pair],
    policies: &Policies,
    matching: Option<&[FieldName]>,
    pairs_sound: bool,
) {
    let creates = policies.creates() && pairs.iter().any(|pair| pair.mapping.direction.writes());
    if creates && pairs_sound && matching.is_some_and(<[FieldName]>::is_empty) {
        table.fault(code::NO_MATCHING, &table.key_location("matching"), "matching").record();
    }
}
