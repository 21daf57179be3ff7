use std::net::IpAddr;

/// The network address of the client, if it is known: for records of who asked for what.
///
/// The code that accepts connections inserts it into the extensions of each request, and the service passes it on in the
/// [`Context`](crate::Context). A client cannot set extensions. Behind a proxy it is the address of the proxy, unless that
/// code knows better. A server that has axum's `ConnectInfo` inserts it in a layer:
///
/// ```
/// # use std::net::SocketAddr;
/// # struct ConnectInfo(SocketAddr);
/// use openapi_stub_runtime::security::PeerAddress;
///
/// # let mut request = http::Request::new(());
/// # request.extensions_mut().insert(SocketAddr::from(([203, 0, 113, 7], 80)));
/// # let ConnectInfo(peer) = ConnectInfo(*request.extensions().get::<SocketAddr>().unwrap());
/// request.extensions_mut().insert(PeerAddress::from(peer.ip()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerAddress(Option<IpAddr>);

impl PeerAddress {
    /// The address. `None` if it is not known.
    pub fn ip(self) -> Option<IpAddr> {
        self.0
    }
}

/// An IPv4 address that is mapped into IPv6, as a socket for both has it, counts as the IPv4 address.
impl From<IpAddr> for PeerAddress {
    fn from(address: IpAddr) -> Self {
        Self(Some(address.to_canonical()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_that_of_ipv4() {
        let address = |text: &str| PeerAddress::from(text.parse::<IpAddr>().unwrap()).ip().unwrap().to_string();
        assert_eq!(["::ffff:192.0.2.1", "192.0.2.1", "::1"].map(address), ["192.0.2.1", "192.0.2.1", "::1"]);
    }
}
