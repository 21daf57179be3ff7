use http::Request;

use super::*;

fn problem(version: Version, target: &str, hosts: &[&[u8]]) -> Option<String> {
    let request = hosts.iter().fold(Request::get(target).version(version), |request, host| request.header(HOST, *host));
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    check(&parts).err().map(|rejection| rejection.to_string())
}

fn is_accepted(version: Version, target: &str, hosts: &[&[u8]]) -> bool {
    problem(version, target, hosts).is_none()
}

#[test]
fn a_request_over_http11_has_at_most_one_host() {
    for target in ["/", "*", "http://a.test/"] {
        assert!(is_accepted(Version::HTTP_11, target, &[b"a.test"]), "{target}");
        assert!(is_accepted(Version::HTTP_11, target, &[]), "{target}");
        let doubled = problem(Version::HTTP_11, target, &[b"a.test", b"a.test"]);
        assert_eq!(doubled.as_deref(), Some("the header `Host` was given more than once"), "{target}");
    }
    // RFC 9112, section 3.2.2: the target overrides it.
    assert!(is_accepted(Version::HTTP_11, "http://a.test/", &[b"b.test"]));
}

#[test]
fn a_request_over_http10_needs_no_host() {
    assert!(is_accepted(Version::HTTP_10, "/", &[]));
    assert!(is_accepted(Version::HTTP_10, "/", &[b"a.test"]));
    assert!(!is_accepted(Version::HTTP_10, "/", &[b"a.test", b"a.test"]));
    assert!(!is_accepted(Version::HTTP_10, "/", &[b"a test"]));
}

#[test]
fn a_request_over_http2_has_an_authority_or_a_host_and_both_agree() {
    for version in [Version::HTTP_2, Version::HTTP_3] {
        assert!(is_accepted(version, "http://a.test:80/", &[]));
        assert!(is_accepted(version, "/", &[b"a.test"]));
        assert!(is_accepted(version, "http://a.test/", &[b"A.test"]));
        assert!(!is_accepted(version, "/", &[]));
        assert!(!is_accepted(version, "http://a.test/", &[b"b.test"]));
        assert!(!is_accepted(version, "http://a.test/", &[b"a.test", b"a.test"]));
        assert!(!is_accepted(version, "http://user@a.test/", &[]));
    }
}

#[test]
fn a_host_is_a_name_or_an_address_with_an_optional_port() {
    let valid: [&[u8]; 9] = [
        b"a",
        b"a.test.",
        b"a_b:8181",
        b"127.0.0.1:65535",
        b"[::1]",
        b"[::1]:80",
        b"[::ffff:1.2.3.4]:",
        b"a%2Db",
        b"a:",
    ];
    for host in valid {
        assert!(is_accepted(Version::HTTP_11, "/", &[host]), "{}", host.escape_ascii());
    }
    let invalid: [&[u8]; 21] = [
        b"",
        b":80",
        b"a b",
        b"a, b",
        b"a/b",
        b"a?",
        b"a#",
        b"user@a",
        b"a:b",
        b"a:80:80",
        b"a:65536",
        b"a:-1",
        b"::1",
        b"[::1",
        b"[]",
        b"[::g]",
        b"[::1]80",
        b"http://a",
        b"a%2",
        b"a\xc3\xa9",
        b"a\\b",
    ];
    for host in invalid {
        assert!(!is_accepted(Version::HTTP_11, "/", &[host]), "{}", host.escape_ascii());
    }
}
