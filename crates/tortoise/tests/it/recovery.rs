//! What a recovery tells that no trace has.

use apogee_tortoise::{
    Atx, AtxId, Ballot, BallotId, Beacon, BlockId, Config, Epoch, EpochData, Fault, Header, Interrupt, Layer,
    Limits, NodeId, Opinion, OpinionHash, Recovered, Refusal, Tortoise,
};

const CONFIG: Config = Config {
    hdist: 5,
    zdist: 2,
    window: 16,
    exceptions: 100,
    delay: 8,
    layer_size: 5,
    epoch: 8,
    genesis: Layer(15),
};

const ATX: AtxId = AtxId([1; 32]);
const NODE: NodeId = NodeId([2; 32]);

fn tortoise() -> Tortoise {
    Tortoise::new(CONFIG, Limits::DEFAULT).unwrap()
}

/// From layer 32, the first one of epoch 4, on.
fn begun() -> Tortoise {
    let mut tortoise = tortoise();
    tortoise.recover_from(Layer(32), OpinionHash([9; 32]), OpinionHash([8; 32])).unwrap();
    tortoise.recover(Layer(32), Layer(34)).unwrap();
    tortoise.on_atx(Epoch(4), ATX, Atx { node: NODE, weight: 800, height: 10 }).unwrap();
    tortoise.on_beacon(Epoch(4), Beacon([3; 4]));
    tortoise
}

fn header(layer: u32) -> Header {
    Header { id: BlockId([layer as u8; 20]), layer: Layer(layer), height: 5 }
}

fn ballot(layer: u32, base: BallotId, hash: OpinionHash) -> Ballot {
    Ballot {
        id: BallotId([layer as u8; 20]),
        smesher: NODE,
        layer: Layer(layer),
        eligibilities: 1,
        atx: ATX,
        opinion: Opinion { hash, base, support: vec![header(layer - 1)], ..Opinion::default() },
        epoch: Some(EpochData { beacon: Beacon([3; 4]), eligibilities: 8 }),
        reference: None,
        malicious: false,
    }
}

#[test]
fn nothing_begins_at_genesis_or_before() {
    for layer in [0, 15] {
        let refused = tortoise().recover_from(Layer(layer), OpinionHash::default(), OpinionHash::default());
        let (layer, evicted) = (Layer(layer), Layer(15));
        assert_eq!(refused, Err(Fault::Evicted { layer, evicted }));
    }
    let status = begun().status();
    let stands = (status.evicted, status.processed, status.verified, status.pending, status.last);
    assert_eq!(stands, (Layer(31), Layer(31), Layer(32), Layer(32), Layer(34)));
}

/// A ballot whose base is below the window is taken by what it was signed with, and others build on that.
#[test]
fn ballots_at_the_beginning_are_known_by_their_hash() {
    let mut tortoise = begun();
    for layer in 32..=34 {
        tortoise.on_recovered_blocks(Layer(layer), &[(header(layer), true)], Some(header(layer).id)).unwrap();
        let (base, signed) = (BallotId([layer as u8 - 1; 20]), opinion(layer - 1));
        let expected = if layer == 32 { Recovered::Cut } else { Recovered::Whole };
        assert_eq!(tortoise.on_recovered_ballot(&ballot(layer, base, signed)), Ok(expected), "{layer}");
    }
    tortoise.tally(Layer(34)).unwrap();
    // They agree with an opinion that begins with that of the layer before the window.
    let layers = tortoise.updates().unwrap().layers;
    let opinions: Vec<_> = layers.iter().map(|layer| layer.opinion).collect();
    assert_eq!(opinions, [opinion(32), opinion(33), opinion(34)]);
    // As a rule of nodes ballots of the first layer do not count, but those above it decide.
    assert_eq!(tortoise.status().verified, Layer(33));
    assert!(!tortoise.status().full);
}

/// What is thought of a layer when all its blocks are supported.
fn opinion(layer: u32) -> OpinionHash {
    (32..=layer).fold(OpinionHash([8; 32]), |below, layer| {
        let header = header(layer);
        let bytes = [below.0.as_slice(), &header.id.0, &header.height.to_le_bytes()].concat();
        OpinionHash(blake3::hash(&bytes).into())
    })
}

#[test]
fn ballots_that_are_not_what_they_say_are_told_apart() {
    let mut tortoise = begun();
    tortoise.on_recovered_ballot(&ballot(32, BallotId([31; 20]), OpinionHash([8; 32]))).unwrap();
    let other = ballot(33, BallotId([32; 20]), OpinionHash([7; 32]));
    assert_eq!(tortoise.on_recovered_ballot(&other), Ok(Recovered::Differs));
    let again = tortoise.on_recovered_ballot(&other);
    assert_eq!(again, Ok(Recovered::Refused(Refusal::Exists(other.id))));
    let referring =
        Ballot { epoch: None, reference: Some(BallotId([77; 20])), id: BallotId([78; 20]), ..other };
    let refused = tortoise.on_recovered_ballot(&referring);
    assert_eq!(refused, Ok(Recovered::Refused(Refusal::Undecodable(referring.id))));
    let foreign = Ballot { atx: AtxId([5; 32]), ..ballot(34, BallotId([32; 20]), OpinionHash([7; 32])) };
    assert!(matches!(
        tortoise.on_recovered_ballot(&foreign),
        Ok(Recovered::Refused(Refusal::UnknownAtx { .. }))
    ));
}

#[test]
fn it_ends_when_it_is_asked_to() {
    let mut tortoise = begun();
    tortoise.set_interrupt(Interrupt::new(|| true));
    assert_eq!(tortoise.tally(Layer(34)), Err(Fault::Interrupted));
}
