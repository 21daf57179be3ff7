//! The limit of file descriptors, and the connections that fit in.

use std::io;

/// How many descriptors are kept for the database, the control socket, and the rest of the process.
#[cfg(unix)]
const RESERVE: u64 = 128;

/// Raises the number of file descriptors that this process may have to the most that the system lets it have, and returns
/// that number.
///
/// A server needs a descriptor for each connection, and the usual limit is 1,024. [`serve`](crate::serve) accepts as many
/// connections as the limit at its start allows.
///
/// # Errors
///
/// If the limit cannot be changed. The previous one then still holds.
#[cfg(unix)]
pub fn raise_descriptor_limit() -> io::Result<Option<u64>> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum)
}

/// How many connections fit in the limit of descriptors, with some kept for other files. The process has about 20 of
/// those, and connections that are being closed, of which there may be a quarter more, keep theirs until they have ended.
///
/// Servers that share a process share them: the sum of their [`Limits::max_connections`](crate::Limits::max_connections)
/// should not be larger.
#[cfg(unix)]
pub fn descriptors_for_connections() -> usize {
    use rustix::process::{Resource, getrlimit};
    let fitting = |limit: u64| limit - RESERVE.min(limit / 5 * 3);
    getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |limit| usize::try_from(fitting(limit)).unwrap_or(usize::MAX))
}

/// How many connections fit in the limit of descriptors: any number, as far as is known.
#[cfg(not(unix))]
pub fn descriptors_for_connections() -> usize {
    usize::MAX
}
