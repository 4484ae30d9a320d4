//! Lists of contacts.

use liaison_sdk::{Container, ContainerPage, ContainerWish, Fault, FaultCode};
use serde::Deserialize;
use serde_json::json;

use crate::api::Api;
use crate::contact::is_id;

/// The only kind of list.
const KIND: &str = "list";
/// Lists of one page.
const PAGE_ITEMS: u32 = 1_000;
/// Longest name in characters.
const NAME_CHARS_MAX: usize = 100;
const LISTS: &str = "/v3/marketing/lists";

#[derive(Deserialize)]
struct List {
    id: String,
    name: String,
    contact_count: Option<u64>,
}

#[derive(Deserialize)]
struct Lists {
    result: Vec<List>,
    #[serde(rename = "_metadata", default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    next: Option<String>,
}

/// Nothing else may be wished for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wishes {}

impl List {
    fn container(self) -> Container {
        let kind = KIND.to_owned();
        Container { size: self.contact_count, kind, ..Container::new(self.id, self.name) }
    }
}

/// A page of lists.
///
/// # Errors
/// `cursor-expired` for a cursor that is none of SendGrid's; otherwise the request's.
pub fn page(api: &Api, cursor: Option<&[u8]>) -> Result<ContainerPage, Fault> {
    let expired = |_| Fault::new(FaultCode::CursorExpired);
    let token = cursor.map(std::str::from_utf8).transpose().map_err(expired)?;
    let mut ask = api.get(LISTS).query("page_size", PAGE_ITEMS);
    if let Some(token) = token {
        ask = ask.query("page_token", token);
    }
    let lists: Lists = api.reads(ask)?;
    // The next page has an address, of which only the place counts.
    let next = lists.metadata.next.and_then(|url| {
        let query = url.split_once('?')?.1;
        let token = query.split('&').find_map(|pair| pair.strip_prefix("page_token="))?;
        Some(token.as_bytes().to_vec()).filter(|token| !token.is_empty())
    });
    Ok(ContainerPage { items: lists.result.into_iter().map(List::container).collect(), next })
}

/// The list as wished: by its number, or by its name, or a new one.
///
/// # Errors
/// `not-found` for a number of no list; `config` for a wish that cannot be granted;
/// otherwise the request's.
pub fn ensure(api: &Api, wish: &ContainerWish) -> Result<Container, Fault> {
    wish.settings_of::<Wishes>(KIND)?;
    if let Some(key) = &wish.key {
        return find(api, key);
    }
    if wish.title.chars().count() > NAME_CHARS_MAX {
        return Err(Fault::config("title", format!("at most {NAME_CHARS_MAX} characters")));
    }
    match wish.find(|cursor| page(api, cursor))? {
        Some(list) => Ok(list),
        None => {
            let list: List =
                api.writes(api.ask("POST", LISTS).json(&json!({"name": wish.title})))?;
            Ok(list.container())
        }
    }
}

/// A list by its number.
///
/// # Errors
/// `not-found`; otherwise the request's.
pub fn find(api: &Api, key: &str) -> Result<Container, Fault> {
    let list: List = api.reads(api.get(&path(key)?)).map_err(at_container)?;
    Ok(list.container())
}

/// Removes a list; its contacts stay.
///
/// # Errors
/// `not-found`; otherwise the request's.
pub fn delete(api: &Api, key: &str) -> Result<(), Fault> {
    let ask = api.ask("DELETE", &path(key)?).query("delete_contacts", false);
    api.deletes(ask).map_err(at_container)
}

fn path(key: &str) -> Result<String, Fault> {
    match is_id(key) {
        true => Ok(format!("{LISTS}/{key}")),
        false => Err(Fault::new(FaultCode::NotFound).at("container")),
    }
}

fn at_container(fault: Fault) -> Fault {
    if fault.code == FaultCode::NotFound { fault.at("container") } else { fault }
}
