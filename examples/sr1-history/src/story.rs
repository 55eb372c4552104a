//! What happens: the real rules at their dates, and what is invented around them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use apogee_competition::claim::Action;
use apogee_competition::{Act, Competition, Opening, Outcome, Rules, Words};
use apogee_domain::{Epoch, Timestamp};
use apogee_leaderboard::{Delta, Standings};
use apogee_package::payout::{Address, AuditTree, PaymentList};
use apogee_rules::{Id, Quantity};

use crate::book::{Book, DOMAIN, operators, payout};
use crate::draw::between;
use crate::measured::OUTAGE;
use crate::people::{Fate, People, Team};
use crate::time::{LAST, begins, epoch, moment};
use crate::told::told;
use crate::versions::{NAME, Version, versions};

/// Something that happens at a moment.
type Event<'a> = (Timestamp, Box<dyn Fn(&mut Book<'_>) -> Result<()> + 'a>);

/// Atto in a FIL.
const FIL: u128 = 1_000_000_000_000_000_000;
const INVENTED: &str = "invented for the replay";

fn words(en: &str, zh: &str) -> Words {
    Words { en: en.to_owned(), zh: zh.to_owned() }
}

fn event<'a>(at: Timestamp, event: impl Fn(&mut Book<'_>) -> Result<()> + 'a) -> Event<'a> {
    (at, Box::new(event))
}

/// An act that needs nothing from before.
fn acts<'a>(at: Timestamp, reason: &'a str, source: &'a str, act: Act) -> Event<'a> {
    event(at, move |book| book.act(act.clone(), reason, &[source]).map(drop))
}

/// Tell the story into an empty ledger, up to the results. Returns them.
pub(crate) fn race(book: &mut Book<'_>, people: &People) -> Result<Results> {
    let mut events = begin()?;
    events.extend(published()?);
    events.extend(told().into_iter().map(|told| {
        let ([en, zh], [text_en, text_zh]) = (told.title, told.text);
        let act = Act::Announce { title: words(en, zh), text: words(text_en, text_zh) };
        acts(told.at, "What was announced at the time.", told.source, act)
    }));
    people.teams.iter().for_each(|team| events.extend(grouped(people, team)));
    events.extend(outage());
    events.extend(disputes(people)?);
    events.extend(end());
    events.sort_by_key(|(at, _)| *at);
    for (at, event) in events {
        book.at(at)?;
        event(book).with_context(|| format!("at {at}"))?;
    }
    results(book)
}

fn begin() -> Result<Vec<Event<'static>>> {
    let found = Act::Found {
        network: NAME.parse()?,
        domain: DOMAIN.to_owned(),
        operators: operators()?,
        threshold: 2,
        notice: 2_880,
    };
    let label = "A replay of Space Race 1: rules and dates are real, miners, power and events are invented.";
    Ok(vec![
        acts(moment(6, 9, 12, 0), label, "examples/sr1-history/README.md", found),
        acts(
            moment(8, 24, 21, 0),
            "Miners register as soon as they have a sector.",
            INVENTED,
            Act::OpenRegistration,
        ),
        acts(
            moment(8, 24, 22, 0),
            "The race begins.",
            "filecoin.io/blog: Welcome to the Space Race",
            Act::Start,
        ),
    ])
}

/// Every version of the rules at its date.
fn published() -> Result<Vec<Event<'static>>> {
    let publish = |version: Version| {
        event(version.published, move |book| {
            let rules = Rules(Box::new(version.rules.clone()));
            let act = Act::PublishRules { rules, simulation: None };
            book.act(act, &version.rules.version.reason.en, &[version.source]).map(drop)
        })
    };
    Ok(versions()?.into_iter().map(publish).collect())
}

/// An entity claims, its other members join, and it says where it is paid.
fn grouped<'a>(people: &'a People, team: &'a Team) -> Vec<Event<'a>> {
    let Some(leader) = people.members(team).next() else { return Vec::new() };
    let claim = move |book: &mut Book<'_>| {
        let (name, region) = (team.name.clone(), team.region.clone());
        book.ask(team, &leader.id, Action::Claim { name, region, tracks: Vec::new() }).map(drop)
    };
    let mut events = vec![event(team.claims, claim)];
    let draw = |what: &str, low, high| between(&format!("{what} {}", team.id), low, high) as i64;
    for member in people.members(team).skip(1) {
        let after = team.claims.max(begins(member.seen.height()));
        let at = Timestamp::from_seconds(after.seconds() + 60 * draw(member.id.as_str(), 20, 90));
        events.push(event(at, move |book| book.ask(team, &member.id, Action::Join).map(drop)));
    }
    // Whoever knows that nothing will be paid does not say where to.
    let hopes = [
        Fate::Plain,
        Fate::Late,
        Fate::Pooled,
        Fate::Outage,
        Fate::Adjusted,
        Fate::Elsewhere,
        Fate::Found,
        Fate::Nowhere,
    ];
    if hopes.contains(&team.fate) {
        let after = team.claims.max(moment(9, 2, 22, 0)).seconds();
        let at = Timestamp::from_seconds(after + 60 * draw("payout", 60, 6_000));
        events.push(event(at, move |book| {
            let commitment = Book::commitment(team)?;
            book.ask(team, &leader.id, Action::SetPayoutAddress { commitment }).map(drop)
        }));
    }
    events
}

