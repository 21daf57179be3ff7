use std::fmt;
use std::str::FromStr;

use super::text::is_invisible;

/// Actions on resources of one kind, written `db:NAMES:read,write` or `system:NAMES:read`.
///
/// `NAMES` is `*` or a list of at most 1,000 names separated by commas. A name has 1 to 255 bytes and contains no spaces,
/// control or otherwise invisible characters, `*`, `,` or `:`.
///
/// The actions can be written `*`, which stands for all that the kind of resource has: `read,write` for databases, `read`
/// for `system`. They are kept, and displayed, one by one. So what a token may do does not grow when a later version has
/// another action.
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

/// The names that InfluxDB 3 defines for [`Resource::System`].
const SYSTEM_NAMES: [&str; 3] = ["health", "metrics", "ping"];

/// The resources of one kind that a permission applies to.
#[non_exhaustive]
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

    /// The names of `system` resources that InfluxDB 3 does not define, such as a misspelt one. The permission for them is
    /// good for nothing, unless a later version defines them.
    pub fn undefined_names(&self) -> impl Iterator<Item = &str> {
        let names = match (self.resource, &self.names) {
            (Resource::System, Names::Only(names)) => &**names,
            _ => &[],
        };
        names.iter().map(|name| &**name).filter(|name| !SYSTEM_NAMES.contains(name))
    }

    pub(super) fn allows(&self, resource: Resource, name: &str, action: Action) -> bool {
        let named = match &self.names {
            Names::All => true,
            Names::Only(names) => names.iter().any(|it| **it == *name),
        };
        self.resource == resource && named && self.actions.contains(&action)
    }

    /// Whether it allows `action` on every resource of this kind, future ones included.
    pub(super) fn allows_all(&self, resource: Resource, action: Action) -> bool {
        self.resource == resource && self.names == Names::All && self.actions.contains(&action)
    }
}

impl Resource {
    /// All actions on such a resource, sorted.
    fn actions(self) -> &'static [Action] {
        match self {
            Self::Database => &[Action::Read, Action::Write],
            Self::System => &[Action::Read],
        }
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
        check_len(text)?;
        let permission = Self::existing(text)?;
        check_names(&permission.names).map_err(|reason| InvalidPermission::new(text, reason))?;
        Ok(permission)
    }
}

impl Permission {
    /// A permission that a token may have already: without the limits, and with names that earlier versions permitted.
    pub(super) fn existing(text: &str) -> Result<Self, InvalidPermission> {
        parse(text).map_err(|reason| InvalidPermission::new(text, reason))
    }
}

/// Checks the length of a permission, or of several, before anything else is done with the text.
pub(super) fn check_len(text: &str) -> Result<(), InvalidPermission> {
    const MAX_LEN: usize = 16_384;
    if text.len() > MAX_LEN { Err(InvalidPermission::new(text, "it is longer than 16384 bytes")) } else { Ok(()) }
}

fn check_names(names: &Names) -> Result<(), &'static str> {
    const MAX_NAMES: usize = 1000;
    const MAX_NAME_LEN: usize = 255;
    let Names::Only(names) = names else { return Ok(()) };
    if names.len() > MAX_NAMES {
        return Err("it has more than 1000 names");
    }
    if names.iter().any(|name| name.len() > MAX_NAME_LEN) {
        return Err("a name is longer than 255 bytes");
    }
    if names.iter().any(|name| name.contains(is_invisible)) {
        return Err("a name contains an invisible character");
    }
    Ok(())
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
        "*" => return Err(ADMIN_STANDS_ALONE),
        _ => return Err("it starts neither with `db` nor with `system`"),
    };
    let names = parse_names(names)?;
    let actions = parse_actions(actions, resource.actions())?;
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

/// `all` are those that the resource has.
fn parse_actions(text: &str, all: &[Action]) -> Result<Box<[Action]>, &'static str> {
    if text == "*" {
        return Ok(all.into());
    }
    let mut actions = text
        .split(',')
        .map(|action| match action {
            "read" => Ok(Action::Read),
            "write" => Ok(Action::Write),
            _ => Err("the actions are neither `*` nor a list of `read` and `write`"),
        })
        .collect::<Result<Vec<_>, _>>()?;
    if actions.iter().any(|action| !all.contains(action)) {
        return Err("system information can only be read");
    }
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
/// It shows no more of the text than its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPermission {
    text: String,
    reason: &'static str,
}

