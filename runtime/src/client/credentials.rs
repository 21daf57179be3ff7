//! The credentials that a call sends.

use std::ptr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use http::header::{AUTHORIZATION, Entry};
use swagger::auth::AuthData;

use super::call::{Call, header_name};
use super::encoding::{encode, header_value, is_cookie_value};
use crate::security::{SecurityKind, SecurityRequirement, SecurityScheme};
use crate::{ApiError, Location};

/// A credential for each scheme that has one.
type Selected<'a> = Vec<(&'static SecurityScheme, &'a AuthData)>;

impl Call<'_> {
    /// Adds the credentials for one alternative of the operation, chosen as [`Client::credential`] says.
    ///
    /// [`Client::credential`]: super::Client::credential
    pub(super) fn add_credentials(&mut self, own: Option<&AuthData>) -> Result<(), ApiError> {
        let (client, security) = (self.client, self.operation.security);
        let named = &client.credentials[..];
        let with_own =
            own.and_then(|own| security.iter().find_map(|alternative| select(alternative, named, Some(own))));
        let selected = with_own.or_else(|| security.iter().find_map(|alternative| select(alternative, named, None)));
        let Some(selected) = selected else {
            return own.map_or(Ok(()), |own| self.add_credential(self.usual_place(own), own));
        };
        for (index, (scheme, credential)) in selected.iter().enumerate() {
            match selected[..index].iter().find(|(other, _)| other.kind == scheme.kind) {
                None => self.add_credential(scheme.kind, credential)?,
                Some((_, same)) if same == credential => {}
                Some((other, _)) => {
                    let problem =
                        format!("the security schemes {} and {} need one credential", other.name, scheme.name);
                    return Err(ApiError::internal(problem));
                }
            }
        }
        Ok(())
    }

    /// Where a credential goes that does not suffice for an alternative: an API key where the operation's first scheme for
    /// one says, or else into `Authorization`.
    fn usual_place(&self, credential: &AuthData) -> SecurityKind {
        let in_authorization = SecurityKind::ApiKey { location: Location::Header, name: AUTHORIZATION.as_str() };
        match credential {
            AuthData::Bearer(_) => SecurityKind::Bearer,
            AuthData::Basic(..) => SecurityKind::Basic,
            AuthData::ApiKey(_) => {
                let mut schemes = self.operation.security.iter().flat_map(|alternative| alternative.schemes);
                schemes.find(|scheme| fits(credential, scheme.kind)).map_or(in_authorization, |scheme| scheme.kind)
            }
        }
    }

    fn add_credential(&mut self, kind: SecurityKind, credential: &AuthData) -> Result<(), ApiError> {
        match (credential, kind) {
            (AuthData::Bearer(token), _) => self.sensitive_header(AUTHORIZATION, &format!("Bearer {token}")),
            (AuthData::Basic(username, password), _) => {
                let encoded = STANDARD.encode(format!("{username}:{password}"));
                self.sensitive_header(AUTHORIZATION, &format!("Basic {encoded}"))
            }
            (AuthData::ApiKey(key), SecurityKind::ApiKey { location, name }) => match location {
                Location::Query => {
                    self.pair(name, &encode(key));
                    Ok(())
                }
                Location::Cookie if is_cookie_value(key) => self.in_cookie(name, key),
                Location::Cookie => Err(ApiError::internal("the credential cannot be in a cookie")),
                Location::Header | Location::Path => self.sensitive_header(header_name(name)?, key),
            },
            (AuthData::ApiKey(_), _) => Err(ApiError::internal("the credential is not one of the scheme's kind")),
        }
    }

    /// Adds a header whose value is not printed.
    fn sensitive_header(&mut self, name: HeaderName, text: &str) -> Result<(), ApiError> {
        let mut value = header_value("the credential", text)?;
        value.set_sensitive(true);
        match self.request.headers_mut().entry(name) {
            Entry::Vacant(entry) => drop(entry.insert(value)),
            Entry::Occupied(entry) if *entry.get() == value => {}
            Entry::Occupied(entry) => {
                let problem = format!("the header {} cannot carry two credentials", entry.key());
                return Err(ApiError::internal(problem));
            }
        }
        Ok(())
    }
}

