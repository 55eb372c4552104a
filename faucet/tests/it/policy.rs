use std::collections::BTreeMap;

use apogee_domain::{Atto, Timestamp};
use apogee_faucet::policy::{
    Applicant, Assessment, Band, Code, Coin, Exception, Facts, Outcome, Policy, Scope, Span, Standing,
    prefixes, presets,
};
use apogee_store::{Charge, LimitKey};
use proptest::prelude::*;

const FIL: u128 = 1_000_000_000_000_000_000;
const NOW: Timestamp = Timestamp::from_seconds(1_600_000_000);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

fn days(days: i64) -> i64 {
    days * 86_400
}

fn policy(text: &str) -> Policy {
    Policy::read(text).unwrap()
}

/// Somebody with an account that is `age` seconds old at [`NOW`].
fn applicant(age: i64) -> Applicant {
    Applicant {
        identity: "github:583231".to_owned(),
        provider: "github".to_owned(),
        account_kind: "user".to_owned(),
        account_created: Some(at(-age)),
        actor: "t1wkrmbkehv324ygqquem26zsyzgmycb3phkxnqme".to_owned(),
        miner: false,
        recipient_balance: Some(Atto(0)),
        prefixes: prefixes("192.0.2.7".parse().unwrap()).to_vec(),
        code: None,
    }
}

fn rich() -> Facts {
    let standing = Standing { funds: Some(Atto(1_000_000 * FIL)), ..Standing::default() };
    Facts { standing, ..Facts::default() }
}

/// A faucet in memory: what is granted is remembered, and handed back as a database would.
struct Faucet {
    policy: Policy,
    charges: BTreeMap<LimitKey, Vec<Charge>>,
    facts: Facts,
}

impl Faucet {
    fn new(text: &str) -> Self {
        Self { policy: policy(text), charges: BTreeMap::new(), facts: rich() }
    }

    fn look(&self, who: &Applicant, now: Timestamp) -> Assessment {
        let plan = self.policy.plan(who, now);
        let newest = |(key, most): (LimitKey, u32)| {
            let charges = self.charges.get(&key)?;
            Some((key, charges.iter().copied().take(most as usize).collect()))
        };
        let charges = plan.demands().into_iter().filter_map(newest).collect();
        plan.assess(&Facts { charges, ..self.facts.clone() })
    }

    fn ask(&mut self, who: &Applicant, now: Timestamp) -> Assessment {
        let assessment = self.look(who, now);
        if let Some(award) = &assessment.award {
            for key in &award.charges {
                let charges = self.charges.entry(key.clone()).or_default();
                charges.insert(0, Charge { at: now, amount: award.amount });
            }
            self.facts.standing.day_grants += 1;
            let spent = &mut self.facts.standing.day_amount;
            *spent = spent.checked_add(award.amount).unwrap();
            self.facts.standing.full_at = self.policy.paced(self.facts.standing.full_at, now);
        }
        assessment
    }
}

fn granted(assessment: &Assessment) -> Option<u128> {
    assessment.award.as_ref().map(|award| award.amount.0)
}

