//! Texts of permissions: a text that is accepted is printed in its canonical form, which is accepted and equal.
#![no_main]

use influxdb3_tokens::{Action, Names, Permission, Permissions, Resource};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(permissions) = text.parse::<Permissions>() else {
        return;
    };
    let canonical = permissions.to_string();
    let again: Permissions = canonical.parse().expect("what is printed is accepted");
    assert_eq!(again, permissions);
    assert_eq!(again.to_string(), canonical);
    // Interned under another text than the canonical one, if at all.
    assert_eq!(text.parse::<Permissions>().as_ref(), Ok(&permissions));
    assert_eq!(permissions.is_admin(), text == "*:*:*");
    if !permissions.is_admin() {
        assert_eq!(Permissions::scoped(permissions.list().iter().cloned()), Some(permissions.clone()));
    }
    for permission in permissions.list() {
        assert_eq!(permission.to_string().parse::<Permission>().as_ref(), Ok(permission));
    }

    let mut names: Vec<&str> = text.split([':', ',', ' ']).collect();
    names.push("another");
    for name in names {
        for resource in [Resource::Database, Resource::System] {
            for action in [Action::Read, Action::Write] {
                assert_eq!(permissions.allows(resource, name, action), allowed(text, resource, name, action), "{name}");
            }
        }
    }
    let is_private = |names: &Names| matches!(names, Names::Only(names) if names.is_empty());
    assert!(!permissions.list().iter().any(|permission| is_private(permission.names())));
});

/// Reads the text for one question, without a model of it.
fn allowed(text: &str, resource: Resource, name: &str, action: Action) -> bool {
    let action = if action == Action::Read { "read" } else { "write" };
    text == "*:*:*"
        || text.split_ascii_whitespace().any(|permission| {
            let mut parts = permission.split(':');
            let mut part = || parts.next().unwrap_or_default();
            part() == resource.to_string()
                && part().split(',').any(|it| it == "*" || it == name)
                && part().split(',').any(|it| it == action || it == "*" && is_possible(resource, action))
        })
}

/// Whether the kind of resource has this action.
fn is_possible(resource: Resource, action: &str) -> bool {
    action == "read" || resource == Resource::Database
}
