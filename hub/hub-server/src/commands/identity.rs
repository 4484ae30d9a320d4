//! `liaison identity`: who is who, decided by people; and what other rules
//! would make of them.

mod show;
mod whatif;

use std::sync::Arc;

use hub_engine::SystemEnv;
use hub_engine::people::PeopleError;
use hub_engine::people::decide::Ask;
use hub_engine::workspace::Workspace;
use hub_http::{find, identity};
use hub_model::{ProfileId, RecordNo, Rules};
use serde_json::{Value, json};

use super::profile::{encoded, not_an_identity};
use crate::cli::{Global, IdentityCommand, Pair};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, talk};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Who decides at the command line.
pub(in crate::commands) const AUTHOR: &str = "operator";

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(
    global: &Global,
    loaded: &Loaded,
    command: IdentityCommand,
    out: Out,
) -> Result<Exit, Trouble> {
    match command {
        IdentityCommand::Review { all, limit } => review(loaded, all, limit, out).await,
        IdentityCommand::Merge(pair) => decide_pair(loaded, "merge", Ask::Merge, pair, out).await,
        IdentityCommand::Refuse(pair) => {
            decide_pair(loaded, "refuse", Ask::Refuse, pair, out).await
        }
        IdentityCommand::Unmerge { profile, joined, records, confirm } => {
            let place = Place::open(loaded).await?;
            let id = place.profile(&profile).await?;
            let ask = match joined {
                Some(joined) => Ask::Undo(id, ProfileId(joined)),
                None => Ask::Separate(id, records.into_iter().map(RecordNo).collect()),
            };
            decide(&place, Asked::new("unmerge", ask, confirm.yes), out).await
        }
        IdentityCommand::Preview { folder } => whatif::preview(global, loaded, folder, out).await,
        IdentityCommand::Apply => whatif::apply(loaded, out).await,
    }
}

async fn review(loaded: &Loaded, all: bool, limit: u16, out: Out) -> Result<Exit, Trouble> {
    let view = match Place::open(loaded).await? {
        Place { data: Data::Hub(client), .. } => {
            client.get(&format!("/api/v1/identity/reviews?all={all}&limit={limit}")).await?
        }
        Place { data: Data::Store(store), rules } => {
            let workspace = workspace(store, rules);
            identity::reports(&workspace, all, usize::from(limit)).await?
        }
    };
    out.data(&view, || show::reviews(&view))?;
    if show::rows(&view, "reviews").is_empty() {
        talk("nothing waits for a decision");
    }
    Ok(Exit::Ok)
}

/// What was asked for, by the name of its route.
struct Asked {
    route: &'static str,
    ask: Ask,
    yes: bool,
}

impl Asked {
    const fn new(route: &'static str, ask: Ask, yes: bool) -> Self {
        Self { route, ask, yes }
    }

    fn body(&self) -> Value {
        let apply = self.yes;
        match &self.ask {
            Ask::Merge(left, right) | Ask::Refuse(left, right) => {
                json!({ "left": left, "right": right, "apply": apply })
            }
            Ask::Separate(profile, records) => {
                json!({ "profile": profile, "records": records, "apply": apply })
            }
            Ask::Undo(profile, joined) => {
                json!({ "profile": profile, "joined": joined, "apply": apply })
            }
        }
    }
}

async fn decide_pair(
    loaded: &Loaded,
    route: &'static str,
    ask: fn(ProfileId, ProfileId) -> Ask,
    pair: Pair,
    out: Out,
) -> Result<Exit, Trouble> {
    let place = Place::open(loaded).await?;
    let ask = ask(place.profile(&pair.left).await?, place.profile(&pair.right).await?);
    decide(&place, Asked::new(route, ask, pair.confirm.yes), out).await
}

