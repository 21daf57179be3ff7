use std::fmt;
use std::str::FromStr;

/// Actions on resources of one kind, written `db:NAMES:read,write` or `system:NAMES:read`.
///
/// `NAMES` is `*` or a list of names separated by commas. A name is not empty and contains no spaces, control
/// characters, `*`, `,` or `:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission {
    resource: Resource,
    names: Names,
    /// Sorted, without duplicates, not empty.
    actions: Box<[Action]>,
}

/// The kind of resource that a permission applies to.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// A database, written `db`.
    Database,
    /// Information about the server, written `system`: `health`, `metrics`, `ping`.
    System,
}

/// The resources of one kind that a permission applies to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Names {
    /// All of them, written `*`.
    All,
    /// The resources with these names, sorted.
    Only(Box<[Box<str>]>),
}

/// What a token may do with a resource.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Read, written `read`.
    Read,
    /// Write, written `write`; databases only.
    Write,
}

impl Permission {
    /// The kind of resource.
    pub fn resource(&self) -> Resource {
        self.resource
    }

    /// Which resources of that kind.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The actions, sorted; at least one.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    pub(super) fn allows(&self, resource: Resource, name: &str, action: Action) -> bool {
        let named = match &self.names {
            Names::All => true,
            Names::Only(names) => names.iter().any(|it| **it == *name),
        };
        self.resource == resource && named && self.actions.contains(&action)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.resource, self.names)?;
        write_separated(f, self.actions.iter(), ',')
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "db",
            Self::System => "system",
        })
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Only(names) => write_separated(f, names.iter(), ','),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

impl FromStr for Permission {
    type Err = InvalidPermission;

    fn from_str(text: &str) -> Result<Self, InvalidPermission> {
        parse(text).map_err(|reason| InvalidPermission::new(text, reason))
    }
}

fn parse(text: &str) -> Result<Permission, &'static str> {
    let mut parts = text.split(':');
    let (Some(resource), Some(names), Some(actions), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("it does not have three parts");
    };
    let resource = match resource {
        "db" => Resource::Database,
        "system" => Resource::System,
        "*" => return Err("`*:*:*` stands alone"),
        _ => return Err("it starts neither with `db` nor with `system`"),
    };
    let names = parse_names(names)?;
    let actions = parse_actions(actions)?;
    if resource == Resource::System && actions.contains(&Action::Write) {
        return Err("system information can only be read");
    }
    Ok(Permission { resource, names, actions })
}

fn parse_names(text: &str) -> Result<Names, &'static str> {
    if text == "*" {
        return Ok(Names::All);
    }
    let mut names: Vec<Box<str>> = text.split(',').map(Into::into).collect();
    if names.iter().any(|name| name.is_empty()) {
        return Err("a name is empty");
    }
    if text.contains(|c: char| c == '*' || c.is_whitespace() || c.is_control()) {
        return Err("a name contains `*`, a space or a control character");
    }
    names.sort();
    names.dedup();
    Ok(Names::Only(names.into()))
}

fn parse_actions(text: &str) -> Result<Box<[Action]>, &'static str> {
    let mut actions = text
        .split(',')
        .map(|action| match action {
            "read" => Ok(Action::Read),
            "write" => Ok(Action::Write),
            _ => Err("an action is neither `read` nor `write`"),
        })
        .collect::<Result<Vec<_>, _>>()?;
    actions.sort();
    actions.dedup();
    Ok(actions.into())
}

pub(super) fn write_separated<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    mut items: impl Iterator<Item = T>,
    separator: char,
) -> fmt::Result {
    if let Some(first) = items.next() {
        write!(f, "{first}")?;
    }
    items.try_for_each(|item| write!(f, "{separator}{item}"))
}

/// The error for a text that is not a [`Permission`]. Its message says why, and what a permission looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a permission: {reason}; write `db:NAMES:read,write`, `system:NAMES:read` or `*:*:*`, \
     where NAMES is `*` or names separated by commas"
)]
pub struct InvalidPermission {
    text: String,
    reason: &'static str,
}

impl InvalidPermission {
    pub(super) fn new(text: &str, reason: &'static str) -> Self {
        Self { text: text.to_owned(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_permission_can_be_read() {
        let permission: Permission = "db:b,a:write,read".parse().unwrap();
        assert_eq!(permission.resource(), Resource::Database);
        assert_eq!(*permission.names(), Names::Only(["a".into(), "b".into()].into()));
        assert_eq!(permission.actions(), [Action::Read, Action::Write]);
    }

    #[test]
    fn an_error_says_what_is_wrong_and_shows_the_right_form() {
        for (text, reason) in [
            ("", "it does not have three parts"),
            ("db", "it does not have three parts"),
            ("db:a:read:x", "it does not have three parts"),
            ("table:a:read", "it starts neither with `db` nor with `system`"),
            ("*:*:*", "`*:*:*` stands alone"),
            ("*:a:read", "`*:*:*` stands alone"),
            ("db::read", "a name is empty"),
            ("db:a,:read", "a name is empty"),
            ("db:a,*:read", "a name contains `*`, a space or a control character"),
            ("db:a\u{1}:read", "a name contains `*`, a space or a control character"),
            ("db:a:", "an action is neither `read` nor `write`"),
            ("db:a:*", "an action is neither `read` nor `write`"),
            ("system:ping:write", "system information can only be read"),
        ] {
            let message = text.parse::<Permission>().unwrap_err().to_string();
            assert!(message.contains(&format!(": {reason}; write `db:NAMES:read,write`")), "{message}");
        }
    }
}
