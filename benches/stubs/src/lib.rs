//! The listener that the stubs share.

use std::io;

use tokio::net::{TcpListener, TcpSocket};

/// Listens on the address in the program's first argument, and prints it as the project's server does. Must be called in
/// a tokio runtime with I/O.
///
/// # Errors
///
/// The argument is missing, or the address cannot be bound.
pub fn listen() -> io::Result<TcpListener> {
    let address = std::env::args().nth(1).ok_or_else(|| io::Error::other("usage: rust-server|rust-axum ADDRESS"))?;
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address.parse().map_err(io::Error::other)?)?;
    // The backlog of the project's server.
    let listener = socket.listen(4096)?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(listener)
}
