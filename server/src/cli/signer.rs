//! `apogee signer`: keys of wallets, and the process of its own that signs with them.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apogee_filecoin::rpc::{self, Client, Endpoint, Settings};
use apogee_signer::{
    Access, Account, AnyKey, Cost, Journal, Key, KeyKind, KeyName, Keys, Keystore, LONGEST_EXPORT,
    LocalSigner, MeshKey, PassphraseSource, PayoutList, Policy, Secret, bind, read_export, serve,
};
use apogee_spacemesh::address::Prefix;
use clap::{Args, Subcommand, ValueEnum};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::competition::documents::{self, wrong};
use super::{Answer, Failure, operator};
use crate::config::{Log, LogFormat};
use crate::edge::{self, SystemClock};

#[derive(Debug, Subcommand)]
pub(super) enum Signer {
    /// Make a key, in a new keystore or in one that is there, and print its address.
    New(New),
    /// Take over what `lotus wallet export` printed, or the 128 digits that a node of Spacemesh has for a key, and print the address.
    Import(Import),
    /// Print the addresses of a keystore; of keys of Spacemesh the public key, which is of no network.
    List(List),
    /// Look at a policy: its wallets, whether a keystore has their keys, and payout lists that too few have approved.
    ///
    /// Exits 1 when a key or an approval is missing.
    Check(Check),
    /// Approve a payout list with the key of an operator: its signature is added to the file.
    Approve(Approve),
    /// Sign what the policy allows, for whoever asks at a Unix socket.
    Run(Box<Run>),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Passphrase {
    /// A file with the passphrase of the keystore, which nobody else can read
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The number of an open file descriptor to read the passphrase from
    #[arg(long, value_name = "NUMBER")]
    passphrase_fd: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// The keystore
    keystore: PathBuf,
    /// What kind of key
    #[arg(long, value_enum, default_value_t = Kind::Secp256k1)]
    kind: Kind,
    /// Of a key of Spacemesh: what addresses of the network begin with, to print its address there as well
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<Prefix>,
    #[command(flatten)]
    passphrase: Passphrase,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// An f1 address
    Secp256k1,
    /// An f3 address
    Bls,
    /// A wallet on Spacemesh
    Ed25519,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The keystore, new or there already
    keystore: PathBuf,
    /// Of a key of Spacemesh: what addresses of the network begin with, to print its address there as well
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<Prefix>,
    /// The exported key; without a file it is read from standard input
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    passphrase: Passphrase,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// The keystore
    keystore: PathBuf,
    /// Of keys of Spacemesh: what addresses of the network begin with, to print their addresses there as well
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<Prefix>,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The policy
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The keystore that has to have its keys
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Approve {
    /// The payout list
    list: PathBuf,
    /// The file with an operator's key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// What is signed
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// What was signed; it is begun where there is none
    #[arg(long, value_name = "FILE")]
    journal: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// The file with the keys
    #[arg(long, value_name = "FILE", required_unless_present = "wallet", conflicts_with = "wallet")]
    keystore: Option<PathBuf>,
    /// A file with the passphrase of the keystore, which nobody else can read
    #[arg(long, value_name = "FILE", requires = "keystore")]
    passphrase_file: Option<PathBuf>,
    /// The number of an open file descriptor to read the passphrase from
    #[arg(long, value_name = "NUMBER", requires = "keystore", conflicts_with = "passphrase_file")]
    passphrase_fd: Option<u32>,
    /// In place of a keystore the address of a `lotus-wallet` that has the keys, such as `http://127.0.0.1:1777/rpc/v0`
    #[arg(long, value_name = "URL")]
    wallet: Option<String>,
    /// A file with the token of that wallet
    #[arg(long, value_name = "FILE", requires = "wallet")]
    wallet_token_file: Option<PathBuf>,
    /// Another user id whose processes may ask; may be given several times
    #[arg(long, value_name = "UID")]
    allow_uid: Vec<u32>,
}

impl Signer {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::New(new) => {
                let mut random = random()?;
                let key = match new.kind {
                    Kind::Secp256k1 => AnyKey::from(Key::generate(KeyKind::Secp256k1, &mut random)),
                    Kind::Bls => Key::generate(KeyKind::Bls, &mut random).into(),
                    Kind::Ed25519 => MeshKey::generate(&mut random).into(),
                };
                keep(&new.keystore, &new.passphrase.read()?, key, new.prefix.as_ref())
            }
            Self::Import(import) => {
                let key = read_export(exported(import.key.as_deref())?.as_slice()).map_err(Failure::input)?;
                keep(&import.keystore, &import.passphrase.read()?, key, import.prefix.as_ref())
            }
            Self::List(list) => {
                for name in Keystore::list(&list.keystore).map_err(Failure::input)? {
                    show(&name, list.prefix.as_ref());
                }
                Ok(Answer::Yes)
            }
            Self::Check(check) => check.run(),
            Self::Approve(approve) => approve.run(),
            Self::Run(run) => run.run().await,
        }
    }
}

fn random() -> Result<StdRng, Failure> {
    Ok(StdRng::from_seed(edge::entropy()?))
}

fn source(file: Option<&Path>, descriptor: Option<u32>) -> Result<Secret, Failure> {
    let source = match (file, descriptor) {
        (Some(file), _) => PassphraseSource::File(file.into()),
        (None, Some(number)) => PassphraseSource::Descriptor(number),
        (None, None) => {
            return Err(Failure::input(
                "the keystore has a passphrase: --passphrase-file or --passphrase-fd",
            ));
        }
    };
    source.read().map_err(Failure::input)
}

