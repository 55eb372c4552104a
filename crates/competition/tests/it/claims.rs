use apogee_competition::claim::{Action, Envelope, Message, Role, proposal_commitment};
use apogee_competition::{Act, Kind, Submission, audit, payout_commitment, submit};

use crate::keys::{Crypto, Wallet};
use crate::world::{SALT, World, at, id, kind};

fn joins(world: &mut World, name: &str, action: Action) -> Result<u64, apogee_competition::Refusal> {
    world.ask(name, "6block", action)
}

#[test]
fn two_kinds_of_keys_two_envelopes_and_two_roles_all_prove_a_claim() {
    let kinds: [fn(u8) -> Wallet; 2] = [Wallet::secp, Wallet::bls];
    for (wallet, key) in kinds.into_iter().enumerate() {
        for envelope in [Envelope::Raw, Envelope::Frc0102] {
            for role in [Role::Owner, Role::Worker] {
                let mut world = World::registering();
                let miner = world.chain.miners.get_mut(&id("t01000")).unwrap();
                (miner.owner, miner.worker) = (key(50), key(51));
                let signer = if role == Role::Owner { key(50) } else { key(51) };
                let claim = Action::Claim {
                    name: "6Block".to_owned(),
                    region: Some(id("asia")),
                    tracks: vec![id("main")],
                };
                let text = Message { role, ..world.message("t01000", "6block", claim) }.to_string();
                world.submit(&text, &signer.sign(&envelope.wrap(text.as_bytes())), None).unwrap();
                let Act::Claim { proof, .. } = &world.ledger.last().unwrap().entry.act else { panic!() };
                assert_eq!((proof.envelope, proof.role), (envelope, role), "kind {wallet}");
                assert_eq!(proof.key, signer.address());
                audit(&world.ledger, &world.chain, &Crypto).unwrap();
            }
        }
    }
}

#[test]
fn every_way_a_signature_can_be_wrong_has_its_own_kind() {
    for envelope in [Envelope::Raw, Envelope::Frc0102] {
        for (role, right, other) in
            [(Role::Owner, Wallet::secp(1), Wallet::bls(2)), (Role::Worker, Wallet::bls(2), Wallet::secp(1))]
        {
            let mut world = World::registering();
            let claim = Action::Claim { name: "6Block".to_owned(), region: None, tracks: Vec::new() };
            let message = Message { role, ..world.message("t01000", "6block", claim) };
            let text = message.to_string();
            let bytes = envelope.wrap(text.as_bytes());
            let mut refused = |signature: &str| kind(world.submit(&text, signature, None));
            assert_eq!(refused(&other.sign(&bytes)), Kind::WrongRole);
            assert_eq!(refused(&Wallet::secp(99).sign(&bytes)), Kind::RotatedKey);
            assert_eq!(refused(&Wallet::secp(77).sign(&bytes)), Kind::BadSignature);
            assert_eq!(refused(&Wallet::bls(77).sign(&bytes)), Kind::BadSignature);
            assert_eq!(refused(&right.sign(b"something else")), Kind::BadSignature);
            assert_eq!(refused("01"), Kind::MalformedSignature);
            world.submit(&text, &right.sign(&bytes), None).unwrap();
            let mut again = world.message("t01000", "other", Action::Leave);
            again.nonce = message.nonce;
            assert_eq!(kind(world.send(&again)), Kind::Replayed);
        }
    }
}

#[test]
fn a_message_is_for_one_place_and_time() {
    let mut world = World::registering();
    let claim = || Action::Claim { name: "6Block".to_owned(), region: None, tracks: Vec::new() };
    let message = world.message("t01000", "6block", claim());
    let refused: [(Kind, Message); 9] = [
        (Kind::OtherCompetition, Message { competition: id("sr2"), ..message.clone() }),
        (Kind::OtherNetwork, Message { network: "calibration".parse().unwrap(), ..message.clone() }),
        (Kind::OtherDomain, Message { domain: "apogee.example.evil".to_owned(), ..message.clone() }),
        (Kind::OtherRules, Message { rules: crate::world::hash("old"), ..message.clone() }),
        (Kind::NotYetValid, Message { issued: at(101), ..message.clone() }),
        (Kind::Expired, Message { issued: at(0), expires: at(99), ..message.clone() }),
        (Kind::Expired, Message { issued: at(100), expires: at(100 + 2881), ..message.clone() }),
        (Kind::Expired, Message { issued: at(100), expires: at(99), ..message.clone() }),
        (Kind::KeyUnknown, Message { miner: id("t09999"), ..message.clone() }),
    ];
    let before = world.competition.clone();
    for (wanted, message) in refused {
        let signature = Wallet::secp(1).sign(message.to_string().as_bytes());
        assert_eq!(kind(world.submit(&message.to_string(), &signature, None)), wanted);
    }
    assert_eq!(world.competition, before);
    world.send(&message).unwrap();
}

