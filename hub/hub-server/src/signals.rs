//! Signals: the first asks to stop between two commits, the second stops at
//! once. Nothing is lost either way; the first spares work.

use tokio::sync::watch;

use crate::exit::AT_ONCE;
use crate::out::talk;

/// Becomes true at the first SIGINT or SIGTERM, or when `stop` is called.
pub struct Closing {
    sender: watch::Sender<bool>,
}

impl Closing {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system does not let the process listen.
    pub fn listen() -> std::io::Result<Self> {
        let sender = watch::Sender::new(false);
        let asked = sender.clone();
        let mut signals = Signals::new()?;
        tokio::spawn(async move {
            signals.next().await;
            talk("stopping: runs end between two commits; a second signal stops at once");
            asked.send_replace(true);
            signals.next().await;
            std::process::exit(AT_ONCE);
        });
        Ok(Self { sender })
    }

    /// A receiver that sees the stop, also when it came before.
    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.sender.subscribe()
    }

    /// Stops without a signal.
    pub fn stop(&self) {
        self.sender.send_replace(true);
    }
}

/// Resolves when the stop was asked for.
pub async fn closed(mut receiver: watch::Receiver<bool>) {
    // An error means that nobody can ask any more: the process ends.
    let _ = receiver.wait_for(|closing| *closing).await;
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
