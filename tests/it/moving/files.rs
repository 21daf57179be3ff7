//! Files that are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use influxdb3_tokens::{Imported, MemoryTarget, MoveError, export, import};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::history;
use super::place::{Kind, Place};

/// A folder with an export of a store with some history.
async fn exported() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(Kind::Memory).await;
    history(&*place.open().await).await;
    let file = folder.path().join("export");
    export(&mut *place.source().await, &file, false, |_, _| {}).await.unwrap();
    (folder, file)
}

async fn imported(file: &Path) -> Result<Imported, MoveError> {
    import(file, &mut MemoryTarget::default(), |_, _| {}).await
}

#[tokio::test]
async fn an_export_is_for_its_owner_only_and_replaces_a_file_only_if_asked() {
    let (_folder, file) = exported().await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let mut source = Place::new(Kind::Memory).await.source().await;
    let error = export(&mut *source, &file, false, |_, _| {}).await.unwrap_err();
    assert!(matches!(error, MoveError::Exists { .. }), "{error:?}");
    export(&mut *source, &file, true, |_, _| {}).await.unwrap();
    assert_eq!(imported(&file).await.unwrap().moved.changes, 0);
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_pipe_a_link_and_a_directory_are_refused() {
    let (folder, file) = exported().await;
    let [pipe, link, directory] = ["pipe", "link", "directory"].map(|name| folder.path().join(name));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink(&file, &link).unwrap();
    fs::create_dir(&directory).unwrap();
    let mut source = Place::new(Kind::Memory).await.source().await;
    for path in [&pipe, &link, &directory] {
        let error = export(&mut *source, path, true, |_, _| {}).await.unwrap_err();
        assert!(matches!(error, MoveError::NotRegular { .. }), "{}: {error:?}", path.display());
    }
    for path in [&pipe, &directory, Path::new("/dev/null")] {
        let error = imported(path).await.unwrap_err();
        assert!(matches!(error, MoveError::NotRegular { .. }), "{}: {error:?}", path.display());
    }
    imported(&link).await.unwrap();
}

#[tokio::test]
async fn a_file_with_a_changed_byte_or_without_its_end_is_refused() {
    let (_folder, file) = exported().await;
    let whole = fs::read(&file).unwrap();
    imported(&file).await.unwrap();
    for at in (0..whole.len()).step_by(37) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&file, damaged).unwrap();
        let error = imported(&file).await.unwrap_err();
        assert!(matches!(error, MoveError::Invalid { .. }), "byte {at}: {error:?}");
        fs::write(&file, &whole[..at]).unwrap();
        let error = imported(&file).await.unwrap_err();
        assert!(matches!(error, MoveError::Invalid { .. }), "{at} bytes: {error:?}");
    }
    fs::write(&file, [&whole[..], b"\n"].concat()).unwrap();
    assert!(matches!(imported(&file).await, Err(MoveError::Invalid { .. })));
}

/// With a right checksum, which tells nothing of the meaning.
#[tokio::test]
async fn a_file_whose_changes_make_no_store_is_refused() {
    let (_folder, file) = exported().await;
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let find = |what: &str| lines.iter().position(|line| line.contains(what)).unwrap();
    let (created, deleted, operator) =
        (find(r#""name":"again""#), find(r#""change":"deleted""#), find(r#""name":"_admin""#));
    let without = |at: usize| [&lines[..at], &lines[at + 1..]].concat();
    let twice = |at: usize| [&lines[..=at], &lines[at..]].concat();
    let with = |at: usize, from: &str, to: &str| {
        let line = lines[at].replacen(from, to, 1);
        assert_ne!(line, lines[at]);
        lines
            .iter()
            .enumerate()
            .map(|(place, other)| if place == at { line.clone() } else { (*other).to_owned() })
            .collect()
    };
    let owned = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let mut huge = owned(lines.clone());
    huge[0] = huge[0].replace(r#""changes":"#, r#""changes":10000000000"#);
    huge[0] = huge[0].replace(r#""next_id":"#, r#""next_id":10000000000"#);
    let cases: Vec<Vec<String>> = vec![
        huge,
        owned(without(deleted)),
        owned(twice(created)),
        owned(twice(deleted)),
        owned(without(operator)),
        with(0, r#""next_id":"#, r#""next_id":1"#),
        with(0, r#""tokens":"#, r#""tokens":1"#),
        with(0, r#"export":1"#, r#"export":2"#),
        with(deleted, r#""id":"#, r#""id":9999"#),
        with(created, r#""again""#, r#""_admin""#),
        with(deleted, r#""by":"#, r#""from":"#),
        with(find(r#""live""#), r#""permissions":""#, r#""permissions":"?"#),
    ];
    for (case, lines) in cases.into_iter().enumerate() {
        write(&file, &lines[..lines.len() - 1]);
        let error = imported(&file).await.unwrap_err();
        assert!(matches!(error, MoveError::Invalid { .. }), "case {case}: {error:?}");
    }
    write(&file, &owned(lines.clone())[..lines.len() - 1]);
    imported(&file).await.unwrap();
}

/// Writes lines with their trailer.
fn write(file: &Path, lines: &[String]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let sha256: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(file, format!("{text}{{\"sha256\":\"{sha256}\"}}\n")).unwrap();
}
