//! `apogee payout status`: how far each prize is.

use apogee_rules::Id;
use apogee_store::{Payment, PaymentState};
use clap::Args;
use serde_json::json;

use super::super::desk::Desk;
use super::super::source::Database;
use super::super::{Answer, Failure, Format};
use super::send::archived;
use super::standing::{Lookup, Proposed};
use crate::competitions::prizes;

#[derive(Debug, Args)]
pub(in crate::cli) struct Status {
    /// The competition
    #[arg(long, value_name = "ID")]
    competition: String,
    #[command(flatten)]
    database: Database,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One prize.
struct Row {
    entity: Id,
    payment: Payment,
    /// Where it was proposed to a multisig.
    proposed: Option<Proposed>,
}

impl Row {
    /// Whether the money is where it belongs.
    fn is_paid(&self) -> bool {
        self.payment.state == PaymentState::Final && self.proposed.as_ref().is_none_or(Proposed::is_paid)
    }

    fn json(&self) -> serde_json::Value {
        let payment = &self.payment;
        json!({
            "entity": self.entity, "payment": payment.id, "wallet": payment.wallet, "payee": payment.payee,
            "amount": payment.amount, "state": payment.state.as_str(), "reason": payment.reason,
            "proposal": self.proposed.as_ref().map(Proposed::json), "paid": self.is_paid(),
        })
    }

    /// What there is to say beside the state.
    fn words(&self) -> String {
        let proposed = self.proposed.as_ref().map(ToString::to_string);
        let both = [self.payment.reason.clone(), proposed.unwrap_or_default()];
        both.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("; ")
    }

    fn print(&self, format: Format) {
        let (payment, words) = (&self.payment, self.words());
        let (id, amount, state) = (&payment.id, payment.amount, payment.state.as_str());
        if matches!(format, Format::Csv) {
            let (entity, wallet, payee) = (&self.entity, &payment.wallet, &payment.payee);
            let words = words.replace(['"', '\n'], " ");
            println!("{entity},{id},{wallet},{payee},{amount},{state},\"{words}\",{}", self.is_paid());
        } else {
            println!("{id:<40}{amount:>40} atto  {state:<10} {words}");
        }
    }
}

impl Status {
    /// Says no while anybody waits for money.
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let desk = Desk::open(&self.database, &self.competition, true).await?;
        let network = desk.ground.network().ok_or_else(archived)?.id.clone();
        let given = prizes(&*desk.store, &network, &self.competition).await.map_err(Failure::world)?;
        let (config, _) = self.database.place()?;
        let mut lookup = Lookup::new(&*desk.store, &config, &network);
        let mut rows = Vec::new();
        for (entity, payments) in given {
            for payment in payments {
                let proposed = lookup.proposed(&payment).await?;
                rows.push(Row { entity: entity.clone(), payment, proposed });
            }
        }
        match self.format {
            Format::Json => println!("{}", serde_json::Value::from_iter(rows.iter().map(Row::json))),
            Format::Csv => {
                println!("entity,payment,wallet,payee,amount,state,reason,paid");
                rows.iter().for_each(|row| row.print(Format::Csv));
            }
            Format::Table => rows.iter().for_each(|row| row.print(Format::Table)),
        }
        Ok(if rows.iter().all(Row::is_paid) && !rows.is_empty() { Answer::Yes } else { Answer::No })
    }
}
