//! The address to listen on, and who has it already.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::exit::Exit;
use crate::load::Loaded;
use crate::trouble::Trouble;

/// Listens where the configuration says.
///
/// # Errors
/// When the address cannot be had; names the process that has it, if known.
pub async fn listen(loaded: &Loaded) -> Result<TcpListener, Trouble> {
    let listen = &loaded.config.listen;
    let address: SocketAddr = listen.value;
    TcpListener::bind(address).await.map_err(|error| {
        let place = format!("{} (http.listen)", listen.location);
        if error.kind() == std::io::ErrorKind::AddrInUse {
            let owner = owner(address).map(|owner| format!(" by {owner}")).unwrap_or_default();
            let what = format!("{address} is in use{owner}");
            let mend = "stop that program, or write another port in `[http] listen`";
            Trouble::new(Exit::Usage, "serve/port-in-use", place, what, mend)
        } else {
            let what = format!("the hub cannot listen on {address}: {error}");
            let mend = "write a loopback address and a port above 1023, such as 127.0.0.1:8420";
            Trouble::new(Exit::Usage, "serve/cannot-listen", place, what, mend)
        }
    })
}

/// The process that listens on an address, as far as this user may see it.
#[cfg(target_os = "linux")]
fn owner(address: SocketAddr) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .find_map(|table| listening_inode(&table, address.port()))?;
    let socket = format!("socket:[{inode}]");
    let holds = |pid: &u32| {
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"));
        descriptors.into_iter().flatten().flatten().any(|entry| {
            std::fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == &*socket)
        })
    };
    let names = std::fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.file_name());
    let pid = names.filter_map(|name| name.to_str()?.parse::<u32>().ok()).find(holds)?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("process {pid} ({})", name.trim()))
}

#[cfg(not(target_os = "linux"))]
fn owner(_: SocketAddr) -> Option<String> {
    None
}

/// The inode of the socket that listens on a port, from a table of proc(5):
/// the second column is the local address, the fourth the state (`0A` =
/// listening), the tenth the inode.
#[cfg(target_os = "linux")]
fn listening_inode(table: &str, port: u16) -> Option<String> {
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = columns.get(1)?.rsplit_once(':')?;
        let listens = *columns.get(3)? == "0A";
        let fits = u16::from_str_radix(local_port, 16).is_ok_and(|p| p == port);
        (listens && fits).then(|| columns.get(9).map(|inode| (*inode).to_owned()))?
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[tokio::test]
    async fn the_owner_of_a_port_is_found() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let owner = super::owner(listener.local_addr().unwrap()).unwrap();
        assert!(owner.contains(&std::process::id().to_string()), "{owner}");
    }
}
