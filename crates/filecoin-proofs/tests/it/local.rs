//! One PoRep, WinningPoSt and WindowPoSt of a 2 KiB sector.

use apogee_filecoin_proofs::{
    NotMade, Refusal, Seal, Sector, Trust, Verdict, VerifyingKeys, WindowPost, WinningPost,
    winning_post_challenges,
};
use fvm_shared::commcid::{data_commitment_v1_to_cid, replica_commitment_v1_to_cid};
use serde_json::Value;

struct Fixture(Value);

impl Fixture {
    fn load() -> Self {
        Self(
            serde_json::from_slice(
                &std::fs::read(apogee_testkit::example("local-2k-proofs/post_fixture.json")).unwrap(),
            )
            .unwrap(),
        )
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        hex::decode(self.0[name].as_str().unwrap()).unwrap()
    }

    fn word(&self, name: &str) -> [u8; 32] {
        self.bytes(name).try_into().unwrap()
    }

    fn sector(&self) -> Sector {
        Sector {
            number: self.0["sector"].as_u64().unwrap(),
            sealed_cid: replica_commitment_v1_to_cid(&self.word("comm_r")).unwrap(),
        }
    }
}

fn keys() -> VerifyingKeys {
    VerifyingKeys::new(apogee_testkit::example("local-2k-proofs"), Trust::Folder)
}

#[test]
fn a_winning_post_holds_and_any_change_to_it_is_refused() {
    let fixture = Fixture::load();
    let keys = keys();
    let (sectors, proof) = ([fixture.sector()], fixture.bytes("winning_proof"));
    let post = WinningPost {
        proof_type: 0,
        randomness: fixture.word("post_rand"),
        miner: 1000,
        sectors: &sectors,
        proof: &proof,
    };
    assert_eq!(keys.verify_winning_post(&post), Verdict::Valid);
    assert_eq!(winning_post_challenges(0, post.randomness, 1000, 1), Ok(vec![0]));

    let mut randomness = post.randomness;
    randomness[0] ^= 1;
    assert_eq!(keys.verify_winning_post(&WinningPost { randomness, ..post }), Refusal::Wrong.into());
    // The miner's id chooses the sectors and is no input of the circuit.
    assert!(keys.verify_winning_post(&WinningPost { miner: 1001, ..post }).is_valid());
    let other = [Sector { number: 43, ..sectors[0] }];
    assert_eq!(keys.verify_winning_post(&WinningPost { sectors: &other, ..post }), Refusal::Wrong.into());
    let other = [Sector { sealed_cid: replica_commitment_v1_to_cid(&[7; 32]).unwrap(), ..sectors[0] }];
    assert_eq!(keys.verify_winning_post(&WinningPost { sectors: &other, ..post }), Refusal::Wrong.into());
    assert_eq!(
        keys.verify_winning_post(&WinningPost { sectors: &[], ..post }),
        Refusal::SectorCount { found: 0, expected: 1 }.into()
    );
    assert_eq!(
        keys.verify_winning_post(&WinningPost { proof: &proof[1..], ..post }),
        Refusal::Length { found: 191, expected: 192 }.into()
    );
    assert_eq!(
        keys.verify_winning_post(&WinningPost { proof_type: 77, ..post }),
        NotMade::UnknownType(77).into()
    );
    assert_eq!(keys.verify_winning_post(&WinningPost { proof_type: 10, ..post }), Refusal::Kind(10).into());
    for at in (0..192).step_by(7) {
        let mut flipped = proof.clone();
        flipped[at] ^= 0x10;
        let verdict = keys.verify_winning_post(&WinningPost { proof: &flipped, ..post });
        assert!(
            matches!(verdict, Verdict::Invalid(Refusal::Points | Refusal::Wrong)),
            "byte {at}: {verdict:?}"
        );
    }
    for fill in [0, 0xff, 0xc0] {
        assert!(matches!(
            keys.verify_winning_post(&WinningPost { proof: &[fill; 192], ..post }),
            Verdict::Invalid(_)
        ));
    }
}

