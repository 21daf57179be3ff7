//! Each option of `serve`, in each of the places that it can take its value from.

use std::fs;

use super::set_mode;
use crate::process::{DataDir, command, finish};

/// An option with its variable, and its values in the configuration file, in `.env`, in a variable and as an argument.
struct Case {
    option: String,
    variable: String,
    values: [String; 4],
}

/// The options that the help lists with a variable.
fn cases() -> Vec<Case> {
    let help = finish(command(&["serve", "--help"])).1;
    let mut options: Vec<Case> = Vec::new();
    let mut option = None;
    for line in help.lines().map(str::trim_start) {
        if let Some(name) =
            line.split_whitespace().find_map(|word| word.strip_prefix("--")).filter(|_| line.starts_with('-'))
        {
            option = Some(name.to_owned());
        } else if let Some(variable) = line.strip_prefix("[env: ") {
            let variable = variable.trim_end_matches(['=', ']']).to_owned();
            let option = option.take().unwrap();
            // It names the file, and excludes the certificate.
            if !["config", "tls-self-signed"].contains(&&*option) {
                options.push(Case { values: values(&option), option, variable });
            }
        }
    }
    options
}

fn values(option: &str) -> [String; 4] {
    let texts = match option {
        "log-format" => ["json", "logfmt", "pretty", "full"],
        "log-filter" => ["error", "warn", "debug", "trace"],
        "tls-minimum-version" => ["tls-1.3", "tls-1.2", "tls-1.3", "tls-1.2"],
        "no-sandbox" => ["true", "false", "true", "false"],
        "http-bind" | "ops-bind" => ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"],
        "ops-host" => ["a.example", "b.example", "c.example", "d.example"],
        "store" => ["etcd://a.example", "etcd://b.example", "etcd://c.example", "etcd://d.example"],
        "max-staleness" => ["1s", "2s", "3s", "4s"],
        name if name.ends_with("-timeout") || name.ends_with("-delay") => ["1s", "2s", "3s", "4s"],
        name if name.starts_with("max-") || name.starts_with("min-") => ["11", "12", "13", "14"],
        _ => ["file1", "file2", "file3", "file4"],
    };
    texts.map(str::to_owned)
}

#[test]
fn every_option_of_serve_prefers_an_argument_to_a_variable_to_a_file_to_its_default() {
    let cases = cases();
    assert!(cases.len() >= 25, "{}", cases.len());
    let directory = DataDir::new();
    let write = |name: &str, text: String| {
        fs::write(directory.beside(name), text).unwrap();
        set_mode(&directory.beside(name), 0o600);
    };
    // How many of the places have values.
    for places in 1..=4 {
        let mut check = command(&["serve", "--check-config", "--config=serve.toml"]);
        check.current_dir(directory.beside(""));
        let in_file = |of: &Case| format!("{} = {:?}\n", of.option, of.values[0]);
        write("serve.toml", cases.iter().map(in_file).collect());
        if places > 1 {
            let line = |of: &Case| format!("{}={}\n", of.variable, of.values[1]);
            write(".env", cases.iter().map(line).collect());
        }
        if places > 2 {
            check.envs(cases.iter().map(|of| (&of.variable, &of.values[2])));
        }
        if places > 3 {
            // A flag cannot be switched off by an argument.
            let given = cases.iter().filter(|of| of.option != "no-sandbox");
            check.args(given.map(|of| format!("--{}={}", of.option, of.values[3])));
        }
        let (_, out, error) = finish(check);
        for (index, Case { option, variable, values }) in cases.iter().enumerate() {
            let place = if option == "no-sandbox" { places.min(3) } else { places };
            let origin = match place {
                1 => format!("line {} of serve.toml", index + 1),
                2 => format!("{variable} in .env"),
                3 => format!("the variable {variable}"),
                _ => "an argument".to_owned(),
            };
            let value = &values[place - 1];
            let printed = out.lines().find(|line| line.split(" = ").next() == Some(option));
            let quoted = [format!("{option} = {value} # {origin}"), format!("{option} = {value:?} # {origin}")];
            assert!(
                printed.is_some_and(|line| quoted.iter().any(|quoted| quoted == line)),
                "{printed:?} {quoted:?} {error}"
            );
        }
    }
}
