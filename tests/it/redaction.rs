//! Checks that a text contains no secret.

use base64::Engine;

/// Panics if the text contains a part of a secret, plain or encoded as in `Basic` credentials.
pub(crate) fn expect_no_secret(printed: &str, secrets: &[String]) {
    let printed = printed.to_lowercase();
    for secret in secrets {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("user:{secret}"));
        for part in [&secret[6..22], &secret[40..56], &secret[76..], &basic[16..32], &basic[60..76]] {
            assert!(!printed.contains(&part.to_lowercase()), "{part} of {secret} is in {printed}");
        }
    }
}

/// Panics if the text contains a part of a secret that follows the prefix.
#[allow(dead_code, reason = "the library's tests have generated secrets only")]
pub(crate) fn expect_no_part(printed: &str, secret: &str) {
    let rest: Vec<char> = secret.chars().skip("apiv3_".len()).collect();
    for part in rest.windows(12) {
        let part: String = part.iter().collect();
        let escaped = part.replace('\\', "\\\\").replace('"', "\\\"");
        for form in [part, escaped] {
            assert!(!printed.contains(&form), "{form} of {secret} is in {printed}");
        }
    }
}
