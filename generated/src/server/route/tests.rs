use super::*;

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
        let others = [format!("{path}/"), format!("/{path}"), format!("{path}/x/x/x"), "*".to_owned(), String::new()];
        // Some of them may be another operation's.
        for path in others.into_iter().filter(|path| !is_known(path)) {
            for method in [&operation.method, &Method::OPTIONS, &Method::HEAD] {
                assert!(matches!(find(method, &path), Err(Rejection::UnknownPath)), "{method} {path}");
            }
        }
    }
}

fn is_known(path: &str) -> bool {
    OPERATIONS.iter().any(|operation| operation.path == path)
}

/// A path of the operation, with a value in the place of each parameter.
fn path_of(operation: &Operation) -> String {
    let mut path = String::new();
    for part in operation.path.split_inclusive(['{', '}']) {
        match part.strip_suffix('}') {
            Some(_) => path.push('7'),
            None => path.push_str(part.trim_end_matches('{')),
        }
    }
    path
}
