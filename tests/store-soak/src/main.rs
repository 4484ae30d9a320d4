//! Writes a store until it is killed, and says afterwards whether what was
//! acknowledged is there.
//!
//! One seed decides every commit, so the checker needs nothing from the writer
//! but its seed and the last acknowledgement: it runs the model up to the
//! commit that the store came back with, and compares every answer.
//!
//! ```text
//! store-soak write --dir /tmp/soak --seed 7        # prints `ack 1`, `ack 2`, ...
//! store-soak check --dir /tmp/soak --seed 7 --acked 123
//! ```

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use hub_model::WorkspaceId;
use hub_store::Store;
use hub_store::conformance::model::Model;
use hub_store::conformance::workload::Workload;
use hub_store::conformance::{WORKSPACE, differences};
use hub_store_sled::SledStore;

/// Differences printed; one is enough to fail.
const SHOWN_MAX: usize = 5;

#[derive(Parser)]
#[command(about = "Kills are survived, or this says what was lost")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Commit random write sets, go on where the store is, print each acknowledgement.
    Write {
        /// The store's directory.
        #[arg(long)]
        dir: PathBuf,
        /// Decides every commit.
        #[arg(long)]
        seed: u64,
        /// Stop after this commit; without it only a signal ends the writing.
        #[arg(long)]
        until: Option<u64>,
    },
    /// Compare the store with the model.
    Check {
        /// The store's directory.
        #[arg(long)]
        dir: PathBuf,
        /// The writer's seed.
        #[arg(long)]
        seed: u64,
        /// The last commit that the writer acknowledged.
        #[arg(long)]
        acked: u64,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Write { dir, seed, until } => write(&dir, seed, until).await,
        Command::Check { dir, seed, acked } => check(&dir, seed, acked).await,
    }
}

async fn opened(dir: &Path, seed: u64) -> anyhow::Result<(SledStore, Workload)> {
    let store = SledStore::open(dir, &WorkspaceId::new(WORKSPACE)).context("the store opens")?;
    let seq = store.stats().await?.seq;
    let mut workload = Workload::new(seed, Model::default());
    for _ in 0..seq {
        workload.next_set();
    }
    Ok((store, workload))
}

async fn write(dir: &Path, seed: u64, until: Option<u64>) -> anyhow::Result<()> {
    let (store, mut workload) = opened(dir, seed).await?;
    let mut out = std::io::stdout();
    while until.is_none_or(|until| workload.model().seq.0 < until) {
        let seq = store.commit(workload.next_set()).await.context("the store commits")?;
        ensure!(seq == workload.model().seq, "commit {} was numbered {seq}", workload.model().seq);
        writeln!(out, "ack {seq}")?;
        out.flush()?;
    }
    Ok(())
}

async fn check(dir: &Path, seed: u64, acked: u64) -> anyhow::Result<()> {
    let (store, workload) = opened(dir, seed).await?;
    let seq = workload.model().seq.0;
    ensure!(seq >= acked, "commit {acked} was acknowledged, the store ends at {seq}");
    // The writer has one commit under way at most.
    ensure!(seq <= acked + 1, "commit {acked} was the last, the store ends at {seq}");
    let mut found = differences(&store, workload.model()).await;
    let count = found.len();
    found.truncate(SHOWN_MAX);
    ensure!(count == 0, "at commit {seq}, {count} answers differ: {found:#?}");
    let stats = store.stats().await?;
    println!(
        "commit {seq}, {} records, {} profiles: as acknowledged",
        stats.records, stats.profiles
    );
    Ok(())
}
