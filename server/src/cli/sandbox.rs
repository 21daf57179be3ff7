//! The sandbox of `serve`: what an attacker who takes over the process cannot do any more.

use std::path::Path;

/// What the sandbox permits.
#[derive(Debug)]
pub(super) struct Sandbox<'a> {
    /// The directory whose files the process may read, write, create and remove.
    pub(super) directory: &'a Path,
    /// Files that the process may read, and folders whose files it may read.
    pub(super) files: Vec<&'a Path>,
    /// The ports of other machines, or of this one, to which the process may connect. Files that say where a host is can be
    /// read if there are any.
    pub(super) ports: Vec<u16>,
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Confinement {
    /// Everything that this version asks for.
    Full,
    /// A part of it, because the kernel is older.
    Partial,
    /// Nothing, for this reason.
    Without(String),
}

impl Sandbox<'_> {
    /// Confines this thread, and every thread and process that it starts from now on. So it must be called before any
    /// other thread runs.
    ///
    /// The process can then open no other file than those of this sandbox, execute no program, make no TCP connection to
    /// another port, and send no signal to another process. It may listen on any address. Files that are open stay open.
    #[cfg(target_os = "linux")]
    pub(super) fn enter(&self) -> Confinement {
        linux::enter(self).unwrap_or_else(|error| Confinement::Without(error.to_string()))
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn enter(&self) -> Confinement {
        Confinement::Without("this operating system has no Landlock".to_owned())
    }
}

impl Confinement {
    /// Says in the log what is in force.
    pub(super) fn log(&self) {
        match self {
            Self::Full => tracing::info!("the sandbox is in force"),
            Self::Partial => tracing::warn!("a part of the sandbox is in force; the kernel does not support the rest"),
            Self::Without(reason) => tracing::warn!(reason, "no sandbox is in force"),
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    };

    use super::{Confinement, Sandbox};

    /// The newest version of Landlock whose restrictions are asked for. An older kernel enforces those that it knows.
    const VERSION: ABI = ABI::V6;

    /// What SQLite reads for random numbers.
    const RANDOM: &str = "/dev/urandom";

    /// What is read to find out where a host is. The name of a server of DNS may change while the process runs: the file is
    /// a link then, to one of the folders.
    const FOR_NAMES: [&str; 9] = [
        "/etc/gai.conf",
        "/etc/host.conf",
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/resolv.conf",
        "/etc/services",
        "/run/NetworkManager",
        "/run/resolvconf",
        "/run/systemd/resolve",
    ];

    /// The port of DNS, for an answer that is too long for UDP.
    const DNS: u16 = 53;

    pub(super) fn enter(sandbox: &Sandbox<'_>) -> Result<Confinement, RulesetError> {
        let ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(VERSION))?
            .handle_access(AccessNet::ConnectTcp)?
            .scope(Scope::from_all(VERSION))?
            .create()?;
        let for_names = if sandbox.ports.is_empty() { &[][..] } else { &FOR_NAMES };
        let files = sandbox.files.iter().copied().chain([Path::new(RANDOM)]).chain(for_names.iter().map(Path::new));
        let read = files.map(|file| (file, AccessFs::ReadFile.into()));
        // A missing file is an error when it is opened, which is not the sandbox's concern.
        let rules = [(sandbox.directory, in_directory())]
            .into_iter()
            .chain(read)
            .filter_map(|(path, access)| Some(Ok(PathBeneath::new(PathFd::new(path).ok()?, access))));
        let dns = (!sandbox.ports.is_empty()).then_some(DNS);
        let ports = sandbox.ports.iter().copied().chain(dns);
        let ports = ports.map(|port| Ok(NetPort::new(port, AccessNet::ConnectTcp)));
        let ruleset = ruleset.add_rules::<_, _, _, RulesetError>(rules)?;
        let restricted = ruleset.add_rules::<_, _, _, RulesetError>(ports)?.restrict_self()?;
        Ok(match restricted.ruleset {
            RulesetStatus::FullyEnforced => Confinement::Full,
            RulesetStatus::PartiallyEnforced => Confinement::Partial,
            RulesetStatus::NotEnforced => Confinement::Without("the kernel has no Landlock".to_owned()),
        })
    }

