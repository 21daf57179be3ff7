//! What the process does for its secrets: no core dump, nothing for other processes of its user, a sandbox.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use influxdb3_tokens::TokenId;
use rustix::process::{Signal, geteuid};

use crate::blocking::output;
use crate::cli::set_mode;
use crate::document::Token;
use crate::process::{DataDir, Running, command, delete_here, finish};

const OWNER: u32 = 65533;

const VARIABLE: &str = "INFLUXDB3_AUTH_TOKEN";

/// A text of a process in `/proc`.
fn of(server: &Running, file: &str) -> String {
    fs::read_to_string(format!("/proc/{}/{file}", server.id().as_raw_nonzero())).unwrap()
}

#[test]
fn a_process_of_the_same_user_sees_neither_memory_nor_environment() {
    let directory = DataDir::new();
    let program = directory.program_for_all();
    fs::create_dir(directory.path()).unwrap();
    set_mode(&directory.path(), 0o700);
    // The superuser sees everything.
    let user = geteuid().is_root().then_some(OWNER);
    chown(directory.path(), user, user).unwrap();
    let by_user = |mut command: Command| {
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command
    };
    let mut serve = Command::new(&program);
    serve.args(directory.serve(&[]).get_args()).env_clear().env("SOME_VARIABLE", "some value");
    let server = Running::start(by_user(serve));
    for file in ["environ", "mem", "maps", "auxv"] {
        let mut read = Command::new("head");
        read.args(["-c", "1", &format!("/proc/{}/{file}", server.id().as_raw_nonzero())]);
        let read = output(by_user(read));
        let error = String::from_utf8(read.stderr).unwrap();
        assert!(!read.status.success() && error.contains("Permission denied"), "{file}: {error}");
    }
    assert!(server.end(Signal::TERM).0.success());
}

