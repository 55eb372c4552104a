//! Deals that are followed on made chains, over HTTP.

use std::sync::Arc;
use std::time::Duration;

use apogee_filecoin::source::{Blocks, RpcSource, Source};
use apogee_filecoin_state::{DealLabel, DealTerms, StateTree};
use apogee_indexer::contacts::{Contact, contacts};
use apogee_indexer::deals::{self, DealsError, Fate, Followed, Means, Offer, Progress, Standing, StateAt};
use apogee_indexer::{Doubt, Indexer, Options};
use apogee_market::{DealProposal, Label};
use apogee_simnet::{SimNode, Simulation};
use cid::Cid;
use fvm_ipld_blockstore::{Blockstore, MemoryBlockstore};
use fvm_ipld_encoding::CborStore;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;
use multihash_codetable::Code;

use crate::common::{at, options};
use crate::made::{network, simulation};
use crate::memory::Memory;
use crate::nodes::{node, source};

const PROVIDER: u64 = 1001;
const CLIENT: u64 = 1077;
/// Epochs below the head that a reorganisation may reach.
const DEPTH: u32 = 8;
const PLENTY: usize = 10_000;

/// A chain, a node of it, and an index that follows it over HTTP.
struct World {
    made: Arc<Simulation>,
    _node: SimNode,
    source: Arc<RpcSource>,
    indexer: Indexer,
    memory: Memory,
}

/// Nodes as a store that is only read.
#[derive(Debug)]
struct Nodes(Arc<dyn Blocks>);

impl Blockstore for Nodes {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.0.get(cid)
    }
    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("{cid} is not to be written")
    }
}

impl World {
    async fn new(seed: u64) -> Self {
        let made = Arc::new(simulation(seed));
        let node = node(made.clone()).await;
        let source = source(&[&node], Duration::from_secs(30));
        let memory = Memory::new();
        let options = Options { doubt: Doubt::Stop, ..options(16) };
        let (network, params) = (network(&made, DEPTH), made.params());
        let indexer = Indexer::new(Arc::new(memory.clone()), source.clone(), network, params, options);
        Self { made, _node: node, source, indexer, memory }
    }

    fn head(&self) -> i64 {
        self.made.ledger().head().epoch().height()
    }

    /// Mine until a tipset shows what was done in an epoch, and index.
    async fn after(&mut self, epoch: i64) {
        self.made.mine_to(at(epoch)).unwrap();
        self.made.mine().unwrap();
        self.index().await;
    }

    /// Mine until what was done in an epoch is final, and index.
    async fn settle(&mut self, epoch: i64) {
        self.after(epoch + i64::from(DEPTH) + 1).await;
    }

    async fn index(&mut self) {
        let cursor = self.indexer.backfill_to_head().await.unwrap();
        assert_eq!(cursor.key, self.made.ledger().head().key().to_string());
    }

    async fn standing(&self) -> Standing {
        let network = network(&self.made, DEPTH).id;
        Standing::of(&self.memory, &network).await.unwrap().expect("it is indexed")
    }

    /// What the client has to offer deals with.
    async fn means(&self) -> Means {
        let client = self.made.wallet(1).unwrap().address();
        deals::means(Nodes(self.source.blocks()), self.standing().await, client).await.unwrap()
    }

    /// Follow offers, whose progress is kept.
    async fn follow(&self, offers: &mut [Offer], limit: usize) -> Vec<Followed> {
        let nodes = Nodes(self.source.blocks());
        let followed = deals::follow(nodes, self.standing().await, offers.to_vec(), limit).await.unwrap();
        for (offer, followed) in offers.iter_mut().zip(&followed) {
            offer.progress = followed.progress;
        }
        followed
    }

    /// What the newest and the settled state say of one offer.
    async fn fates(&self, offer: &mut Offer) -> (Option<Fate>, Option<Fate>) {
        let [followed] = self.follow(std::slice::from_mut(offer), PLENTY).await[..] else { unreachable!() };
        (followed.newest, followed.settled)
    }

