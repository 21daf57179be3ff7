//! How `serve` reads token files.

use std::fs;
use std::path::Path;

use influxdb3_tokens::Digest;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::token_files::{SECRET, write};
use super::{create, succeed};
use crate::client::Request;
use crate::process::{DataDir, command, finish};
use crate::redaction::expect_no_part;

/// Serves a file that is wrong, and returns the error.
fn refused(directory: &DataDir, option: &str, contents: &str) -> String {
    let file = directory.beside("tokens.json");
    write(&file, contents);
    let (code, out, error) = finish(directory.serve(&[option, file.to_str().unwrap(), "--log-filter=off"]));
    assert_eq!((code, &*out), (1, ""), "{error}");
    assert!(!error.contains("apiv3_A") && !error.contains("hidden"), "{error}");
    error.split_once("tokens.json: ").unwrap().1.trim_end().to_owned()
}

#[test]
fn a_wrong_field_of_a_token_file_is_named_and_its_value_is_not_shown() {
    let directory = DataDir::new();
    let other = SECRET.replacen("AA", "AB", 1);
    let right = || json!({"token": other, "name": "right", "permissions": ["db:a:read"]});
    let with = |field: &str, value: Value| {
        let mut token = json!({"token": SECRET, "name": "a", "permissions": ["db:a:read"]});
        token[field] = value;
        token
    };
    let without = |field: &str| with(field, Value::Null);
    for (second, reason) in [
        (without("token"), "tokens[1] \"a\": `token` is missing"),
        (without("name"), "tokens[1]: `name` is missing"),
        (without("permissions"), "tokens[1] \"a\": `permissions` is missing"),
        (json!({}), "tokens[1]: `name` is missing"),
        (json!("hidden"), "tokens[1]: it is not a JSON object"),
        (with("token", json!(["hidden"])), "tokens[1] \"a\": `token` is not a text"),
        (with("token", json!("hidden")), "tokens[1] \"a\": `token`: a token is `apiv3_`"),
        (with("name", json!(7)), "tokens[1]: `name` is not a text"),
        (with("name", json!("")), "tokens[1]: `name`: a token's name is"),
        (with("permissions", json!("hidden")), "tokens[1] \"a\": `permissions` is not a list of texts"),
        (with("permissions", json!([])), "tokens[1] \"a\": `permissions` is empty"),
        (
            with("permissions", json!(["db:a:read", "hidden"])),
            "tokens[1] \"a\": `permissions[1]` is not a permission: it does not have three parts; write `db:NAMES:read,write`",
        ),
        (with("description", json!(["hidden"])), "tokens[1] \"a\": `description` is not a text"),
        (
            with("description", json!("hidden\n")),
            "tokens[1] \"a\": `description`: a token's description has no control",
        ),
        (json!({"name": SECRET}), "tokens[1]: `permissions` is missing"),
        (with("name", json!("right")), "tokens[1] \"right\": tokens[0] has the same `name`"),
        (with("token", json!(other)), "tokens[1] \"a\": tokens[0] has the same `token`"),
        (with("expiry_millis", json!("hidden")), "tokens[1] \"a\": `expiry_millis` is not a number of milliseconds"),
        (with("expiry_millis", json!(-1)), "tokens[1] \"a\": `expiry_millis` is not a number of milliseconds"),
        (with("expiry_millis", json!(1.5)), "tokens[1] \"a\": `expiry_millis` is not a number of milliseconds"),
        (with("expiry_millis", json!(u64::MAX)), "tokens[1] \"a\": `expiry_millis` is after the year 9999"),
        (
            with("name", json!("_admin")),
            "tokens[1] \"_admin\": the token named _admin is the operator token, which must be an admin",
        ),
    ] {
        let contents = json!({"tokens": [right(), second]}).to_string();
        let error = refused(&directory, "--permission-tokens-file", &contents);
        assert!(error.starts_with(reason), "{error}");
    }
    for (contents, reason) in [
        ("", "it is empty"),
        (" \r\n\t", "it is empty"),
        ("\u{feff}", "it is empty"),
        ("{\"tokens\": hidden}", "it is not JSON: line 1, column 12"),
        ("{\"tokens\": [\n  {\"token\": \"hidden\",}\n]}", "it is not JSON: line 2, column 22"),
        ("{\"tokens\": []", "it is not JSON: line 1, column 13"),
        ("[]", "it is not a JSON object"),
        ("{}", "`tokens` is missing"),
        ("{\"tokens\": {\"hidden\": 1}}", "`tokens` is not a list"),
        ("{\"tokens\": [], \"tokens\": []}", "`tokens` occurs more than once"),
    ] {
        assert_eq!(refused(&directory, "--permission-tokens-file", contents), reason);
    }
    assert_eq!(refused(&directory, "--admin-token-file", "{\"name\": \"a\"}"), "`token` is missing");
    // Each file given to the other's option.
    let error = refused(&directory, "--admin-token-file", "{\"tokens\": []}");
    assert!(error.contains("`--permission-tokens-file`") && error.ends_with("`token` is missing"), "{error}");
    let error = refused(&directory, "--permission-tokens-file", &json!({"token": SECRET}).to_string());
    assert!(error.contains("`--admin-token-file`") && error.ends_with("`tokens` is missing"), "{error}");
}

