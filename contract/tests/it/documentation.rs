//! Parts of `docs/contract.md` are the results of checks.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use influxdb3_token_contract::Subject;

use super::wrong;

/// Tests of the same process change different parts of the page.
static PAGE: Mutex<()> = Mutex::new(());

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/contract.md")
}

/// The page before a part, the part, and the page after it.
fn split(page: &str, part: &str) -> [String; 3] {
    let (before, rest) = page.split_once(&format!("<!-- {part}: begin -->\n")).unwrap();
    let (written, after) = rest.split_once(&format!("<!-- {part}: end -->\n")).unwrap();
    [before, written, after].map(str::to_owned)
}

/// A part of the page, between its two comments.
pub(super) fn documented(part: &str) -> String {
    let _page = PAGE.lock().unwrap();
    let [_, written, _] = split(&std::fs::read_to_string(path()).unwrap(), part);
    written
}

/// Compares a part of the page with a result, or writes it.
pub(super) fn document(part: &str, result: &str) {
    let _page = PAGE.lock().unwrap();
    let page = std::fs::read_to_string(path()).unwrap();
    let [before, written, after] = split(&page, part);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = format!("{before}<!-- {part}: begin -->\n{result}<!-- {part}: end -->\n{after}");
        std::fs::write(path(), page).unwrap();
    } else {
        assert_eq!(written, result, "set UPDATE_DOCS=1 to rewrite the page");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_server_fails_for_the_documented_reason() {
    let mut table = String::from("| server | what is wrong | detected by | problem |\n|---|---|---|---|\n");
    let mut escaped = Vec::new();
    for (wrong, failed) in wrong::check_all().await {
        match wrong.reason(&failed) {
            Some(problem) => {
                // The operating system does not always report a closed connection in the same way.
                let reason = match problem.subject {
                    Subject::Connection => "connection: no response".to_owned(),
                    _ => problem.to_string(),
                };
                writeln!(table, "| `{}` | {} | `{}` | {reason} |", wrong.name, wrong.says, wrong.case).unwrap();
            }
            None => {
                let failed: Vec<_> = failed.iter().map(|case| (&*case.name, case.problems())).collect();
                escaped
                    .push(format!("{}: {} does not fail for the expected reason: {failed:#?}", wrong.name, wrong.case));
            }
        }
    }
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));

    document("wrong servers", &table);
}
