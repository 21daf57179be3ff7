use http::Request;

use super::*;

#[test]
fn text_without_escapes_is_left_as_it_is() {
    for text in ["", "a", "a-b_c.d~e", "a/b?c", "é"] {
        assert!(matches!(decode(text), Some(Cow::Borrowed(same)) if same == text), "{text}");
    }
}

#[test]
fn escapes_are_decoded() {
    for (text, expected) in [
        ("%41", "A"),
        ("a%20b", "a b"),
        ("%c3%a9", "é"),
        ("%C2%B5s", "µs"),
        ("%F0%9F%A6%80", "🦀"),
        ("%25", "%"),
        ("%2541", "%41"),
        ("%00", "\0"),
        ("é%41", "éA"),
    ] {
        assert_eq!(decode(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn a_plus_sign_is_a_space_unless_it_is_escaped() {
    assert_eq!(decode("a+b++c").as_deref(), Some("a b  c"));
    assert_eq!(decode("a%2Bb").as_deref(), Some("a+b"));
}

#[test]
fn a_percent_sign_without_two_hexadecimal_digits_is_rejected() {
    for text in ["%", "%4", "a%", "%zz", "%4z", "%z4", "%%41", "%+1", "%-1", "%é", "%41%", "%u0041"] {
        assert_eq!(decode(text), None, "{text}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_rejected() {
    for text in ["%ff", "%c3", "%c3%28", "%80", "%ed%a0%80", "%c0%af", "é%a9"] {
        assert_eq!(decode(text), None, "{text}");
    }
}

#[test]
fn a_parameter_is_found_at_any_position() {
    for (query, expected) in [
        ("id=7", Some("7")),
        ("a=1&id=7&b=2", Some("7")),
        ("id=a%26b%3Dc", Some("a&b=c")),
        ("id=a=b", Some("a=b")),
        ("%69d=7", Some("7")),
        ("%69%64=7", Some("7")),
        ("", None),
        ("a=1", None),
        ("ID=7", None),
        ("id2=7", None),
        ("a=id", None),
        ("=id", None),
    ] {
        assert_eq!(id_in(query), Ok(expected.map(str::to_owned)), "{query}");
    }
}

#[test]
fn a_request_without_a_query_has_no_parameter() {
    let (parts, ()) = Request::get("/").body(()).expect("a request").into_parts();
    assert!(matches!(Query::of(&parts).single("id"), Ok(None)));
}

#[test]
fn a_parameter_without_an_equals_sign_is_empty() {
    for query in ["id", "id=", "a&id&b"] {
        assert_eq!(id_in(query), Ok(Some(String::new())), "{query}");
    }
}

#[test]
fn empty_pairs_are_ignored() {
    for query in ["&id=7", "id=7&", "&&id=7&&", "=&id=7&="] {
        assert_eq!(id_in(query), Ok(Some("7".to_owned())), "{query}");
    }
}

#[test]
fn a_parameter_given_twice_is_rejected() {
    for query in ["id=7&id=8", "id=7&id=7", "id=7&%69d=7", "id&id", "id=7&a=1&id", "id=7&id=%zz"] {
        assert_eq!(id_in(query), Err("was given more than once".to_owned()), "{query}");
    }
}

#[test]
fn a_malformed_value_is_rejected_and_a_malformed_name_is_another_parameter() {
    for query in ["id=%zz", "id=%ff", "id=%", "a=1&id=%4"] {
        assert_eq!(id_in(query), Err("is not percent-encoded UTF-8".to_owned()), "{query}");
    }
    assert_eq!(id_in("id%zz=1&%ff=2"), Ok(None));
    assert_eq!(id_in("id%zz=1&a=%zz&id=7"), Ok(Some("7".to_owned())));
}
#[test]
fn a_repeated_or_separated_parameter_has_several_values() {
    let query = |text| Query { text };
    let texts = |texts: &[&'static str]| Ok(Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()));
    let owned = |found: Result<Option<Vec<Cow<'_, str>>>, Rejection>| {
        problem(found.map(|texts| texts.map(|texts| texts.into_iter().map(Cow::into_owned).collect::<Vec<_>>())))
    };
    assert_eq!(owned(query("id=1&a=2&id=3%2C4").repeated("id")), texts(&["1", "3,4"]));
    assert_eq!(owned(query("id=1,2%2C3").separated("id", ',')), texts(&["1", "2,3"]));
    assert_eq!(owned(query("id=1%202+3").separated("id", ' ')), texts(&["1", "2", "3"]));
    assert_eq!(owned(query("id=1%7C2").separated("id", '|')), texts(&["1", "2"]));
    assert_eq!(owned(query("a=1").repeated("id")), Ok(None));
    assert_eq!(owned(query("a=1").separated("id", ',')), Ok(None));
    assert!(owned(query("id=1&id=2").separated("id", ',')).is_err());
}

/// The parameter `id` of a query, or what is wrong with it.
fn id_in(query: &str) -> Result<Option<String>, String> {
    problem(Query { text: query }.single("id").map(|value| value.map(Cow::into_owned)))
}

fn problem<V>(result: Result<V, Rejection>) -> Result<V, String> {
    result.map_err(|rejection| match rejection {
        Rejection::Parameter { name: "id", problem } => problem.into_owned(),
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_repeated_parameter_has_all_its_values_in_their_order() {
    let values = |target: &str| {
        let parts = Request::get(target).body(()).expect("a request").into_parts().0;
        query_parameters(&parts, "a").map(|values| values.join(" ")).map_err(|rejection| rejection.to_string())
    };
    assert_eq!(values("/").as_deref(), Ok(""));
    assert_eq!(values("/?a=1&b=2&%61=%33&a").as_deref(), Ok("1 3 "));
    assert!(values("/?a=1&a=%ff").is_err_and(|message| message.contains("`a`")));
}
