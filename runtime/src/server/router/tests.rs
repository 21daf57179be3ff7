use super::*;

static OPERATIONS: &[Operation] = &[
    Operation::new("any", Method::GET, "/files/{name}"),
    Operation::new("list", Method::GET, "/files"),
    Operation::new("create", Method::POST, "/files"),
    Operation::new("latest", Method::GET, "/files/latest"),
    Operation::new("replace", Method::PUT, "/files/{name}"),
    Operation::new("image", Method::GET, "/files/{name}.png"),
    Operation::new("range", Method::GET, "/ranges/{from}-{to}"),
    Operation::new("of", Method::GET, "/{kind}/{name}"),
];

fn find(method: Method, path: &str) -> Result<&'static str, String> {
    let found = Router::new(OPERATIONS).find(&method, path);
    found.map(|index| OPERATIONS[index].id).map_err(|rejection| match rejection {
        Rejection::MethodNotAllowed { allow } => allow,
        other => other.to_string(),
    })
}

#[test]
fn each_operation_is_found_by_its_method_and_path() {
    for (method, path, id) in [
        (Method::GET, "/files", "list"),
        (Method::POST, "/files", "create"),
        (Method::GET, "/files/a", "any"),
        (Method::PUT, "/files/a", "replace"),
        (Method::GET, "/ranges/1-2-3", "range"),
        (Method::GET, "/other/a", "of"),
    ] {
        assert_eq!(find(method, path).as_deref(), Ok(id), "{path}");
    }
}

#[test]
fn the_more_specific_path_goes_first() {
    assert_eq!(find(Method::GET, "/files/latest").as_deref(), Ok("latest"));
    assert_eq!(find(Method::GET, "/files/a.png").as_deref(), Ok("image"));
    // A concrete path hides the templates that match it, whatever their methods.
    assert_eq!(find(Method::PUT, "/files/latest"), Err("GET".to_owned()));
}

#[test]
fn a_known_path_names_its_methods() {
    assert_eq!(find(Method::DELETE, "/files"), Err("GET, POST".to_owned()));
    assert_eq!(find(Method::DELETE, "/files/a"), Err("GET, PUT".to_owned()));
    assert_eq!(find(Method::HEAD, "/files"), Err("GET, POST".to_owned()));
}

#[test]
fn an_unknown_path_is_unknown_to_every_method() {
    for path in ["", "*", "/", "/Files", "/files/", "//files", "/files/a/b", "/ranges"] {
        for method in [Method::GET, Method::OPTIONS, Method::HEAD] {
            assert_eq!(find(method, path), Err(Rejection::UnknownPath.to_string()), "{path}");
        }
    }
}

#[test]
fn a_parameter_is_captured_undecoded() {
    assert_eq!(capture("/files/{name}.png", "/files/a%2Fb.png", "name"), Some("a%2Fb"));
    assert_eq!(capture("/ranges/{from}-{to}", "/ranges/1-2-3", "from"), Some("1"));
    assert_eq!(capture("/ranges/{from}-{to}", "/ranges/1-2-3", "to"), Some("2-3"));
    assert_eq!(capture("/files/{name}", "/files/", "name"), None);
    assert_eq!(capture("/{from}2{to}", "/a%2Fb2c", "from"), Some("a%2Fb"));
}
