use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What a token may do: everything, or a list of [`Permission`]s with at least one entry.
///
/// Its text is `*:*:*`, or the permissions with a space between them: `db:metrics,logs:read
/// system:*:read`. The text of equal permissions is equal, and it is what stores keep.
///
/// Clones share the list.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Permissions {
    /// `None` for everything, so that admin tokens have no counter in common. In a box, so that this is one pointer.
    list: Option<Arc<Box<[Permission]>>>,
}

impl Permissions {
    /// Everything, written `*:*:*`.
    pub const ADMIN: Self = Self { list: None };

    /// What is in this list, and nothing else. `None` for an empty list.
    pub fn scoped(list: impl IntoIterator<Item = Permission>) -> Option<Self> {
        let mut list: Vec<_> = list.into_iter().collect();
        list.sort();
        list.dedup();
        (!list.is_empty()).then(|| Self { list: Some(Arc::new(list.into())) })
    }

    /// Whether this is [`Permissions::ADMIN`].
    pub fn is_admin(&self) -> bool {
        self.list.is_none()
    }

    /// The list of a token that is not an admin token; empty for an admin token, which needs none.
    pub fn list(&self) -> &[Permission] {
        self.list.as_ref().map_or(&[], |list| list)
    }

    /// Whether a clone has this list, too; `false` for an admin token, which needs none.
    pub(crate) fn is_shared(&self) -> bool {
        self.list.as_ref().is_some_and(|list| Arc::strong_count(list) > 1)
    }

    /// Equal permissions with a list of their own.
    pub(crate) fn to_unshared(&self) -> Self {
        Self { list: self.list.as_deref().cloned().map(Arc::new) }
    }

    /// Whether `action` is allowed on the `resource` called `name`.
    pub fn allows(&self, resource: Resource, name: &str, action: Action) -> bool {
        self.is_admin() || self.list().iter().any(|permission| permission.allows(resource, name, action))
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_admin() {
            return f.write_str("*:*:*");
        }
        write_separated(f, self.list().iter(), ' ')
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permissions").field(&format_args!("{self}")).finish()
    }
}

impl FromStr for Permissions {
    type Err = InvalidPermission;

    fn from_str(text: &str) -> Result<Self, InvalidPermission> {
        if text == "*:*:*" {
            return Ok(Self::ADMIN);
        }
        let list: Vec<_> = text.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        Self::scoped(list).ok_or_else(|| InvalidPermission::new(text, "there is no permission in it"))
    }
}

/// Actions on named resources of one kind: `db:NAMES:read,write` or `system:NAMES:read`.
///
/// `NAMES` is `*` or names with a comma between them. A name has no spaces, control characters,
/// `*`, `,` or `:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission {
    resource: Resource,
    names: Names,
    /// Sorted, without duplicates, not empty.
    actions: Box<[Action]>,
}

/// The kind of thing a permission is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// A database, written `db`.
    Database,
    /// Information about the server, written `system`: `health`, `metrics`, `ping`.
    System,
}

/// Which resources of a kind a permission is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Names {
    /// All of them, written `*`.
    All,
    /// Those in this list, which is sorted.
    Only(Box<[Box<str>]>),
}

/// What may be done with a resource.
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

    /// The resources of that kind.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The actions, in order, at least one.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    fn allows(&self, resource: Resource, name: &str, action: Action) -> bool {
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

fn write_separated<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    mut items: impl Iterator<Item = T>,
    separator: char,
) -> fmt::Result {
    if let Some(first) = items.next() {
        write!(f, "{first}")?;
    }
    items.try_for_each(|item| write!(f, "{separator}{item}"))
}

/// A text that is not a [`Permission`], why, and the form it should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a permission: {reason}; write `db:NAMES:read,write`, `system:NAMES:read` or `*:*:*`, \
     where NAMES is `*` or names with a comma between them"
)]
pub struct InvalidPermission {
    text: String,
    reason: &'static str,
}

impl InvalidPermission {
    fn new(text: &str, reason: &'static str) -> Self {
        Self { text: text.to_owned(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_text_round_trips() {
        for (text, canonical) in [
            ("*:*:*", "*:*:*"),
            ("db:*:read", "db:*:read"),
            ("db:b,a,b:write,read", "db:a,b:read,write"),
            ("system:ping:read db:x:read  db:x:read", "db:x:read system:ping:read"),
        ] {
            let permissions: Permissions = text.parse().unwrap();
            assert_eq!(permissions.to_string(), canonical);
            assert_eq!(canonical.parse::<Permissions>().unwrap(), permissions);
        }
    }

    #[test]
    fn the_parts_of_a_permission_can_be_read() {
        let permission: Permission = "db:b,a:write,read".parse().unwrap();
        assert_eq!(permission.resource(), Resource::Database);
        assert_eq!(*permission.names(), Names::Only(["a".into(), "b".into()].into()));
        assert_eq!(permission.actions(), [Action::Read, Action::Write]);
    }

    #[test]
    fn an_error_says_what_is_wrong_and_what_is_right() {
        for (text, reason) in [
            ("", "there is no permission in it"),
            ("db", "it does not have three parts"),
            ("db:a:read:x", "it does not have three parts"),
            ("table:a:read", "it starts neither with `db` nor with `system`"),
            ("db:a:read *:*:*", "`*:*:*` stands alone"),
            ("*:a:read", "`*:*:*` stands alone"),
            ("db::read", "a name is empty"),
            ("db:a,:read", "a name is empty"),
            ("db:a,*:read", "a name contains `*`, a space or a control character"),
            ("db:a\u{1}:read", "a name contains `*`, a space or a control character"),
            ("db:a:", "an action is neither `read` nor `write`"),
            ("db:a:*", "an action is neither `read` nor `write`"),
            ("system:ping:write", "system information can only be read"),
        ] {
            let message = text.parse::<Permissions>().unwrap_err().to_string();
            assert!(message.contains(&format!(": {reason}; write `db:NAMES:read,write`")), "{message}");
        }
    }

    #[test]
    fn a_permission_allows_its_actions_on_its_names_and_nothing_else() {
        use {Action::*, Resource::*};
        let permissions: Permissions = "db:a:read,write db:b:read system:*:read".parse().unwrap();
        assert!(permissions.allows(Database, "a", Write));
        assert!(permissions.allows(Database, "b", Read));
        assert!(permissions.allows(System, "metrics", Read));
        assert!(!permissions.allows(Database, "b", Write));
        assert!(!permissions.allows(Database, "A", Read));
        assert!(!permissions.allows(Database, "*", Read));
        assert!(!permissions.is_admin());
        assert!(Permissions::ADMIN.allows(Database, "anything", Write));
    }
}