#[test]
fn an_owner_that_is_a_multisig_claims_by_worker_key_and_proposal() {
    let mut world = World::registering();
    world.chain.miners.get_mut(&id("t01000")).unwrap().multisig = Some("t2multisig".to_owned());
    let claim = Action::Claim { name: "6Block".to_owned(), region: None, tracks: Vec::new() };
    let text = world.message("t01000", "6block", claim).to_string();
    let signature = Wallet::bls(2).sign(text.as_bytes());
    let ask = |world: &World, proposal| {
        let submission = Submission { message: &text, signature: &signature, proposal, consent: None };
        submit(&world.competition, &submission, &world.context())
    };
    assert_eq!(kind(ask(&world, None)), Kind::OwnerIsMultisig);
    assert_eq!(kind(ask(&world, Some("bafyproposal"))), Kind::NoSuchProposal);
    let approved = ("t2multisig".to_owned(), "bafyproposal".to_owned(), proposal_commitment(&text));
    world.chain.approved.push(approved);
    let signed = ask(&world, Some("bafyproposal")).unwrap();
    world.admit(signed).unwrap();
    audit(&world.ledger, &world.chain, &Crypto).unwrap();
    world.chain.approved.clear();
    assert_eq!(audit(&world.ledger, &world.chain, &Crypto).unwrap_err().refusal.kind, Kind::NoSuchProposal);
}

#[test]
fn joining_needs_the_leader_the_region_and_the_deadline() {
    let mut world = World::running();
    let message = world.message("t01001", "6block", Action::Join);
    let text = message.to_string();
    let signature = Wallet::bls(3).sign(text.as_bytes());
    assert_eq!(kind(world.submit(&text, &signature, None)), Kind::ConsentMissing);
    let stranger = Wallet::secp(77).sign(text.as_bytes());
    let refused = world.submit(&text, &signature, Some((Role::Owner, &stranger))).unwrap_err();
    assert_eq!((refused.kind, &*refused.path), (Kind::BadSignature, "consent"));
    world.send(&message).unwrap();
    assert_eq!(kind(joins(&mut world, "t01001", Action::Join)), Kind::AlreadyMember);
    assert_eq!(kind(joins(&mut world, "t01002", Action::Join)), Kind::OtherRegion);
    assert_eq!(kind(joins(&mut world, "t01003", Action::Join)), Kind::OtherRegion);
    let region = Act::SetRegion { target: id("t01003"), region: id("asia") };
    let decided = world.two(region).unwrap();
    joins(&mut world, "t01003", Action::Join).unwrap();
    joins(&mut world, "t01003", Action::Leave).unwrap();
    world.two(Act::Revert { seq: decided }).unwrap();
    assert_eq!(kind(joins(&mut world, "t01003", Action::Join)), Kind::OtherRegion);
    assert_eq!(kind(world.ask("t01004", "nobody", Action::Join)), Kind::UnknownEntity);
    world.head = 5000;
    assert_eq!(kind(joins(&mut world, "t01004", Action::Join)), Kind::DeadlinePassed);
}

#[test]
fn memberships_are_dated_and_one_at_a_time() {
    let mut world = World::running();
    world.head = 1100;
    joins(&mut world, "t01001", Action::Join).unwrap();
    world.claim("t01004", "solo", "Solo").unwrap();
    world.head = 1200;
    world.ask("t01001", "solo", Action::Transfer { from: id("6block") }).unwrap();
    let entities = world.competition.entities();
    let dates = |name: &str| -> Vec<(String, i64, Option<i64>)> {
        let members = entities[&id(name)].members.iter();
        members
            .map(|m| (m.participant.to_string(), m.from.height(), m.until.map(|until| until.height())))
            .collect()
    };
    assert_eq!(dates("6block"), [("t01000".to_owned(), 100, None), ("t01001".to_owned(), 1100, Some(1200))]);
    assert_eq!(dates("solo"), [("t01004".to_owned(), 1100, None), ("t01001".to_owned(), 1200, None)]);
    // Whoever comes and goes within an epoch was never there.
    world.ask("t01001", "6block", Action::Transfer { from: id("solo") }).unwrap();
    assert_eq!(world.competition.entities()[&id("solo")].members.len(), 1);
    world.ask("t01001", "6block", Action::Leave).unwrap();
    assert_eq!(world.competition.entity_of(&id("t01001")), None);
    assert_eq!(world.competition.entities()[&id("6block")].members.len(), 2);
    assert_eq!(kind(world.ask("t01001", "6block", Action::Leave)), Kind::NotAMember);
    assert_eq!(kind(world.ask("t01001", "solo", Action::Transfer { from: id("6block") })), Kind::NotAMember);
}

