//! `transform`, `write`, `constant`, `template` and `reference` of a pair: how its value
//! changes on its way, and whether a way leads back.

use hub_model::conversion::backwards;
use hub_model::{Conversion, Direction, Kind, Made, Step, Template};

use crate::fault::code;
use crate::from::{self, Home};
use crate::located::Located;
use crate::table::{TableReader, shown};
use crate::transform::{self, StepDraft};

/// What a pair's value is made of, where a side of it has no name.
pub(crate) struct MadeDraft {
    /// The key that says so.
    pub(crate) key: &'static str,
    /// Absent if it could not be read.
    pub(crate) made: Option<Located<Made>>,
}

/// Reads `constant`, `template` and `reference`.
pub(crate) fn made(table: &mut TableReader<'_>, home: Home<'_>) -> Option<MadeDraft> {
    let both = table.has("constant") && table.has("template");
    let referring = table.has("reference");
    let refers = table.key_location("reference");
    let reference = from::reference(table, home);
    let location = table.key_location("constant");
    let constant = transform::any(table, "constant");
    let text = table.filled("template", "a template", "template = \"{first} {last}\"");
    if both {
        let location = table.key_location("template");
        let fault = table.fault(code::NO_EFFECT, &location, "template");
        let fault = fault.with("why", "the value is a constant already");
        fault.with("mend", "remove one of the two").record();
    }
    if referring {
        if table.has("constant") || table.has("template") {
            let fault = table.fault(code::NO_EFFECT, &refers, "reference");
            let fault = fault.with("why", "the value is made of something else already");
            fault.with("mend", "remove one of the two").record();
        } else if !home.makes {
            let fault = table.fault(code::NO_EFFECT, &refers, "reference");
            let fault = fault.with("why", "the rows are not made of objects that name somebody");
            fault.with("mend", "say in `[from]` of which objects they are made").record();
        }
        let made = reference.map(|reference| Located::new(Made::Reference(reference), refers));
        return Some(MadeDraft { key: "reference", made });
    }
    if table.has("constant") {
        let made = constant.map(|value| Located::new(Made::Constant(value), location));
        return Some(MadeDraft { key: "constant", made });
    }
    if !table.has("template") {
        return None;
    }
    let made = text.and_then(|text| match Template::parse(&text) {
        Ok(template) => Some(Located::new(Made::Template(template), text.location)),
        Err(error) => {
            let fault = table.fault(code::TEMPLATE, &text.location, "template");
            fault.with("found", shown(&text)).with("why", error).record();
            None
        }
    });
    Some(MadeDraft { key: "template", made })
}

/// Reads the steps of a pair and settles both of its ways. `None` if something
/// of it is wrong; no conversion where values go as they are.
#[allow(clippy::option_option, reason = "wrong, plain, and converted are three things")]
pub(crate) fn read(
    table: &mut TableReader<'_>,
    direction: Direction,
    made: Option<MadeDraft>,
) -> Option<Option<Box<Conversion>>> {
    let (read, read_sound) = transform::read(table, "transform");
    let (write, write_sound) = transform::read(table, "write");
    let mut sound = read_sound && write_sound;
    sound &= fit(table, &read, made.as_ref().map(|made| made.key)) && fit(table, &write, None);
    sound &= has_effect(table, direction, made.as_ref());
    if made.as_ref().is_some_and(|made| made.key == "reference") && direction.reads() {
        let fault = table.fault(code::NO_EFFECT, &table.key_location("reference"), "reference");
        let fault = fault.with("why", "a key is referred to where it is written");
        fault.with("mend", "write `direction = \"<-\"`").record();
        sound = false;
    }
    let writes = table.has("write");
    let key = made.as_ref().map(|made| made.key);
    let made = match made {
        Some(made) => Some(made.made?.value),
        None => None,
    };
    let back = if writes || (made.is_some() && !direction.reads()) {
        Some(steps(write))
    } else if made.is_some() {
        None
    } else {
        way_back(table, &read, direction, &mut sound)
    };
    if let (Some(key), Direction::Both) = (key, direction) {
        let location = table.key_location(key);
        let fault = table.fault(code::NOT_INVERTIBLE, &location, key).with("step", key);
        let fault = fault.with("need", "the pair travels both ways");
        let fault = fault.with("why", "it is made, and nothing leads back");
        fault.with("mend", "write `direction = \"->\"` or `\"<-\"`").record();
        sound = false;
    }
    if !sound {
        return None;
    }
    let read = steps(read);
    let plain = made.is_none() && read.is_empty() && back.as_ref().is_none_or(Vec::is_empty);
    Some((!plain).then(|| Box::new(Conversion { made, read, write: back })))
}

