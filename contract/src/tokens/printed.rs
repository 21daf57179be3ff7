//! A token as a command prints it, or as a server answers it.

use chrono::{DateTime, Utc};
use influxdb3_token_api::models::Secret;
use serde_json::Value;

use super::{IssuedToken, NotIssued};

/// A token in JSON, in the form of this project's command, of the vendor's, or of the vendor's server.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) token: IssuedToken,
    /// Whether it is not an admin token.
    pub(super) is_limited: bool,
}

impl Printed {
    /// The token in this object. Errors show nothing of it.
    pub(super) fn read(mut json: Value) -> Result<Self, NotIssued> {
        if !json.is_object() {
            return Err(NotIssued::failed("a token is not a JSON object"));
        }
        let Value::String(secret) = json["token"].take() else {
            return Err(NotIssued::failed("a token object has no text as its `token`"));
        };
        let id = match &json["id"] {
            Value::Null => None,
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => return Err(NotIssued::failed("the `id` of a token object is neither a number nor a text")),
        };
        let name = json["name"].as_str().map(str::to_owned);
        let expires_at = expiry(&json)?;
        let admin = |list: &Vec<Value>| list.iter().any(|permission| permission == "*:*:*");
        let is_limited = json["permissions"].as_array().is_some_and(|list| !admin(list));
        Ok(Self { token: IssuedToken { id, name, secret: Secret(secret), expires_at }, is_limited })
    }
}

/// The `expiry`, or the `expiry_millis` of a token file of the vendor's server.
fn expiry(json: &Value) -> Result<Option<DateTime<Utc>>, NotIssued> {
    if let Some(milliseconds) = json["expiry_millis"].as_i64() {
        // `None` for a moment that is too far away to be one.
        return Ok(DateTime::from_timestamp_millis(milliseconds));
    }
    match &json["expiry"] {
        Value::Null => Ok(None),
        Value::String(text) if text.parse::<DateTime<Utc>>().is_ok() => Ok(text.parse().ok()),
        _ => Err(NotIssued::failed("the `expiry` of a token object is neither null nor a date-time")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: Value) -> (Option<String>, Option<String>, String, Option<i64>, bool) {
        let Printed { token, is_limited } = Printed::read(json).unwrap();
        (token.id, token.name, token.secret.0.clone(), token.expires_at.map(|at| at.timestamp()), is_limited)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_answer_of_named_admin_is_read() {
        let answer = json!({
            "id": 7, "name": "ci", "token": "apiv3_s", "hash": "00ff", "created_at": "2026-01-02T03:04:05.678Z",
            "expiry": "2026-01-02T03:04:06.678Z",
        });
        assert_eq!(read(answer), (some("7"), some("ci"), "apiv3_s".to_owned(), Some(1_767_323_046), false));
        let largest = json!({"id": u64::MAX, "name": "ci", "token": "s", "expiry": null});
        assert_eq!(read(largest), (some("18446744073709551615"), some("ci"), "s".to_owned(), None, false));
    }

    #[test]
    fn what_the_vendors_command_prints_is_read() {
        let printed = json!({"help_msg": "Store this token securely", "token": "apiv3_s"});
        assert_eq!(read(printed), (None, None, "apiv3_s".to_owned(), None, false));
        let offline = json!({"token": "apiv3_s", "name": "ci", "expiry_millis": 1_767_323_046_678_u64});
        assert_eq!(read(offline), (None, some("ci"), "apiv3_s".to_owned(), Some(1_767_323_046), false));
    }

    #[test]
    fn a_token_with_permissions_is_not_an_admin_token() {
        let with = |permissions: Value| read(json!({"id": "a", "token": "s", "permissions": permissions})).4;
        assert!(with(json!(["db:a:read"])));
        assert!(with(json!([{"resource_type": "db", "resource_names": ["a"], "actions": ["read"]}])));
        assert!(!with(json!(["*:*:*"])));
        assert!(!with(json!(null)));
    }

    #[test]
    fn what_is_not_a_token_is_an_error_that_does_not_show_it() {
        for other in [
            json!(["apiv3_secret"]),
            json!("apiv3_secret"),
            json!({"token": ["apiv3_secret"]}),
            json!({"id": {"apiv3_secret": 1}, "token": "apiv3_secret"}),
            json!({"token": "apiv3_secret", "expiry": "apiv3_secret"}),
            json!({"token": "apiv3_secret", "expiry": 7}),
        ] {
            let error = Printed::read(other).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