fn refusals(assessment: &Assessment) -> Vec<(&str, &str, Option<i64>)> {
    let one = |check: &apogee_faucet::policy::Check| check.resets.map(|at| at.seconds() - NOW.seconds());
    assessment.refusals().map(|check| (check.code.word(), leak(&check.rule), one(check))).collect()
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

#[test]
fn fc_a_the_fountain_gives_a_wallet_two_and_one_more_every_fifteen_minutes() {
    let mut faucet = Faucet::new(presets::LOTUS_FOUNTAIN);
    let who = applicant(0);
    assert_eq!(granted(&faucet.ask(&who, NOW)), Some(50 * FIL));
    assert_eq!(granted(&faucet.ask(&who, NOW)), Some(50 * FIL));
    let third = faucet.ask(&who, NOW);
    assert_eq!(refusals(&third), [("recipient-limit", "wallet", Some(900))]);
    assert_eq!(granted(&faucet.look(&who, Timestamp(at(900).0 - 1))), None);
    assert_eq!(granted(&faucet.ask(&who, at(900))), Some(50 * FIL));
    assert_eq!(refusals(&faucet.look(&who, at(900))), [("recipient-limit", "wallet", Some(1_800))]);
}

#[test]
fn a_refusal_by_one_bucket_takes_no_token_of_another() {
    let mut faucet = Faucet::new(presets::LOTUS_FOUNTAIN);
    let mut who = applicant(0);
    for _ in 0..50 {
        faucet.ask(&who, NOW);
    }
    // Of five by address, two are taken.
    let mut others = 0;
    for other in 0..10 {
        who.actor = format!("t0{other}");
        others += usize::from(faucet.ask(&who, NOW).award.is_some());
    }
    assert_eq!(others, 3);
}

#[test]
fn fc_b_after_8_september_an_account_of_364_days_is_refused_and_one_of_366_has_1_fil_once() {
    let mut faucet = Faucet::new(presets::SR1_SEPTEMBER);
    let young = faucet.ask(&applicant(days(364)), NOW);
    assert_eq!(refusals(&young), [("account-age", "account-age", Some(days(1)))]);
    let who = applicant(days(366));
    assert_eq!(granted(&faucet.ask(&who, NOW)), Some(FIL));
    let second = faucet.ask(&who, at(days(1_000)));
    assert_eq!(refusals(&second), [("identity-limit", "identity-once", None)]);
    assert_eq!(second.next_allowed_at(), None, "time does not help");
}

#[test]
fn from_20_august_a_miner_has_1000_fil_first_and_200_every_24_hours() {
    let mut faucet = Faucet::new(presets::SR1_AUGUST);
    let mut who = applicant(48 * 3_600);
    assert_eq!(granted(&faucet.ask(&who, NOW)), Some(100 * FIL));
    assert_eq!(refusals(&faucet.ask(&who, at(9))), [("identity-limit", "identity-once", None)]);
    who.miner = true;
    assert_eq!(granted(&faucet.ask(&who, at(9))), Some(1_000 * FIL));
    let day = days(1);
    assert_eq!(refusals(&faucet.ask(&who, at(8 + day))), [("recipient-limit", "miner-day", Some(9 + day))]);
    assert_eq!(granted(&faucet.ask(&who, at(9 + day))), Some(200 * FIL));
    let young = Applicant { identity: "github:2".to_owned(), ..applicant(48 * 3_600 - 1) };
    assert_eq!(refusals(&faucet.look(&young, NOW)), [("account-age", "account-age", Some(1))]);
}

#[test]
fn an_account_is_old_enough_at_exactly_its_limit() {
    let policy = policy(presets::DEFAULT);
    for (micros, passes) in [(-1, false), (0, true), (1, true)] {
        let mut who = applicant(0);
        who.account_created = Some(Timestamp(NOW.0 - 30 * 86_400_000_000 - micros));
        assert_eq!(policy.plan(&who, NOW).assess(&rich()).award.is_some(), passes, "{micros}");
    }
}

#[test]
fn every_rule_that_refuses_is_told_at_once() {
    let mut faucet = Faucet::new(presets::DEFAULT);
    let mut who = applicant(days(40));
    faucet.ask(&who, NOW);
    who.account_kind = "bot".to_owned();
    who.account_created = None;
    who.recipient_balance = Some(Atto(100 * FIL));
    faucet.facts.standing = Standing {
        paused: Some("base fee".to_owned()),
        day_grants: 200,
        day_amount: Atto(1_990 * FIL + 1),
        full_at: at(55),
        funds: None,
    };
    let denial = Exception { denies: true, lifts: vec![], until: Some(at(7)), reason: "farm".to_owned() };
    faucet.facts.exceptions = vec![denial];
    let found = faucet.look(&who, NOW);
    let codes: Vec<_> = found.refusals().map(|check| check.code.word()).collect();
    assert_eq!(
        codes,
        [
            "paused",
            "denied",
            "account-kind",
            "account-age",
            "identity-limit",
            "recipient-limit",
            "recipient-balance",
            "budget-grants",
            "budget-amount",
            "pace",
            "wallet-empty",
        ]
    );
    let reasons: Vec<_> = found.refusals().filter_map(|check| check.reason.as_deref()).collect();
    assert_eq!(reasons, ["base fee", "farm"]);
    assert!(found.checks.iter().any(|check| check.outcome == Outcome::Met), "the others are told too");
    assert_eq!(found.next_allowed_at(), None);
}

#[test]
fn a_day_begins_at_midnight_utc() {
    let mut faucet = Faucet::new(presets::DEFAULT);
    faucet.facts.standing.day_grants = 200;
    let found = faucet.look(&applicant(days(40)), NOW);
    // 2020-09-13T12:26:40Z
    assert_eq!(found.next_allowed_at().unwrap().to_string(), "2020-09-14T00:00:00Z");
}

#[test]
fn the_pace_lets_ten_pass_and_then_one_every_six_seconds() {
    let mut faucet = Faucet::new(presets::DEFAULT);
    let mut ask = |number: i64, now| {
        let mut who = applicant(days(40));
        who.identity = format!("github:{number}");
        who.actor = format!("t0{number}");
        who.prefixes = prefixes(format!("2001:db8:{number}::1").parse().unwrap()).to_vec();
        faucet.ask(&who, now)
    };
    assert!((0..10).all(|number| ask(number, NOW).award.is_some()));
    assert_eq!(refusals(&ask(10, NOW)), [("pace", "pace", Some(6))]);
    assert_eq!(refusals(&ask(11, at(5))), [("pace", "pace", Some(6))]);
    assert!(ask(12, at(6)).award.is_some());
    assert_eq!(refusals(&ask(13, at(6))), [("pace", "pace", Some(12))]);
}

#[test]
fn an_exception_lifts_what_it_names_until_it_ends_and_never_what_protects_the_money() {
    let policy = policy(presets::DEFAULT);
    let who = applicant(days(1));
    let lift =
        |lifts: Vec<Code>, until| Exception { denies: false, lifts, until, reason: "class".to_owned() };
    let look = |exceptions: Vec<Exception>, paused: Option<&str>| {
        let mut facts = rich();
        facts.standing.paused = paused.map(str::to_owned);
        policy.plan(&who, NOW).assess(&Facts { exceptions, ..facts })
    };
    assert!(look(vec![lift(vec![Code::AccountAge], Some(at(1)))], None).award.is_some());
    assert!(look(vec![lift(vec![], None)], None).award.is_some());
    assert!(look(vec![lift(vec![Code::AccountAge], Some(NOW))], None).award.is_none(), "it has ended");
    assert!(look(vec![lift(vec![Code::AccountKind], None)], None).award.is_none(), "it names another rule");
    assert!(look(vec![lift(vec![Code::Paused, Code::AccountAge], None)], Some("x")).award.is_none());
    let lifted = look(vec![lift(vec![], None)], None);
    let age = lifted.checks.iter().find(|check| check.code == Code::AccountAge).unwrap();
    assert_eq!((age.outcome, age.resets), (Outcome::Lifted, None));
}

#[test]
fn an_event_has_its_own_amounts_and_limits_and_ends() {
    // SHA-256 of "orbit-2026".
    let event = format!(
        "{}\n[event]\nname = \"workshop\"\ncodes = [\"{}\"]\nguests = [\"github:7\"]\nuntil = {}\namount = \"42 FIL\"\n\
         [[event.limit]]\nrule = \"guest\"\nscope = \"identity\"\ngrants = 2\n\
         [[event.limit]]\nrule = \"all\"\nscope = \"event\"\ngrants = 3\namount = \"126 FIL\"\n",
        presets::DEFAULT,
        sha256("orbit-2026"),
        at(100).seconds(),
    );
    let mut faucet = Faucet::new(&event);
    let mut who = applicant(days(40));
    assert_eq!(granted(&faucet.ask(&who, NOW)), Some(10 * FIL));
    who.code = Some("orbit-2025".to_owned());
    let wrong = faucet.ask(&who, NOW);
    assert_eq!(wrong.refusals().next().unwrap().code, Code::EventCode);
    who.code = Some("orbit-2026".to_owned());
    assert_eq!(granted(&faucet.ask(&who, NOW)), Some(42 * FIL), "another grant of the day does not count");
    assert_eq!(granted(&faucet.ask(&who, NOW)), Some(42 * FIL));
    // The address has had its three of the day too.
    assert_eq!(
        refusals(&faucet.ask(&who, NOW)),
        [("network-limit", "address-day", Some(days(1))), ("identity-limit", "guest", None)]
    );
    who.prefixes = prefixes("2001:db8::1".parse().unwrap()).to_vec();
    (who.identity, who.code) = ("github:7".to_owned(), None);
    assert_eq!(granted(&faucet.ask(&who, NOW)), Some(42 * FIL), "a guest needs no code");
    assert_eq!(
        refusals(&faucet.ask(&who, NOW)),
        [("event-limit", "all", None), ("event-limit", "all", None)],
        "no more grants, and no more money"
    );
    who.code = Some("orbit-2026".to_owned());
    assert_eq!(faucet.look(&who, at(100)).refusals().next().unwrap().code, Code::EventOver);
}

fn sha256(text: &str) -> String {
    use sha2::Digest;
    apogee_domain::Digest(sha2::Sha256::digest(text).into()).to_string()
}

#[test]
fn every_form_of_an_address_on_one_network_counts_as_one() {
    let mut faucet = Faucet::new(presets::DEFAULT);
    let mut passed = 0;
    for number in 0..30 {
        let mut who = applicant(days(40));
        (who.identity, who.actor) = (format!("github:{number}"), format!("t0{number}"));
        who.prefixes = prefixes(format!("2001:db8:1:2:{number:x}::{number:x}").parse().unwrap()).to_vec();
        passed += usize::from(faucet.ask(&who, at(number * 60)).award.is_some());
    }
    assert_eq!(passed, 3);
}

#[test]
fn the_bands_tell_how_many_grants_are_left_and_not_how_much_money() {
    let policy = policy(presets::DEFAULT);
    let band = |fil: u128, more: u128| policy.band(Atto(fil * FIL + more));
    assert_eq!(band(0, 0), Band::Empty);
    assert_eq!(band(110, 0), Band::Low);
    assert_eq!(policy.band(Atto(110 * FIL - 1)), Band::Empty);
    assert_eq!((policy.band(Atto(1_100 * FIL - 1)), band(1_100, 0)), (Band::Low, Band::Ample));
}

#[test]
fn a_policy_that_makes_no_sense_is_refused_with_its_place() {
    let base = "version = 1\namount = \"1 FIL\"\n[wallet]\nfloor = \"0 FIL\"\nlow = 1\n";
    policy(base);
    let twice = "[[limit]]\nrule = \"a\"\nscope = \"identity\"\ngrants = 1\n".repeat(2);
    for (more, word) in [
        ("surprise = 1\n", "does not read"),
        (twice.as_str(), "limit a has the name of another rule"),
        ("[[limit]]\nrule = \"A\"\nscope = \"identity\"\ngrants = 1\n", "limit A has a name that is not"),
        ("[[limit]]\nrule = \"a\"\nscope = \"event\"\ngrants = 1\n", "limit a counts by what it cannot"),
        (
            "[[limit]]\nrule = \"a\"\nscope = \"identity\"\ngrants = 10001\n",
            "limit a allows more than 10,000",
        ),
        ("[[bucket]]\nrule = \"a\"\nscope = \"actor\"\nburst = 0\nrefill = \"1m\"\n", "bucket a never lets"),
        (
            "[[bucket]]\nrule = \"a\"\nscope = \"actor\"\nburst = 9\nrefill = \"1s\"\n",
            "bucket a looks at more",
        ),
        (
            "[[tier]]\nname = \"m\"\nwhen = \"miner\"\namount = \"1\"\n[[tier.limit]]\nrule = \"a\"\nscope = \"v4-address\"\ngrants = 1\n",
            "tier m a counts by what it cannot",
        ),
        ("[[tier]]\nname = \"m\"\nwhen = \"miner\"\namount = \"0\"\n", "tier m is no money"),
        ("[[tier]]\nname = \"m\"\nwhen = \"miner\"\namount = \"1\"\n", "tier m has no limit"),
        ("[event]\nname = \"e\"\nuntil = 9\namount = \"1\"\n", "event e has no limit"),
        ("[budget]\namount_per_day = \"1 SMH\"\n", "more than one coin"),
    ] {
        let error = Policy::read(&format!("{base}{more}")).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_digest_names_what_a_policy_says_and_not_how_it_is_written() {
    let read = policy(presets::DEFAULT);
    let spaced = presets::DEFAULT.replace(" = ", "   =   ").replace("24h", "1d");
    assert_eq!(policy(&spaced).digest(), read.digest());
    let changed = presets::DEFAULT.replace("grants = 20", "grants = 21");
    assert_ne!(policy(&changed).digest(), read.digest());
    assert_eq!(read.amount, Coin::Fil.money(Atto(10 * FIL)));
    assert_eq!(policy(presets::SPACEMESH).coin(), Coin::Smh);
    assert_eq!(read.limit[0].within, Some(Span::DAY));
    assert_eq!(read.limit[2].scope, Scope::Actor);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// At the moment that is told the next grant passes, and not a microsecond before; and in no window are there more than it allows.
    #[test]
    fn the_next_grant_passes_at_the_moment_that_was_told(
        pauses in prop::collection::vec(0_i64..40_000_000_000, 1..60),
        first in 1_u32..4, second in 1_u32..6, money in 1_u128..40, burst in 1_u32..4,
    ) {
        let text = format!(
            "version = 1\namount = \"10 FIL\"\n\
             [[limit]]\nrule = \"a\"\nscope = \"identity\"\ngrants = {first}\nwithin = \"3h\"\n\
             [[limit]]\nrule = \"b\"\nscope = \"actor\"\ngrants = {second}\namount = \"{money} FIL\"\nwithin = \"10h\"\n\
             [[bucket]]\nrule = \"c\"\nscope = \"v4-address\"\nburst = {burst}\nrefill = \"70m\"\n\
             [budget.pace]\nburst = 2\nrefill = \"1h\"\n[wallet]\nfloor = \"0 FIL\"\nlow = 1\n"
        );
        let mut faucet = Faucet::new(&text);
        let (who, mut now, mut grants) = (applicant(0), NOW, Vec::new());
        for pause in pauses {
            now = Timestamp(now.0 + pause);
            let asked = faucet.look(&who, now);
            match asked.next_allowed_at() {
                None => prop_assert!(asked.award.is_some() || money < 10),
                Some(next) => {
                    prop_assert!(next > now);
                    prop_assert!(faucet.look(&who, Timestamp(next.0 - 1)).award.is_none());
                    prop_assert!(faucet.look(&who, next).award.is_some());
                }
            }
            if faucet.ask(&who, now).award.is_some() {
                grants.push(now.0);
            }
        }
        let hour = 3_600_000_000;
        for from in &grants {
            let within = |span: i64| grants.iter().filter(|at| (*from..from + span).contains(at)).count();
            prop_assert!(within(3 * hour) <= first as usize);
            prop_assert!(within(10 * hour) <= (second as usize).min(money as usize / 10));
            prop_assert!(within(70 * 60_000_000) <= burst as usize + 1);
        }
    }
}

/// Somebody who asks in a chat: nobody knows from which network.
fn in_chat(age: i64) -> Applicant {
    Applicant {
        identity: "discord:53908232506183680".to_owned(),
        provider: "discord".to_owned(),
        prefixes: Vec::new(),
        ..applicant(age)
    }
}

#[test]
fn nobody_is_granted_in_a_chat_that_the_policy_does_not_name() {
    let refused = [("account-chat", "account-chat", None)];
    for preset in [presets::DEFAULT, presets::LOTUS_FOUNTAIN, presets::SR1_AUGUST, presets::SR1_SEPTEMBER] {
        let faucet = Faucet::new(preset);
        let found = faucet.look(&in_chat(days(4_000)), NOW);
        assert_eq!(refusals(&found), refused);
        let others = faucet.look(&applicant(days(4_000)), NOW);
        assert!(others.checks.iter().all(|check| check.code != Code::AccountChat), "it concerns nobody else");
    }
    // Neither an exception nor a rule about age lets them pass.
    let mut faucet = Faucet::new(&presets::DEFAULT.replacen("[\"invite\"]", "[\"discord\"]", 1));
    let lift = Exception { denies: false, lifts: vec![], until: None, reason: "class".to_owned() };
    faucet.facts.exceptions = vec![lift];
    assert_eq!(refusals(&faucet.look(&in_chat(1), NOW)), refused);
}

#[test]
fn who_asks_in_a_chat_has_the_rules_of_everybody_but_those_by_network() {
    let named = presets::DEFAULT.replacen("[account]", "[account]\nchats = [\"discord\"]", 1);
    let mut faucet = Faucet::new(&named);
    assert_eq!(
        refusals(&faucet.look(&in_chat(days(29)), NOW)),
        [("account-age", "account-age", Some(days(1)))]
    );
    let granted = faucet.ask(&in_chat(days(40)), NOW);
    assert!(granted.award.is_some());
    assert!(granted.checks.iter().all(|check| check.code != Code::NetworkLimit));
    let mut again = in_chat(days(40));
    again.actor = "t01234".to_owned();
    assert_eq!(refusals(&faucet.look(&again, at(1))), [("identity-limit", "identity-day", Some(days(1)))]);
    // The recipient is nobody's anew by another way in.
    let elsewhere = faucet.look(&applicant(days(40)), at(1));
    assert_eq!(refusals(&elsewhere), [("recipient-limit", "recipient-day", Some(days(1)))]);
}

#[test]
fn a_chat_may_have_a_tier_of_its_own() {
    let tier = "[[tier]]\nname = \"chat\"\nwhen = { provider = \"discord\" }\namount = \"2 FIL\"\n\
                [[tier.limit]]\nrule = \"chat-day\"\nscope = \"identity\"\ngrants = 1\nwithin = \"24h\"\n";
    let named = presets::DEFAULT.replacen("[account]", "[account]\nchats = [\"discord\"]", 1) + tier;
    let mut faucet = Faucet::new(&named);
    let granted = faucet.ask(&in_chat(days(40)), NOW);
    assert_eq!((granted.tier.as_deref(), granted.amount), (Some("chat"), Atto(2 * FIL)));
    assert_eq!(
        refusals(&faucet.look(&in_chat(days(40)), at(1))),
        [("identity-limit", "chat-day", Some(days(1)))]
    );
    let plain = faucet.look(&applicant(days(40)), NOW);
    assert_eq!((plain.tier, plain.amount), (None, Atto(10 * FIL)));
}

#[test]
fn a_policy_that_leaves_a_chat_without_bounds_is_refused() {
    let chats = "[account]\nchats = [\"discord\"]";
    let by_actor = "[[tier]]\nname = \"t\"\nwhen = WHEN\namount = \"2 FIL\"\n\
                    [[tier.limit]]\nrule = \"r\"\nscope = \"actor\"\ngrants = 1\n";
    let with = |preset: &str, when: &str| {
        let tier = if when.is_empty() { String::new() } else { by_actor.replace("WHEN", when) };
        let named = match preset.contains("[account]") {
            true => preset.replacen("[account]", chats, 1),
            false => preset.replacen("[budget.pace]", &format!("{chats}\n[budget.pace]"), 1),
        };
        Policy::read(&(named + &tier)).map(drop).map_err(|error| error.to_string())
    };
    let unbounded =
        Err("the policy's account.chats lets people ask for whom no limit counts by identity".to_owned());
    assert_eq!(with(presets::DEFAULT, ""), Ok(()));
    assert_eq!(with(presets::LOTUS_FOUNTAIN, ""), unbounded, "it counts by network and recipient alone");
    assert_eq!(with(presets::DEFAULT, "{ provider = \"discord\" }"), unbounded);
    assert_eq!(with(presets::DEFAULT, "\"miner\""), unbounded);
    assert_eq!(with(presets::SR1_AUGUST, ""), unbounded, "whoever names a miner has no limit by identity");
    let named = presets::DEFAULT.replacen("[account]", chats, 1);
    let event = "[event]\nname = \"e\"\nuntil = 9\namount = \"1 FIL\"\nguests = [\"discord:7\"]\n\
                 [[event.limit]]\nrule = \"guests\"\nscope = \"actor\"\ngrants = 1\n";
    for (text, word) in [
        (named.replace("min_age = \"30d\"\n", ""), "no min_age"),
        (named.replace("[\"invite\"]", "[\"invite\", \"discord\"]"), "no min_age"),
        (named.replace("grants_per_day = 200\namount_per_day = \"2000 FIL\"\n", ""), "no budget"),
        (named.clone() + event, "guests of an event"),
    ] {
        let error = Policy::read(&text).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
    assert!(Policy::read(&(named + &event.replace("discord:7", "github:7"))).is_ok());
    let unknown = presets::DEFAULT.replacen("[account]", "[account]\nchats = [\"irc\"]", 1);
    assert!(Policy::read(&unknown).unwrap_err().to_string().contains("there is discord"));
}

#[test]
fn policies_from_before_there_were_chats_have_the_digests_that_they_had() {
    for (preset, digest) in [
        (presets::DEFAULT, "b3753e35e73d555b44e044b846979e10574ca11207c2aa81042ac4a95d806668"),
        (presets::SR1_AUGUST, "1bf84b5de4d4c977d705e694218b5f4c7a709ae8d0c336c02a1e6c191474dcf3"),
    ] {
        assert_eq!(policy(preset).digest().to_string(), digest);
    }
}
