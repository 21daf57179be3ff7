use std::borrow::Cow;

/// A text without the user names and passwords of the URLs in it, so that it can be printed.
///
/// The text of a URL ends at white space, a double quotation mark, a backtick, `<` or `>`. Everything from `://` to its
/// last `@` is left out: a URL that is not well-formed may have a password with a slash.
///
/// ```
/// use openapi_stub_runtime::without_userinfo;
///
/// assert_eq!(without_userinfo("http://user:password@localhost:8181: refused"), "http://localhost:8181: refused");
/// ```
pub fn without_userinfo(text: &str) -> Cow<'_, str> {
    const BEGINNING: &str = "://";
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>');
    let (mut shown, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(BEGINNING) {
        let (before, after) = rest.split_at(start + BEGINNING.len());
        let url = &after[..after.find(ends).unwrap_or(after.len())];
        shown.push_str(before);
        rest = url.rfind('@').map_or(after, |at| &after[at + 1..]);
    }
    if shown.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(shown + rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_left_out_wherever_it_stands() {
        for (text, shown) in [
            ("http://user:password@host:1/base", "http://host:1/base"),
            ("https://password@[::1]:1", "https://[::1]:1"),
            ("a 'http://a:b@c@host' and \"etcd://d:e@other\".", "a 'http://host' and \"etcd://other\"."),
            ("http://user:pass/word@host", "http://host"),
            ("://a@", "://"),
            ("http://a@b http://", "http://b http://"),
        ] {
            assert_eq!(without_userinfo(text), shown);
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in ["", "user@host", "http://host:1/base", "http://host write to user@host", "a: //b@c"] {
            assert_eq!(without_userinfo(text), text);
        }
    }
}