#[test]
fn a_window_post_holds_and_any_change_to_it_is_refused() {
    let fixture = Fixture::load();
    let keys = keys();
    let (sectors, proof) = ([fixture.sector()], fixture.bytes("window_proof"));
    let post = WindowPost {
        proof_type: 10,
        randomness: fixture.word("post_rand"),
        miner: 1000,
        sectors: &sectors,
        proof: &proof,
    };
    assert_eq!(keys.verify_window_post(&post), Verdict::Valid);
    let mut randomness = post.randomness;
    randomness[3] ^= 1;
    assert_eq!(keys.verify_window_post(&WindowPost { randomness, ..post }), Refusal::Wrong.into());
    let other = [Sector { number: 41, ..sectors[0] }];
    assert_eq!(keys.verify_window_post(&WindowPost { sectors: &other, ..post }), Refusal::Wrong.into());
    assert!(matches!(
        keys.verify_window_post(&WindowPost { sectors: &[sectors[0]; 3], ..post }),
        Verdict::Invalid(Refusal::Length { .. })
    ));
    assert!(matches!(
        keys.verify_window_post(&WindowPost { sectors: &[], ..post }),
        Verdict::Invalid(Refusal::SectorCount { .. })
    ));
}

#[test]
fn a_seal_holds_and_any_change_to_it_is_refused() {
    let fixture = Fixture::load();
    let keys = keys();
    let proof = fixture.bytes("porep_proof");
    let seal = Seal {
        proof_type: 5,
        miner: 1000,
        number: 42,
        sealed_cid: fixture.sector().sealed_cid,
        unsealed_cid: data_commitment_v1_to_cid(&fixture.word("comm_d")).unwrap(),
        ticket: fixture.word("ticket"),
        seed: fixture.word("seed"),
        proof: &proof,
    };
    assert_eq!(keys.verify_seal(&seal), Verdict::Valid);
    assert_eq!(keys.verify_seal(&Seal { miner: 1001, ..seal }), Refusal::Wrong.into());
    assert_eq!(keys.verify_seal(&Seal { number: 43, ..seal }), Refusal::Wrong.into());
    assert_eq!(keys.verify_seal(&Seal { seed: [3; 32], ..seal }), Refusal::Wrong.into());
    assert_eq!(keys.verify_seal(&Seal { ticket: [3; 32], ..seal }), Refusal::Wrong.into());
    assert_eq!(keys.verify_seal(&Seal { proof_type: 15, ..seal }), NotMade::Aggregate(15).into());
}

#[test]
fn an_absent_key_makes_no_check_and_names_its_file() {
    let fixture = Fixture::load();
    let (sectors, proof) = ([fixture.sector()], fixture.bytes("winning_proof"));
    let post = WinningPost {
        proof_type: 0,
        randomness: fixture.word("post_rand"),
        miner: 1000,
        sectors: &sectors,
        proof: &proof,
    };
    let empty = tempfile::tempdir().unwrap();
    let none = VerifyingKeys::new(empty.path(), Trust::Folder);
    let Verdict::NotMade(NotMade::NoKey(path)) = none.verify_winning_post(&post) else {
        panic!("the folder has no key")
    };
    assert!(path.ends_with("v28-proof-of-spacetime-fallback-merkletree-poseidon_hasher-8-0-0-3ea05428c9d11689f23529cde32fd30aabd50f7d2c93657c1d3650bca3e8ea9e.vk"));
    // Sectors of 32 GiB, whose keys nobody has here.
    assert!(matches!(
        keys().verify_winning_post(&WinningPost { proof_type: 3, ..post }),
        Verdict::NotMade(NotMade::NoKey(_))
    ));
}

#[test]
fn a_key_that_is_damaged_swapped_or_not_published_makes_no_check() {
    let fixture = Fixture::load();
    let (sectors, proof) = ([fixture.sector()], fixture.bytes("winning_proof"));
    let post = WinningPost {
        proof_type: 0,
        randomness: fixture.word("post_rand"),
        miner: 1000,
        sectors: &sectors,
        proof: &proof,
    };
    let published = VerifyingKeys::new(apogee_testkit::example("devnet-a/vk"), Trust::Published);
    let verdict = published.verify_winning_post(&post);
    assert!(
        matches!(&verdict, Verdict::NotMade(NotMade::BadKey { reason, .. }) if reason.contains("published")),
        "{verdict:?}"
    );

    let folder = apogee_testkit::example("devnet-a/vk");
    let name = |part: &str| {
        std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_str().unwrap().contains(part))
            .unwrap()
    };
    let (winning, window) = (name("3ea05428"), name("0170db1f"));
    let whole = std::fs::read(&winning).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    for bytes in [whole[..900].to_vec(), damaged, std::fs::read(window).unwrap(), [whole, vec![0]].concat()] {
        let temporary = tempfile::tempdir().unwrap();
        std::fs::write(temporary.path().join(winning.file_name().unwrap()), bytes).unwrap();
        let verdict = VerifyingKeys::new(temporary.path(), Trust::Folder).verify_winning_post(&post);
        assert!(matches!(verdict, Verdict::NotMade(NotMade::BadKey { .. })), "{verdict:?}");
    }
}
