//! Customer Match lists of the account.

use liaison_sdk::{Container, ContainerPage, ContainerWish, Fault, FaultCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Api, Effect};
use crate::settings::is_number;

/// The kind of list that addresses, numbers and names are uploaded to.
const KIND: &str = "CONTACT_ID";
/// The reason for which a name is refused that another list has.
const NAME_USED: &str = "DISPLAY_NAME_ALREADY_USED";
/// Lists of one page.
const PAGE_ITEMS: u32 = 200;
/// Seconds of a day: durations of membership are whole days.
const DAY_SECONDS: u64 = 86_400;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct UserList {
    id: String,
    display_name: String,
    read_only: bool,
    size_info: Option<SizeInfo>,
    ingested_user_list_info: Option<Ingested>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SizeInfo {
    display_network_members_count: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Ingested {
    upload_key_types: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Lists {
    user_lists: Vec<UserList>,
    next_page_token: String,
}

/// What may be wished for besides.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wishes {
    description: Option<String>,
    /// How long somebody stays in the list; for ever unless said.
    membership_days: Option<u32>,
}

impl UserList {
    /// Whether people can be uploaded to it.
    fn takes_people(&self) -> bool {
        let info = self.ingested_user_list_info.as_ref();
        let contacts = info.is_some_and(|info| info.upload_key_types.iter().any(|it| it == KIND));
        contacts && !self.read_only && is_number(&self.id)
    }

    fn container(self) -> Container {
        let size = self.size_info.and_then(|info| info.display_network_members_count);
        Container {
            size: size.and_then(|size| size.parse().ok()),
            kind: KIND.to_owned(),
            ..Container::new(self.id, self.display_name)
        }
    }
}

/// Asks for one list.
///
/// # Errors
/// What a person should mend.
pub fn check(api: &Api) -> Result<(), Fault> {
    let ask = api.lists("GET", None).query("pageSize", 1);
    api.call::<Lists>(Effect::Reads, ask).map_err(of_account)?;
    Ok(())
}

/// A page of lists; with a title, of those that are called so.
///
/// # Errors
/// `cursor-expired` for a cursor that is none of Google's; otherwise the request's.
pub fn page(api: &Api, cursor: Option<&[u8]>, title: Option<&str>) -> Result<ContainerPage, Fault> {
    let expired = |_| Fault::new(FaultCode::CursorExpired);
    let token = cursor.map(std::str::from_utf8).transpose().map_err(expired)?;
    let mut ask = api.lists("GET", None).query("pageSize", PAGE_ITEMS);
    if let Some(title) = title {
        let quoted = title.replace('\\', "\\\\").replace('"', "\\\"");
        ask = ask.query("filter", format!("display_name = \"{quoted}\""));
    }
    if let Some(token) = token.filter(|token| !token.is_empty()) {
        ask = ask.query("pageToken", token);
    }
    let lists: Lists = api.call(Effect::Reads, ask).map_err(of_account)?;
    let next = Some(lists.next_page_token).filter(|token| !token.is_empty());
    let own = lists.user_lists.into_iter().filter(UserList::takes_people);
    let items = own.map(UserList::container).collect();
    Ok(ContainerPage { items, next: next.map(String::into_bytes) })
}

/// An account that is not there is a setting to mend.
fn of_account(fault: Fault) -> Fault {
    match fault.code {
        FaultCode::NotFound => Fault { code: FaultCode::Config, ..fault }.at("settings.account"),
        _ => fault,
    }
}

/// A name that a list of another kind has is a wish to mend.
fn of_name(fault: Fault) -> Fault {
    match fault.arg("vendor-code") {
        Some(NAME_USED) => Fault { code: FaultCode::Config, ..fault }
            .at("title")
            .with("expected", "a name that no list of another kind has"),
        _ => fault,
    }
}

/// The list as wished: by its number, or by its name, or a new one.
///
/// # Errors
/// `not-found` for a number of no list of people; `config` for a wish that cannot be
/// granted; otherwise the request's.
pub fn ensure(api: &Api, wish: &ContainerWish) -> Result<Container, Fault> {
    let wishes: Wishes = wish.settings_of(KIND)?;
    if let Some(key) = &wish.key {
        return Ok(find(api, key)?.container());
    }
    match wish.find(|cursor| page(api, cursor, Some(&wish.title)))? {
        Some(list) => Ok(list),
        None => create(api, &wish.title, wishes),
    }
}

/// A list by its number, if people can be uploaded to it.
fn find(api: &Api, key: &str) -> Result<UserList, Fault> {
    let missing = || Fault::new(FaultCode::NotFound).at("container");
    if !is_number(key) {
        return Err(missing());
    }
    let list: UserList = api.call(Effect::Reads, api.lists("GET", Some(key)))?;
    if list.takes_people() { Ok(list) } else { Err(missing()) }
}

fn create(api: &Api, title: &str, wishes: Wishes) -> Result<Container, Fault> {
    let mut body = json!({
        "displayName": title,
        "membershipStatus": "OPEN",
        "ingestedUserListInfo": {
            "uploadKeyTypes": [KIND],
            "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
        },
    });
    if let Some(description) = wishes.description {
        body["description"] = description.into();
    }
    if let Some(days) = wishes.membership_days {
        body["membershipDuration"] = format!("{}s", u64::from(days) * DAY_SECONDS).into();
    }
    let ask = api.lists("POST", None).json(&body);
    let created: UserList = api.call(Effect::Writes, ask).map_err(of_name).map_err(of_account)?;
    if is_number(&created.id) {
        Ok(created.container())
    } else {
        // It is found by its name the next time.
        Err(Fault::new(FaultCode::Timeout).at("id").with("expected", "the number of the new list"))
    }
}

/// Deletes a list of people.
///
/// # Errors
/// `not-found` for a number of none; otherwise the request's.
pub fn delete(api: &Api, key: &str) -> Result<(), Fault> {
    let list = find(api, key)?;
    api.call::<Value>(Effect::Writes, api.lists("DELETE", Some(&list.id)))?;
    Ok(())
}
