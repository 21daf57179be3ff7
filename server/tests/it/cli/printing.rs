//! What is printed of a server that is not this one: no text of it acts on the terminal.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use super::{fail, succeed};
use crate::document::Token;
use crate::process::{DataDir, delete_here, finish};

/// Acts on a terminal in several ways.
const HOSTILE: &str = "=a\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\n\r\tb";
const SHOWN: &str = r"=a\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\n\r\tb";

/// A data directory with the control socket of a server that answers each request of `connections` with these lines.
fn served(connections: usize, replies: &[Value]) -> DataDir {
    let directory = DataDir::new();
    fs::create_dir(directory.path()).unwrap();
    fs::write(directory.path().join("tokens.db"), "").unwrap();
    let listener = UnixListener::bind(directory.path().join("control.sock")).unwrap();
    let answer: String = replies.iter().map(|reply| format!("{reply}\n")).collect();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(connections).map(Result::unwrap) {
            BufReader::new(&stream).read_line(&mut String::new()).unwrap();
            // The client may have read enough.
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    directory
}

fn expect_no_effect(text: &str) {
    let acts = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
    assert!(!text.contains(acts), "{text:?}");
}

#[test]
fn the_tokens_of_another_server_are_shown_without_an_effect_on_the_terminal() {
    let token = json!({
        "id": 1, "name": HOSTILE, "hash": HOSTILE, "created_at": "2026-01-02T03:04:05Z", "expiry": null,
        "permissions": HOSTILE,
    });
    let directory = served(4, &[json!({ "token": token }), json!("end")]);
    let show = |format: &str| succeed(&["show", "--format", format, &directory.argument()]);
    let [pretty, json, jsonl, csv] = ["pretty", "json", "jsonl", "csv"].map(show);
    [&pretty, &json, &jsonl, &csv].into_iter().for_each(|text| expect_no_effect(text));
    assert!(pretty.contains(SHOWN), "{pretty}");
    let [array, object]: [Value; 2] = [&json, &jsonl].map(|text| serde_json::from_str(text).unwrap());
    assert_eq!((&array[0]["name"], &object["permissions"]), (&json!(HOSTILE), &json!(HOSTILE)));
    let rows: Vec<_> = csv::Reader::from_reader(csv.as_bytes()).records().map(Result::unwrap).collect();
    assert_eq!([&rows[0][1], &rows[0][2], &rows[0][7]], [&format!("'{SHOWN}"); 3]);
}

#[test]
fn a_refusal_of_another_server_is_printed_without_an_effect_on_the_terminal() {
    let reason = format!("{HOSTILE}{}", "x".repeat(100_000));
    let directory = served(3, &[json!({"refused": {"kind": "not_found", "reason": reason}})]);
    let argument = directory.argument();
    let mut delete = delete_here(&argument, Token::OPERATOR);
    delete.arg("--token=a");
    let (code, _, error) = finish(delete);
    assert_eq!(code, 4, "{error}");
    for error in [error, fail(1, &["show", &argument]), fail(1, &["create", "--admin", &argument])] {
        expect_no_effect(&error);
        assert!(error.starts_with(&format!("error: {SHOWN}xxx")) && error.len() < 10_000, "{error}");
    }
}

#[test]
fn the_token_of_another_server_is_printed_without_an_effect_on_the_terminal() {
    let token = json!({"id": 1, "name": HOSTILE, "token": HOSTILE, "hash": HOSTILE});
    let directory = served(2, &[json!({ "created": token })]);
    for format in ["text", "json"] {
        let printed = succeed(&["create", "--admin", "--format", format, &directory.argument()]);
        expect_no_effect(&printed);
        assert!(printed.contains("=a\\u"), "{printed}");
    }
}