/// The night in which a bot was down, and what was decided about it.
fn outage() -> Vec<Event<'static>> {
    let (from, until) = (Epoch::GENESIS.plus(OUTAGE.0 as u32), Epoch::GENESIS.plus(OUTAGE.1 as u32));
    let metrics = || ["storage", "retrieval"].iter().map(|id| id.parse()).collect::<Result<Vec<Id>, _>>();
    let remove = move |regions: &[&str]| -> Result<Act> {
        let regions = regions.iter().map(|id| id.parse()).collect::<Result<_, _>>()?;
        Ok(Act::RemoveInterval { from, until, metrics: metrics()?, regions })
    };
    vec![
        event(moment(9, 5, 11, 20), move |book| {
            let title = words("A bot in Asia is down", "亚洲机器人故障");
            let text = words(
                "Deals that the bot for Asia proposes fail without reaching their miners. (Invented for the replay.)",
                "亚洲机器人发起的交易未能到达矿工即告失败。（为重演虚构。）",
            );
            let number = book.act(
                Act::Incident { title, text, from },
                "Failures of all miners at once.",
                &[INVENTED],
            )?;
            book.named.insert("outage", number);
            Ok(())
        }),
        event(moment(9, 5, 23, 10), move |book| {
            let incident = book.number("outage")?;
            book.act(Act::CloseIncident { incident, until }, "The bot is up again.", &[INVENTED]).map(drop)
        }),
        event(moment(9, 6, 9, 0), move |book| {
            let number = book.act(remove(&[])?, "What a bot failed at is not the miners'.", &[INVENTED])?;
            book.named.insert("everywhere", number);
            Ok(())
        }),
        event(moment(9, 6, 12, 30), |book| {
            let seq = book.number("everywhere")?;
            book.act(
                Act::Revert { seq },
                "Only the bot for Asia was down: elsewhere the deals of that day were good.",
                &[INVENTED],
            )
            .map(drop)
        }),
        event(moment(9, 6, 12, 40), move |book| {
            book.act(remove(&["AS"])?, "What the bot for Asia failed at is not the miners'.", &[INVENTED])
                .map(drop)
        }),
    ]
}

/// Who is the only one with a fate, and its leader.
fn one(people: &People, fate: Fate) -> Result<(&Team, &Id)> {
    let team = people.with(fate).next().with_context(|| format!("nobody is {fate:?}"))?;
    let leader = people.members(team).next().context("an entity without members")?;
    Ok((team, &leader.id))
}

/// An appeal and its answer, under a name.
fn appeal<'a>(
    (team, leader): (&'a Team, &'a Id),
    (asked, answered): (Timestamp, Timestamp),
    (name, about, text): (&'static str, &'static str, &'static str),
    (outcome, decision, answer): (Outcome, Option<&'static str>, &'static str),
) -> [Event<'a>; 2] {
    [
        event(asked, move |book| {
            let about = book.number(about)?;
            let number = book.ask(team, leader, Action::Appeal { about, text: text.to_owned() })?;
            book.named.insert(name, number);
            Ok(())
        }),
        event(answered, move |book| {
            let decision = decision.map(|decision| book.number(decision)).transpose()?;
            let act = Act::AnswerAppeal { appeal: book.number(name)?, outcome, decision };
            book.act(act, answer, &[INVENTED]).map(drop)
        }),
    ]
}