#[test]
fn an_unknown_field_of_a_token_file_is_ignored() {
    let directory = DataDir::new();
    let file = directory.beside("tokens.json");
    let token = json!({"token": SECRET, "name": "a", "permissions": ["db:a:read"], "expiry_millis": null, "x": [1]});
    write(&file, &json!({"tokens": [token], "create_databases": ["a"], "y": {}}).to_string());
    assert!(directory.start(&["--permission-tokens-file", file.to_str().unwrap()]).end(Signal::TERM).0.success());
    assert!(succeed(&["show", "--format=csv", &directory.argument()]).contains(",a,"));
}

#[test]
fn an_expired_token_of_a_file_is_not_created_and_the_server_starts() {
    let directory = DataDir::new();
    create(&directory.argument(), &["--admin"]);
    let file = directory.beside("tokens.json");
    for name in ["old", "_admin"] {
        write(&file, &json!({"token": SECRET, "name": name, "expiry_millis": 1}).to_string());
        let log = served(&directory, "--admin-token-file", &file);
        assert!(log.contains("the token of a file has expired, and is not created"), "{log}");
    }
    let tokens = shown(&directory);
    assert!(
        tokens.as_array().unwrap().len() == 1 && tokens[0]["hash"] != Digest::of_presented(SECRET).unwrap().to_string()
    );
}

/// Serves a file until the server is told to stop, and returns the log.
fn served(directory: &DataDir, option: &str, file: &Path) -> String {
    let (status, log) = directory.start(&[option, file.to_str().unwrap()]).end(Signal::TERM);
    assert!(status.success(), "{log}");
    log
}

fn shown(directory: &DataDir) -> Value {
    serde_json::from_str(&succeed(&["show", "--format=json", &directory.argument()])).unwrap()
}

#[test]
fn each_form_of_file_that_influxdb_documents_is_accepted() {
    let directory = DataDir::new();
    let file = directory.beside("tokens.json");
    for (option, contents) in [
        ("--admin-token-file", json!({"token": "apiv3_0XXXX-xxxXxXxxxXX_OxxxX", "name": "named"})),
        (
            "--admin-token-file",
            json!({"token": "apiv3_1XXXX-xxxXxXxxxXX_OxxxX", "expiry_millis": 4_000_000_000_000_u64}),
        ),
        (
            "--permission-tokens-file",
            json!({"create_databases": ["db1", "db2"], "tokens": [
                {
                    "token": "apiv3_2XXXX-xxxXxXxxxXX_OxxxX",
                    "name": "token-1",
                    "description": "of the sensors' gateway",
                    "expiry_millis": 4_000_000_000_000_u64,
                    "permissions": ["db:db1,db2:read,write", "db:db3:read"],
                },
                {"token": "apiv3_3XXXX-xxxXxXxxxXX_OxxxX", "name": "token-2", "permissions": ["db:*:read,write"]},
                {"token": "apiv3_4XXXX-xxxXxXxxxXX_OxxxX", "name": "token-3", "permissions": ["system:*:read"]},
                {"token": "apiv3_5XXXX-xxxXxXxxxXX_OxxxX", "name": "token-4", "permissions": ["db:*:*", "system:health:*"]},
            ]}),
        ),
    ] {
        write(&file, &serde_json::to_string_pretty(&contents).unwrap());
        let log = served(&directory, option, &file);
        let ignored = "the operator token never expires, whatever the `expiry_millis` of its file says";
        assert_eq!(log.contains(ignored), contents["token"] == "apiv3_1XXXX-xxxXxXxxxXX_OxxxX", "{log}");
        assert!(!log.contains("weak") && !log.contains("permits nothing"), "{log}");
    }
    let tokens = shown(&directory);
    let column = |field: &str| tokens.as_array().unwrap().iter().map(|token| token[field].clone()).collect::<Value>();
    assert_eq!(column("name"), json!(["_admin", "named", "token-1", "token-2", "token-3", "token-4"]));
    let permissions = json!([
        "*:*:*",
        "*:*:*",
        "db:db1,db2:read,write db:db3:read",
        "db:*:read,write",
        "system:*:read",
        "db:*:read,write system:health:read",
    ]);
    assert_eq!(column("permissions"), permissions);
    let description = "of the sensors' gateway";
    assert_eq!(column("description"), json!([null, null, description, null, null, null]));
    let expiry = "2096-10-02T07:06:40Z";
    assert_eq!(column("expiry"), json!([null, null, expiry, null, null, null]));
    let digest = |secret| Digest::of_presented(secret).unwrap().to_string();
    assert_eq!(tokens[0]["hash"], digest("apiv3_1XXXX-xxxXxXxxxXX_OxxxX"));
}

