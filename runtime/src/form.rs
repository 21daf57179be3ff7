//! Pairs `name=value`, percent-encoded, as queries and forms have them.
//!
//! serde reads and writes an array in a form as a field that is repeated for each item. An array may also be one field,
//! with a separator between the items (`explode: false`); [`repeated`] and [`joined`] convert between the two. A comma
//! separates unless it is encoded. A space or a bar is always encoded, so no item can contain one.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decodes a name or a value, in which `+` stands for a space. `None` unless two hexadecimal digits follow every `%` and
/// the result is UTF-8.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    let well_formed = spaced.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    });
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    well_formed.then(|| Cow::Owned(decoded.into_owned()))
}

/// The form with each field of `separated` repeated for each of its items.
///
/// # Errors
///
/// The name of a field that is given more than once.
#[cfg(all(feature = "form", feature = "server"))]
pub(crate) fn repeated<'f, 's>(form: &'f str, separated: &[(&'s str, char)]) -> Result<Cow<'f, str>, &'s str> {
    if separated.is_empty() {
        return Ok(Cow::Borrowed(form));
    }
    let mut seen = Vec::new();
    let mut pairs = Vec::new();
    for pair in form.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some((name, separator)) = field(separated, key) else {
            pairs.push(pair.to_owned());
            continue;
        };
        if seen.contains(&name) {
            return Err(name);
        }
        seen.push(name);
        let value = match separator {
            ' ' => value.replace('+', "%20"),
            '|' => value.replace('|', "%7C").replace("%7c", "%7C"),
            _ => value.to_owned(),
        };
        pairs.extend(value.split(spelling(separator)).map(|item| format!("{key}={item}")));
    }
    Ok(Cow::Owned(pairs.join("&")))
}

/// The form with the items of each field of `separated` in one field.
///
/// # Errors
///
/// The field of which an item contains the separator.
#[cfg(all(feature = "form", feature = "client"))]
pub(crate) fn joined<'s>(form: String, separated: &[(&'s str, char)]) -> Result<String, (&'s str, char)> {
    if separated.is_empty() {
        return Ok(form);
    }
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for pair in form.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some((name, separator)) = field(separated, key) else {
            pairs.push((key, value.to_owned()));
            continue;
        };
        // The form spells a space as `+`.
        if value.contains(spelling(separator)) || separator == ' ' && value.contains('+') {
            return Err((name, separator));
        }
        match pairs.iter_mut().find(|(known, _)| *known == key) {
            Some((_, items)) => *items = format!("{items}{}{value}", spelling(separator)),
            None => pairs.push((key, value.to_owned())),
        }
    }
    Ok(pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&"))
}

/// The field that an encoded name means, and its separator.
#[cfg(feature = "form")]
fn field<'s>(separated: &[(&'s str, char)], encoded: &str) -> Option<(&'s str, char)> {
    let name = decode(encoded)?;
    separated.iter().copied().find(|(separated, _)| name == *separated)
}

/// How a form spells a separator.
#[cfg(feature = "form")]
fn spelling(separator: char) -> &'static str {
    match separator {
        ' ' => "%20",
        '|' => "%7C",
        _ => ",",
    }
}

#[cfg(all(test, feature = "client", feature = "form", feature = "server"))]
mod tests {
    use super::*;

    const SEPARATED: &[(&str, char)] = &[("a b", ','), ("s", ' '), ("p", '|')];

    #[test]
    fn a_separated_field_becomes_a_repeated_one_and_back() {
        for (one_field, fields) in [
            ("a+b=1,2%2C3&x=4,5", "a+b=1&a+b=2%2C3&x=4,5"),
            ("s=1%202&p=1%7C2", "s=1&s=2&p=1&p=2"),
            ("a+b=&s=1", "a+b=&s=1"),
            ("x=1&x=2", "x=1&x=2"),
        ] {
            assert_eq!(repeated(one_field, SEPARATED).as_deref(), Ok(fields));
            let joined = joined(fields.to_owned(), SEPARATED);
            assert_eq!(joined.as_deref(), Ok(one_field));
        }
        for (form, fields) in [("a%20b=1,2", "a%20b=1&a%20b=2"), ("s=1+2%203&p=1|2%7c3", "s=1&s=2&s=3&p=1&p=2&p=3")] {
            assert_eq!(repeated(form, SEPARATED).as_deref(), Ok(fields));
        }
    }

    #[test]
    fn a_separated_field_is_given_once_and_no_item_contains_the_separator() {
        assert_eq!(repeated("s=1&s=2", SEPARATED), Err("s"));
        assert_eq!(joined("s=1+2".to_owned(), SEPARATED), Err(("s", ' ')));
        assert_eq!(joined("p=1%7C2".to_owned(), SEPARATED), Err(("p", '|')));
    }
}
