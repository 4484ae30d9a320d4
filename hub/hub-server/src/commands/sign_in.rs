//! `liaison connection sign-in`: prints the address, waits for the browser to come back,
//! and takes the address that it shows where it cannot.

use std::io::{self, BufRead as _};
use std::sync::Arc;
use std::time::Duration;

use hub_http::problem::Code;
use hub_http::sign_in::{brought, redirect};
use hub_http::{SignInRefused, SignIns};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::client::Client;
use crate::commands::lang;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, talk};
use crate::reach::{self, Kept};
use crate::tokens::StoredTokens;
use crate::trouble::Trouble;
use crate::wire::Wiring;

/// How long somebody has; the address is good for no longer.
const WAIT_SECONDS_MAX: u64 = 600;
/// Between two looks whether the browser came back, in milliseconds.
const LOOK_MILLIS: u64 = 1_000;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, id: &str, out: Out) -> Result<Exit, Trouble> {
    loaded.connection(id)?;
    match reach::kept(loaded).await? {
        Kept::Hub(client) => by_hub(&client, id).await?,
        Kept::Store(store) => alone(loaded, Arc::new(StoredTokens(store)), id).await?,
    }
    let view = json!({ "connection": id, "status": "signed-in" });
    out.data(&view, || format!("{id}  signed in\n"))?;
    Ok(Exit::Ok)
}

/// With a hub that runs: it hears of the browser itself, and takes a pasted address.
async fn by_hub(client: &Client, id: &str) -> Result<(), Trouble> {
    let path = format!("/api/v1/connections/{id}/sign-in");
    let before = ended(&client.get(&path).await?);
    let begun = client.post(&path).await?;
    say(text(&begun, "address"), true);
    let until = Instant::now() + Duration::from_secs(WAIT_SECONDS_MAX);
    let mut lines = lines();
    let look = Duration::from_millis(LOOK_MILLIS);
    while Instant::now() < until {
        match timeout_at(Instant::now() + look, lines.recv()).await {
            Ok(Some(address)) => {
                client.post_json("/api/v1/sign-ins", &json!({ "address": address })).await?;
                return Ok(());
            }
            // Nobody types: the browser is waited for.
            Ok(None) => tokio::time::sleep(look).await,
            Err(_) => {}
        }
        let standing = client.get(&path).await?;
        if ended(&standing) > before {
            return match standing.get("failure").and_then(Value::as_str) {
                None => Ok(()),
                Some(reason) => Err(refused(id, SignInRefused::Failed(reason.to_owned()))),
            };
        }
    }
    Err(refused(id, SignInRefused::Unknown))
}

/// Without one: nobody hears of the browser, so its address is pasted.
async fn alone(loaded: &Loaded, tokens: Arc<StoredTokens>, id: &str) -> Result<(), Trouble> {
    let wiring = Wiring::kept(loaded, tokens)?;
    wiring.bind(loaded.connection(id)?).await?;
    let desk = wiring.desk();
    let redirect = redirect(loaded.config.listen.value.port());
    let address = desk.begin(id, &redirect).map_err(|it| refused(id, it))?;
    say(&address, false);
    let wait = Duration::from_secs(WAIT_SECONDS_MAX);
    let pasted = tokio::time::timeout(wait, lines().recv()).await.ok().flatten();
    let (state, brought) =
        pasted.as_deref().and_then(brought).ok_or_else(|| refused(id, SignInRefused::Unknown))?;
    desk.finish(&state, brought).await.map_err(|it| refused(id, it))
}

fn say(address: &str, heard: bool) {
    talk(format!("open this address in a browser, and agree there:\n\n{address}\n"));
    talk(if heard {
        "the hub hears of it by itself. Where the browser runs on another machine it ends at an \
         address that does not open: paste that here"
    } else {
        "no hub runs, so the browser ends at an address that does not open: paste that here"
    });
}

/// Lines that are typed, each whole. A thread of its own: reading cannot be given up.
fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        let typed = io::stdin().lock().lines().map_while(Result::ok);
        for line in typed.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn ended(standing: &Value) -> u64 {
    standing.get("ended").and_then(Value::as_u64).unwrap_or_default()
}

fn refused(id: &str, refused: SignInRefused) -> Trouble {
    let (code, detail) = match refused {
        SignInRefused::NotNeeded => (Code::NoSignIn, String::new()),
        SignInRefused::Unknown => (Code::UnknownSignIn, String::new()),
        SignInRefused::Failed(reason) => (Code::SignInFailed, format!(": {reason}")),
    };
    let (title, mend) = code.words(lang());
    let place = format!("connections.{id}");
    Trouble::new(Exit::Finding, code.parts().0, place, format!("{title}{detail}"), mend)
}
