//! js-libp2p from the npm registry as the provider: `tests/js/provider.mjs`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use apogee_market::deal::Version;
use apogee_market::status::{Checkpoint, DealStatusRequest};
use apogee_market::{Rejection, Secp256k1Key};
use apogee_market_libp2p::{Carrier, Target};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::made::{AGENT, MINER, caps, client, deal_of, dialer, terms};

/// The folder with the packages, installed by the lock file; `None` where they are not, which is said.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js");
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    if node.is_ok_and(|status| status.success()) && folder.join("node_modules/libp2p").exists() {
        return Some(folder);
    }
    eprintln!("SKIPPED: js-libp2p is absent; `cargo xtask setup` installs it");
    None
}

struct Provider {
    /// Ends when its standard input does, which is when this is dropped.
    _process: Child,
    says: Lines<BufReader<ChildStdout>>,
    targets: [Target; 2],
}

impl Provider {
    async fn start(folder: &Path) -> Self {
        let mut process = tokio::process::Command::new("node")
            .args(["provider.mjs", "00e807", "1000"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut says = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = timeout(Duration::from_secs(60), says.next_line()).await.expect("it does not start");
        let first: Value = serde_json::from_str(&first.unwrap().unwrap()).unwrap();
        let peer = first["peer"].as_str().unwrap().parse().unwrap();
        let listens: Vec<&str> =
            first["listens"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
        let targets = [false, true].map(|web| {
            let wanted = |listen: &&&str| listen.contains("/ws/") == web;
            let listen = listens.iter().find(wanted).unwrap();
            let port: u16 = listen.split('/').nth(4).unwrap().parse().unwrap();
            let carrier = if web { Carrier::WebSocket(None) } else { Carrier::Tcp };
            Target { address: ([127, 0, 0, 1], port).into(), carrier, peer }
        });
        Self { _process: process, says, targets }
    }

    /// The next line that has this key.
    async fn says(&mut self, key: &str) -> Value {
        loop {
            let line = timeout(Duration::from_secs(20), self.says.next_line()).await.expect("it is silent");
            let line = line.unwrap().expect("it has ended");
            let said: Value = serde_json::from_str(&line).unwrap();
            assert!(said.get("error").is_none(), "{said}");
            if said.get(key).is_some() {
                return said;
            }
        }
    }
}

#[tokio::test]
async fn an_independent_provider_takes_refuses_and_tells() {
    let Some(folder) = folder() else { return };
    let mut provider = Provider::start(&folder).await;
    for (uuid, target) in provider.targets.clone().into_iter().enumerate() {
        let session = dialer(caps()).connect(&target).await.unwrap();
        let identity = session.identify().await.unwrap();
        assert!(identity.agent.starts_with("js-provider/1.0.0"), "{identity:?}");
        assert!(identity.takes_deals());
        let met = provider.says("agent").await;
        assert_eq!(met["agent"], AGENT);

        let ask = session.ask(MINER).await.unwrap().ask.unwrap().ask.unwrap();
        assert_eq!(
            (ask.price, ask.verified_price),
            (TokenAmount::from_atto(1_000), TokenAmount::from_atto(0))
        );
        assert_eq!((ask.miner, ask.timestamp, ask.expiry, ask.seq_no), (MINER, 12, 3_456, 7));
        assert_eq!((ask.min_piece_size.0, ask.max_piece_size.0), (256, 32 << 30));
        assert_eq!(session.ask(Address::new_id(7)).await.unwrap().ask, None);

        // It speaks the older form alone; it has read what was meant, in canonical DAG-CBOR.
        let uuid = u8::try_from(uuid).unwrap();
        let deal = deal_of(uuid, terms());
        let proposed = session.propose(&deal).await.unwrap();
        assert_eq!(
            (proposed.version, proposed.response.rejection()),
            (Version::V1_2_0, None),
            "{proposed:?}"
        );
        let read = provider.says("deal").await;
        assert_eq!(read["deal"], deal.deal_uuid.to_string().replace('-', ""));
        assert_eq!(read["canonical"], true);
        assert_eq!(read["keys"].as_array().unwrap().len(), 5);
        assert_eq!(read["root"], deal.deal_data_root.to_string());
        assert_eq!(read["piece"], deal.client_deal_proposal.proposal.piece_cid.to_string());
        assert_eq!(read["url"], "http://192.0.2.1/piece");

        let again = session.propose(&deal).await.unwrap().response;
        assert_eq!(again.rejection(), Some(Rejection::SameDeal), "{again:?}");
        let mut cheap = terms();
        cheap.price = TokenAmount::from_atto(1);
        let refused = session.propose(&deal_of(100 + uuid, cheap)).await.unwrap().response;
        assert_eq!(
            refused.message,
            "failed validation: storage price per epoch less than asking price: 1 < 15"
        );
        assert_eq!(refused.rejection(), Some(Rejection::Params));
        let mut forged = deal_of(200 + uuid, terms());
        forged.client_deal_proposal.proposal.start_epoch += 1;
        let refused = session.propose(&forged).await.unwrap().response;
        assert_eq!(refused.message, "failed validation: invalid signature");

        let request = DealStatusRequest::signed(deal.deal_uuid, &client()).unwrap();
        let status = session.status(&request).await.unwrap();
        assert_eq!((status.transfer_size, status.bytes_received), (10_485_760, 10_485_760));
        let told = status.deal_status.unwrap();
        assert_eq!(told.checkpoint(), Some(Checkpoint::PublishConfirmed));
        assert_eq!((told.chain_deal_id, told.publish_cid), (4_711, Some(deal.deal_data_root)));
        assert_eq!(told.proposal, deal.client_deal_proposal.proposal);
        let stranger = Secp256k1Key::from_bytes(&[8; 32]).unwrap();
        let request = DealStatusRequest::signed(deal.deal_uuid, &stranger).unwrap();
        assert_eq!(session.status(&request).await.unwrap().error, "signature verification failed");

        let transports = session.transports().await.unwrap().protocols;
        assert_eq!((transports.len(), transports[0].name.as_str()), (1, "http"));
        assert_eq!(transports[0].addresses[0].0, [4, 127, 0, 0, 1, 6, 0x1f, 0x90]);
    }
}
