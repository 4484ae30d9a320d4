//! `liaison token`: the page's links and the access token of programs.

use serde_json::json;

use crate::access;
use crate::cli::TokenCommand;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Out, talk, text};
use crate::reach::{self, Data};
use crate::trouble::Trouble;

/// Does it.
///
/// # Errors
/// What the command refuses.
pub async fn run(loaded: &Loaded, command: TokenCommand, out: Out) -> Result<Exit, Trouble> {
    let token = match command {
        TokenCommand::Link => return link(loaded, out).await,
        TokenCommand::Show => {
            access::known_token(&loaded.data_dir())?.ok_or_else(|| no_token(loaded))?
        }
        TokenCommand::New => {
            let token = access::new_token(&loaded.data_dir())?;
            talk("a running hub keeps the old token until it is started again");
            token
        }
    };
    out.data(&json!({ "token": token }), || format!("{token}\n"))?;
    Ok(Exit::Ok)
}

fn no_token(loaded: &Loaded) -> Trouble {
    let place = loaded.data_dir().join("api-token");
    let mend = "start `liaison serve` once, or make one with `liaison token new`";
    Trouble::new(Exit::Usage, "token/none", place.display(), "there is no access token yet", mend)
}

async fn link(loaded: &Loaded, out: Out) -> Result<Exit, Trouble> {
    let Data::Hub(client) = reach::find(loaded).await? else {
        let place = loaded.data_dir();
        let what = "no hub is running, so there is no page to open";
        let mend = "start `liaison serve`";
        return Err(Trouble::new(
            Exit::Unreachable,
            "hub/not-running",
            place.display(),
            what,
            mend,
        ));
    };
    let answer = client.post("/api/v1/login-links").await?;
    let link = format!("http://{}{}", client.address(), text(&answer, "/path"));
    out.data(&json!({ "link": link }), || format!("{link}\n"))?;
    Ok(Exit::Ok)
}
