use apogee_competition::Refusal;
use apogee_competition::claim::Role;

use crate::claims::{self, Accepted, Filed, NotFiled};
use crate::web::query::{Unreadable, Why};
use crate::web::{App, Problem};

/// A form that was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) mark: String,
    pub(super) filed: Filed,
}

/// Read a form. What a wallet printed is taken without the spaces and line ends that came with it.
pub(super) fn read(body: &[u8]) -> Result<Sent, Problem> {
    let (mut mark, mut message, mut signature) = (String::new(), String::new(), String::new());
    let mut proposal = None;
    let (mut role, mut consent) = (Role::Worker, String::new());
    for (name, value) in form_urlencoded::parse(body) {
        match &*name {
            "mark" => mark = value.into_owned(),
            // Browsers send a text's line feeds as two characters.
            "message" => message = value.replace("\r\n", "\n"),
            "signature" => signature = packed(&value),
            "proposal" => proposal = Some(value.trim().to_owned()).filter(|value| !value.is_empty()),
            "consent" => consent = packed(&value),
            "consent_role" => {
                role = match &*value {
                    "owner" => Role::Owner,
                    "worker" => Role::Worker,
                    _ => return Err(refuse(&name, &value, Why::Choice)),
                }
            }
            _ => return Err(refuse(&name, &value, Why::Name)),
        }
    }
    let consent = (!consent.is_empty()).then_some((role, consent));
    Ok(Sent { mark, filed: Filed { message, signature, proposal, consent } })
}

fn packed(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_whitespace()).collect()
}

fn refuse(name: &str, value: &str, why: Why) -> Problem {
    Problem::Query(Unreadable { name: name.to_owned(), value: value.to_owned(), why })
}

impl App {
    /// Put a claim into the ledger.
    pub(super) async fn file(&self, competition: &str, filed: &Filed) -> Result<Accepted, Problem> {
        let unknown = || Problem::UnknownCompetition(competition.to_owned());
        let now = self.now.load_full();
        let now = now.competition(competition).ok_or_else(unknown)?;
        let network = now.held.competition().founding().map(|founding| founding.network.clone());
        let world = self.sources.world(&network.ok_or_else(unknown)?).await;
        let world = world.map_err(|error| Problem::NoState { why: error.to_string() })?;
        let frozen = now.held.competition().frozen().is_some();
        claims::file(&*self.store, &world, competition, filed).await.map_err(|error| match error {
            // What is wrong is told with epochs and entries that a freeze hides.
            NotFiled::Refused(refusal) if frozen => Problem::Refused(Box::new(Refusal {
                path: "claim".to_owned(),
                wrong: "it is not accepted".to_owned(),
                ..*refusal
            })),
            NotFiled::Refused(refusal) => Problem::Refused(refusal),
            NotFiled::NoCompetition(id) => Problem::UnknownCompetition(id),
            NotFiled::NoGround => Problem::NoGround { competition: competition.to_owned() },
            NotFiled::Ledger(error) => error.into(),
            NotFiled::State(error) => Problem::NoState { why: error.to_string() },
            NotFiled::Store(error) => error.into(),
        })
    }
}
