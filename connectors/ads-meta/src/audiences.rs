//! Custom audiences of the account: the ones that lists of people fill.

use liaison_sdk::{Container, ContainerPage, ContainerWish, Fault, FaultCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::graph::{Effect, Graph};
use crate::settings::is_number;

/// The kind that is filled with people, in Meta's word.
const KIND: &str = "CUSTOM";
/// What is asked of an audience.
const FIELDS: &str = "id,name,subtype,account_id,approximate_count_lower_bound";
/// Audiences of one page.
const PAGE_ITEMS: u32 = 200;

#[derive(Debug, Clone, Deserialize)]
struct Audience {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    subtype: String,
    account_id: Option<String>,
    approximate_count_lower_bound: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct List {
    data: Vec<Audience>,
    #[serde(default)]
    paging: Paging,
}

/// Where a list of Meta's goes on.
#[derive(Debug, Default, Deserialize)]
pub struct Paging {
    next: Option<String>,
    cursors: Option<Cursors>,
}

#[derive(Debug, Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl Paging {
    /// The cursor of the next page. Its address is not used: it holds the token.
    pub fn next(&self) -> Option<String> {
        self.next.as_ref()?;
        self.cursors.as_ref()?.after.clone()
    }
}

/// What may be wished for besides.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wishes {
    description: Option<String>,
}

impl Audience {
    fn container(self) -> Container {
        Container {
            // Meta says -1 while there are too few to tell.
            size: self.approximate_count_lower_bound.and_then(|size| u64::try_from(size).ok()),
            kind: self.subtype,
            ..Container::new(self.id, self.name)
        }
    }
}

/// Asks for one audience.
///
/// # Errors
/// What a person should mend.
pub fn check(graph: &Graph) -> Result<(), Fault> {
    let ask = graph.request("GET", &graph.audiences()).query("fields", "id").query("limit", 1);
    graph.call::<Value>(Effect::Reads, ask).map_err(of_account)?;
    Ok(())
}

/// A page of audiences.
///
/// # Errors
/// `cursor-expired` for a cursor that is none of Meta's; otherwise the request's.
pub fn page(graph: &Graph, cursor: Option<&[u8]>) -> Result<ContainerPage, Fault> {
    let expired = |_| Fault::new(FaultCode::CursorExpired);
    let after = cursor.map(std::str::from_utf8).transpose().map_err(expired)?;
    let ask = graph.request("GET", &graph.audiences());
    let ask = ask.query("fields", FIELDS).query("limit", PAGE_ITEMS);
    let ask = match after {
        Some(after) => ask.query("after", after),
        None => ask,
    };
    let list: List = graph.call(Effect::Reads, ask).map_err(of_account)?;
    let next = list.paging.next().map(String::into_bytes);
    let own = list.data.into_iter().filter(|audience| audience.subtype == KIND);
    Ok(ContainerPage { items: own.map(Audience::container).collect(), next })
}

/// An account that is not there is a setting to mend.
fn of_account(fault: Fault) -> Fault {
    match fault.code {
        FaultCode::NotFound => Fault { code: FaultCode::Config, ..fault }.at("settings.account"),
        _ => fault,
    }
}

/// The audience as wished: by its number, or by its name, or a new one.
///
/// # Errors
/// `not-found` for a number of no audience of this account; `config` for a wish that
/// cannot be granted; otherwise the request's.
pub fn ensure(graph: &Graph, wish: &ContainerWish) -> Result<Container, Fault> {
    let wishes: Wishes = wish.settings_of(KIND)?;
    if let Some(key) = &wish.key {
        return Ok(find(graph, key)?.container());
    }
    // Names are not unique, and numbers grow.
    match wish.find(|cursor| page(graph, cursor))? {
        Some(audience) => Ok(audience),
        None => create(graph, &wish.title, wishes),
    }
}

/// An audience by its number, if it is one of people in this account.
fn find(graph: &Graph, key: &str) -> Result<Audience, Fault> {
    let missing = || Fault::new(FaultCode::NotFound).at("container");
    if !is_number(key) {
        return Err(missing());
    }
    let ask = graph.request("GET", key).query("fields", FIELDS);
    let audience: Audience = graph.call(Effect::Reads, ask)?;
    let elsewhere = audience.account_id.as_ref().is_some_and(|it| *it != graph.settings.account);
    if elsewhere || audience.subtype != KIND { Err(missing()) } else { Ok(audience) }
}

fn create(graph: &Graph, title: &str, wishes: Wishes) -> Result<Container, Fault> {
    #[derive(Deserialize)]
    struct Created {
        id: String,
    }
    let mut body = json!({
        "name": title,
        "subtype": KIND,
        "customer_file_source": graph.settings.source.as_str(),
    });
    if let Some(description) = wishes.description {
        body["description"] = description.into();
    }
    let ask = graph.request("POST", &graph.audiences()).json(&body);
    let created: Created = graph.call(Effect::Writes, ask).map_err(of_account)?;
    Ok(Container { kind: KIND.to_owned(), ..Container::new(created.id, title) })
}

/// Deletes an audience, and nothing else that has a number.
///
/// # Errors
/// `not-found` for a number of no audience of this account; otherwise the request's.
pub fn delete(graph: &Graph, key: &str) -> Result<(), Fault> {
    #[derive(Deserialize)]
    struct Deleted {
        success: bool,
    }
    let audience = find(graph, key)?;
    let deleted: Deleted = graph.call(Effect::Writes, graph.request("DELETE", &audience.id))?;
    if deleted.success {
        Ok(())
    } else {
        Err(Fault::new(FaultCode::Rejected).at("container").with("success", false))
    }
}