/// What is decided about some, and what they say to it.
fn disputes(people: &People) -> Result<Vec<Event<'_>>> {
    let (away, adjusted) = (one(people, Fate::Elsewhere)?, one(people, Fate::Adjusted)?);
    let (failed, found) = (one(people, Fate::SixtyThree)?, one(people, Fate::Found)?);
    let helpful = people
        .with(Fate::Plain)
        .find(|team| team.region.as_ref().is_some_and(|region| region.as_str() == "OC"));
    let helpful = helpful.context("nobody helps")?;
    let mut events = vec![
        acts(
            moment(9, 4, 10, 0),
            "Papers show hardware in Chile.",
            INVENTED,
            Act::SetRegion { target: found.0.id.clone(), region: "SA".parse()? },
        ),
        event(moment(9, 7, 9, 0), move |book| {
            let act = Act::Disqualify { entities: vec![away.0.id.clone()] };
            let reason = "The hardware stands in another region than the one that was named: all rewards are forfeited.";
            let number = book.act(act, reason, &[INVENTED])?;
            book.named.insert("away", number);
            Ok(())
        }),
        event(moment(9, 10, 9, 0), move |book| {
            let act = Act::Adjust {
                participant: adjusted.1.clone(),
                series: "deals.storage.failed".parse()?,
                from: epoch(moment(9, 4, 0, 0)),
                delta: Delta { negative: true, amount: Quantity(6) },
            };
            let number = book.act(
                act,
                "Six failures were the bot's: it asked before the deal was on the chain.",
                &[INVENTED],
            )?;
            book.named.insert("adjusted", number);
            Ok(())
        }),
        acts(
            moment(9, 11, 15, 0),
            "It answered newcomers day and night. The amount is invented.",
            INVENTED,
            Act::Award {
                entity: helpful.id.clone(),
                amount: Quantity(250 * FIL),
                title: words("Community award (amount invented)", "社区奖（金额虚构）"),
            },
        ),
    ];
    events.extend(appeal(
        away,
        (moment(9, 8, 8, 0), moment(9, 11, 9, 0)),
        (
            "appeal of the absent",
            "away",
            "The machines only moved within the building. Please look at the papers again.",
        ),
        (Outcome::Dismissed, None, "The papers were looked at again: sealing ran in another region."),
    ));
    // About the rules that hold: the first entry there is to name.
    events.push(event(moment(9, 2, 14, 0), |book| {
        let number = book.competition.seq();
        book.named.insert("pooled", number);
        Ok(())
    }));
    events.extend(appeal(
        adjusted,
        (moment(9, 8, 10, 0), moment(9, 10, 9, 30)),
        (
            "appeal of the wronged",
            "pooled",
            "Six of our failed deals say: deal not found. The bot asked six minutes too early.",
        ),
        (Outcome::Upheld, Some("adjusted"), "The logs of the bot say the same."),
    ));
    events.extend(appeal(
        failed,
        (moment(9, 16, 7, 0), moment(9, 18, 9, 0)),
        (
            "appeal of the unlucky",
            "pooled",
            "63 of 82 deals succeeded, and a fibre was cut for two days. Please let us pass.",
        ),
        (Outcome::Dismissed, None, "63 of 82 are 76.8 %, and the bar is 80 % for everybody."),
    ));
    Ok(events)
}

/// The end, and the time of appeals.
fn end() -> Vec<Event<'static>> {
    let until = epoch(moment(9, 19, 22, 0));
    vec![
        acts(moment(9, 15, 6, 0), "The last epoch is final.", INVENTED, Act::End),
        acts(
            moment(9, 15, 7, 0),
            "Everybody can appeal for some days.",
            INVENTED,
            Act::Provisional { until },
        ),
    ]
}

/// What is final, and what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Results {
    pub(crate) standings: Standings,
    pub(crate) payments: PaymentList,
}

fn results(book: &mut Book<'_>) -> Result<Results> {
    book.at(moment(9, 22, 12, 0))?;
    let last = Epoch::new(LAST).context("an epoch")?;
    let (pin, standings) = book.pinned(last)?;
    // The second implementation is run over the package by the tests: it has the same root.
    let act = Act::Finalize { shadow: pin.root, pin };
    book.act(act, "No appeal and no incident is open, and both implementations agree.", &[INVENTED])?;

    book.at(moment(9, 22, 13, 0))?;
    let opening = |entity: &Id| -> Result<Opening> {
        let (address, salt) = payout(entity)?;
        Ok(Opening { entity: entity.clone(), address, salt })
    };
    let openings =
        standings.payouts.iter().map(|payout| opening(&payout.entity)).collect::<Result<Vec<_>>>()?;
    book.act(Act::OpenPayoutAddresses { openings }, "Results are final.", &[INVENTED])?;

    book.at(moment(9, 22, 15, 0))?;
    let payments = owed(&standings, &book.competition)?;
    let total = Quantity(payments.total().0);
    let act = Act::ApprovePayout { version: 1, root: AuditTree::new(&payments).root(), total };
    book.act(act, "The sum of all payouts, and the tree over them.", &[INVENTED])?;
    Ok(Results { standings, payments })
}

/// What standings owe, to the addresses that the ledger shows.
pub(crate) fn owed(standings: &Standings, competition: &Competition) -> Result<PaymentList> {
    let shown = competition.entities().iter().filter_map(|(id, entity)| Some((id, entity.address.as_ref()?)));
    let addresses: BTreeMap<Id, Address> =
        shown.map(|(id, address)| Ok((id.clone(), address.parse()?))).collect::<Result<_>>()?;
    Ok(PaymentList::owed(standings, &addresses)?)
}
