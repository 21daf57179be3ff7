use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

const PREFIX: &str = "apiv3_";

/// The lengths of what follows the prefix.
const LENGTHS: RangeInclusive<usize> = 16..=512;

/// The number of base64 characters that hold 128 bits.
const STRONG_LEN: usize = 22;

const RANDOM_BYTES: usize = 64;
const ENCODED_LEN: usize = 86;

/// The secret that the holder of a token presents: `apiv3_` and 16 to 512 visible ASCII characters (`!` to `~`).
///
/// [`Secret::generate`] makes one from 64 random bytes, which it writes as unpadded URL-safe base64 (RFC 4648, section 5).
/// Parsing takes one that a person made, which is as hard to guess as that person made it.
///
/// `Debug` and `Display` redact it, dropping it wipes its memory, and no store keeps it: see [`Digest`].
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Generates a secret from the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`NoEntropy`] if that source fails.
    pub fn generate() -> Result<Self, NoEntropy> {
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(NoEntropy)?;
        // Allocate the full capacity at once, because a string that grows leaves copies that are not wiped.
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + ENCODED_LEN));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Ok(Self(text))
    }

    /// The text of the secret, to show to its holder once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether fewer than 22 characters follow the prefix, so that even random base64 holds fewer than 128 bits.
    ///
    /// A longer secret can be easy to guess too. No program can tell.
    pub fn is_weak(&self) -> bool {
        self.0.len() < PREFIX.len() + STRONG_LEN
    }

    /// The digest of this secret, which stores keep instead.
    pub fn digest(&self) -> Digest {
        Digest::of_well_formed(&self.0)
    }
}

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        if !is_well_formed(text) {
            return Err(InvalidSecret);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

fn is_well_formed(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|rest| {
        LENGTHS.contains(&rest.len())
            // Without an early exit, so that the compiler vectorizes the loop.
            && rest.bytes().fold(true, |all, byte| all & byte.is_ascii_graphic())
    })
}

/// The error for a text that is not a [`Secret`]. It does not contain the text.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token is `apiv3_` and 16 to 512 visible ASCII characters, without spaces")]
pub struct InvalidSecret;

/// The error for a random source that failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct NoEntropy(getrandom::Error);

/// The SHA-512 of a [`Secret`], including its prefix. Stores keep only this.
///
/// A plain hash suffices, without salt or stretching, because a generated secret has 512 random bits. Whoever makes a secret
/// answers for its randomness: a thief of the digest can try a billion guesses a second. Digests need no comparison in
/// constant time: how far two digests agree says nothing about a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 64]);

impl Digest {
    /// The digest of a presented secret. Returns `None` if the text does not have the form of a [`Secret`].
    ///
    /// Does not allocate, and hashes only a text of that form: one block of SHA-512 for a generated secret, and at most five.
    pub fn of_presented(secret: &str) -> Option<Self> {
        is_well_formed(secret).then(|| Self::of_well_formed(secret))
    }

    /// The digest with this text, which is that of its [`Display`](fmt::Display): 128 hexadecimal digits.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut bytes = [0; 64];
        if text.len() != 2 * bytes.len() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The bytes of this digest.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// The first eight bytes, which serve as a hash: SHA-512 has mixed them, and choosing them costs an attacker as much
    /// as breaking it.
    pub(crate) fn prefix(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// A digest with this prefix, followed by zeros.
    #[cfg(test)]
    pub(crate) fn with_prefix(prefix: u64) -> Self {
        let mut bytes = [0; 64];
        bytes[..8].copy_from_slice(&prefix.to_le_bytes());
        Self(bytes)
    }

    fn of_well_formed(secret: &str) -> Self {
        // Not `finalize`, which moves the hasher and with it a copy of the secret that is not wiped.
        let mut hasher = Sha512::new();
        hasher.update(secret);
        Self(hasher.finalize_reset().into())
    }
}

/// Hashes only the first eight bytes, which are as random as all of them.
impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.prefix());
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_has_the_right_form_and_is_unique() {
        let secret = Secret::generate().unwrap();
        let encoded = secret.expose().strip_prefix("apiv3_").unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(encoded).unwrap().len(), 64);
        assert_eq!(secret.expose().parse::<Secret>().unwrap().digest(), secret.digest());
        assert_ne!(Secret::generate().unwrap().expose(), secret.expose());
    }

    #[test]
    fn a_secret_has_16_to_512_characters_after_its_prefix() {
        for length in [0, 1, 15, 16, 17, 85, 86, 87, 511, 512, 513, 10_000] {
            let text = format!("apiv3_{}", "A".repeat(length));
            assert_eq!(text.parse::<Secret>().is_ok(), (16..=512).contains(&length), "{length}");
            assert_eq!(Digest::of_presented(&text).is_some(), (16..=512).contains(&length), "{length}");
        }
    }

    #[test]
    fn a_secret_has_visible_ascii_characters_only() {
        for character in '\0'..='\u{200}' {
            for text in [format!("apiv3_{character}{}", "A".repeat(40)), format!("apiv3_{}{character}", "A".repeat(40))]
            {
                let is_visible = ('!'..='~').contains(&character);
                assert_eq!(text.parse::<Secret>().is_ok(), is_visible, "{character:?}");
                assert_eq!(Digest::of_presented(&text).is_some(), is_visible, "{character:?}");
            }
        }
    }

    #[test]
    fn a_text_with_another_prefix_is_refused() {
        let a = "A".repeat(86);
        for text in [
            String::new(),
            "apiv3".to_owned(),
            "apiv3_".to_owned(),
            a.clone(),
            format!("APIV3_{a}"),
            format!("Apiv3_{a}"),
            format!("apiv3-{a}"),
            format!("apiv2_{a}"),
            format!(" apiv3_{a}"),
            format!("apiv3_{a}\n"),
        ] {
            assert_eq!(text.parse::<Secret>().unwrap_err(), InvalidSecret, "{text}");
            assert_eq!(Digest::of_presented(&text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_with_fewer_than_22_characters_after_its_prefix_is_weak() {
        let is_weak = |length| format!("apiv3_{}", "A".repeat(length)).parse::<Secret>().unwrap().is_weak();
        assert!(is_weak(16) && is_weak(21) && !is_weak(22) && !is_weak(512));
        assert!(!Secret::generate().unwrap().is_weak());
    }

    #[test]
    fn the_digest_is_the_sha_512_of_the_whole_secret() {
        // Around the ends of the blocks of SHA-512, which have 128 bytes.
        for length in [16, 86, 104, 105, 106, 121, 122, 123, 250, 511, 512] {
            let secret = format!("apiv3_{}", "x".repeat(length));
            let digest = Digest::of_presented(&secret).unwrap();
            assert_eq!(digest.as_bytes()[..], Sha512::digest(&secret)[..]);
        }
        let digest = Secret::generate().unwrap().digest();
        assert_eq!(digest.to_string().len(), 128);
        assert_eq!(format!("{digest:?}"), format!("Digest({digest})"));
    }

    #[test]
    fn debug_and_display_redact_a_secret() {
        let secret = Secret::generate().unwrap();
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[redacted] [redacted] Some([redacted])");
    }
}
