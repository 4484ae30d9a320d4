//! A running `liaison serve`, asked through its API.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::client::client;
use crate::world::World;

/// How long a start may take: a store of millions is read at the open.
const START_LIMIT: Duration = Duration::from_secs(300);
/// How long a run may take.
const RUN_LIMIT: Duration = Duration::from_secs(600);
/// Between two looks at a start.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A running hub; killed when dropped.
pub struct Serving {
    child: Child,
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Serving {
    /// Starts the hub and waits until it answers.
    ///
    /// # Errors
    /// It ends, or does not answer in time.
    pub async fn start(world: &World, binary: &Path) -> Result<Self> {
        let log = File::create(world.root().join("liaison.log"))?;
        let mut command: Command = world.liaison(binary);
        let child = command.arg("serve").stdout(Stdio::null()).stderr(log).spawn();
        let child = child.with_context(|| format!("start {}", binary.display()))?;
        let client = client();
        let mut serving = Self { child, client, url: String::new(), token: String::new() };
        let begun = Instant::now();
        while begun.elapsed() < START_LIMIT {
            if let Some(status) = serving.child.try_wait()? {
                let said = fs::read_to_string(world.root().join("liaison.log"))?;
                bail!("the hub ended with {status}: {said}");
            }
            if serving.find(world).is_ok() && serving.get("/api/v1/health").await.is_ok() {
                return Ok(serving);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("the hub does not answer after {START_LIMIT:?}")
    }

    /// Where it is: told by its note, if the note is of this process.
    fn find(&mut self, world: &World) -> Result<()> {
        let data = world.root().join("data");
        let note: Value = serde_json::from_slice(&fs::read(data.join("serve.json"))?)?;
        if note["pid"] != self.process() {
            bail!("the note is of an earlier hub");
        }
        self.url = format!("http://{}", note["address"].as_str().context("no address")?);
        self.token = fs::read_to_string(data.join("api-token"))?.trim().to_owned();
        Ok(())
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// An answer of the API.
    ///
    /// # Errors
    /// None, or a refusal.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let asked = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        Ok(asked.send().await?.error_for_status()?.json().await?)
    }

    /// Starts a run and returns at once.
    ///
    /// # Errors
    /// The hub refuses.
    pub async fn begin(&self, sync: &str) -> Result<()> {
        let path = format!("{}/api/v1/syncs/{sync}/run", self.url);
        let asked = self.client.post(path).bearer_auth(&self.token).json(&serde_json::json!({}));
        asked.send().await?.error_for_status()?;
        Ok(())
    }

    /// The hub's stream of events.
    ///
    /// # Errors
    /// The hub refuses.
    pub async fn events(&self) -> Result<Events> {
        let asked = self.client.get(format!("{}/api/v1/events", self.url));
        let response = asked.bearer_auth(&self.token).send().await?.error_for_status()?;
        let mut events = Events { response, text: String::new() };
        events.next("ready").await?;
        Ok(events)
    }

    /// Runs a sync and waits for its end, without asking in between.
    ///
    /// # Errors
    /// The run does not succeed or does not end.
    pub async fn sync(&self, sync: &str, events: &mut Events) -> Result<Value> {
        self.begin(sync).await?;
        let ended = tokio::time::timeout(RUN_LIMIT, events.next("run-ended")).await;
        let run = ended.with_context(|| format!("{sync} did not end in {RUN_LIMIT:?}"))??;
        if run["status"] != "succeeded" {
            bail!("{sync}: {run}");
        }
        Ok(run)
    }

    /// Ends the hub as a power failure of the process alone would.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a hub tells while it works.
pub struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    /// Waits for an event of that name; returns its data.
    ///
    /// # Errors
    /// The stream ends.
    pub async fn next(&mut self, name: &str) -> Result<Value> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let found = data_of(event, name);
                self.text = rest.to_owned();
                if let Some(data) = found {
                    return Ok(serde_json::from_str(&data)?);
                }
            }
            let part = self.response.chunk().await?.context("the hub ended its events")?;
            self.text.push_str(&String::from_utf8_lossy(&part));
        }
    }
}

/// The data of an event, if that is its name.
fn data_of(event: &str, name: &str) -> Option<String> {
    let field = |wanted: &str| {
        event.lines().find_map(|line| line.strip_prefix(wanted)).map(|text| text.trim().to_owned())
    };
    if field("event:")? == name { field("data:") } else { None }
}

#[cfg(test)]
mod tests {
    use super::data_of;

    #[test]
    fn an_event_is_known_by_its_name() {
        let event = "event: run-ended\ndata: {\"a\":1}";
        assert_eq!(data_of(event, "run-ended").as_deref(), Some("{\"a\":1}"));
        assert_eq!(data_of(event, "ready"), None);
        assert_eq!(data_of(": keep alive", "ready"), None);
    }
}
