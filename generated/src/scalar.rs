//! Values as texts.

/// A value that is one text in a path, a query, a header or a cookie.
pub trait Scalar: Sized {
    /// The value that a text stands for, before any encoding; `None` where it stands for none.
    fn from_text(text: &str) -> Option<Self>;

    /// The text that stands for the value.
    fn to_text(&self) -> String;
}

impl Scalar for String {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}
