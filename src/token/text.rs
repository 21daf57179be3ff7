//! Which characters the names of tokens and of resources have.

/// Whether a name must not contain `character`, because nobody would see it, or because it changes how the text around it
/// is shown.
///
/// These are the Unicode general categories Cc (control), Cf (format: also bidirectional and zero-width characters), Zl
/// and Zp (separators of lines and paragraphs) and Co (private use); the property `Default_Ignorable_Code_Point`; the
/// noncharacters; and the blank Braille pattern. Characters that a future version of Unicode assigns are permitted.
pub(super) fn is_invisible(character: char) -> bool {
    let after = INVISIBLE.partition_point(|(first, _)| *first <= character);
    after > 0 && character <= INVISIBLE[after - 1].1 || u32::from(character) & 0xfffe == 0xfffe
}

/// The first and the last character of each range, sorted. From `UnicodeData.txt` and `DerivedCoreProperties.txt` of
/// Unicode 16; a test compares it with the categories.
#[rustfmt::skip]
const INVISIBLE: &[(char, char)] = &[
    ('\0', '\u{1f}'), ('\u{7f}', '\u{9f}'), ('\u{ad}', '\u{ad}'), ('\u{34f}', '\u{34f}'), ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'), ('\u{6dd}', '\u{6dd}'), ('\u{70f}', '\u{70f}'), ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'), ('\u{115f}', '\u{1160}'), ('\u{17b4}', '\u{17b5}'), ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'), ('\u{2028}', '\u{202e}'), ('\u{2060}', '\u{206f}'), ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'), ('\u{e000}', '\u{f8ff}'), ('\u{fdd0}', '\u{fdef}'), ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'), ('\u{ffa0}', '\u{ffa0}'), ('\u{fff0}', '\u{fffb}'), ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'), ('\u{13430}', '\u{1343f}'), ('\u{1bca0}', '\u{1bca3}'), ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'), ('\u{f0000}', char::MAX),
];

#[cfg(test)]
mod tests {
    use unicode_general_category::{GeneralCategory, get_general_category};

    use super::*;

    #[test]
    fn the_ranges_are_sorted_and_apart() {
        assert!(INVISIBLE.iter().all(|(first, last)| first <= last));
        assert!(INVISIBLE.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    #[test]
    fn control_format_separator_and_private_use_characters_are_invisible() {
        use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, Unassigned};
        for character in '\0'..=char::MAX {
            match get_general_category(character) {
                Control | Format | LineSeparator | ParagraphSeparator | PrivateUse => {
                    assert!(is_invisible(character), "{character:?}");
                }
                Unassigned => {}
                category if is_invisible(character) => assert!(
                    // Fillers, a joiner, variation selectors, inherent vowels, and the blank Braille pattern.
                    "\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180c}\u{180d}\u{180f}\u{2800}\u{3164}\u{ffa0}"
                        .contains(character)
                        || ('\u{fe00}'..='\u{fe0f}').contains(&character)
                        || ('\u{e0100}'..='\u{e01ef}').contains(&character),
                    "{character:?} is of the category {category:?}"
                ),
                _ => {}
            }
        }
    }
}
