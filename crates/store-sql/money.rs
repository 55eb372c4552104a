// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{Atto, Epoch, NetworkId, Timestamp};
use apogee_store::{
    Attempt, AttemptKind, Count, Inclusion, Lease, Mark, Money, MoneyWork, Page, Payment, PaymentState,
    Posting, Result, Spent, StoreError, Transfer, TransferState, Wallet, WalletMode,
};
use async_trait::async_trait;

use crate::dialect::{Amount, error};
use crate::repositories::{Unit, damaged, limit};
use crate::{Adapter, Connection};

type WalletRow = (String, String, String, i64, String, String, Option<String>);
type PaymentRow = (String, String, String, Amount, String, String, i64);
type TransferRow = (
    String,
    i64,
    String,
    String,
    i64,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<Amount>,
    Option<i64>,
);
type AttemptRow =
    (i64, i64, String, String, Vec<u8>, Amount, Amount, Amount, i64, Option<i64>, Option<i64>, String);

/// A count or a nonce as both databases hold it. Nothing here comes near the end of an `i64`.
fn number(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn count(table: &'static str, of: i64) -> Result<u64> {
    of.try_into().map_err(|e| damaged(table, e))
}

fn epoch(table: &'static str, height: i64) -> Result<Epoch> {
    height.try_into().map_err(|e| damaged(table, e))
}

fn unknown_word(table: &'static str, word: &str) -> StoreError {
    damaged(table, format_args!("{word:?} is no word of this program"))
}

fn wallet(row: WalletRow) -> Result<Wallet> {
    let (network, name, address, next_nonce, mode, reason, proposes_for) = row;
    Ok(Wallet {
        network: network.parse().map_err(|e| damaged("wallets", e))?,
        name,
        address,
        next_nonce: count("wallets", next_nonce)?,
        mode: WalletMode::of(&mode).ok_or_else(|| unknown_word("wallets", &mode))?,
        reason,
        proposes_for,
    })
}

/// The line of the ledger that comes with a payment.
pub(crate) fn owed(of: &Payment) -> Posting {
    Posting {
        network: of.network.clone(),
        id: format!("owe/{}", of.id),
        at: of.created,
        debit: format!("granted/{}", of.source()),
        credit: "owed".to_owned(),
        amount: of.amount,
    }
}

fn payment(network: &NetworkId, row: PaymentRow) -> Result<Payment> {
    let (id, wallet, payee, Amount(amount), state, reason, created) = row;
    Ok(Payment {
        network: network.clone(),
        id,
        wallet,
        payee,
        amount,
        state: PaymentState::of(&state).ok_or_else(|| unknown_word("payments", &state))?,
        reason,
        created: Timestamp(created),
    })
}

fn transfer(network: &NetworkId, row: TransferRow) -> Result<Transfer> {
    let (wallet, nonce, payment, state, reopened, at, key, message, exit_code, cost, proposal) = row;
    let included = match (at, key, message, exit_code, cost) {
        (None, None, None, None, None) => None,
        (Some(at), Some(key), Some(message), Some(exit_code), Some(Amount(cost))) => Some(Inclusion {
            epoch: epoch("transfers", at)?,
            key,
            message,
            exit_code: exit_code.try_into().map_err(|e| damaged("transfers", e))?,
            cost,
            proposal: proposal.map(|number| count("transfers", number)).transpose()?,
        }),
        _ => return Err(damaged("transfers", "half an inclusion")),
    };
    Ok(Transfer {
        network: network.clone(),
        wallet,
        nonce: count("transfers", nonce)?,
        payment,
        state: TransferState::of(&state).ok_or_else(|| unknown_word("transfers", &state))?,
        reopened: reopened.try_into().map_err(|e| damaged("transfers", e))?,
        included,
    })
}

fn attempt(row: AttemptRow) -> Result<Attempt> {
    let (nonce, number, kind, message, bytes, fee, fee_cap, premium, created, first, last, outcome) = row;
    Ok(Attempt {
        nonce: count("attempts", nonce)?,
        number: number.try_into().map_err(|e| damaged("attempts", e))?,
        kind: AttemptKind::of(&kind).ok_or_else(|| unknown_word("attempts", &kind))?,
        message,
        bytes,
        fee: fee.0,
        fee_cap: fee_cap.0,
        premium: premium.0,
        created: Timestamp(created),
        first_sent: first.map(Timestamp),
        last_sent: last.map(Timestamp),
        outcome,
    })
}

fn conflict(what: &'static str, found: impl ToString, expected: impl ToString) -> StoreError {
    StoreError::Conflict { what, found: found.to_string(), expected: expected.to_string() }
}

async fn one_wallet(db: &mut Connection, network: &NetworkId, name: &str) -> Result<Option<Wallet>> {
    let row: Option<WalletRow> = sqlx::query_as(
        "SELECT network, wallet, address, next_nonce, mode, reason, proposes_for FROM wallets
         WHERE network = $1 AND wallet = $2",
    )
    .bind(network.as_str())
    .bind(name)
    .fetch_optional(db)
    .await
    .map_err(error)?;
    row.map(wallet).transpose()
}

async fn one_payment(db: &mut Connection, network: &NetworkId, id: &str) -> Result<Option<Payment>> {
    let row: Option<PaymentRow> = sqlx::query_as(
        "SELECT payment, wallet, payee, amount, state, reason, created FROM payments
         WHERE network = $1 AND payment = $2",
    )
    .bind(network.as_str())
    .bind(id)
    .fetch_optional(db)
    .await
    .map_err(error)?;
    row.map(|row| payment(network, row)).transpose()
}

async fn some_marks(
    db: &mut Connection,
    network: &NetworkId,
    name: &str,
    below: Epoch,
    wanted: u32,
) -> Result<Vec<Mark>> {
    let rows: Vec<(i64, String, i64, Amount)> = sqlx::query_as(
        "SELECT epoch, tipset, nonce, balance FROM marks WHERE network = $1 AND wallet = $2 AND epoch < $3
         ORDER BY epoch DESC LIMIT $4",
    )
    .bind(network.as_str())
    .bind(name)
    .bind(below.height())
    .bind(limit(wanted))
    .fetch_all(db)
    .await
    .map_err(error)?;
    rows.into_iter()
        .map(|(at, key, nonce, Amount(balance))| {
            Ok(Mark { epoch: epoch("marks", at)?, key, nonce: count("marks", nonce)?, balance })
        })
        .collect()
}

async fn transfers_under_way(
    db: &mut Connection,
    network: &NetworkId,
    name: &str,
    wanted: u32,
) -> Result<Vec<Transfer>> {
    let rows: Vec<TransferRow> = sqlx::query_as(
        "SELECT wallet, nonce, payment, state, reopened, included_epoch, included_tipset, message, exit_code, cost,
            proposal FROM transfers WHERE network = $1 AND wallet = $2
         AND state NOT IN ('final', 'failed_final', 'cancelled_final', 'superseded_final')
         ORDER BY nonce LIMIT $3",
    )
    .bind(network.as_str())
    .bind(name)
    .bind(limit(wanted))
    .fetch_all(db)
    .await
    .map_err(error)?;
    rows.into_iter().map(|row| transfer(network, row)).collect()
}

async fn transfers_for(db: &mut Connection, network: &NetworkId, id: &str) -> Result<Vec<Transfer>> {
    let rows: Vec<TransferRow> = sqlx::query_as(
        "SELECT wallet, nonce, payment, state, reopened, included_epoch, included_tipset, message, exit_code, cost,
            proposal FROM transfers WHERE network = $1 AND payment = $2 ORDER BY nonce",
    )
    .bind(network.as_str())
    .bind(id)
    .fetch_all(db)
    .await
    .map_err(error)?;
    rows.into_iter().map(|row| transfer(network, row)).collect()
}

/// Add up what was counted by state and amount, in the order of states. Equal amounts are counted together: few amounts are ever granted, and no
/// database has to add texts.
fn by_state(rows: Vec<(String, Amount, i64)>) -> Result<Vec<(PaymentState, Count)>> {
    let mut counts: Vec<(PaymentState, Count)> = Vec::new();
    for (state, Amount(Atto(amount)), payments) in rows {
        let state = PaymentState::of(&state).ok_or_else(|| unknown_word("payments", &state))?;
        let payments = count("payments", payments)?;
        let sum =
            amount.checked_mul(payments.into()).ok_or_else(|| damaged("payments", "more than there is"))?;
        let entry = match counts.last_mut().filter(|(last, _)| *last == state) {
            Some((_, entry)) => entry,
            None => {
                counts.push((state, Count::default()));
                let Some((_, entry)) = counts.last_mut() else { continue };
                entry
            }
        };
        entry.payments += payments;
        entry.amount =
            entry.amount.checked_add(Atto(sum)).ok_or_else(|| damaged("payments", "more than there is"))?;
    }
    Ok(counts)
}

#[async_trait]
impl Money for Adapter {
    async fn wallets(&self) -> Result<Vec<Wallet>> {
        let rows: Vec<WalletRow> = sqlx::query_as(
            "SELECT network, wallet, address, next_nonce, mode, reason, proposes_for FROM wallets
             ORDER BY network, wallet",
        )
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(wallet).collect()
    }

    async fn wallet(&self, network: &NetworkId, name: &str) -> Result<Option<Wallet>> {
        one_wallet(&mut *self.reads.acquire().await.map_err(error)?, network, name).await
    }

    async fn lease(&self, network: &NetworkId, name: &str) -> Result<Option<Lease>> {
        let row: Option<(String, i64, i64)> = sqlx::query_as(
            "SELECT lease_owner, fence, lease_until FROM wallets WHERE network = $1 AND wallet = $2 AND fence > 0",
        )
        .bind(network.as_str())
        .bind(name)
        .fetch_optional(&self.reads)
        .await
        .map_err(error)?;
        row.map(|(owner, fence, until)| {
            Ok(Lease { owner, fence: count("wallets", fence)?, until: Timestamp(until) })
        })
        .transpose()
    }

    async fn marks(&self, network: &NetworkId, name: &str, below: Epoch, wanted: u32) -> Result<Vec<Mark>> {
        some_marks(&mut *self.reads.acquire().await.map_err(error)?, network, name, below, wanted).await
    }

    async fn payment(&self, network: &NetworkId, id: &str) -> Result<Option<Payment>> {
        one_payment(&mut *self.reads.acquire().await.map_err(error)?, network, id).await
    }

    async fn payments(
        &self,
        network: &NetworkId,
        name: &str,
        state: PaymentState,
        page: Page<(Timestamp, String)>,
    ) -> Result<Vec<Payment>> {
        let (after, id) = page.after.unwrap_or((Timestamp(i64::MIN), String::new()));
        let rows: Vec<PaymentRow> = sqlx::query_as(
            "SELECT payment, wallet, payee, amount, state, reason, created FROM payments
             WHERE network = $1 AND wallet = $2 AND state = $3 AND (created, payment) > ($4, $5)
             ORDER BY created, payment LIMIT $6",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(state.as_str())
        .bind(after.0)
        .bind(id)
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(|row| payment(network, row)).collect()
    }

    async fn payments_of(
        &self,
        network: &NetworkId,
        source: &str,
        page: Page<String>,
    ) -> Result<Vec<Payment>> {
        // What begins with `source/` lies between that and `source0`: 0 follows / in ASCII.
        let rows: Vec<PaymentRow> = sqlx::query_as(
            "SELECT payment, wallet, payee, amount, state, reason, created FROM payments
             WHERE network = $1 AND payment > $2 AND payment < $3 ORDER BY payment LIMIT $4",
        )
        .bind(network.as_str())
        .bind(page.after.unwrap_or_else(|| format!("{source}/")))
        .bind(format!("{source}0"))
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(|row| payment(network, row)).collect()
    }

    async fn counts(&self, network: &NetworkId, name: &str) -> Result<Vec<(PaymentState, Count)>> {
        let rows = sqlx::query_as(
            "SELECT state, amount, count(*) FROM payments WHERE network = $1 AND wallet = $2
             GROUP BY state, amount ORDER BY state",
        )
        .bind(network.as_str())
        .bind(name)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        by_state(rows)
    }

    async fn open_counts(&self, network: &NetworkId, name: &str) -> Result<Vec<(PaymentState, Count)>> {
        // The states are named, so that the index on them is of use.
        let rows = sqlx::query_as(
            "SELECT state, amount, count(*) FROM payments WHERE network = $1 AND wallet = $2
             AND state IN ('accepted', 'held', 'included', 'paying') GROUP BY state, amount ORDER BY state",
        )
        .bind(network.as_str())
        .bind(name)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        by_state(rows)
    }

    async fn ahead(&self, of: &Payment) -> Result<u64> {
        let ahead: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM payments WHERE network = $1 AND wallet = $2 AND state = $3
             AND (created, payment) < ($4, $5)",
        )
        .bind(of.network.as_str())
        .bind(&of.wallet)
        .bind(PaymentState::Accepted.as_str())
        .bind(of.created.0)
        .bind(&of.id)
        .fetch_one(&self.reads)
        .await
        .map_err(error)?;
        count("payments", ahead)
    }

    async fn transfers(
        &self,
        network: &NetworkId,
        name: &str,
        from: u64,
        wanted: u32,
    ) -> Result<Vec<Transfer>> {
        let rows: Vec<TransferRow> = sqlx::query_as(
            "SELECT wallet, nonce, payment, state, reopened, included_epoch, included_tipset, message, exit_code, cost,
                proposal FROM transfers WHERE network = $1 AND wallet = $2 AND nonce >= $3 ORDER BY nonce LIMIT $4",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(number(from))
        .bind(limit(wanted))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(|row| transfer(network, row)).collect()
    }

    async fn open_transfers(&self, network: &NetworkId, name: &str, wanted: u32) -> Result<Vec<Transfer>> {
        transfers_under_way(&mut *self.reads.acquire().await.map_err(error)?, network, name, wanted).await
    }

    async fn transfers_of(&self, network: &NetworkId, id: &str) -> Result<Vec<Transfer>> {
        transfers_for(&mut *self.reads.acquire().await.map_err(error)?, network, id).await
    }

    async fn attempts(&self, network: &NetworkId, name: &str, from: u64, to: u64) -> Result<Vec<Attempt>> {
        let rows: Vec<AttemptRow> = sqlx::query_as(
            "SELECT nonce, number, kind, message, bytes, fee, fee_cap, premium, created, first_sent, last_sent, outcome
             FROM attempts WHERE network = $1 AND wallet = $2 AND nonce >= $3 AND nonce <= $4
             ORDER BY nonce, number",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(number(from))
        .bind(number(to))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(attempt).collect()
    }

    async fn transfer_of(
        &self,
        network: &NetworkId,
        message: &str,
    ) -> Result<Option<(Transfer, AttemptKind)>> {
        let found: Option<(String, i64, String)> =
            sqlx::query_as("SELECT wallet, nonce, kind FROM attempts WHERE network = $1 AND message = $2")
                .bind(network.as_str())
                .bind(message)
                .fetch_optional(&self.reads)
                .await
                .map_err(error)?;
        let Some((wallet, nonce, kind)) = found else { return Ok(None) };
        let kind = AttemptKind::of(&kind).ok_or_else(|| unknown_word("attempts", &kind))?;
        let nonce = count("attempts", nonce)?;
        let of = self.transfers(network, &wallet, nonce, 1).await?.pop();
        Ok(of.filter(|of| of.nonce == nonce).map(|of| (of, kind)))
    }

    async fn spent(&self, network: &NetworkId, name: &str, day: i64) -> Result<Spent> {
        spent(&mut *self.reads.acquire().await.map_err(error)?, network, name, day).await
    }

    async fn postings(&self, network: &NetworkId, page: Page<(Timestamp, String)>) -> Result<Vec<Posting>> {
        let (after, id) = page.after.unwrap_or((Timestamp(i64::MIN), String::new()));
        let rows: Vec<(String, i64, String, String, Amount)> = sqlx::query_as(
            "SELECT posting, at, debit, credit, amount FROM postings
             WHERE network = $1 AND (at, posting) > ($2, $3) ORDER BY at, posting LIMIT $4",
        )
        .bind(network.as_str())
        .bind(after.0)
        .bind(id)
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        let posting = |(id, at, debit, credit, Amount(amount))| Posting {
            network: network.clone(),
            id,
            at: Timestamp(at),
            debit,
            credit,
            amount,
        };
        Ok(rows.into_iter().map(posting).collect())
    }
}

async fn spent(db: &mut Connection, network: &NetworkId, name: &str, day: i64) -> Result<Spent> {
    let row: Option<(Amount, Amount)> =
        sqlx::query_as("SELECT value, fees FROM spends WHERE network = $1 AND wallet = $2 AND day = $3")
            .bind(network.as_str())
            .bind(name)
            .bind(day)
            .fetch_optional(db)
            .await
            .map_err(error)?;
    Ok(row.map(|(value, fees)| Spent { value: value.0, fees: fees.0 }).unwrap_or_default())
}

/// One row was to change, and has.
fn changed(rows: u64, otherwise: impl FnOnce() -> StoreError) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(otherwise()) }
}

#[async_trait]
impl MoneyWork for Unit {
    async fn put_wallet(&mut self, wallet: &Wallet) -> Result<()> {
        sqlx::query(
            "INSERT INTO wallets (network, wallet, address, next_nonce, mode, reason, proposes_for, lease_owner, fence,
                lease_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7, '', 0, 0) ON CONFLICT (network, wallet) DO NOTHING",
        )
        .bind(wallet.network.as_str())
        .bind(&wallet.name)
        .bind(&wallet.address)
        .bind(number(wallet.next_nonce))
        .bind(wallet.mode.as_str())
        .bind(&wallet.reason)
        .bind(wallet.proposes_for.as_deref())
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        let found = one_wallet(&mut self.tx, &wallet.network, &wallet.name).await?;
        match found {
            Some(found) if found.address == wallet.address && found.proposes_for == wallet.proposes_for => {
                Ok(())
            }
            Some(found) if found.address == wallet.address => Err(conflict(
                "whom the wallet proposes for",
                found.proposes_for.unwrap_or_default(),
                wallet.proposes_for.as_deref().unwrap_or_default(),
            )),
            found => Err(conflict(
                "the address of the wallet",
                found.map(|wallet| wallet.address).unwrap_or_default(),
                &wallet.address,
            )),
        }
    }

    async fn take_lease(
        &mut self,
        network: &NetworkId,
        name: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<u64>> {
        let fence: Option<i64> = sqlx::query_scalar(
            "UPDATE wallets SET
                fence = CASE WHEN lease_owner = $3 AND lease_until > $4 THEN fence ELSE fence + 1 END,
                lease_owner = $3, lease_until = $5
             WHERE network = $1 AND wallet = $2 AND (lease_owner = $3 OR lease_until <= $4 OR lease_until > $6)
             RETURNING fence",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(owner)
        .bind(now.0)
        .bind(until.0)
        // Whoever took it for longer than a day had a wrong clock.
        .bind(now.0.saturating_add(86_400_000_000))
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(error)?;
        fence.map(|fence| count("wallets", fence)).transpose()
    }

    async fn lock_wallet(&mut self, network: &NetworkId, name: &str, fence: Option<u64>) -> Result<Wallet> {
        // Writing what is there holds the row.
        let found: Option<i64> = sqlx::query_scalar(
            "UPDATE wallets SET fence = fence WHERE network = $1 AND wallet = $2 RETURNING fence",
        )
        .bind(network.as_str())
        .bind(name)
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(error)?;
        let absent = || conflict("the wallet", "absent", format_args!("{network}/{name}"));
        let found = count("wallets", found.ok_or_else(absent)?)?;
        if let Some(fence) = fence
            && fence != found
        {
            return Err(conflict("the fence of the wallet", found, fence));
        }
        one_wallet(&mut self.tx, network, name).await?.ok_or_else(absent)
    }

    async fn marks_now(
        &mut self,
        network: &NetworkId,
        name: &str,
        below: Epoch,
        wanted: u32,
    ) -> Result<Vec<Mark>> {
        some_marks(&mut self.tx, network, name, below, wanted).await
    }

    async fn open_transfers_now(
        &mut self,
        network: &NetworkId,
        name: &str,
        wanted: u32,
    ) -> Result<Vec<Transfer>> {
        transfers_under_way(&mut self.tx, network, name, wanted).await
    }

    async fn transfers_of_now(&mut self, network: &NetworkId, id: &str) -> Result<Vec<Transfer>> {
        transfers_for(&mut self.tx, network, id).await
    }

    async fn set_mode(
        &mut self,
        network: &NetworkId,
        name: &str,
        mode: WalletMode,
        reason: &str,
    ) -> Result<()> {
        let update =
            sqlx::query("UPDATE wallets SET mode = $3, reason = $4 WHERE network = $1 AND wallet = $2")
                .bind(network.as_str())
                .bind(name)
                .bind(mode.as_str())
                .bind(reason)
                .execute(&mut *self.tx)
                .await
                .map_err(error)?;
        changed(update.rows_affected(), || conflict("the wallet", "absent", format_args!("{network}/{name}")))
    }

    async fn set_next_nonce(&mut self, network: &NetworkId, name: &str, next: u64) -> Result<()> {
        let update = sqlx::query(
            "UPDATE wallets SET next_nonce = $3 WHERE network = $1 AND wallet = $2 AND next_nonce < $3",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(number(next))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        changed(update.rows_affected(), || {
            conflict("the next nonce of the wallet", "not below it", format_args!("below {next}"))
        })
    }

    async fn put_mark(&mut self, network: &NetworkId, name: &str, mark: &Mark, keep: Epoch) -> Result<()> {
        sqlx::query(
            "INSERT INTO marks (network, wallet, epoch, tipset, nonce, balance) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(mark.epoch.height())
        .bind(&mark.key)
        .bind(number(mark.nonce))
        .bind(Amount(mark.balance))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        sqlx::query(
            "DELETE FROM marks WHERE network = $1 AND wallet = $2
                AND epoch < (SELECT max(m.epoch) FROM marks m WHERE m.network = $1 AND m.wallet = $2 AND m.epoch <= $3)
                AND epoch > (SELECT min(m.epoch) FROM marks m WHERE m.network = $1 AND m.wallet = $2)",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(keep.height())
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn drop_marks(&mut self, network: &NetworkId, name: &str, above: Epoch) -> Result<()> {
        sqlx::query("DELETE FROM marks WHERE network = $1 AND wallet = $2 AND epoch > $3")
            .bind(network.as_str())
            .bind(name)
            .bind(above.height())
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(())
    }

    async fn put_payment(&mut self, of: &Payment) -> Result<bool> {
        let added = sqlx::query(
            "INSERT INTO payments (network, payment, wallet, payee, amount, state, reason, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (network, payment) DO NOTHING",
        )
        .bind(of.network.as_str())
        .bind(&of.id)
        .bind(&of.wallet)
        .bind(&of.payee)
        .bind(Amount(of.amount))
        .bind(PaymentState::Accepted.as_str())
        .bind("")
        .bind(of.created.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        if added.rows_affected() == 1 {
            return self.post(&owed(of)).await;
        }
        let found = one_payment(&mut self.tx, &of.network, &of.id).await?;
        let found = found.ok_or_else(|| damaged("payments", "a row went away"))?;
        if (&found.wallet, &found.payee, found.amount) == (&of.wallet, &of.payee, of.amount) {
            return Ok(false);
        }
        let say =
            |payment: &Payment| format!("{} to {} from {}", payment.amount, payment.payee, payment.wallet);
        Err(conflict("the payment", say(&found), say(of)))
    }

    async fn payment_now(&mut self, network: &NetworkId, id: &str) -> Result<Option<Payment>> {
        one_payment(&mut self.tx, network, id).await
    }

    async fn set_payment(
        &mut self,
        network: &NetworkId,
        id: &str,
        from: PaymentState,
        to: PaymentState,
        reason: &str,
    ) -> Result<()> {
        let update = sqlx::query(
            "UPDATE payments SET state = $4, reason = $5 WHERE network = $1 AND payment = $2 AND state = $3",
        )
        .bind(network.as_str())
        .bind(id)
        .bind(from.as_str())
        .bind(to.as_str())
        .bind(reason)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        changed(update.rows_affected(), || {
            conflict("the state of the payment", "another one", format_args!("{} ({id})", from.as_str()))
        })
    }

    async fn put_transfer(&mut self, of: &Transfer) -> Result<()> {
        sqlx::query(
            "INSERT INTO transfers (network, wallet, nonce, payment, state, reopened) VALUES ($1, $2, $3, $4, $5, 0)",
        )
        .bind(of.network.as_str())
        .bind(&of.wallet)
        .bind(number(of.nonce))
        .bind(&of.payment)
        .bind(of.state.as_str())
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn set_transfer(&mut self, from: TransferState, to: &Transfer) -> Result<()> {
        let included = to.included.as_ref();
        let update = sqlx::query(
            "UPDATE transfers SET state = $5, reopened = $6, included_epoch = $7, included_tipset = $8, message = $9,
                exit_code = $10, cost = $11, proposal = $12
             WHERE network = $1 AND wallet = $2 AND nonce = $3 AND state = $4",
        )
        .bind(to.network.as_str())
        .bind(&to.wallet)
        .bind(number(to.nonce))
        .bind(from.as_str())
        .bind(to.state.as_str())
        .bind(i64::from(to.reopened))
        .bind(included.map(|included| included.epoch.height()))
        .bind(included.map(|included| included.key.as_str()))
        .bind(included.map(|included| included.message.as_str()))
        .bind(included.map(|included| i64::from(included.exit_code)))
        .bind(included.map(|included| Amount(included.cost)))
        .bind(included.and_then(|included| included.proposal).map(number))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        changed(update.rows_affected(), || {
            conflict(
                "the state of the transfer",
                "another one",
                format_args!("{} ({})", from.as_str(), to.nonce),
            )
        })
    }

    async fn put_attempt(&mut self, network: &NetworkId, name: &str, of: &Attempt) -> Result<()> {
        sqlx::query(
            "INSERT INTO attempts (network, wallet, nonce, number, kind, message, bytes, fee, fee_cap, premium, created,
                first_sent, last_sent, outcome)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(number(of.nonce))
        .bind(i64::from(of.number))
        .bind(of.kind.as_str())
        .bind(&of.message)
        .bind(of.bytes.as_slice())
        .bind(Amount(of.fee))
        .bind(Amount(of.fee_cap))
        .bind(Amount(of.premium))
        .bind(of.created.0)
        .bind(of.first_sent.map(|at| at.0))
        .bind(of.last_sent.map(|at| at.0))
        .bind(&of.outcome)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn sent(
        &mut self,
        network: &NetworkId,
        name: &str,
        message: &str,
        at: Timestamp,
        outcome: &str,
    ) -> Result<()> {
        let update = sqlx::query(
            "UPDATE attempts SET first_sent = coalesce(first_sent, $4), last_sent = $4, outcome = $5
             WHERE network = $1 AND wallet = $2 AND message = $3",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(message)
        .bind(at.0)
        .bind(outcome)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        changed(update.rows_affected(), || conflict("the message", "absent", message))
    }

    async fn spend(&mut self, network: &NetworkId, name: &str, day: i64, more: Spent) -> Result<Spent> {
        // The row is held before it is read.
        sqlx::query(
            "INSERT INTO spends (network, wallet, day, value, fees) VALUES ($1, $2, $3, $4, $4)
             ON CONFLICT (network, wallet, day) DO UPDATE SET day = excluded.day",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(day)
        .bind(Amount(Atto::ZERO))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        let before = spent(&mut self.tx, network, name, day).await?;
        let sum = |one: Atto, other: Atto| {
            one.checked_add(other).ok_or_else(|| damaged("spends", "more than there is"))
        };
        let after = Spent { value: sum(before.value, more.value)?, fees: sum(before.fees, more.fees)? };
        sqlx::query(
            "UPDATE spends SET value = $4, fees = $5 WHERE network = $1 AND wallet = $2 AND day = $3",
        )
        .bind(network.as_str())
        .bind(name)
        .bind(day)
        .bind(Amount(after.value))
        .bind(Amount(after.fees))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(after)
    }

    async fn post(&mut self, of: &Posting) -> Result<bool> {
        let added = sqlx::query(
            "INSERT INTO postings (network, posting, at, debit, credit, amount) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (network, posting) DO NOTHING",
        )
        .bind(of.network.as_str())
        .bind(&of.id)
        .bind(of.at.0)
        .bind(&of.debit)
        .bind(&of.credit)
        .bind(Amount(of.amount))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        if added.rows_affected() == 1 {
            return Ok(true);
        }
        let (debit, credit, Amount(amount)): (String, String, Amount) =
            sqlx::query_as("SELECT debit, credit, amount FROM postings WHERE network = $1 AND posting = $2")
                .bind(of.network.as_str())
                .bind(&of.id)
                .fetch_one(&mut *self.tx)
                .await
                .map_err(error)?;
        if (&debit, &credit, amount) == (&of.debit, &of.credit, of.amount) {
            return Ok(false);
        }
        let say = |amount: Atto, credit: &str, debit: &str| format!("{amount} from {credit} to {debit}");
        Err(conflict(
            "the line of the ledger",
            say(amount, &credit, &debit),
            say(of.amount, &of.credit, &of.debit),
        ))
    }
}
