//! `serve --check-config`: finds what `serve` would refuse, and changes nothing.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use influxdb3_tokens::{OpenError, SqliteStore};
use rustix::fs::{Access, access};
use tokio::net::TcpSocket;

use super::super::output::warn;
use super::super::provenance::Provenance;
use super::super::store::StoreArguments;
use super::super::{DataDir, Failure, is_broken_pipe, tell, token_file};
use super::{Options, addresses, cannot_listen};

/// Prints the values of the options, and everything that is wrong with them. Listens nowhere.
pub(super) fn check(options: &Options, provenance: &Provenance) -> Result<ExitCode, Failure> {
    match provenance.print(options.config.as_deref()) {
        Err(error) if !is_broken_pipe(&error) => return Err(error.into()),
        _ => {}
    }
    for warning in &provenance.warnings {
        warn(warning);
    }
    let checks = [bindings(options), options.tls.check(), tokens(options), store(&options.store)];
    let mut code = ExitCode::SUCCESS;
    for error in checks.into_iter().filter_map(Result::err) {
        tell(error.as_ref());
        code = ExitCode::FAILURE;
    }
    Ok(code)
}

fn bindings(options: &Options) -> Result<(), Failure> {
    let api = addresses(&options.http_bind)?;
    can_be_bound(&api, &options.http_bind)?;
    let Some(ops_bind) = &options.ops.ops_bind else { return Ok(()) };
    let ops = addresses(ops_bind)?;
    can_be_bound(&ops, ops_bind)?;
    if ops_bind.1 != 0 && ops.iter().any(|address| api.contains(address)) {
        return Err(format!("{}:{}: --http-bind has the same address as --ops-bind", ops_bind.0, ops_bind.1).into());
    }
    Ok(())
}

/// Whether one of these addresses can be bound. One that is in use may be that of a server with this configuration, which
/// runs.
fn can_be_bound(addresses: &[SocketAddr], named: &(String, u16)) -> Result<(), Failure> {
    let bind = |address: &SocketAddr| {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(*address)
    };
    let results: Vec<io::Result<()>> = addresses.iter().map(bind).collect();
    if results.iter().any(Result::is_ok) {
        return Ok(());
    }
    match results.into_iter().find_map(Result::err) {
        Some(error) if error.kind() == ErrorKind::AddrInUse => {
            warn(&format!("{}:{}: {error}; a server listens there now", named.0, named.1));
            Ok(())
        }
        Some(error) => Err(cannot_listen(named, &error)),
        None => Err(cannot_listen(named, &io::Error::other("the host has no address"))),
    }
}

fn tokens(options: &Options) -> Result<(), Failure> {
    let (admin, permission) = (options.admin_token_file.as_deref(), options.permission_tokens_file.as_deref());
    let given = token_file::given_tokens(admin, permission)?;
    given.warnings.iter().for_each(|warning| warn(warning));
    Ok(())
}

/// Whether the store can be used, or made. Does not connect to etcd.
fn store(store: &StoreArguments) -> Result<(), Failure> {
    if store.is_etcd() { store.etcd.read().map(drop) } else { directory(&store.directory) }
}

/// Whether the directory and its database can be used, or made.
fn directory(directory: &DataDir) -> Result<(), Failure> {
    let data_dir = &directory.data_dir;
    let failed = |path: &Path, error: io::Error| Failure::from(format!("{}: {error}", path.display()));
    match fs::metadata(data_dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return can_be_made(data_dir),
        Ok(metadata) if !metadata.is_dir() => {
            return Err(format!("{}: it is not a directory", data_dir.display()).into());
        }
        metadata => metadata.map_err(|error| failed(data_dir, error))?,
    };
    let database = directory.database();
    if SqliteStore::is_restored(&database) {
        // The start of the server completes the restoration.
        return Ok(());
    }
    match SqliteStore::check(&database) {
        Ok(_) => Ok(()),
        // By a server, which has checked it, or by a command.
        Err(OpenError::Locked { .. }) => Ok(()),
        Err(OpenError::Failed { .. }) if fs::symlink_metadata(&database).is_err_and(is_missing) => unused(data_dir),
        Err(error) => Err(error.into()),
    }
}

/// Fails if a directory without a database has other files of one.
fn unused(data_dir: &Path) -> Result<(), Failure> {
    let names = fs::read_dir(data_dir)?.map(|entry| entry.map(|entry| entry.file_name()));
    for name in names.collect::<io::Result<Vec<_>>>()? {
        if name.as_encoded_bytes().starts_with(b"tokens.db-") {
            let (data_dir, name) = (data_dir.display(), name.to_string_lossy().into_owned());
            return Err(format!("{data_dir} has {name}, but no tokens.db: a part of its database is missing").into());
        }
    }
    Ok(())
}

/// Whether a directory can be made in the nearest one that exists.
fn can_be_made(data_dir: &Path) -> Result<(), Failure> {
    let is_there = |path: &Path| !fs::metadata(path).is_err_and(is_missing);
    let nearest = data_dir.ancestors().skip(1).find(|path| path.as_os_str().is_empty() || is_there(path));
    let nearest = nearest.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Err(error) = access(nearest, Access::WRITE_OK | Access::EXEC_OK) {
        let (data_dir, nearest) = (data_dir.display(), nearest.display());
        return Err(format!("{data_dir} cannot be made in {nearest}: {}", io::Error::from(error)).into());
    }
    match nearest.is_dir() {
        true => Ok(()),
        false => Err(format!("{}: {} is not a directory", data_dir.display(), nearest.display()).into()),
    }
}

fn is_missing(error: io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
}