    /// Everything but executing files, and making links, devices and pipes.
    fn in_directory() -> BitFlags<AccessFs> {
        use AccessFs::{MakeDir, MakeReg, MakeSock, ReadDir, ReadFile, RemoveDir, RemoveFile, Truncate, WriteFile};
        ReadFile | WriteFile | ReadDir | RemoveDir | RemoveFile | MakeDir | MakeReg | MakeSock | Truncate
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;
    use std::io::ErrorKind::PermissionDenied;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixListener;
    use std::process::Command;
    use std::thread;

    use super::*;

    /// Runs `act` in the sandbox of a folder and a file, in a thread of its own, because only that thread is confined.
    fn confined(act: impl FnOnce(&Path, &Path) + Send) {
        confined_with(Vec::new(), act);
    }

    /// The same, with connections to these ports.
    fn confined_with(ports: Vec<u16>, act: impl FnOnce(&Path, &Path) + Send) {
        let outside = tempfile::tempdir().unwrap();
        let (directory, file) = (outside.path().join("data"), outside.path().join("tokens.json"));
        fs::create_dir(&directory).unwrap();
        fs::write(&file, "tokens").unwrap();
        fs::write(outside.path().join("other"), "other").unwrap();
        let run = || {
            let files = vec![&*file, Path::new("/nowhere/at/all.json")];
            let sandbox = Sandbox { directory: &directory, files, ports };
            match sandbox.enter() {
                Confinement::Full => act(&directory, &file),
                other => skip(&other),
            }
        };
        thread::scope(|scope| scope.spawn(run).join()).unwrap();
    }

    #[expect(clippy::print_stderr, reason = "says why the test is skipped")]
    fn skip(confinement: &Confinement) {
        eprintln!("skipped: this kernel gives {confinement:?}");
    }

    #[test]
    fn the_files_of_the_directory_can_be_used_and_no_others() {
        confined(|directory, file| {
            let own = directory.join("own");
            fs::write(&own, "own").unwrap();
            fs::write(&own, "shorter").unwrap();
            fs::File::open(directory).unwrap().sync_all().unwrap();
            fs::rename(&own, directory.join("renamed")).unwrap();
            fs::remove_file(directory.join("renamed")).unwrap();
            UnixListener::bind(directory.join("control.sock")).unwrap();
            fs::create_dir(directory.join("backup")).unwrap();
            assert_eq!(fs::read_to_string(file).unwrap(), "tokens");
            fs::File::open("/dev/urandom").unwrap();

            let other = file.with_file_name("other");
            for path in
                [&*other, Path::new("/etc/passwd"), Path::new("/proc/self/environ"), Path::new("/proc/self/mem")]
            {
                assert_eq!(fs::read(path).unwrap_err().kind(), PermissionDenied, "{}", path.display());
            }
            for path in [file, &*other, &file.with_file_name("new")] {
                assert_eq!(fs::write(path, "").unwrap_err().kind(), PermissionDenied, "{}", path.display());
            }
            assert_eq!(fs::remove_file(&other).unwrap_err().kind(), PermissionDenied);
            assert_eq!(fs::read_dir("/").unwrap_err().kind(), PermissionDenied);
            // A link that leads out of the directory opens nothing either.
            let link = directory.join("link");
            let linked = std::os::unix::fs::symlink(&other, &link);
            assert_eq!(linked.unwrap_err().kind(), PermissionDenied);
        });
    }

    #[test]
    fn no_program_can_be_executed() {
        confined(|directory, _| {
            let program = directory.join("program");
            fs::copy(directory.join("../other"), &program).unwrap_err();
            fs::write(&program, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
            for program in [&*program, Path::new("/bin/sh"), Path::new("/bin/true")] {
                let error = Command::new(program).status().unwrap_err();
                assert_eq!(error.kind(), PermissionDenied, "{}", program.display());
            }
        });
    }

    #[test]
    fn connections_are_accepted_but_not_made() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        confined(|_, _| {
            assert_eq!(TcpStream::connect(address).unwrap_err().kind(), PermissionDenied);
            let own = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = own.local_addr().unwrap();
            let client = thread::spawn(move || TcpStream::connect(address).map(drop).map_err(|error| error.kind()));
            // The thread inherits the sandbox of the one that started it.
            assert_eq!(client.join().unwrap(), Err(PermissionDenied));
        });
        // Outside the sandbox, the same address can be reached.
        TcpStream::connect(address).unwrap();
        drop(listener);
    }

    #[test]
    fn connections_to_the_given_ports_are_made_and_hosts_are_found() {
        let [given, other] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let port = given.local_addr().unwrap().port();
        confined_with(vec![port], |_, file| {
            TcpStream::connect(("localhost", port)).unwrap();
            assert_eq!(TcpStream::connect(other.local_addr().unwrap()).unwrap_err().kind(), PermissionDenied);
            fs::read("/etc/hosts").unwrap();
            assert_eq!(fs::read(file.with_file_name("other")).unwrap_err().kind(), PermissionDenied);
            assert_eq!(fs::read("/etc/passwd").unwrap_err().kind(), PermissionDenied);
        });
    }
}