#[test]
fn the_server_leaves_no_core_dump() {
    let directory = DataDir::new();
    let server = directory.start(&[]);
    let limits = of(&server, "limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    // `nohup` and background jobs of a shell ignore SIGQUIT, which dumps core, too.
    let (status, _) = server.end(Signal::ABORT);
    assert!(!std::os::unix::process::ExitStatusExt::core_dumped(&status), "{status:?}");
}

#[test]
#[expect(clippy::print_stderr, reason = "says why the test is skipped")]
fn the_server_keeps_no_secret_in_its_environment() {
    if !geteuid().is_root() {
        eprintln!("skipped: only the superuser can read the environment of the server");
        return;
    }
    let directory = DataDir::new();
    let mut serve = directory.serve(&["--log-filter=debug"]);
    serve.env(VARIABLE, "apiv3_secret").env("SOME_VARIABLE", "some value");
    let server = Running::start(serve);
    let environment = of(&server, "environ");
    assert!(environment.contains("SOME_VARIABLE=some value"), "{environment}");
    assert!(!environment.contains(VARIABLE) && !environment.contains("apiv3_secret"), "{environment}");
    let (status, printed) = server.end(Signal::TERM);
    assert!(status.success() && !printed.contains(VARIABLE), "{printed}");
}

/// The kernel sets this flag for each thread that enters the sandbox, or is started by one in it. A thread that ends
/// meanwhile, such as the one that announces the address, does not count.
fn threads_in_sandbox(server: &Running) -> (usize, usize) {
    let threads = fs::read_dir(format!("/proc/{}/task", server.id().as_raw_nonzero())).unwrap();
    let statuses = threads.filter_map(|thread| fs::read_to_string(thread.unwrap().path().join("status")).ok());
    let (inside, outside): (Vec<_>, Vec<_>) = statuses.partition(|status| status.contains("\nNoNewPrivs:\t1\n"));
    (inside.len(), outside.len())
}

#[test]
fn every_thread_of_the_server_is_in_the_sandbox_unless_it_is_switched_off() {
    let directory = DataDir::new();
    let server = directory.start(&[]);
    let (inside, outside) = threads_in_sandbox(&server);
    let (status, log) = server.end(Signal::TERM);
    assert!(status.success());
    assert_eq!(log.matches("cli::sandbox: ").count(), 1, "{log}");
    if !log.contains("no sandbox is in force") {
        assert!(inside > 2 && outside == 0, "{inside} threads in the sandbox, {outside} not");
    }

    let by_variable = |value| {
        let mut serve = directory.serve(&[]);
        serve.env("INFLUXDB3_TOKENS_NO_SANDBOX", value);
        serve
    };
    for (serve, is_on) in [
        (directory.serve(&["--no-sandbox"]), false),
        (by_variable("1"), false),
        (by_variable("0"), true),
        (by_variable(""), true),
    ] {
        let server = Running::start(serve);
        let (inside, _) = threads_in_sandbox(&server);
        let (status, log) = server.end(Signal::TERM);
        assert!(status.success());
        assert_eq!(log.contains("no sandbox is in force reason=\"it is switched off\""), !is_on, "{log}");
        assert!(is_on || inside == 0, "{log}");
    }
}

/// The bytes of hyper's buffers are its own; `docs/logging.md` says so.
#[test]
#[expect(clippy::print_stderr, reason = "says why the test is skipped")]
fn no_secret_of_a_file_or_the_control_socket_stays_in_the_servers_memory() {
    if !geteuid().is_root() {
        eprintln!("skipped: only the superuser can read the memory of the server");
        return;
    }
    let directory = DataDir::new();
    let (admin_file, permission_file) = (directory.beside("admin.json"), directory.beside("permission.json"));
    let mut secrets = Vec::new();
    for (file, kind) in [(&admin_file, "--admin"), (&permission_file, "--permission=db:x:read")] {
        let name = format!("--name=given {}", secrets.len());
        let file = file.to_str().unwrap();
        let created = finish(command(&["create", kind, &name, "--offline", "--output-file", file]));
        assert_eq!(created.0, 0, "{created:?}");
        secrets.push(secret_in(&fs::read_to_string(file).unwrap()));
    }
    // Two that a person made: one that JSON must escape, which takes several blocks of the hash function, and one that need
    // not be escaped, but is.
    let numbers: String = (100..150).map(|number| format!("\"{number}\\")).collect();
    let made = [format!("apiv3_{numbers}"), "apiv3_0f6e1d2c3b4a5968778695a4b3c2d1e0f1e2d3c4b5a69788".repeat(2)];
    let escaped: String = made[1].chars().map(|character| format!("\\u{:04x}", u32::from(character))).collect();
    let entries = [serde_json::to_string(&made[0]).unwrap(), format!("\"{escaped}\"")];
    let mut contents: serde_json::Value = serde_json::from_str(&fs::read_to_string(&permission_file).unwrap()).unwrap();
    for name in ["made 0", "made 1"] {
        let entry = serde_json::json!({"token": name, "name": name, "permissions": ["db:x:read"]});
        contents["tokens"].as_array_mut().unwrap().push(entry);
    }
    let text = contents.to_string();
    let text = text.replace("\"token\":\"made 0\"", &format!("\"token\":{}", entries[0]));
    fs::write(&permission_file, text.replace("\"token\":\"made 1\"", &format!("\"token\":{}", entries[1]))).unwrap();
    secrets.extend(made);
    let server = directory.start(&[
        &format!("--admin-token-file={}", admin_file.display()),
        &format!("--permission-tokens-file={}", permission_file.display()),
    ]);
    for name in ["a", "b", "c"] {
        let (code, out, _) = finish(command(&["create", "--admin", "--name", name, &directory.argument()]));
        assert_eq!(code, 0);
        secrets.push(secret_in(&out));
    }
    let (code, out, _) = finish({
        // After the four tokens of the files.
        let mut delete = delete_here(&directory.argument(), Token::new(TokenId::from_u64(5), "a"));
        delete.env(VARIABLE, &secrets[0]);
        delete
    });
    assert!(code == 0 && out.starts_with("Deleted token "), "{out}");
    // What the server keeps is found.
    assert_eq!(found(&memory(&server), &["given 0"]).len(), 1);
    // `block-buffer` pads the last block in a copy on the stack, of which the end can stay until it is overwritten.
    let parts: Vec<&str> = secrets.iter().flat_map(|secret| [&secret[8..24], &secret[40..56]]).collect();
    // The server wipes a reply after the command has received it, and a part of the secret that it made last can stay on the
    // stack of a thread. It must not stay there when more tokens are created.
    let patience = Instant::now() + Duration::from_secs(20);
    let mut left = found(&memory(&server), &parts);
    for number in 0.. {
        if left.is_empty() || Instant::now() > patience {
            break;
        }
        let name = format!("--name=later {number}");
        assert_eq!(finish(command(&["create", "--admin", &name, &directory.argument()])).0, 0);
        left = found(&memory(&server), &parts);
    }
    let left: Vec<_> = left.iter().map(|part| parts.iter().position(|other| other == part)).collect();
    assert_eq!(left, [], "parts of {} secrets are in the memory, by their numbers", secrets.len());
    assert!(server.end(Signal::TERM).0.success());
}

/// The first secret in a text.
fn secret_in(text: &str) -> String {
    let start = text.find("apiv3_").unwrap();
    text[start..start + 92].to_owned()
}

/// Those of the texts that the memory contains.
fn found<'a>(memory: &[Vec<u8>], texts: &[&'a str]) -> BTreeSet<&'a str> {
    // Where a text begins with these two bytes; comparing all texts everywhere takes minutes.
    let mut begins = vec![false; 1 << 16];
    let index = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    texts.iter().for_each(|text| begins[index(text.as_bytes())] = true);
    let mut found = BTreeSet::new();
    for page in memory.iter().filter(|region| region.iter().any(|byte| *byte != 0)) {
        for start in (0..page.len() - 1).filter(|start| begins[index(&page[*start..])]) {
            found.extend(texts.iter().filter(|text| page[start..].starts_with(text.as_bytes())));
        }
    }
    found
}

/// Every part of the memory that the server can write to.
fn memory(server: &Running) -> Vec<Vec<u8>> {
    let memory = fs::File::open(format!("/proc/{}/mem", server.id().as_raw_nonzero())).unwrap();
    let mut regions = Vec::new();
    for line in of(server, "maps").lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        if rest.starts_with("rw") {
            let mut region = vec![0; usize::try_from(end - start).unwrap()];
            let count = memory.read_at(&mut region, start).unwrap_or(0);
            region.truncate(count);
            regions.push(region);
        }
    }
    regions
}