async fn decide(place: &Place, asked: Asked, out: Out) -> Result<Exit, Trouble> {
    let view = match &place.data {
        Data::Hub(client) => {
            let path = format!("/api/v1/identity/{}", asked.route);
            client.post_json(&path, &asked.body()).await?
        }
        Data::Store(store) => {
            let workspace = workspace(store.clone(), place.rules.clone());
            let author = asked.yes.then_some(AUTHOR);
            identity::decision(&workspace, &asked.ask, author).await.map_err(refused)?
        }
    };
    out.data(&view, || show::outcome(&view))?;
    if !asked.yes {
        talk("nothing was changed; the same with --yes does it");
    }
    Ok(Exit::Ok)
}

fn workspace(store: Arc<dyn hub_store::Store>, rules: Rules) -> Workspace {
    Workspace::new(store, Arc::new(rules), Arc::new(SystemEnv::default()))
}

fn refused(error: PeopleError) -> Trouble {
    let (exit, code, mend) = match &error {
        PeopleError::Store(error) => return error.clone().into(),
        PeopleError::NoProfile(_) => (
            Exit::Finding,
            "people/unknown-profile",
            "name it by an identity: `liaison identity merge email:ana@example.org 42`",
        ),
        PeopleError::OneAlready(_) | PeopleError::TwoAlready(..) => (
            Exit::Finding,
            "people/decided-already",
            "nothing has to be done; `liaison identity review --all` shows what was settled",
        ),
        PeopleError::Kinds(..) => (
            Exit::Usage,
            "people/kinds-differ",
            "correct `kind` in the sync that brought the wrong one",
        ),
        PeopleError::NotASeparation(_) | PeopleError::NotByHand(_) => (
            Exit::Usage,
            "people/no-sides",
            "name some, and not all, of its records with --records; `liaison profile explain` \
             shows their numbers",
        ),
        PeopleError::RulesChanged => (
            Exit::Usage,
            "people/rules-changed",
            "run `liaison identity apply` first, or start the hub, which does it",
        ),
        PeopleError::TooManyPairs { .. } | PeopleError::TooManyTogether { .. } => (
            Exit::Usage,
            "people/too-many",
            "lower `records_per_value_max` of the namespace, or list the shared value under \
             `never`, then decide again",
        ),
    };
    Trouble::new(exit, code, "the profiles asked for", error, mend)
}

/// Where people are, and by which rules they are found.
struct Place {
    data: Data,
    rules: Rules,
}

impl Place {
    async fn open(loaded: &Loaded) -> Result<Self, Trouble> {
        Ok(Self { data: reach::find(loaded).await?, rules: loaded.config.rules() })
    }

    /// The profile of that number, or the one that has that identity.
    async fn profile(&self, text: &str) -> Result<ProfileId, Trouble> {
        if let Some(number) = find::number(text) {
            return Ok(ProfileId(number));
        }
        let identity = find::identity(text, &self.rules).map_err(|e| not_an_identity(&e))?;
        let found: Vec<u64> = match &self.data {
            Data::Store(store) => {
                let workspace = workspace(store.clone(), self.rules.clone());
                let found = find::profiles(&workspace, &identity).await?;
                found.into_iter().map(|profile| profile.id.0).collect()
            }
            Data::Hub(client) => {
                let query = encoded(&identity.to_string());
                let view = client.get(&format!("/api/v1/profiles?identity={query}")).await?;
                let rows = show::rows(&view, "profiles").iter();
                rows.filter_map(|profile| profile.get("id").and_then(Value::as_u64)).collect()
            }
        };
        match found.as_slice() {
            [only] => Ok(ProfileId(*only)),
            [] => Err(Trouble::new(
                Exit::Finding,
                "people/unknown-profile",
                "the profiles asked for",
                "nobody has this identity",
                "look for another: `liaison profile get namespace:value`",
            )),
            several => Err(Trouble::new(
                Exit::Usage,
                "people/ambiguous",
                "the profiles asked for",
                format!("{} profiles have this identity", several.len()),
                format!("name one by its number: {several:?}"),
            )),
        }
    }
}
