use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::DialError;
use crate::target::{Host, Target};

/// Who vouches for certificates.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The authorities that Mozilla trusts.
    Public,
    /// These alone: devnets and tests.
    Only(Vec<CertificateDer<'static>>),
}

pub(crate) fn config(trust: Trust) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::Public => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Trust::Only(certificates) => {
            for certificate in certificates {
                roots.add(certificate)?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A session that is resumed would tie attempts together.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// Agree on TLS with whom `target` names.
pub(crate) async fn secure(
    config: Arc<ClientConfig>,
    stream: TcpStream,
    address: SocketAddr,
    target: &Target,
) -> Result<TlsStream<TcpStream>, DialError> {
    let unproven =
        |source: rustls::Error| DialError::Certificate { address, name: target.host().to_string(), source };
    let name = match target.host() {
        Host::Ip(ip) => ServerName::IpAddress((*ip).into()),
        Host::Name(name, _) => ServerName::try_from(name.clone())
            .map_err(|error| unproven(rustls::Error::General(error.to_string())))?,
    };
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| said(error, address, unproven))
}

/// What the other side did wrong, apart from what went wrong on the way or here.
fn said(
    error: io::Error,
    address: SocketAddr,
    unproven: impl FnOnce(rustls::Error) -> DialError,
) -> DialError {
    use rustls::Error as Tls;
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()) {
        Some(
            tls @ (Tls::InvalidCertificate(_)
            | Tls::NoCertificatesPresented
            | Tls::AlertReceived(_)
            | Tls::InvalidMessage(_)
            | Tls::InappropriateMessage { .. }
            | Tls::InappropriateHandshakeMessage { .. }
            | Tls::PeerIncompatible(_)
            | Tls::PeerMisbehaved(_)
            | Tls::PeerSentOversizedRecord
            | Tls::UnsupportedNameType
            | Tls::DecryptError
            | Tls::NoApplicationProtocol),
        ) => unproven(tls.clone()),
        Some(_) => DialError::Local { address, source: error },
        None => DialError::of(error, address),
    }
}
