//! What the stubs have in common: where they listen, and which tokens they know.

use std::io;

use tokio::net::{TcpListener, TcpSocket};

/// Listens on the address that is the program's first argument, and says so as the project's server does. Must be
/// called in a tokio runtime with I/O.
///
/// # Errors
///
/// There is no argument, or its address cannot be bound.
pub fn listen() -> io::Result<TcpListener> {
    let address = std::env::args().nth(1).ok_or_else(|| io::Error::other("say on which address to listen"))?;
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address.parse().map_err(io::Error::other)?)?;
    // As many may wait to be accepted as at the project's server.
    let listener = socket.listen(4096)?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(listener)
}

/// Whether a token has this ID. Nothing is stored: every ID is known, however often it is deleted, but `missing...`.
pub fn is_known(id: &str) -> bool {
    !id.starts_with("missing")
}
