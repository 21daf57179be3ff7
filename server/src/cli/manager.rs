//! Tells the service manager that the server listens, if one asks to be told: systemd's `Type=notify`.

use std::ffi::OsString;
use std::io;
#[cfg(target_os = "linux")]
use std::os::unix::net::SocketAddr;
use std::os::unix::net::UnixDatagram;

/// The socket of the service manager; `None` without one.
pub(super) struct ServiceManager(io::Result<Option<UnixDatagram>>);

impl ServiceManager {
    /// Connects to the socket that the variable `NOTIFY_SOCKET` names. Call it before the sandbox is entered, which permits
    /// no connection to an abstract socket.
    pub(super) fn connect() -> Self {
        Self(std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()).map(connected).transpose())
    }

    /// Says that the server listens. A service manager that cannot be told is logged.
    pub(super) fn ready(self) {
        let told = self.0.and_then(|socket| socket.map_or(Ok(0), |socket| socket.send(b"READY=1\n")));
        if let Err(error) = told {
            tracing::warn!(%error, "cannot tell the service manager that the server listens");
        }
    }
}

fn connected(name: OsString) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::unix::ffi::OsStrExt::as_bytes(&*name).strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?;
        return Ok(socket);
    }
    socket.connect(name)?;
    Ok(socket)
}