impl Passphrase {
    fn read(&self) -> Result<Secret, Failure> {
        source(self.passphrase_file.as_deref(), self.passphrase_fd)
    }
}

/// What was exported: from a file, or from standard input.
fn exported(file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let Some(file) = file else {
        let mut bytes = Vec::new();
        // Enough to see that it is too much.
        let limit = LONGEST_EXPORT as u64 + 2;
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(Failure::world)?;
        return Ok(bytes);
    };
    documents::bytes(file)
}

/// Put a key into a keystore, and print its address.
fn keep(path: &Path, passphrase: &Secret, key: AnyKey, prefix: Option<&Prefix>) -> Result<Answer, Failure> {
    let name = key.name();
    let there = path.try_exists().map_err(|cause| wrong(path, cause))?;
    let mut keystore =
        if there { Keystore::open(path, passphrase).map_err(Failure::input)? } else { Keystore::new() };
    keystore.add(key).map_err(Failure::input)?;
    let (cost, mut random) = (Cost::default(), random()?);
    let kept = if there {
        keystore.save(path, passphrase, cost, &mut random)
    } else {
        keystore.create(path, passphrase, cost, &mut random)
    };
    kept.map_err(Failure::world)?;
    show(&name, prefix);
    Ok(Answer::Yes)
}

/// The address of a key; of one of Spacemesh the public key, and the address on a network.
fn show(name: &KeyName, prefix: Option<&Prefix>) {
    match (name, prefix) {
        (KeyName::Spacemesh(key), Some(prefix)) => println!("{key} {}", Account::of_key(*key, *prefix)),
        _ => println!("{name}"),
    }
}

impl Check {
    fn run(&self) -> Result<Answer, Failure> {
        let policy = Policy::read(&self.policy).map_err(Failure::input)?;
        let keys = self.keystore.as_deref().map(Keystore::list).transpose().map_err(Failure::input)?;
        println!("network {}", policy.network());
        let mut complete = true;
        let accounts = keys.map(|keys| {
            let accounts = keys.iter().filter_map(|name| name.account(policy.protocol()));
            accounts.collect::<BTreeSet<_>>()
        });
        for (text, account) in policy.wallets() {
            let has = accounts.as_ref().map(|accounts| accounts.contains(&account));
            complete &= has != Some(false);
            println!("wallet {text}{}", if has == Some(false) { "  no key" } else { "" });
        }
        for list in policy.pending() {
            complete = false;
            println!("list {}  too few approvals", list.display());
        }
        Ok(if complete { Answer::Yes } else { Answer::No })
    }
}

impl Approve {
    fn run(&self) -> Result<Answer, Failure> {
        let mut list = PayoutList::read(&self.list).map_err(Failure::input)?;
        let digest = operator::Secret::read(&self.key)?.approve(&mut list);
        let digest = digest.ok_or_else(|| wrong(&self.list, "it has what is no address"))?;
        list.write(&self.list).map_err(Failure::world)?;
        println!("{digest}");
        Ok(Answer::Yes)
    }
}

impl Run {
    async fn run(&self) -> Result<Answer, Failure> {
        let log = Log { format: LogFormat::Auto, filter: "info".into() };
        crate::log::start(&log).map_err(Failure::input)?;
        let policy = Policy::read(&self.policy).map_err(Failure::input)?;
        for list in policy.pending() {
            tracing::warn!(list = %list.display(), "too few have approved this list: it pays nobody");
        }
        let keys = self.keys()?;
        let journal = Journal::open(&self.journal, policy.network()).map_err(Failure::input)?;
        tracing::info!(network = %policy.network(), signed = journal.entries(), "the journal is open");
        let users: BTreeSet<u32> = self.allow_uid.iter().copied().collect();
        let access = Access { users, ..Access::default() };
        let listener = bind(&self.socket, &access).map_err(|cause| wrong(&self.socket, cause))?;
        tracing::info!(socket = %self.socket.display(), "signing");
        let signer = Arc::new(LocalSigner::new(policy, journal, keys, Arc::new(SystemClock)));
        serve(listener, signer, access, edge::interrupted()).await.map_err(Failure::world)?;
        tracing::info!("ending");
        Ok(Answer::Yes)
    }

    fn keys(&self) -> Result<Box<dyn Keys>, Failure> {
        if let Some(url) = &self.wallet {
            return self.remote(url);
        }
        let passphrase = source(self.passphrase_file.as_deref(), self.passphrase_fd)?;
        let keystore = self.keystore.as_deref().unwrap_or(Path::new(""));
        let keystore = Keystore::open(keystore, &passphrase).map_err(Failure::input)?;
        Ok(Box::new(Arc::new(keystore)))
    }

    fn remote(&self, url: &str) -> Result<Box<dyn Keys>, Failure> {
        // Somebody may have to press a button on a device.
        let settings =
            Settings { timeout: Duration::from_secs(60), body_limit: 1 << 20, ..Settings::default() };
        let token = self.wallet_token_file.as_deref().map(|file| {
            let bytes = documents::bytes(file)?;
            let text = std::str::from_utf8(&bytes).map_err(|cause| wrong(file, cause))?;
            Ok::<_, Failure>(rpc::Secret::new(text))
        });
        let endpoint = Endpoint::new(url, token.transpose()?).map_err(Failure::input)?;
        let client = Client::new(endpoint, settings).map_err(Failure::world)?;
        Ok(Box::new(apogee_signer::RemoteWallet::new(client)))
    }
}