    fn proposal(&self, price: u64, start: i64, end: i64) -> DealProposal {
        proposal(&self.made, price, start, end)
    }
}

/// Deals of a wallet that differ by price, start and end.
fn proposal(made: &Simulation, price: u64, start: i64, end: i64) -> DealProposal {
    DealProposal {
        piece_cid: "baga6ea4seaqao7s73y24kcutaosvacpdjgfe5pw76ooefnyqw4ynr3d2y6x2mpq".parse().unwrap(),
        piece_size: PaddedPieceSize(2048),
        verified_deal: false,
        client: made.wallet(1).unwrap().address(),
        provider: Address::new_id(PROVIDER),
        label: Label::Text("apogee".into()),
        start_epoch: start,
        end_epoch: end,
        storage_price_per_epoch: TokenAmount::from_atto(price),
        provider_collateral: TokenAmount::from_atto(5),
        client_collateral: TokenAmount::default(),
    }
}

fn offer(proposal: &DealProposal) -> Offer {
    let label = match proposal.label.clone() {
        Label::Text(text) => DealLabel::Text(text),
        Label::Bytes(bytes) => DealLabel::Bytes(bytes),
    };
    let terms = DealTerms {
        piece: proposal.piece_cid,
        bytes: proposal.piece_size.0,
        verified: proposal.verified_deal,
        client: proposal.client,
        provider: proposal.provider,
        label,
        start: proposal.start_epoch,
        end: proposal.end_epoch,
        price: proposal.storage_price_per_epoch.clone(),
        provider_collateral: proposal.provider_collateral.clone(),
        client_collateral: proposal.client_collateral.clone(),
    };
    Offer { terms, progress: Progress::since(0) }
}

#[tokio::test]
async fn the_chain_says_how_miners_are_reached() {
    let said = apogee_simnet::Contact { peer_id: vec![0, 36, 8], multiaddresses: vec![vec![4, 127], vec![]] };
    let recipe = apogee_simnet::Recipe {
        seed: 62,
        miners: 5,
        contacts: vec![said.clone()],
        ..apogee_simnet::Recipe::default()
    };
    let made = Simulation::new(recipe).unwrap();
    let sectors = apogee_simnet::Sectors { live: 9, faulty: 2 };
    made.set_sectors(at(2), 1000, sectors).unwrap();
    for _ in 0..4 {
        made.mine().unwrap();
    }
    let head = made.ledger().head();
    let state = StateAt { epoch: head.epoch(), root: head.first().parent_state_root };
    // 1005 is the account of the first miner's worker; nobody has the last id.
    let found = contacts(Arc::clone(made.ledger()), state, vec![1000, 1001, 1005, 99_999]).await.unwrap();
    let announced = Contact { peer_id: said.peer_id, multiaddresses: said.multiaddresses };
    assert_eq!(found, [(1000, announced), (1001, Contact::default())].into());
}