const ADMIN_STANDS_ALONE: &str = "`*:*:*` stands alone: it allows everything, which makes an admin token";

impl InvalidPermission {
    /// Why the text is not a permission, without showing it: it may be a secret in the wrong place.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    pub(super) fn new(text: &str, reason: &'static str) -> Self {
        const SHOWN: usize = 80;
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self { text: shown, reason }
    }
}

impl fmt::Display for InvalidPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, reason } = self;
        write!(f, "{text:?} is not a permission: {reason}; ")?;
        f.write_str(match *reason {
            ADMIN_STANDS_ALONE => "create an admin token instead, or list what the token may do: ",
            _ => "write ",
        })?;
        f.write_str("`db:NAMES:read,write` or `system:NAMES:read`, where NAMES is `*` or names separated by commas")
    }
}

impl std::error::Error for InvalidPermission {}

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
    fn all_actions_of_a_resource_are_kept_one_by_one() {
        for (text, canonical) in [
            ("db:x:*", "db:x:read,write"),
            ("db:*:*", "db:*:read,write"),
            ("system:health:*", "system:health:read"),
            ("system:*:*", "system:*:read"),
        ] {
            let permission: Permission = text.parse().unwrap();
            assert_eq!(permission.to_string(), canonical);
            assert_eq!(permission, canonical.parse().unwrap());
        }
    }

    #[test]
    fn a_system_resource_that_influxdb_does_not_define_is_accepted_and_named() {
        for (text, undefined) in [
            ("system:health,metrics,ping:read", &[][..]),
            ("system:*:read", &[]),
            ("db:other:read", &[]),
            ("system:Health,other,ping:read", &["Health", "other"]),
        ] {
            let permission: Permission = text.parse().unwrap();
            assert!(permission.undefined_names().eq(undefined.iter().copied()), "{text}");
        }
    }

    #[test]
    fn an_error_says_what_is_wrong_and_shows_the_right_form() {
        for (text, reason) in [
            ("", "it does not have three parts"),
            ("db", "it does not have three parts"),
            ("db:a:read:x", "it does not have three parts"),
            ("table:a:read", "it starts neither with `db` nor with `system`"),
            ("db::read", "a name is empty"),
            ("db:a,:read", "a name is empty"),
            ("db:a,*:read", "a name contains `*`, a space or a control character"),
            ("db:a\u{1}:read", "a name contains `*`, a space or a control character"),
            ("db:a:", "the actions are neither `*` nor a list of `read` and `write`"),
            ("db:a:read,*", "the actions are neither `*` nor a list of `read` and `write`"),
            ("db:a:**", "the actions are neither `*` nor a list of `read` and `write`"),
            ("system:ping:write", "system information can only be read"),
            ("system:*:write,read", "system information can only be read"),
        ] {
            let message = text.parse::<Permission>().unwrap_err().to_string();
            assert!(message.contains(&format!(": {reason}; write `db:NAMES:read,write`")), "{message}");
        }
        for text in ["*:*:*", "*:a:read"] {
            let message = text.parse::<Permission>().unwrap_err().to_string();
            assert!(
                message.contains("which makes an admin token; create an admin token instead, or list"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_permission_has_limits() {
        let names = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
        let longest = "x".repeat(255);
        for good in [names(1000), longest.clone()] {
            assert!(format!("db:{good}:read").parse::<Permission>().is_ok());
        }
        for (bad, reason) in [
            (names(1001), "it has more than 1000 names"),
            (longest + "x", "a name is longer than 255 bytes"),
            (names(4000), "it is longer than 16384 bytes"),
            ("a\u{202e}".to_owned(), "a name contains an invisible character"),
            ("\u{200b}".to_owned(), "a name contains an invisible character"),
        ] {
            let text = format!("db:{bad}:read");
            let message = text.parse::<Permission>().unwrap_err().to_string();
            assert!(message.contains(reason) && message.len() < 400, "{message}");
            assert!(!message.contains(['\u{202e}', '\u{200b}']), "{message}");
            assert_eq!(Permission::existing(&text).unwrap().to_string().len(), text.len());
        }
    }
}
