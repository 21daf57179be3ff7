use std::process::Command;

use influxdb3_token_api::models::Secret;
use influxdb3_token_api::{OPERATIONS, SECURITY_SCHEMES};

use super::super::exchange::Address;
use super::super::report::Exchange;
use super::super::request::Template;
use super::*;

/// The same token in every role.
struct One(Token);

impl Holders for One {
    fn token(&self, _: Role) -> &Token {
        &self.0
    }
}

fn holder(id: &str, secret: &str) -> One {
    One(Token { identifier: id.to_owned(), name: None, secret: Secret(secret.to_owned()), expires_at: None })
}

const ALTERATIONS: [Alteration; 4] =
    [Alteration::OneCharacter, Alteration::OtherCase, Alteration::Cut, Alteration::Extended];

const SECRETS: [&str; 5] =
    ["apiv3_aB-_9xyz", "apixxxxxxxx", "0123456789", "s", r##"apiv3_:&=+%41#"\,;?/~!$'()*<>@[]^`{|}"##];

#[test]
fn an_altered_secret_differs() {
    for secret in SECRETS.into_iter().chain([""]) {
        for alteration in ALTERATIONS {
            assert_ne!(alter(secret, Some(alteration)), secret, "{alteration:?}");
        }
        assert_eq!(alter(secret, None), secret);
    }
}

#[test]
fn one_character_is_changed_and_the_length_stays() {
    for secret in SECRETS {
        let altered = alter(secret, Some(Alteration::OneCharacter));
        assert_eq!(altered.len(), secret.len());
        assert_eq!(altered.bytes().zip(secret.bytes()).filter(|(one, other)| one != other).count(), 1);
    }
}

/// Requests with everything that a shell might interpret.
fn awkward() -> Vec<Template> {
    let call = |id: Text| Template::of(&OPERATIONS[0], |_| id.clone());
    let plain = || call(Text::id(Role::Target));
    let mut requests: Vec<_> = SECURITY_SCHEMES.iter().map(|scheme| plain().with(scheme, Role::Caller)).collect();
    for alteration in ALTERATIONS {
        for scheme in SECURITY_SCHEMES {
            requests.push(plain().with_altered(scheme, Role::Revoked, Some(alteration)));
        }
    }
    let long = "1".repeat(20_000);
    for text in [&long, "%zz\"", "$HOME", "`id`", "$(id)", "a\\b\\", "!x", "'", "[1-3]{a,b}", "\u{e9}", "a;b&c"] {
        requests.push(call(Text::id(Role::Target).then(text)));
        requests.push(plain().with_header("authorization", Text::plain(text).then(Text::secret(Role::Limited))));
    }
    requests.push(call(Text::encoded_id(Role::Target)).with_header("authorization", ""));
    for altered in ALTERATIONS.map(Some).into_iter().chain([None]) {
        requests.push(plain().with_query("p", Text::altered_secret(Role::Limited, altered).in_query()));
    }
    requests.push(Template { method: "HEAD".to_owned(), ..plain() });
    requests
}

fn exchange(request: &Template, holders: &One) -> Exchange {
    let address = Address { base: "http://host:1/a".to_owned(), http2: true };
    Exchange::new(&address, request, &Err(String::new()), holders, &str::to_owned)
}

#[test]
fn a_shown_request_contains_no_secret() {
    for secret in [SECRETS[0], SECRETS[4]] {
        for request in awkward() {
            let shown = format!("{:?}", exchange(&request, &holder("17", secret)));
            for form in forms(secret) {
                assert!(!shown.contains(&form), "{shown}");
            }
        }
    }
}

/// The arguments of `curl` in a line that a shell runs. Each is printed after a line feed.
fn arguments(line: &str, secret: &str) -> Vec<String> {
    let script = format!("curl() {{ printf '\\n%s' \"$@\"; }}\n{line}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]);
    for role in [Role::Caller, Role::Target, Role::Limited, Role::Expired, Role::Revoked] {
        shell.env(role.variable(), secret);
    }
    let output = shell.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap().split('\n').skip(1).map(str::to_owned).collect()
}

#[test]
fn the_curl_command_repeats_the_request() {
    for secret in SECRETS {
        let holders = holder("1 \"7\"&$x", secret);
        for request in awkward() {
            let fill = |text: &Text| text.fill(&holders);
            let mut sent: Vec<String> =
                ["--globoff", "--path-as-is", "--http2-prior-knowledge"].map(str::to_owned).into();
            match &*request.method {
                "HEAD" => sent.push("-I".to_owned()),
                method => sent.extend(["-i", "-X", method].map(str::to_owned)),
            }
            for (name, value) in &request.headers {
                let value = fill(value);
                let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
                sent.extend(["-H".to_owned(), header]);
            }
            sent.push(format!("http://host:1/a{}", request.target(fill)));
            assert_eq!(arguments(&exchange(&request, &holders).curl, secret), sent);
        }
    }
}

#[test]
fn an_id_is_encoded_as_a_query_requires() {
    let holders = holder("a b&c=d%\u{e9}", "s");
    assert_eq!(Text::id(Role::Target).fill(&holders), "a%20b%26c%3Dd%25%C3%A9");
    assert_eq!(Text::id(Role::Target).fill(&holder("aZ-._~09", "s")), "aZ-._~09");
    assert_eq!(Text::encoded_id(Role::Target).fill(&holder("17", "s")), "%31%37");
}

#[test]
fn the_forms_of_a_secret_begin_with_the_longest() {
    let secret = "apiv3_aB-_9xyz";
    let forms = forms(secret);
    assert!(forms.is_sorted_by_key(|form| std::cmp::Reverse(form.len())));
    assert!(forms.contains(&secret.to_owned()) && forms.contains(&STANDARD.encode(format!("contract:{secret}"))));
    for alteration in ALTERATIONS {
        assert!(forms.contains(&alter(secret, Some(alteration))));
    }
}

#[test]
fn the_forms_of_a_secret_have_those_of_a_query_and_of_json() {
    let forms = forms(r#"apiv3_a"\&b"#);
    for form in [r#"apiv3_a"\&b"#, r#"apiv3_a\"\\&b"#, "%61%70%69%76%33%5F%61%22%5C%26%62"] {
        assert!(forms.contains(&form.to_owned()), "{form}: {forms:?}");
    }
}