#[tokio::test]
async fn offers_are_followed_from_publication_to_their_end_over_http() {
    let mut world = World::new(61).await;
    let kept = world.proposal(1, 40, 70);
    let slashed = world.proposal(2, 40, 70);
    let late = world.proposal(3, 30, 70);
    let never = world.proposal(4, 30, 70);
    // The provider publishes it on other terms, which nobody signed.
    let other = DealProposal { storage_price_per_epoch: TokenAmount::from_atto(5), ..never.clone() };
    let mut offers: Vec<_> = [&kept, &slashed, &late, &never].map(offer).into();
    let fates = |followed: Vec<Followed>| -> (Vec<_>, Vec<_>) {
        followed.into_iter().map(|followed| (followed.newest, followed.settled)).unzip()
    };

    let client = world.made.wallet_id(1).unwrap();
    world.made.set_escrow(at(2), client, &TokenAmount::from_atto(1_000)).unwrap();
    world.after(3).await;
    let expected = Means { next_deal: 0, available: TokenAmount::from_atto(1_000) };
    assert_eq!(world.means().await, expected);
    assert_eq!(fates(world.follow(&mut offers, PLENTY).await), (vec![None; 4], vec![None; 4]));

    world.made.publish_deals(at(8), &[other, kept.clone(), slashed.clone(), late.clone()]).unwrap();
    world.after(8).await;
    let published = |deal| Some(Fate::Published { deal });
    let (newest, settled) = fates(world.follow(&mut offers, PLENTY).await);
    assert_eq!(newest, [published(1), published(2), published(3), None]);
    assert_eq!(settled, [None; 4], "a reorganisation could still take it back");
    // Three prices over their epochs, and that of the other terms.
    let expected = Means { next_deal: 0, available: TokenAmount::from_atto(1_000 - 30 - 60 - 120 - 200) };
    assert_eq!(world.means().await, expected);
    world.settle(8).await;
    let (newest, settled) = fates(world.follow(&mut offers, PLENTY).await);
    assert_eq!((world.means().await.next_deal, &newest), (4, &settled));
    assert_eq!(newest, [published(1), published(2), published(3), None]);
    assert_eq!(offers[3].progress, Progress { deal: None, from: 4, active: false }, "nothing is read twice");

    let active_at = world.head() + 1;
    world.made.activate_deals(at(active_at), &[1, 2]).unwrap();
    world.after(active_at).await;
    let active = |deal| Some(Fate::Active { deal, since: at(active_at) });
    let (newest, settled) = fates(world.follow(&mut offers, PLENTY).await);
    assert_eq!(newest, [active(1), active(2), published(3), None]);
    assert_eq!(settled[0], published(1));
    world.settle(active_at).await;
    let (newest, settled) = fates(world.follow(&mut offers, PLENTY).await);
    assert_eq!(newest, settled);
    assert!(offers[0].progress.active && offers[1].progress.active);

    let slashed_at = world.head() + 1;
    world.made.slash_deals(at(slashed_at), &[2]).unwrap();
    world.after(slashed_at.max(31)).await;
    let (newest, _) = fates(world.follow(&mut offers, PLENTY).await);
    let gone = Some(Fate::Slashed { deal: 2, at: None });
    let timed_out = |deal| Some(Fate::TimedOut { deal });
    assert_eq!(newest, [active(1), gone, timed_out(Some(3)), timed_out(None)]);
    world.settle(slashed_at.max(31)).await;
    let (newest, settled) = fates(world.follow(&mut offers, PLENTY).await);
    assert_eq!((&newest, newest[1], newest[3]), (&settled, gone, timed_out(None)));

    world.settle(70).await;
    let (newest, settled) = fates(world.follow(&mut offers, PLENTY).await);
    assert_eq!((newest[0], settled[0]), (Some(Fate::Ended { deal: 1 }), Some(Fate::Ended { deal: 1 })));
}