#[test]
fn names_and_payout_addresses_are_the_leaders() {
    let mut world = World::running();
    joins(&mut world, "t01001", Action::Join).unwrap();
    world.claim("t01002", "north", "Nordwind").unwrap();
    let rename = |name: &str| Action::Rename { name: name.to_owned() };
    assert_eq!(kind(joins(&mut world, "t01001", rename("Six"))), Kind::NotTheLeader);
    assert_eq!(kind(joins(&mut world, "t01000", rename("Nordwind"))), Kind::NameTaken);
    assert_eq!(kind(joins(&mut world, "t01000", rename("N0rdwind"))), Kind::NameConfusable);
    assert_eq!(kind(joins(&mut world, "t01000", rename("Filecoin Official"))), Kind::NameReserved);
    assert_eq!(kind(joins(&mut world, "t01000", rename("6\u{202e}kcolB"))), Kind::BadName);
    joins(&mut world, "t01000", rename("六块")).unwrap();
    assert_eq!(world.competition.entities()[&id("6block")].name, "六块");
    let commitment = payout_commitment(&SALT, "t1payout");
    joins(&mut world, "t01000", Action::SetPayoutAddress { commitment }).unwrap();
    assert_eq!(world.competition.entities()[&id("6block")].payout, Some(commitment));
    assert_eq!(world.competition.entities()[&id("6block")].address, None);
    // Once the leader has left, the next one speaks.
    joins(&mut world, "t01000", Action::Leave).unwrap();
    joins(&mut world, "t01001", rename("Six")).unwrap();
}

#[test]
fn an_id_is_given_once_and_is_no_participants() {
    let mut world = World::running();
    assert_eq!(kind(world.claim("t01000", "again", "Again")), Kind::AlreadyMember);
    assert_eq!(kind(world.claim("t01002", "6block", "Other")), Kind::IdTaken);
    assert_eq!(kind(world.claim("t01002", "t01000", "Other")), Kind::IdTaken);
    assert_eq!(kind(world.claim("t01002", "t01003", "Other")), Kind::IdTaken);
    assert_eq!(kind(world.claim("t01002", "t0777", "Other")), Kind::IdTaken);
    let strange =
        Action::Claim { name: "Other".to_owned(), region: Some(id("atlantis")), tracks: Vec::new() };
    assert_eq!(kind(world.ask("t01002", "other", strange)), Kind::UnknownInRules);
}

#[test]
fn an_appeal_is_anybodys_who_competes_until_its_time_is_over() {
    let mut world = World::running();
    let appeal =
        |about| Action::Appeal { about, text: "The interval of 3 May was an outage of the bot.".to_owned() };
    let open = world.ask("t01000", "6block", appeal(2)).unwrap();
    // A miner that never claimed speaks for itself.
    world.ask("t01002", "t01002", appeal(2)).unwrap();
    assert_eq!(kind(world.ask("t01002", "6block", appeal(2))), Kind::NotAMember);
    assert_eq!(kind(world.ask("t01000", "t01000", appeal(2))), Kind::NotAMember);
    assert_eq!(kind(world.ask("t01000", "6block", appeal(99))), Kind::NoSuchEntry);
    assert_eq!(world.competition.appeals()[&open].answered, None);
    let answer =
        Act::AnswerAppeal { appeal: open, outcome: apogee_competition::Outcome::Dismissed, decision: None };
    let answered = world.one(answer.clone()).unwrap();
    assert_eq!(world.competition.appeals()[&open].answered, Some(answered));
    assert_eq!(kind(world.one(answer)), Kind::AlreadyDone);
    world.head = 9001;
    world.final_epoch = 9000;
    world.two(Act::End).unwrap();
    world.one(Act::Provisional { until: at(9500) }).unwrap();
    world.ask("t01000", "6block", appeal(2)).unwrap();
    world.head = 9500;
    assert_eq!(kind(world.ask("t01000", "6block", appeal(2))), Kind::AppealsClosed);
}
