//! `export` and `import`, between databases and etcd.
//!
//! `KILLS_SEED` selects other moments at which imports are killed.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use influxdb3_tokens::{Catalog, MemoryStore, SystemClock, export};
use rustix::process::{Pid, Signal};

use super::{Etcd, Node, succeed};
use crate::blocking::{block, kill};
use crate::creation::create;
use crate::process::{DataDir, command, finish};
use crate::recorded::survivors::hash;

fn fail(arguments: &[&str]) -> String {
    let (code, out, error) = finish(command(arguments));
    assert_eq!((code, &*out), (1, ""), "{arguments:?}: {error}");
    error
}

/// The lines of an export that do not depend on when it was made.
fn changes(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[1..lines.len() - 1].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_of_a_running_server_move_to_etcd_and_back() {
    let Some(etcd) = Etcd::start().await else { return };
    let (store, first, last) = (etcd.store(), DataDir::in_memory(), DataDir::in_memory());
    let operator = first.operator().await;
    let catalog = first.catalog().await;
    let (_, secret) = create(&catalog, "reader", "db:a:read", None).await;
    let (deleted, refused) = create(&catalog, "deleted", "db:a:read", None).await;
    let by = catalog.authenticate(&operator).unwrap();
    catalog.delete(&by, &deleted.id.to_string()).await.unwrap();
    drop(catalog);
    // Until the member has a leader, it does not answer.
    drop(Node::start_on(&store.replace("/tokens", "/other"), &[]));

    let server = first.start(&[]);
    let [there, back, again] = ["there", "back", "again"].map(|name| first.beside(name));
    let [there, back, again] = [&there, &back, &again].map(|file| file.to_str().unwrap());
    let directory = [&first, &last].map(DataDir::argument);
    let printed = succeed(&["export", there, &directory[0]]);
    assert_eq!(printed, format!("exported 2 tokens and 4 changes to {there}\n"));
    let error = fail(&["import", there, &directory[0]]);
    assert!(error.contains("a server uses ") && error.contains("stop it"), "{error}");
    drop(server);
    let error = fail(&["export", there, &directory[0]]);
    assert!(error.contains("--force replaces it"), "{error}");
    succeed(&["export", there, "--force", &directory[0]]);
    let error = fail(&["import", there, &directory[0]]);
    assert!(error.contains("name another directory with --data-dir"), "{error}");

    let printed = succeed(&["import", there, &store]);
    assert_eq!(printed, format!("{there} is imported: 2 tokens and 4 changes\n"));
    let printed = succeed(&["import", there, &store]);
    assert_eq!(printed, format!("{there} was imported before: 2 tokens and 4 changes\n"));
    let error = fail(&["import", there, &store.replace("/tokens", "/other")]);
    assert!(error.contains("end the URL of --store with another prefix"), "{error}");
    let node = Node::start(&etcd, &[]);
    node.until_verified(&secret, 200).await;
    assert_eq!(node.verify(&refused).await.status(), 401);

    succeed(&["export", back, &store]);
    succeed(&["import", back, &directory[1]]);
    let server = last.start(&[]);
    succeed(&["export", again, &directory[1]]);
    drop(server);
    let expected = changes(Path::new(there));
    assert_eq!(expected.len(), 4);
    for file in [back, again] {
        assert_eq!(changes(Path::new(file)), expected);
    }
    let text = fs::read_to_string(there).unwrap();
    assert!([&operator, &secret, &refused].iter().all(|secret| !text.contains(secret.as_str())));
    succeed(&["check", &directory[1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_at_any_moment_is_continued() {
    const TOKENS: usize = 2500;
    let Some(etcd) = Etcd::start().await else { return };
    let seed = std::env::var("KILLS_SEED").map_or(1, |seed| seed.parse().unwrap());
    let folder = DataDir::in_memory();
    let (file, exported) = (folder.beside("export"), folder.beside("exported"));
    write_export(&file, TOKENS).await;
    drop(Node::start_on(&etcd.store().replace("/tokens", "/other"), &[]));
    for place in [etcd.store(), folder.argument()] {
        let mut kills = 0;
        // Later and later on the average, so that the import ends on a slow machine too.
        let moment = |kills: u64| Duration::from_millis(hash(seed, kills) % (30 << (kills / 2)));
        while !import_or_kill(&file, &place, moment(kills)).await {
            kills += 1;
        }
        assert!(kills > 0, "no import was killed");
        succeed(&["export", exported.to_str().unwrap(), "--force", &place]);
        assert!(changes(&exported) == changes(&file), "seed {seed}: something is lost");
    }
}

/// Returns whether the import has ended before it was killed.
async fn import_or_kill(file: &Path, place: &str, after: Duration) -> bool {
    let mut import = command(&["import", file.to_str().unwrap(), place]);
    let mut import = import.stdout(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(after).await;
    if import.try_wait().unwrap().is_none() {
        kill(Pid::from_child(&import));
    }
    let status = block("an import to end", move || import.wait().unwrap(), || {});
    // It may have ended just before it was killed.
    assert!(status.success() || status.signal() == Some(Signal::KILL.as_raw()), "{status}");
    status.success()
}

/// Writes the export of a store with so many tokens, some of which are deleted.
async fn write_export(file: &Path, tokens: usize) {
    let store = Arc::new(MemoryStore::new());
    let catalog = Catalog::open(Arc::clone(&store) as _, Arc::new(SystemClock)).await.unwrap();
    let (_, operator) = create(&catalog, "_admin", "*:*:*", None).await;
    for number in 0..tokens {
        let (token, _) = create(&catalog, &format!("token {}", number % 2000), "db:a:read", None).await;
        if number < 1000 {
            let by = catalog.authenticate(&operator).unwrap();
            catalog.delete(&by, &token.id.to_string()).await.unwrap();
        }
    }
    export(&mut store.source().unwrap(), file, false, |_, _| {}).await.unwrap();
}