fn steps(drafts: Vec<StepDraft>) -> Vec<Step> {
    drafts.into_iter().map(|draft| draft.step).collect()
}

/// Each step takes what the one before it gives.
fn fit(table: &TableReader<'_>, drafts: &[StepDraft], made: Option<&str>) -> bool {
    let mut kind = if made == Some("template") { Kind::Text } else { Kind::Any };
    for draft in drafts {
        let transform = &draft.step.transform;
        match transform.after(kind) {
            Some(after) => kind = after,
            None => {
                let fault = crate::fault::ConfigFault::new(
                    code::STEP_KIND,
                    draft.location.clone(),
                    draft.place.as_str(),
                );
                let fault = fault.with("step", transform.as_str()).with("takes", transform.takes());
                table.document().fault(fault.with("gives", kind));
                return false;
            }
        }
    }
    true
}

/// Whether each key is looked at in the direction of the pair.
fn has_effect(table: &TableReader<'_>, direction: Direction, made: Option<&MadeDraft>) -> bool {
    let idle = |key: &'static str, why: &str, mend: &str| {
        let fault = table.fault(code::NO_EFFECT, &table.key_location(key), key);
        fault.with("why", why).with("mend", mend).record();
        false
    };
    match direction {
        Direction::ToProfile if table.has("write") => {
            idle("write", "nothing is written to the field", "remove it")
        }
        Direction::Both if table.has("write") => idle(
            "write",
            "a pair that travels both ways is written by what undoes `transform`",
            "remove it, or write `direction = \"<-\"`",
        ),
        Direction::ToSystem if table.has("transform") && made.is_some() => idle(
            "transform",
            "the value is made of traits and has no form there to read",
            "name the steps in `write`, in the order in which they are done",
        ),
        Direction::ToSystem if table.has("transform") && table.has("write") => {
            idle("transform", "`write` says how the field is written", "remove one of the two")
        }
        _ => true,
    }
}

/// What undoes the steps; a fault if nothing does and something has to.
fn way_back(
    table: &TableReader<'_>,
    drafts: &[StepDraft],
    direction: Direction,
    sound: &mut bool,
) -> Option<Vec<Step>> {
    let forwards: Vec<Step> = drafts.iter().map(|draft| draft.step.clone()).collect();
    let (place, why) = match backwards(&forwards) {
        Ok(back) => return Some(back),
        Err(_) if !direction.writes() => return None,
        Err(stuck) => stuck,
    };
    *sound = false;
    let draft = drafts.get(place)?;
    let (need, mend) = match direction {
        Direction::Both => (
            "the pair travels both ways",
            "use a step that can be undone, such as a one-to-one table, or write `direction = \"->\"`",
        ),
        _ => (
            "the field is written",
            "name in `write` what is done with the trait's value, in order",
        ),
    };
    let fault = crate::fault::ConfigFault::new(
        code::NOT_INVERTIBLE,
        draft.location.clone(),
        draft.place.as_str(),
    );
    let fault = fault.with("step", draft.step.transform.as_str()).with("need", need);
    table.document().fault(fault.with("why", why).with("mend", mend));
    None
}
