use super::*;
use crate::BASE_PATH;

#[test]
fn a_path_matches_its_own_template_only() {
    assert!(matches("/a/b", "/a/b"));
    assert!(matches("/", "/"));
    for path in ["", "/", "/a", "/a/", "/a/b/", "//a/b", "/a//b", "/a/b/c", "/A/b", "/a/B", "a/b", "/a%2Fb", "/%61/b"] {
        assert!(!matches("/a/b", path), "{path}");
    }
}

#[test]
fn a_segment_in_braces_matches_any_that_is_not_empty() {
    for path in ["/a/7/b", "/a/{id}/b", "/a/%2F/b", "/a/b/b"] {
        assert!(matches("/a/{id}/b", path), "{path}");
    }
    for path in ["/a//b", "/a/b", "/a/7/8/b", "/a/7/c", "/a/7/b/"] {
        assert!(!matches("/a/{id}/b", path), "{path}");
    }
}

#[test]
fn each_operation_is_found_by_its_method_and_path() {
    for operation in OPERATIONS {
        let found = find(&operation.method, &path_of(operation)).map(Route::operation);
        assert!(found.is_ok_and(|found| found == operation), "{}", operation.id);
    }
}

#[test]
fn a_known_path_without_the_method_tells_the_methods_that_it_has() {
    for operation in OPERATIONS {
        let other = Method::from_bytes(b"NONE").expect("RFC 9110 permits any token");
        let Err(Rejection::MethodNotAllowed { allow }) = find(&other, &path_of(operation)) else {
            panic!("{} has a path that is unknown to another method", operation.id)
        };
        assert!(allow.split(", ").any(|method| method == operation.method.as_str()), "{}: {allow}", operation.id);
    }
}

#[test]
fn an_unknown_path_is_unknown_to_every_method() {
    for operation in OPERATIONS {
        let path = path_of(operation);
        for path in [format!("{path}/"), format!("/{path}"), format!("{path}/x/x/x"), "*".to_owned(), String::new()] {
            for method in [&operation.method, &Method::OPTIONS, &Method::HEAD] {
                assert!(matches!(find(method, &path), Err(Rejection::UnknownPath)), "{method} {path}");
            }
        }
    }
}

/// A path of the operation, with a value in the place of each parameter.
fn path_of(operation: &Operation) -> String {
    let segments = operation.path.split('/').map(|segment| if segment.starts_with('{') { "7" } else { segment });
    BASE_PATH.to_owned() + &segments.collect::<Vec<_>>().join("/")
}