/// The credentials for a requirement, if these suffice. `own` must be among them, if it is given.
///
/// `own` is for the first scheme that it fits and that has no named credential, or else for the first that it fits. A
/// scheme without a credential shares that of another scheme at the same place. A certificate belongs to the connection.
fn select<'a>(
    requirement: &'static SecurityRequirement,
    named: &'a [(Box<str>, AuthData)],
    own: Option<&'a AuthData>,
) -> Option<Selected<'a>> {
    let named = |scheme: &SecurityScheme| {
        named.iter().find(|(name, credential)| **name == *scheme.name && fits(credential, scheme.kind))
    };
    let own = match own {
        None => None,
        Some(own) => {
            let fitting = || requirement.schemes.iter().filter(|scheme| fits(own, scheme.kind));
            Some((fitting().find(|scheme| named(scheme).is_none()).or_else(|| fitting().next())?, own))
        }
    };
    let direct = |scheme: &SecurityScheme| match own {
        Some((of_own, own)) if ptr::eq(of_own, scheme) => Some(own),
        _ => named(scheme).map(|(_, credential)| credential),
    };
    let shared =
        |scheme: &SecurityScheme| requirement.schemes.iter().filter(|other| other.kind == scheme.kind).find_map(direct);
    let sent = requirement.schemes.iter().filter(|scheme| scheme.kind != SecurityKind::MutualTls);
    let selected: Selected<'_> =
        sent.map(|scheme| Some((scheme, direct(scheme).or_else(|| shared(scheme))?))).collect::<Option<_>>()?;
    (!selected.is_empty()).then_some(selected)
}

