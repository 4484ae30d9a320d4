//! The segments at the partner. A person makes them there and names them in the
//! settings: nothing but files goes to and fro, so none can be made or asked for.

use liaison_sdk::{Container, ContainerPage, ContainerWish, Fault, FaultCode};
use serde::Deserialize;

use crate::settings::{Outbound, Partner};

/// Nothing can be wished for besides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoWishes {}

impl Outbound {
    const fn kind(&self) -> &'static str {
        match self.partner {
            Partner::AudienceManager(_) => "trait",
            Partner::LiveRamp(_) => "field",
        }
    }

    fn containers(&self) -> Vec<Container> {
        let containers = self.segments.iter();
        let kind = self.kind().to_owned();
        let of = |(title, key): (&String, &String)| Container {
            kind: kind.clone(),
            ..Container::new(key, title)
        };
        containers.map(of).collect()
    }
}

/// All of them.
pub fn page(out: &Outbound) -> ContainerPage {
    ContainerPage::last(out.containers())
}

/// The segment of a key.
///
/// # Errors
/// `not-found`.
pub fn find<'o>(out: &'o Outbound, key: &str) -> Result<&'o str, Fault> {
    let own = out.segments.values().find(|own| *own == key);
    own.map(String::as_str).ok_or_else(|| Fault::new(FaultCode::NotFound).at("container"))
}

/// The segment as wished: by its key or by its title.
///
/// # Errors
/// `not-found` for a key of none; `config` for a title of none.
pub fn ensure(out: &Outbound, wish: &ContainerWish) -> Result<Container, Fault> {
    let NoWishes {} = wish.settings_of(out.kind())?;
    let mut containers = out.containers().into_iter();
    if let Some(key) = &wish.key {
        let own = containers.find(|own| own.key == *key);
        return own.ok_or_else(|| Fault::new(FaultCode::NotFound).at("container"));
    }
    containers.find(|own| own.title == wish.title).ok_or_else(|| {
        let expected = "a segment of settings.segments, which a person makes at the partner";
        Fault::config("title", expected)
    })
}

/// Segments end at the partner.
///
/// # Errors
/// `not-found` for a key of none, else `not-supported`.
pub fn delete(out: &Outbound, key: &str) -> Result<(), Fault> {
    find(out, key)?;
    Err(Fault::not_supported("deleting a segment of a partner"))
}
