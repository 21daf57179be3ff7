//! The table of wrong servers in `docs/contract.md` is the result of checking them.

use std::fmt::Write;
use std::path::Path;

use influxdb3_token_contract::Subject;

use super::wrong;

const BEGIN: &str = "<!-- wrong servers: begin -->\n";
const END: &str = "<!-- wrong servers: end -->\n";

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

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/contract.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, [before, BEGIN, &table, END, after].concat()).unwrap();
    } else {
        assert_eq!(written, table, "set UPDATE_DOCS=1 to rewrite the table");
    }
}