/// Whether a scheme of this kind carries such a credential.
fn fits(credential: &AuthData, kind: SecurityKind) -> bool {
    match credential {
        AuthData::Bearer(_) => kind == SecurityKind::Bearer,
        AuthData::Basic(..) => kind == SecurityKind::Basic,
        AuthData::ApiKey(_) => matches!(kind, SecurityKind::ApiKey { .. }),
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use swagger::XSpanIdString;

    use super::*;
    use crate::client::Client;
    use crate::{Context, Operation};

    const KEY: SecurityScheme = key("Key", Location::Query, "p");
    const HEADER: SecurityScheme = key("Header", Location::Header, "X-Key");
    const WORD: SecurityScheme = key("Word", Location::Header, "Authorization");
    const BEARER: SecurityScheme = SecurityScheme::new("Bearer", SecurityKind::Bearer);
    const JWT: SecurityScheme = SecurityScheme::new("Jwt", SecurityKind::Bearer);
    const TLS: SecurityScheme = SecurityScheme::new("Tls", SecurityKind::MutualTls);

    const fn key(scheme: &'static str, location: Location, name: &'static str) -> SecurityScheme {
        SecurityScheme::new(scheme, SecurityKind::ApiKey { location, name })
    }

    static EITHER: Operation = Operation::new("either", Method::GET, "/").security(&[
        SecurityRequirement::ANONYMOUS,
        SecurityRequirement::new(&[TLS]),
        SecurityRequirement::new(&[KEY]),
        SecurityRequirement::new(&[BEARER]),
    ]);
    static BOTH: Operation =
        Operation::new("both", Method::GET, "/").security(&[SecurityRequirement::new(&[KEY, TLS, BEARER, JWT])]);
    static KEYS: Operation =
        Operation::new("keys", Method::GET, "/").security(&[SecurityRequirement::new(&[KEY, HEADER])]);
    static ONE_HEADER: Operation =
        Operation::new("one header", Method::GET, "/").security(&[SecurityRequirement::new(&[BEARER, WORD])]);

    /// The query and the headers with credentials of a call.
    fn sent(
        operation: &'static Operation,
        named: &[(&str, AuthData)],
        own: Option<AuthData>,
    ) -> Result<String, ApiError> {
        let client = Client::try_new("http://localhost").expect("an address");
        let client = named.iter().fold(client, |client, (scheme, of)| client.credential(scheme, of.clone()));
        let call = Call::new(&client, operation, &Context::new(XSpanIdString::default(), own))?;
        let header = |name| call.request.headers().get(name).map(|value| value.to_str().expect("ASCII").to_owned());
        let headers = ["authorization", "x-key"].into_iter().filter_map(header);
        Ok([call.query.clone()].into_iter().chain(headers).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn an_alternative_with_the_credential_of_the_call_is_preferred() {
        let named = [("Key", AuthData::apikey("n"))];
        assert_eq!(sent(&EITHER, &named, AuthData::bearer("o")).expect("a call"), " Bearer o");
        assert_eq!(sent(&EITHER, &named, Some(AuthData::apikey("o"))).expect("a call"), "?p=o");
        assert_eq!(sent(&EITHER, &named, Some(AuthData::basic("u", "o"))).expect("a call"), "?p=n");
        assert_eq!(sent(&EITHER, &named, None).expect("a call"), "?p=n");
        assert_eq!(sent(&EITHER, &[], None).expect("a call"), "");
    }

    #[test]
    fn every_credential_of_an_alternative_is_sent_and_two_schemes_of_a_place_share_one() {
        let key = || AuthData::apikey("k");
        let token = |text| AuthData::bearer(text).expect("a token");
        let expected = "?p=k Bearer t";
        assert_eq!(sent(&BOTH, &[("Key", key())], Some(token("t"))).expect("a call"), expected);
        assert_eq!(sent(&BOTH, &[("Key", key()), ("Jwt", token("t"))], None).expect("a call"), expected);
        assert_eq!(sent(&BOTH, &[("Bearer", token("t"))], Some(key())).expect("a call"), expected);
        let both = [("Key", key()), ("Bearer", token("a")), ("Jwt", token("b"))];
        let error = sent(&BOTH, &both, None).expect_err("one header cannot carry two tokens");
        assert!(format!("{error:?}").contains("Bearer and Jwt need one credential"), "{error:?}");
    }

    #[test]
    fn an_incomplete_alternative_gets_the_credential_of_the_call_alone() {
        assert_eq!(sent(&BOTH, &[], AuthData::bearer("t")).expect("a call"), " Bearer t");
        assert_eq!(sent(&BOTH, &[], Some(AuthData::apikey("k"))).expect("a call"), "?p=k");
        assert_eq!(sent(&BOTH, &[("Key", AuthData::apikey("k"))], None).expect("a call"), "");
        assert_eq!(
            sent(&BOTH, &[("Key", AuthData::basic("u", "p"))], AuthData::bearer("t")).expect("a call"),
            " Bearer t"
        );
    }

    #[test]
    fn one_api_key_is_not_sent_to_two_places() {
        let own = || Some(AuthData::apikey("own"));
        assert_eq!(sent(&KEYS, &[], own()).expect("a call"), "?p=own");
        assert_eq!(sent(&KEYS, &[("Key", AuthData::apikey("k"))], own()).expect("a call"), "?p=k own");
        assert_eq!(sent(&KEYS, &[("Header", AuthData::apikey("h"))], own()).expect("a call"), "?p=own h");
    }

    #[test]
    fn one_header_does_not_carry_two_credentials() {
        let same = [("Word", AuthData::apikey("Bearer t"))];
        assert_eq!(sent(&ONE_HEADER, &same, AuthData::bearer("t")).expect("a call"), " Bearer t");
        let other = [("Word", AuthData::apikey("Token t"))];
        let error = sent(&ONE_HEADER, &other, AuthData::bearer("t")).expect_err("there are two values");
        assert!(format!("{error:?}").contains("authorization cannot carry two credentials"), "{error:?}");
        assert!(!format!("{error:?}").contains("Token t"), "{error:?}");
    }
}
