//! Regular expressions of a document.

use std::sync::OnceLock;

use fancy_regex::{Regex, RegexBuilder};

use super::{Violation, ensure};

/// A regular expression of a document. It is compiled when it is first needed.
#[derive(Debug)]
pub struct Pattern {
    source: &'static str,
    translated: &'static str,
    regex: OnceLock<Regex>,
}

impl Pattern {
    /// The pattern that the document writes as `source` (ECMA-262), translated into the syntax of `fancy_regex`.
    pub const fn new(source: &'static str, translated: &'static str) -> Self {
        Self { source, translated, regex: OnceLock::new() }
    }

    /// The compiled expression.
    ///
    /// # Panics
    ///
    /// If the translation is not a regular expression. A test of each generated crate compiles all its patterns.
    pub fn compiled(&self) -> &Regex {
        self.regex.get_or_init(|| {
            // Enough for ten thousand repetitions of a class of characters.
            let builder = RegexBuilder::new(self.translated).delegate_size_limit(1 << 27).build();
            builder.unwrap_or_else(|error| panic!("the pattern {}: {error}", self.source))
        })
    }
}

/// Checks that a text matches a pattern somewhere.
pub fn pattern(text: &str, pattern: &Pattern) -> Result<(), Violation> {
    // A text that takes too many steps of backtracking is rejected: it is not known to match.
    let matches = pattern.compiled().is_match(text).unwrap_or(false);
    ensure(matches, || format!("must match the pattern {}", pattern.source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_match_anywhere() {
        static VOWEL: Pattern = Pattern::new("[aeiou]", "[aeiou]");
        assert_eq!(pattern("xay", &VOWEL), Ok(()));
        assert_eq!(pattern("xyz", &VOWEL), Err(Violation::new("must match the pattern [aeiou]")));
    }

    #[test]
    fn a_text_that_takes_too_many_steps_is_rejected() {
        // The look-ahead needs backtracking, and the alternatives overlap.
        static SLOW: Pattern = Pattern::new("^(?:(?:a|b|ab)(?!x))*c", "^(?:(?:a|b|ab)(?!x))*c");
        assert_eq!(pattern("ababc", &SLOW), Ok(()));
        let text = "ab".repeat(40);
        assert!(SLOW.compiled().is_match(&text).is_err(), "it exhausts the steps");
        assert!(pattern(&text, &SLOW).is_err());
    }
}