#[tokio::test]
async fn a_reorganisation_gives_a_deal_another_id_or_takes_it_back_and_nothing_settled_changes() {
    let mut world = World::new(62).await;
    let (ours, theirs) = (world.proposal(1, 60, 90), world.proposal(2, 60, 90));
    let mut offer = offer(&ours);
    world.after(12).await;
    let fork = world.head();
    world.made.publish_deals_on(0, at(fork + 1), std::slice::from_ref(&ours)).unwrap();
    world.after(fork + 2).await;
    assert_eq!(world.fates(&mut offer).await, (Some(Fate::Published { deal: 0 }), None));
    assert_eq!(offer.progress.deal, Some(0));

    // On another branch somebody else's deal comes first.
    let depth = |world: &World| {
        let ledger = world.made.ledger();
        let back = std::iter::successors(Some(ledger.head()), |tipset| ledger.parent(tipset));
        back.take_while(|tipset| tipset.epoch() > at(fork)).count()
    };
    world.made.publish_deals_on(1, at(fork + 1), std::slice::from_ref(&theirs)).unwrap();
    world.made.publish_deals_on(1, at(fork + 2), std::slice::from_ref(&ours)).unwrap();
    let deep = depth(&world);
    world.made.fork(deep, deep + 2, 1).unwrap();
    world.index().await;
    assert_eq!(world.fates(&mut offer).await, (Some(Fate::Published { deal: 1 }), None));

    // On a third one nobody has published it.
    let deep = depth(&world);
    world.made.fork(deep, deep + 2, 2).unwrap();
    world.index().await;
    assert_eq!(world.fates(&mut offer).await, (None, None));
    assert_eq!(offer.progress, Progress::since(0));

    // There it is published in the end, and stays.
    let again = world.head() + 1;
    world.made.publish_deals_on(0, at(again), &[theirs, ours]).unwrap();
    world.after(again).await;
    assert_eq!(world.fates(&mut offer).await, (Some(Fate::Published { deal: 1 }), None));
    world.settle(again).await;
    let published = Some(Fate::Published { deal: 1 });
    assert_eq!(world.fates(&mut offer).await, (published, published));
    assert_eq!(offer.progress, Progress { deal: Some(1), from: 1, active: false });
}

#[tokio::test]
async fn a_search_is_bounded_and_goes_on_where_settled_states_allow_it() {
    let mut world = World::new(63).await;
    let many: Vec<_> = (1..=25).map(|price| world.proposal(price, 80, 90)).collect();
    let mut ours = offer(many.last().unwrap());
    world.after(2).await;
    world.made.publish_deals(at(5), &many).unwrap();
    world.after(5).await;
    for _ in 0..4 {
        let followed = world.follow(std::slice::from_mut(&mut ours), 10).await;
        assert_eq!((followed[0].newest, ours.progress.from), (None, 0), "nothing of it is final");
    }
    world.settle(5).await;
    let mut marks = vec![];
    while ours.progress.deal.is_none() {
        let followed = world.follow(std::slice::from_mut(&mut ours), 10).await;
        marks.push((ours.progress.from, followed[0].newest));
    }
    let published = Some(Fate::Published { deal: 24 });
    assert_eq!(marks, [(10, None), (20, None), (24, published)]);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_no_fate() {
    /// Has everything but some nodes.
    #[derive(Debug)]
    struct Holes(Arc<dyn Blocks>, Vec<Cid>);

    impl Blockstore for Holes {
        fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
            if self.1.contains(cid) { Ok(None) } else { self.0.get(cid) }
        }
        fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
            anyhow::bail!("{cid} is not to be written")
        }
    }

    let mut world = World::new(64).await;
    let (ours, theirs) = (world.proposal(1, 15, 90), world.proposal(2, 60, 90));
    let offers = vec![offer(&ours)];
    world.made.publish_deals(at(5), &[theirs]).unwrap();
    world.settle(20).await;
    let standing = world.standing().await;
    let ledger = &**world.made.ledger();
    let market = StateTree::open(ledger, &standing.newest.root).unwrap().market().unwrap();
    let timed_out = deals::look(ledger, &standing, &offers, PLENTY).unwrap();
    assert_eq!(timed_out[0].newest, Some(Fate::TimedOut { deal: None }));
    for hole in [standing.newest.root, standing.settled.unwrap().root, market.proposals] {
        let nodes = Holes(world.source.blocks(), vec![hole]);
        let error = deals::follow(nodes, standing, offers.clone(), PLENTY).await.unwrap_err();
        assert!(matches!(&error, DealsError::Read(cause) if cause.missing() == Some(hole)), "{error:?}");
    }
    // Before anything is final, nothing is settled.
    let alone = Standing { settled: None, ..standing };
    let followed = deals::look(ledger, &alone, &offers, PLENTY).unwrap();
    assert_eq!((followed[0].settled, followed[0].progress), (None, Progress::since(0)));
}