#[test]
fn the_examples_of_the_documentation_are_accepted() {
    let directory = DataDir::new();
    let file = directory.beside("tokens.json");
    let page = include_str!("../../../../docs/tokens.md");
    let examples: Vec<&str> = page.split("```json\n").skip(1).map(|after| after.split_once("```").unwrap().0).collect();
    let options = ["--admin-token-file", "--permission-tokens-file"];
    assert_eq!(examples.len(), options.len());
    for (option, example) in options.into_iter().zip(examples) {
        write(&file, &example.replace('…', &format!("{option:-<40}")));
        let log = served(&directory, option, &file);
        assert!(log.contains("created the token of a file") && !log.contains("WARN"), "{log}");
    }
}

/// The secret, and its text in JSON.
fn made_by_people() -> Vec<(String, String)> {
    let every: String = ('!'..='~').collect();
    let escaped: String = every.chars().map(|character| format!("\\u{:04x}", u32::from(character))).collect();
    let plain = |rest: &str| {
        let secret = format!("apiv3_{rest}");
        let json = serde_json::to_string(&secret).unwrap();
        (secret, json)
    };
    vec![
        plain(&"x".repeat(16)),
        plain(&"y".repeat(512)),
        plain(&every.repeat(5)),
        plain("0123456789abcdef0123456789abcdef"),
        plain("a\"b\\c:d,e'f/g?h=i&j%41 ".trim()),
        (format!("apiv3_{every}~"), format!("\"\\u0061piv3_{escaped}~\"")),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_a_person_made_is_accepted_and_not_logged() {
    let directory = DataDir::new();
    create(&directory.argument(), &["--admin"]);
    let cluster = directory.cluster();
    let file = directory.beside("tokens.json");
    let entries: Vec<String> = made_by_people()
        .iter()
        .enumerate()
        .map(|(index, (_, json))| format!(r#"{{"token": {json}, "name": "number {index}", "permissions": ["*:*:*"]}}"#))
        .collect();
    write(&file, &format!("{{\"tokens\": [{}]}}", entries.join(", ")));
    let file = file.to_str().unwrap();
    for format in ["text", "json"] {
        let server = directory.start(&[
            "--permission-tokens-file",
            file,
            "--log-filter=trace",
            &format!("--log-format={format}"),
        ]);
        for mut client in server.clients(cluster).await {
            for (secret, _) in made_by_people() {
                assert_eq!(client.send(&Request::delete(12345).bearer(&secret)).await.status, 404, "{secret}");
                // The log has a client's span ID if it is short, but not a token.
                let misplaced =
                    Request::delete(12345).bearer(&secret).with("x-span-id", &secret[..secret.len().min(64)]);
                client.send(&misplaced).await;
            }
        }
        let (status, log) = server.end(Signal::TERM);
        assert!(status.success());
        let weak: Vec<_> = log.lines().filter(|line| line.contains("is weak")).collect();
        assert!(weak.len() == 1 && weak[0].contains("number 0"), "{weak:?}");
        for (secret, _) in made_by_people() {
            expect_no_part(&log, &secret);
        }
    }
}

#[test]
fn a_system_resource_that_influxdb_does_not_define_is_named_in_a_warning() {
    let directory = DataDir::new();
    let file = directory.beside("tokens.json");
    let token = json!({"token": SECRET, "name": "a", "permissions": ["system:health,helth:read", "db:x:*"]});
    write(&file, &json!({"tokens": [token]}).to_string());
    let log = served(&directory, "--permission-tokens-file", &file);
    let named = |line: &&str| line.contains("tokens.json: the token \"a\": `system:helth` permits nothing");
    assert_eq!(log.lines().filter(named).count(), 1, "{log}");
    assert_eq!(shown(&directory)[0]["permissions"], "db:x:read,write system:health,helth:read");

    let arguments = ["create", "--permission=system:ping,pong:*", "--name=b", &directory.argument()];
    let (code, _, error) = finish(command(&arguments));
    let expected = "warning: `system:pong` permits nothing; the system resources of InfluxDB 3 are `health`, `metrics` and \
         `ping`\n";
    assert_eq!((code, &*error), (0, expected));
    assert_eq!(shown(&directory)[1]["permissions"], "system:ping,pong:read");
}

#[test]
fn many_warnings_about_one_file_are_counted() {
    let directory = DataDir::new();
    let file = directory.beside("tokens.json");
    let tokens: Vec<Value> = (0..100)
        .map(|number| json!({"token": format!("apiv3_{number:0>16}"), "name": number.to_string(), "permissions": ["db:a:read"]}))
        .collect();
    write(&file, &json!({ "tokens": tokens }).to_string());
    let log = served(&directory, "--permission-tokens-file", &file);
    assert_eq!(log.matches("is weak").count(), 20, "{log}");
    assert!(log.contains("tokens.json: 80 more warnings like these"), "{log}");
}

#[test]
fn what_is_no_regular_text_file_is_refused_at_once() {
    let directory = DataDir::new();
    let file = |name: &str| directory.beside(name);
    fs::create_dir(file("directory.json")).unwrap();
    assert_eq!(finish_simply("mkfifo", &file("pipe.json")), 0);
    std::os::unix::fs::symlink(file("pipe.json"), file("link.json")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(file("socket.json")).unwrap();
    let large = fs::File::create(file("large.json")).unwrap();
    large.set_len(1 << 40).unwrap();
    write(&file("utf16.json"), "");
    fs::write(file("utf16.json"), b"\xff\xfe{\0}\0").unwrap();
    for (name, reason) in [
        ("directory.json", "it is not a regular file"),
        ("pipe.json", "it is not a regular file"),
        ("link.json", "it is not a regular file"),
        ("socket.json", "it is not a regular file"),
        ("large.json", "it is larger than 256 MiB"),
        ("utf16.json", "it is not UTF-8 text"),
        ("missing.json", "No such file or directory (os error 2)"),
    ] {
        if name != "missing.json" {
            super::set_mode(&file(name), 0o600);
        }
        for option in ["--admin-token-file", "--permission-tokens-file"] {
            let path = file(name);
            let (code, out, error) = finish(directory.serve(&[option, path.to_str().unwrap(), "--log-filter=off"]));
            assert_eq!((code, &*out), (1, ""));
            assert_eq!(error, format!("error: {}: {reason}\n", path.display()));
        }
    }
    drop(socket);
}

fn finish_simply(program: &str, file: &Path) -> i32 {
    let mut command = std::process::Command::new(program);
    command.arg(file);
    finish(command).0
}

#[test]
fn a_byte_order_mark_is_skipped_and_kept() {
    let directory = DataDir::new();
    let file = directory.beside("tokens.json");
    let token = json!({"token": SECRET, "name": "a", "permissions": ["db:a:read"]});
    write(&file, &format!("\u{feff}{}", json!({ "tokens": [token] })));
    let permission = ["create", "--permission=db:b:read", "--name=b", "--offline", "--output-file"];
    succeed(&[&permission[..], &[file.to_str().unwrap()]].concat());
    assert!(fs::read_to_string(&file).unwrap().starts_with("\u{feff}{\"tokens\":["));
    served(&directory, "--permission-tokens-file", &file);
    let shown = shown(&directory);
    assert_eq!((&shown[0]["name"], &shown[1]["name"]), (&json!("a"), &json!("b")));
}

#[test]
fn ten_thousand_tokens_of_a_file_are_created() {
    let directory = DataDir::in_memory();
    let file = directory.beside("tokens.json");
    let tokens: Vec<Value> = (0..10_000)
        .map(|number| {
            let secret = format!("apiv3_{number:0>22}");
            json!({"token": secret, "name": number.to_string(), "permissions": [format!("db:{number}:*")]})
        })
        .collect();
    write(&file, &json!({ "tokens": tokens }).to_string());
    // Without a line for each token, of which the log drops some if it cannot be written fast enough.
    let filter = "--log-filter=warn,influxdb3_tokens::cli::serve=info";
    // They exist when the server starts again.
    for _ in 0..2 {
        let server = directory.start(&["--permission-tokens-file", file.to_str().unwrap(), filter]);
        let (status, log) = server.end(Signal::TERM);
        assert!(status.success() && log.contains(" tokens=10000 ") && !log.contains("WARN"), "{log}");
    }
}
