mod interned;

use std::fmt;
use std::str::FromStr;

use super::permission::{Action, InvalidPermission, Names, Permission, Resource, check_len, write_separated};
use interned::{List, Pool};

/// What a token may do: everything, or a list of at least one [`Permission`].
///
/// The text form is `*:*:*`, or permissions separated by spaces: `db:metrics,logs:read system:*:read`. Equal permissions
/// have the same text, and stores keep that text. A new text has at most 16,384 bytes and 256 permissions; a store also
/// reads what earlier versions permitted ([`Permissions::existing`]).
///
/// Permissions are interned: equal ones that are parsed again share one of a few lists. Clones share one list, whose
/// reference counter every authentication of their tokens changes. For many tokens, parse the text for each of them
/// instead of cloning one value; it takes one look-up.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Permissions {
    /// `None` for an admin token, so that admin tokens share no counter.
    list: Option<List>,
}

impl Permissions {
    /// Everything, written `*:*:*`.
    pub const ADMIN: Self = Self { list: None };

    /// Exactly these permissions. Returns `None` if there are none.
    pub fn scoped(list: impl IntoIterator<Item = Permission>) -> Option<Self> {
        Self::interned(list.into_iter().collect(), Pool::next())
    }

    /// Permissions that a token may have already, for a store that reads its tokens: without the limits of new ones, and
    /// with names that contain invisible characters.
    ///
    /// # Errors
    ///
    /// [`InvalidPermission`] for a text that has never been one of permissions.
    pub fn existing(text: &str) -> Result<Self, InvalidPermission> {
        if text == "*:*:*" {
            return Ok(Self::ADMIN);
        }
        let pool = Pool::next();
        if let Some(known) = pool.get(text) {
            return Ok(Self { list: Some(known) });
        }
        Self::parse(text, Permission::existing, pool)
    }

    /// Whether these are [`Permissions::ADMIN`].
    pub fn is_admin(&self) -> bool {
        self.list.is_none()
    }

    /// The permissions in their canonical order. Empty for an admin token, which may do everything.
    pub fn list(&self) -> &[Permission] {
        self.list.as_ref().map_or(&[], |list| list)
    }

    /// Whether `action` is allowed on the `resource` with this name.
    pub fn allows(&self, resource: Resource, name: &str, action: Action) -> bool {
        self.is_admin() || self.list().iter().any(|permission| permission.allows(resource, name, action))
    }

    /// Whether everything that `required` permits is allowed: each of its actions on each of its resources.
    ///
    /// `db:*:read` is allowed only by a permission for `*`, because databases may be created later.
    pub fn covers(&self, required: &Permission) -> bool {
        let resource = required.resource();
        let allowed = |action: Action| match required.names() {
            Names::All => self.list().iter().any(|permission| permission.allows_all(resource, action)),
            Names::Only(names) => names.iter().all(|name| self.allows(resource, name, action)),
        };
        self.is_admin() || required.actions().iter().copied().all(allowed)
    }

    fn parse(
        text: &str,
        one: fn(&str) -> Result<Permission, InvalidPermission>,
        pool: &Pool,
    ) -> Result<Self, InvalidPermission> {
        let list = text.split_ascii_whitespace().map(one).collect::<Result<_, _>>()?;
        Self::interned(list, pool).ok_or_else(|| InvalidPermission::new(text, "there is no permission in it"))
    }

    fn interned(mut list: Vec<Permission>, pool: &Pool) -> Option<Self> {
        if list.is_empty() {
            return None;
        }
        list.sort();
        list.dedup();
        let text = fmt::from_fn(|f| write_separated(f, list.iter(), ' ')).to_string();
        Some(Self { list: Some(pool.intern(text, list)) })
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
        const MAX_PERMISSIONS: usize = 256;
        check_len(text)?;
        if text.split_ascii_whitespace().nth(MAX_PERMISSIONS).is_some() {
            return Err(InvalidPermission::new(text, "there are more than 256 permissions in it"));
        }
        Self::parse(text, str::parse, Pool::next())
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
            ("system:*:* db:b,a:* db:a,b:read,write", "db:a,b:read,write system:*:read"),
        ] {
            let permissions: Permissions = text.parse().unwrap();
            assert_eq!(permissions.to_string(), canonical);
            assert_eq!(canonical.parse::<Permissions>().unwrap(), permissions);
        }
    }

    #[test]
    fn an_empty_list_and_admin_among_other_permissions_are_refused() {
        assert_eq!(Permissions::scoped([]), None);
        for (text, reason) in
            [("", "there is no permission in it"), ("db:a:read *:*:*", "create an admin token instead")]
        {
            let message = text.parse::<Permissions>().unwrap_err().to_string();
            assert!(message.contains(reason), "{message}");
        }
    }

    #[test]
    fn new_permissions_have_limits_and_existing_ones_have_none() {
        let list = |count: usize| vec!["db:a:read"; count].join(" ");
        assert!(list(256).parse::<Permissions>().is_ok());
        for (text, reason) in [
            (list(257), "there are more than 256 permissions in it"),
            (list(100_000), "it is longer than 16384 bytes"),
            ("db:a\u{200b}:read".to_owned(), "a name contains an invisible character"),
        ] {
            let existing = Permissions::existing(&text).unwrap();
            assert!(existing.allows(Resource::Database, existing.list()[0].names().to_string().as_str(), Action::Read));
            let message = text.parse::<Permissions>().unwrap_err().to_string();
            assert!(message.contains(reason) && message.len() < 400, "{message}");
        }
        for text in ["", "db", "*:*:* db:a:read"] {
            assert!(Permissions::existing(text).is_err(), "{text}");
        }
    }

    #[test]
    fn permissions_cover_a_permission_if_they_allow_all_of_it() {
        let covers = |permissions: &str, required: &str| {
            permissions.parse::<Permissions>().unwrap().covers(&required.parse().unwrap())
        };
        for (permissions, required) in [
            ("*:*:*", "db:*:read,write"),
            ("db:a:read,write", "db:a:write"),
            ("db:a:read db:b:read db:a:write", "db:a:read,write"),
            ("db:a:read db:b:read", "db:a,b:read"),
            ("db:*:read", "db:a,b:read"),
            ("db:*:read db:*:write", "db:*:read,write"),
        ] {
            assert!(covers(permissions, required), "{permissions} {required}");
        }
        for (permissions, required) in [
            ("db:a:read", "db:a:write"),
            ("db:a:read", "db:a:read,write"),
            ("db:a:read", "db:a,b:read"),
            ("db:a,b:read", "db:*:read"),
            ("db:a:read db:b:write", "db:a,b:read"),
            ("db:health:read", "system:health:read"),
            ("system:*:read", "db:*:read"),
        ] {
            assert!(!covers(permissions, required), "{permissions} {required}");
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
