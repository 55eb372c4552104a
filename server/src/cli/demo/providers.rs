//! The miners of the made network as providers of data: one is honest, and each other one fails in a way of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use apogee_payload::{Car, Dag, Key, Layout, Payload};
use apogee_simprovider::gateway::{Fault, Gateway, Library};
use tokio::net::TcpSocket;

use crate::cli::Failure;

/// Files that every miner should have.
const FILES: usize = 4;
/// Bytes of each: five leaves and what is above them.
const BYTES: u64 = 300_000;
const LEAF: usize = 64 << 10;

/// How a miner behaves.
#[derive(Clone, Copy, Debug)]
enum Conduct {
    /// It has everything.
    Honest,
    /// It has lost half of the files.
    Forgetful,
    /// A bit of whatever it sends is another.
    Liar,
    /// Nobody listens there.
    Gone,
    /// Of every file it has the first block alone.
    RootsOnly,
}

/// Who is which, as it is said to people.
const MINERS: [(&str, Conduct, &str); 5] = [
    ("t01000", Conduct::Honest, "gives everything back"),
    ("t01001", Conduct::Forgetful, "has lost half of the files"),
    ("t01002", Conduct::Liar, "changes a bit of what it sends"),
    ("t01003", Conduct::Gone, "does not listen"),
    ("t01004", Conduct::RootsOnly, "has the first block of each file alone"),
];

/// What can be asked for.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) root: String,
    /// Bytes, with what the format adds.
    pub(super) size: u64,
}

/// Providers that serve until this is dropped.
#[derive(Debug)]
pub(super) struct Providers {
    /// Where each miner serves.
    pub(super) gateways: BTreeMap<String, String>,
    /// What they should have.
    pub(super) files: Vec<File>,
    /// The organiser's own provider: where it serves, and what.
    pub(super) own: (String, File),
    _serving: Vec<Gateway>,
    _nobody: Vec<TcpSocket>,
}

impl Providers {
    /// Start all of them on loopback. `secret` makes the files.
    pub(super) async fn start(secret: &[u8; 32]) -> Result<Self, Failure> {
        let (mut whole, mut half) = (Library::default(), Library::default());
        let mut files = Vec::with_capacity(FILES);
        for number in 0..FILES {
            let car = car(secret, &format!("file {number}"))?;
            put(&mut whole, &car);
            if number % 2 == 0 {
                put(&mut half, &car);
            }
            files.push(File::of(&car));
        }
        let (mut gateways, mut serving, mut nobody) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (miner, conduct, _) in MINERS {
            let (library, fault) = match conduct {
                Conduct::Honest => (&whole, None),
                Conduct::Forgetful => (&half, None),
                Conduct::Liar => (&whole, Some(Fault::FlippedBit)),
                Conduct::RootsOnly => (&whole, Some(Fault::RootOnly)),
                Conduct::Gone => {
                    let (socket, url) = unheard()?;
                    nobody.push(socket);
                    gateways.insert(miner.to_owned(), url);
                    continue;
                }
            };
            let gateway = Gateway::start(library.clone()).await.map_err(Failure::world)?;
            gateway.fault(fault);
            gateways.insert(miner.to_owned(), gateway.url());
            serving.push(gateway);
        }
        let car = car(secret, "canary")?;
        let mut library = Library::default();
        put(&mut library, &car);
        let gateway = Gateway::start(library).await.map_err(Failure::world)?;
        let own = (gateway.url(), File::of(&car));
        serving.push(gateway);
        Ok(Self { gateways, files, own, _serving: serving, _nobody: nobody })
    }
}

/// Who is which, a line each.
pub(super) fn told() -> String {
    MINERS.iter().map(|(miner, _, what)| format!("  {miner} {what}\n")).collect()
}

impl File {
    fn of(car: &Car) -> Self {
        Self { root: car.dag().root().to_string(), size: car.size() }
    }
}

fn car(secret: &[u8; 32], name: &str) -> Result<Car, Failure> {
    let payload = Payload::new(Key::derive(secret, name), BYTES).map_err(Failure::world)?;
    let layout = Layout::new(LEAF, 1_024).map_err(Failure::world)?;
    Ok(Car::new(Dag::new(payload, layout)))
}

fn put(library: &mut Library, car: &Car) {
    for block in car.dag().blocks() {
        library.put_block(*block.cid(), car.dag().bytes(block));
    }
}

/// A port that is taken, and at which nobody listens: connections are refused.
fn unheard() -> Result<(TcpSocket, String), Failure> {
    let socket = TcpSocket::new_v4().map_err(Failure::world)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).map_err(Failure::world)?;
    let address = socket.local_addr().map_err(Failure::world)?;
    Ok((socket, format!("http://{address}/")))
}
