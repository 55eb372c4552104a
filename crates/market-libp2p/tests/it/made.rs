use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use apogee_market::deal::{DealParams, HttpRequest, Transfer};
use apogee_market::{ClientDealProposal, DealUuid, Label, Secp256k1Key, Signs, Terms};
use apogee_market_libp2p::{Caps, Carrier, Dialer, Keypair, Session, Target};
use apogee_simprovider::storage::{Listen, Recipe, StorageProvider};
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;

pub(crate) const MINER: Address = Address::new_id(1_000);
pub(crate) const AGENT: &str = "apogee-dealbot/test";

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(crate) fn client() -> Secp256k1Key {
    Secp256k1Key::from_bytes(&[7; 32]).unwrap()
}

pub(crate) fn terms() -> Terms {
    Terms {
        piece_cid: Cid::try_from("baga6ea4seaqao7s73y24kcutaosvacpdjgfe5pw76ooefnyqw4ynr3d2y6x2mpq").unwrap(),
        piece_size: PaddedPieceSize(16 << 20),
        verified: false,
        client: client().address(),
        provider: MINER,
        label: Label::Text("slot".into()),
        start: 6_760,
        duration: 518_400,
        price: TokenAmount::from_atto(16),
        least_collateral: TokenAmount::from_atto(0),
    }
}

pub(crate) fn deal_of(uuid: u8, terms: Terms) -> DealParams {
    let request = HttpRequest { url: "http://192.0.2.1/piece".into(), headers: [].into() };
    DealParams {
        deal_uuid: DealUuid::from_random([uuid; 16]),
        is_offline: false,
        client_deal_proposal: ClientDealProposal::sign(terms.proposal().unwrap(), &client()).unwrap(),
        deal_data_root: Cid::try_from("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi").unwrap(),
        transfer: Transfer::http(&request, "slot".into(), 10_485_760).unwrap(),
        remove_unsealed_copy: false,
        skip_ipni_announce: true,
    }
}

pub(crate) fn deal(uuid: u8) -> DealParams {
    deal_of(uuid, terms())
}

/// A key that no other call has.
pub(crate) fn keypair() -> Keypair {
    static MADE: AtomicU8 = AtomicU8::new(1);
    Keypair::ed25519_from_bytes([MADE.fetch_add(1, Ordering::Relaxed); 32]).unwrap()
}

/// Times that are short, but not for a machine with much to do.
pub(crate) fn caps() -> Caps {
    let cap = Duration::from_secs(5);
    Caps {
        step: cap,
        identify: cap,
        ask: cap,
        propose: cap,
        status: cap,
        transports: cap,
        keep_alive: Duration::from_secs(5),
    }
}

pub(crate) fn dialer(caps: Caps) -> Dialer {
    Dialer::new(&keypair(), AGENT, caps).unwrap()
}

pub(crate) fn recipe() -> Recipe {
    Recipe::honest(keypair(), MINER)
}

pub(crate) async fn provider(recipe: Recipe) -> StorageProvider {
    StorageProvider::start(recipe, &[(Listen::Tcp, any_port())]).await.unwrap()
}

pub(crate) fn target(provider: &StorageProvider, listen: Listen) -> Target {
    let carrier = match listen {
        Listen::Tcp => Carrier::Tcp,
        Listen::WebSocket => Carrier::WebSocket(None),
        Listen::SecureWebSocket => Carrier::SecureWebSocket("localhost".into()),
    };
    Target { address: provider.address(listen).unwrap(), carrier, peer: provider.peer() }
}

pub(crate) async fn session(provider: &StorageProvider) -> Session {
    dialer(caps()).connect(&target(provider, Listen::Tcp)).await.unwrap()
}

/// A certificate for `localhost`, its key, and a TLS that believes it.
pub(crate) fn certificate() -> ((Vec<u8>, Vec<u8>), Arc<rustls::ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ((made.cert.der().to_vec(), made.signing_key.serialize_der()), Arc::new(tls))
}
