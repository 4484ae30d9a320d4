//! Logs: text on a terminal, JSON lines otherwise, always on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::cli::Global;
use crate::exit::Exit;
use crate::trouble::Trouble;

/// Starts logging. `usual` is the filter when nothing is asked.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(global: &Global, usual: &str) -> Result<(), Trouble> {
    let asked = global.log.as_deref().filter(|filter| !filter.is_empty());
    let filter = match (asked, global.verbose) {
        (Some(filter), _) => filter,
        (None, true) => {
            "info,hub_engine=debug,hub_http=debug,plugin_host=debug,plugin_gateway=debug"
        }
        (None, false) => usual,
    };
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Trouble::new(
            Exit::Usage,
            "cli/log-filter",
            "--log",
            format!("the filter cannot be read: {error}"),
            "write a level, or parts such as `info,hub_engine=debug`",
        )
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second start can only happen in tests; the first one stays.
    let _ = if io::stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    Ok(())
}