/// A state of actors v12 whose market has these deals, each beginning with its `DealState`.
fn state_of_v12(store: &MemoryBlockstore, deals: &[(u64, &DealProposal, Option<[i64; 4]>)]) -> Cid {
    let mut proposals = fvm_ipld_amt::Amt::new_with_bit_width(store, 5);
    let mut states = fvm_ipld_amt::Amt::new_with_bit_width(store, 6);
    for (deal, proposal, state) in deals {
        let proposal = DealProposal { client: Address::new_id(CLIENT), ..(*proposal).clone() };
        proposals.set(*deal, proposal).unwrap();
        if let Some(state) = state {
            states.set(*deal, *state).unwrap();
        }
    }
    let (proposals, states) = (proposals.flush().unwrap(), states.flush().unwrap());
    let none = TokenAmount::default;
    let nothing = Cid::default();
    let (x, y, z) = (none(), none(), none());
    let market = (proposals, states, nothing, nothing, nothing, 9, nothing, -1, &x, &y, &z, nothing);
    let market = store.put_cbor(&market, Code::Blake2b256).unwrap();
    let (n, estimate) = (&x, (&x, &x));
    let power = (n, n, n, n, n, n, n, n, estimate, 0, 0, nothing, 0, nothing, ());
    let power = store.put_cbor(&power, Code::Blake2b256).unwrap();
    let mut actors =
        fvm_ipld_hamt::Hamt::<_, (Cid, Cid, u64, TokenAmount, Option<Address>)>::new_with_bit_width(store, 5);
    for (id, head) in [(4, power), (5, market)] {
        actors.set(Address::new_id(id).to_bytes().into(), (nothing, head, 0, none(), None)).unwrap();
    }
    let actors = actors.flush().unwrap();
    store.put_cbor(&(5_u64, actors, nothing), Code::Blake2b256).unwrap()
}

#[test]
fn deals_of_actors_before_v13_say_when_they_were_slashed_until_they_are_removed() {
    let store = &MemoryBlockstore::default();
    let made = simulation(1);
    let [first, second, third] = [1, 2, 3]
        .map(|price| DealProposal { client: Address::new_id(CLIENT), ..proposal(&made, price, 40, 70) });
    let claim = 7;
    let before = state_of_v12(
        store,
        &[
            (4, &first, Some([30, 35, 38, claim])),
            (5, &second, Some([30, -1, -1, claim])),
            (6, &third, Some([-1, -1, -1, 0])),
        ],
    );
    let after = state_of_v12(store, &[(5, &second, Some([30, 35, -1, claim]))]);
    let mut offers: Vec<_> = [&first, &second, &third].map(offer).into();
    let mut look = |epoch, root, settled: Option<(i64, Cid)>| -> Vec<_> {
        let standing = Standing {
            newest: StateAt { epoch: at(epoch), root },
            settled: settled.map(|(epoch, root)| StateAt { epoch: at(epoch), root }),
        };
        let followed = deals::look(store, &standing, &offers, PLENTY).unwrap();
        for (offer, followed) in offers.iter_mut().zip(&followed) {
            offer.progress = followed.progress;
        }
        followed.into_iter().map(|followed| followed.newest).collect()
    };
    let slashed = |at| Some(Fate::Slashed { deal: 4, at });
    let active = Some(Fate::Active { deal: 5, since: at(30) });
    let published = Some(Fate::Published { deal: 6 });
    assert_eq!(look(39, before, None), [slashed(Some(at(38))), active, published]);
    assert_eq!(
        look(40, before, Some((39, before)))[2],
        published,
        "it can be activated in the epoch in which it starts"
    );
    assert_eq!(look(41, before, Some((39, before)))[2], Some(Fate::TimedOut { deal: Some(6) }));
    // Their work is done, and the actor has removed them.
    assert_eq!(
        look(60, after, Some((50, before))),
        [slashed(None), active, Some(Fate::TimedOut { deal: Some(6) })],
    );
    assert_eq!(look(70, after, Some((50, before)))[1], Some(Fate::Ended { deal: 5 }));
}
