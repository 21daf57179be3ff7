//! What a person should know about a token that is accepted, but may not be what they mean.

use influxdb3_tokens::{NewToken, Permission, Permissions, Secret};

/// The warnings about a token, each of which names it. A secret is known if it was made elsewhere.
pub(super) fn about<'t>(token: &'t NewToken, secret: Option<&Secret>) -> impl Iterator<Item = String> + 't {
    let is_weak = secret.is_some_and(Secret::is_weak);
    let weak = is_weak.then(|| {
        format!(
            "the secret of the token {:?} is weak: make one with at least 22 random characters after `apiv3_`",
            token.name.as_str()
        )
    });
    let undefined = undefined(&token.permissions);
    weak.into_iter().chain(undefined.map(|reason| format!("the token {:?}: {reason}", token.name.as_str())))
}

/// The warnings about permissions for system resources that InfluxDB 3 does not define.
pub(super) fn undefined(permissions: &Permissions) -> impl Iterator<Item = String> + '_ {
    permissions.list().iter().flat_map(Permission::undefined_names).map(|name| {
        format!(
            "`system:{name}` permits nothing; the system resources of InfluxDB 3 are `health`, `metrics` and `ping`"
        )
    })
}
