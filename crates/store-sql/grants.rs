// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{Digest, Epoch, NetworkId, Timestamp};
use apogee_store::{
    Charge, ClaimState, Faucet, FaucetEntry, Grant, Grants, GrantsWork, LimitKey, Page, Payment,
    Reimbursable, Result, StoreError,
};
use async_trait::async_trait;

use crate::dialect::{self, Amount, error};
use crate::money::owed;
use crate::repositories::{Unit, damaged, limit};
use crate::{Adapter, Connection};

type FaucetRow = (String, String, String, i64, String, String, i64, i64, String, i64, i64, Amount, i64);
pub(crate) type GrantRow =
    (String, String, String, String, String, Amount, String, i64, i64, String, String, String, Option<i64>);
pub(crate) type EntryRow = (String, String, i64, String, Option<i64>, String, String, i64);
type ReimbursableRow = (
    (String, String, String, String, String),
    (i64, i64, i64),
    (Amount, Amount, Amount),
    (String, String, String, Option<String>),
);

/// As both databases hold it. Nothing here comes near the end of an `i64`.
fn number(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn whole<T: TryFrom<i64>>(table: &'static str, of: i64) -> Result<T>
where
    T::Error: ToString,
{
    of.try_into().map_err(|e: T::Error| damaged(table, e))
}

fn conflict(what: &'static str, found: impl ToString, expected: impl ToString) -> StoreError {
    StoreError::Conflict { what, found: found.to_string(), expected: expected.to_string() }
}

fn absent(network: &NetworkId, faucet: &str) -> StoreError {
    conflict("the faucet", "absent", format_args!("{network}/{faucet}"))
}

fn read_network(table: &'static str, name: &str) -> Result<NetworkId> {
    name.parse().map_err(|e| damaged(table, e))
}

fn read_faucet(row: FaucetRow) -> Result<Faucet> {
    let (
        network,
        name,
        wallet,
        enabled,
        reason,
        changed_by,
        changed_at,
        version,
        digest,
        day,
        grants,
        sum,
        full,
    ) = row;
    Ok(Faucet {
        network: read_network("faucets", &network)?,
        name,
        wallet,
        enabled: enabled == 1,
        reason,
        changed_by,
        changed_at: Timestamp(changed_at),
        policy_version: whole("faucets", version)?,
        policy_digest: digest.parse().map_err(|e| damaged("faucets", e))?,
        day,
        day_grants: whole("faucets", grants)?,
        day_amount: sum.0,
        full_at: Timestamp(full),
    })
}

pub(crate) fn read_grant(network: &NetworkId, row: GrantRow) -> Result<Grant> {
    let (id, faucet, identity, actor, given, amount, tier, version, created, key, body, charged, refunded) =
        row;
    let charged: Vec<(String, String)> = serde_json::from_str(&charged).map_err(|e| damaged("grants", e))?;
    Ok(Grant {
        network: network.clone(),
        id,
        faucet,
        identity,
        actor,
        given,
        amount: amount.0,
        tier,
        policy_version: whole("grants", version)?,
        created: Timestamp(created),
        key,
        body: body.parse().map_err(|e| damaged("grants", e))?,
        charges: charged.into_iter().map(|(scope, key)| LimitKey { scope, key }).collect(),
        refunded: refunded.map(Timestamp),
    })
}

/// The keys of a grant's charges, as its row holds them.
pub(crate) fn charged(grant: &Grant) -> String {
    let keys: Vec<_> = grant.charges.iter().map(|charge| (&charge.scope, &charge.key)).collect();
    serde_json::to_string(&keys).unwrap_or_default()
}

fn read_entry(network: &NetworkId, faucet: &str, row: EntryRow) -> FaucetEntry {
    let (scope, key, denies, lifts, until, reason, by, at) = row;
    FaucetEntry {
        network: network.clone(),
        faucet: faucet.to_owned(),
        subject: LimitKey { scope, key },
        denies: denies == 1,
        lifts,
        until: until.map(Timestamp),
        reason,
        by,
        at: Timestamp(at),
    }
}

fn read_reimbursable(network: &NetworkId, row: ReimbursableRow) -> Result<Reimbursable> {
    const TABLE: &str = "reimbursables";
    let (names, numbers, amounts, (sectors, state, reason, payment)) = row;
    let (message, faucet, miner, owner, sender) = names;
    let (method, epoch, gas_used) = numbers;
    Ok(Reimbursable {
        network: network.clone(),
        message,
        faucet,
        miner,
        owner,
        sender,
        method: whole(TABLE, method)?,
        epoch: epoch.try_into().map_err(|e| damaged(TABLE, e))?,
        sectors: serde_json::from_str(&sectors).map_err(|e| damaged(TABLE, e))?,
        gas_used: whole(TABLE, gas_used)?,
        base_fee: amounts.0.0,
        burn: amounts.1.0,
        refund: amounts.2.0,
        state: ClaimState::of(&state)
            .ok_or_else(|| damaged(TABLE, format_args!("{state:?} is no word of this program")))?,
        reason,
        payment,
    })
}

async fn one_faucet(db: &mut Connection, network: &NetworkId, name: &str) -> Result<Option<Faucet>> {
    let row: Option<FaucetRow> = sqlx::query_as(
        "SELECT network, faucet, wallet, enabled, reason, changed_by, changed_at, policy_version, policy_digest,
             counted_day, day_grants, day_amount, full_at
         FROM faucets WHERE network = $1 AND faucet = $2",
    )
    .bind(network.as_str())
    .bind(name)
    .fetch_optional(db)
    .await
    .map_err(error)?;
    row.map(read_faucet).transpose()
}

async fn charges(
    db: &mut Connection,
    network: &NetworkId,
    faucet: &str,
    keys: &[(LimitKey, u32)],
) -> Result<Vec<Vec<Charge>>> {
    let mut found: Vec<Vec<Charge>> = keys.iter().map(|_| Vec::new()).collect();
    let rows = dialect::newest_charges(db, network.as_str(), faucet, keys).await.map_err(error)?;
    for (place, at, amount) in rows {
        let charges = usize::try_from(place).ok().and_then(|place| found.get_mut(place));
        let charges = charges.ok_or_else(|| damaged("charges", "a row that nobody asked for"))?;
        charges.push(Charge { at: Timestamp(at), amount: amount.0 });
    }
    Ok(found)
}

async fn entries(
    db: &mut Connection,
    network: &NetworkId,
    faucet: &str,
    subjects: &[LimitKey],
) -> Result<Vec<FaucetEntry>> {
    let rows = dialect::entries_of(db, network.as_str(), faucet, subjects).await.map_err(error)?;
    let mut found: Vec<_> = rows.into_iter().map(|row| read_entry(network, faucet, row)).collect();
    found.sort_by(|a, b| (&a.subject, a.denies).cmp(&(&b.subject, b.denies)));
    Ok(found)
}

#[async_trait]
impl Grants for Adapter {
    async fn faucets(&self) -> Result<Vec<Faucet>> {
        let rows: Vec<FaucetRow> = sqlx::query_as(
            "SELECT network, faucet, wallet, enabled, reason, changed_by, changed_at, policy_version, policy_digest,
                 counted_day, day_grants, day_amount, full_at
             FROM faucets ORDER BY network, faucet",
        )
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(read_faucet).collect()
    }

    async fn faucet(&self, network: &NetworkId, faucet: &str) -> Result<Option<Faucet>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        one_faucet(&mut db, network, faucet).await
    }

    async fn policy(&self, network: &NetworkId, faucet: &str, version: u32) -> Result<Option<String>> {
        sqlx::query_scalar(
            "SELECT document FROM faucet_policies WHERE network = $1 AND faucet = $2 AND version = $3",
        )
        .bind(network.as_str())
        .bind(faucet)
        .bind(i64::from(version))
        .fetch_optional(&self.reads)
        .await
        .map_err(error)
    }

    async fn charges(
        &self,
        network: &NetworkId,
        faucet: &str,
        keys: &[(LimitKey, u32)],
    ) -> Result<Vec<Vec<Charge>>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        charges(&mut db, network, faucet, keys).await
    }

    async fn entries_of(
        &self,
        network: &NetworkId,
        faucet: &str,
        subjects: &[LimitKey],
    ) -> Result<Vec<FaucetEntry>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        entries(&mut db, network, faucet, subjects).await
    }

    async fn faucet_entries(
        &self,
        network: &NetworkId,
        faucet: &str,
        page: Page<(LimitKey, bool)>,
    ) -> Result<Vec<FaucetEntry>> {
        let first = || (LimitKey { scope: String::new(), key: String::new() }, false);
        let (after, denies) = page.after.unwrap_or_else(first);
        let rows: Vec<EntryRow> = sqlx::query_as(
            "SELECT scope, key, denies, lifts, until, reason, put_by, put_at FROM faucet_entries
             WHERE network = $1 AND faucet = $2 AND (scope, key, denies) > ($3, $4, $5)
             ORDER BY scope, key, denies LIMIT $6",
        )
        .bind(network.as_str())
        .bind(faucet)
        .bind(after.scope)
        .bind(after.key)
        .bind(i64::from(denies))
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        Ok(rows.into_iter().map(|row| read_entry(network, faucet, row)).collect())
    }

    async fn grant(&self, network: &NetworkId, id: &str) -> Result<Option<Grant>> {
        let row: Option<GrantRow> = sqlx::query_as(
            "SELECT id, faucet, identity, actor, given, amount, tier, policy_version, created, asked_as, body,
                 charged, refunded
             FROM grants WHERE network = $1 AND id = $2",
        )
        .bind(network.as_str())
        .bind(id)
        .fetch_optional(&self.reads)
        .await
        .map_err(error)?;
        row.map(|row| read_grant(network, row)).transpose()
    }

    async fn newest_grants(&self, network: &NetworkId, faucet: &str, wanted: u32) -> Result<Vec<Grant>> {
        let rows: Vec<GrantRow> = sqlx::query_as(
            "SELECT id, faucet, identity, actor, given, amount, tier, policy_version, created, asked_as, body,
                 charged, refunded
             FROM grants WHERE network = $1 AND faucet = $2 ORDER BY created DESC, id DESC LIMIT $3",
        )
        .bind(network.as_str())
        .bind(faucet)
        .bind(limit(wanted))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(|row| read_grant(network, row)).collect()
    }

    async fn grants_to_settle(&self, network: &NetworkId, faucet: &str, wanted: u32) -> Result<Vec<Grant>> {
        // Both halves begin with few rows: payments that ended unpaid, and grants that were given back.
        let rows: Vec<GrantRow> = sqlx::query_as(
            "SELECT id, faucet, identity, actor, given, amount, tier, policy_version, created, asked_as, body, charged,
                 refunded
             FROM (
                 SELECT g.* FROM wallets w
                 JOIN payments p ON p.network = w.network AND p.wallet = w.wallet
                     AND p.state IN ('failed', 'cancelled')
                 JOIN grants g ON g.network = p.network AND g.id = substr(p.payment, 7)
                 WHERE w.network = $1 AND g.faucet = $2 AND g.refunded IS NULL
                     AND p.payment >= 'grant/' AND p.payment < 'grant0'
                 UNION ALL
                 SELECT g.* FROM grants g
                 JOIN payments p ON p.network = g.network AND p.payment = 'grant/' || g.id
                     AND p.state NOT IN ('failed', 'cancelled')
                 WHERE g.network = $1 AND g.faucet = $2 AND g.refunded IS NOT NULL
             ) AS g
             ORDER BY created, id LIMIT $3",
        )
        .bind(network.as_str())
        .bind(faucet)
        .bind(limit(wanted))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(|row| read_grant(network, row)).collect()
    }

    async fn reimbursable(&self, network: &NetworkId, message: &str) -> Result<Option<Reimbursable>> {
        let rows = sqlx::query(
            "SELECT message, faucet, miner, owner, sender, method, epoch, sectors, gas_used, base_fee, burn,
                 refund, state, reason, payment
             FROM reimbursables WHERE network = $1 AND message = $2",
        )
        .bind(network.as_str())
        .bind(message)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        Ok(messages(network, &rows)?.pop())
    }

    async fn reimbursables(
        &self,
        network: &NetworkId,
        faucet: &str,
        state: ClaimState,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>> {
        in_state(&mut *self.reads.acquire().await.map_err(error)?, network, faucet, state, page).await
    }

    async fn reimbursables_between(
        &self,
        network: &NetworkId,
        faucet: &str,
        from: Epoch,
        to: Epoch,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>> {
        let mut db = self.reads.acquire().await.map_err(error)?;
        between(&mut db, network, faucet, (from, to), Wanted::All, page).await
    }

    async fn newest_reimbursables(
        &self,
        network: &NetworkId,
        faucet: &str,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>> {
        let (epoch, message) =
            page.after.map_or((i64::MAX, String::new()), |(epoch, cid)| (epoch.height(), cid));
        let rows = sqlx::query(
            "SELECT message, faucet, miner, owner, sender, method, epoch, sectors, gas_used, base_fee, burn,
                 refund, state, reason, payment
             FROM reimbursables
             WHERE network = $1 AND faucet = $2 AND (epoch, message) < ($3, $4)
             ORDER BY epoch DESC, message DESC LIMIT $5",
        )
        .bind(network.as_str())
        .bind(faucet)
        .bind(epoch)
        .bind(message)
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        messages(network, &rows)
    }
}

async fn in_state(
    db: &mut Connection,
    network: &NetworkId,
    faucet: &str,
    state: ClaimState,
    page: Page<(Epoch, String)>,
) -> Result<Vec<Reimbursable>> {
    let (epoch, message) = place(page.after);
    let rows = sqlx::query(
        "SELECT message, faucet, miner, owner, sender, method, epoch, sectors, gas_used, base_fee, burn,
             refund, state, reason, payment
         FROM reimbursables
         WHERE network = $1 AND faucet = $2 AND state = $3 AND (epoch, message) > ($4, $5)
         ORDER BY epoch, message LIMIT $6",
    )
    .bind(network.as_str())
    .bind(faucet)
    .bind(state.as_str())
    .bind(epoch)
    .bind(message)
    .bind(limit(page.limit))
    .fetch_all(db)
    .await
    .map_err(error)?;
    messages(network, &rows)
}

/// Which messages are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    NotRefused,
}

async fn between(
    db: &mut Connection,
    network: &NetworkId,
    faucet: &str,
    (from, to): (Epoch, Epoch),
    wanted: Wanted,
    page: Page<(Epoch, String)>,
) -> Result<Vec<Reimbursable>> {
    let (epoch, message) = place(page.after);
    let rows = sqlx::query(
        "SELECT message, faucet, miner, owner, sender, method, epoch, sectors, gas_used, base_fee, burn,
             refund, state, reason, payment
         FROM reimbursables
         WHERE network = $1 AND faucet = $2 AND epoch >= $3 AND epoch <= $4 AND (epoch, message) > ($5, $6)
             AND ($7 = 1 OR state <> 'refused')
         ORDER BY epoch, message LIMIT $8",
    )
    .bind(network.as_str())
    .bind(faucet)
    .bind(from.height())
    .bind(to.height())
    .bind(epoch)
    .bind(message)
    .bind(i64::from(wanted == Wanted::All))
    .bind(limit(page.limit))
    .fetch_all(db)
    .await
    .map_err(error)?;
    messages(network, &rows)
}

/// Behind which message a page begins.
fn place(after: Option<(Epoch, String)>) -> (i64, String) {
    after.map_or((-1, String::new()), |(epoch, message)| (epoch.height(), message))
}

/// More columns than a tuple has places.
fn messages(network: &NetworkId, rows: &[<crate::Db as sqlx::Database>::Row]) -> Result<Vec<Reimbursable>> {
    use sqlx::Row;
    let read = |row: &<crate::Db as sqlx::Database>::Row| {
        let text = |name: &str| row.try_get::<String, _>(name);
        let number = |name: &str| row.try_get::<i64, _>(name);
        let amount = |name: &str| row.try_get::<Amount, _>(name);
        Ok((
            (text("message")?, text("faucet")?, text("miner")?, text("owner")?, text("sender")?),
            (number("method")?, number("epoch")?, number("gas_used")?),
            (amount("base_fee")?, amount("burn")?, amount("refund")?),
            (text("sectors")?, text("state")?, text("reason")?, row.try_get::<Option<String>, _>("payment")?),
        ))
    };
    rows.iter().map(|row| read_reimbursable(network, read(row).map_err(error)?)).collect()
}

impl Unit {
    /// A row that was to be there.
    async fn change_one(
        &mut self,
        query: sqlx::query::Query<'_, crate::Db, <crate::Db as sqlx::Database>::Arguments>,
        missing: impl FnOnce() -> StoreError,
    ) -> Result<()> {
        let done = query.execute(&mut *self.tx).await.map_err(error)?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(missing()) }
    }
}

#[async_trait]
impl GrantsWork for Unit {
    async fn put_faucet(&mut self, faucet: &Faucet, policy: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO faucets (network, faucet, wallet, enabled, reason, changed_by, changed_at, policy_version,
                 policy_digest, counted_day, day_grants, day_amount, full_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
        )
        .bind(faucet.network.as_str())
        .bind(&faucet.name)
        .bind(&faucet.wallet)
        .bind(i64::from(faucet.enabled))
        .bind(&faucet.reason)
        .bind(&faucet.changed_by)
        .bind(faucet.changed_at.0)
        .bind(i64::from(faucet.policy_version))
        .bind(faucet.policy_digest.to_string())
        .bind(faucet.day)
        .bind(number(faucet.day_grants))
        .bind(Amount(faucet.day_amount))
        .bind(faucet.full_at.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        let held = self.lock_faucet(&faucet.network, &faucet.name).await?;
        let (old, new) =
            ((held.policy_version, held.policy_digest), (faucet.policy_version, faucet.policy_digest));
        if new.0 < old.0 || new.0 == old.0 && new.1 != old.1 {
            let say = |(version, digest): (u32, Digest)| format!("{version} ({digest})");
            return Err(conflict("the policy of the faucet", say(old), say(new)));
        }
        let update = sqlx::query(
            "UPDATE faucets SET wallet = $3, policy_version = $4, policy_digest = $5
             WHERE network = $1 AND faucet = $2",
        )
        .bind(faucet.network.as_str())
        .bind(&faucet.name)
        .bind(&faucet.wallet)
        .bind(i64::from(faucet.policy_version))
        .bind(faucet.policy_digest.to_string());
        self.change_one(update, || absent(&faucet.network, &faucet.name)).await?;
        sqlx::query(
            "INSERT INTO faucet_policies (network, faucet, version, digest, document)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(faucet.network.as_str())
        .bind(&faucet.name)
        .bind(i64::from(faucet.policy_version))
        .bind(faucet.policy_digest.to_string())
        .bind(policy)
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(error)
    }

    async fn lock_faucet(&mut self, network: &NetworkId, faucet: &str) -> Result<Faucet> {
        // Writing what is there holds the row.
        let row: Option<FaucetRow> = sqlx::query_as(
            "UPDATE faucets SET enabled = enabled WHERE network = $1 AND faucet = $2
             RETURNING network, faucet, wallet, enabled, reason, changed_by, changed_at, policy_version,
                 policy_digest, counted_day, day_grants, day_amount, full_at",
        )
        .bind(network.as_str())
        .bind(faucet)
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(error)?;
        read_faucet(row.ok_or_else(|| absent(network, faucet))?)
    }

    async fn set_control(&mut self, faucet: &Faucet) -> Result<()> {
        let update = sqlx::query(
            "UPDATE faucets SET enabled = $3, reason = $4, changed_by = $5, changed_at = $6
             WHERE network = $1 AND faucet = $2",
        )
        .bind(faucet.network.as_str())
        .bind(&faucet.name)
        .bind(i64::from(faucet.enabled))
        .bind(&faucet.reason)
        .bind(&faucet.changed_by)
        .bind(faucet.changed_at.0);
        self.change_one(update, || absent(&faucet.network, &faucet.name)).await
    }

    async fn set_counted(&mut self, faucet: &Faucet) -> Result<()> {
        let update = sqlx::query(
            "UPDATE faucets SET counted_day = $3, day_grants = $4, day_amount = $5, full_at = $6
             WHERE network = $1 AND faucet = $2",
        )
        .bind(faucet.network.as_str())
        .bind(&faucet.name)
        .bind(faucet.day)
        .bind(number(faucet.day_grants))
        .bind(Amount(faucet.day_amount))
        .bind(faucet.full_at.0);
        self.change_one(update, || absent(&faucet.network, &faucet.name)).await
    }

    async fn charges_now(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        keys: &[(LimitKey, u32)],
    ) -> Result<Vec<Vec<Charge>>> {
        charges(&mut self.tx, network, faucet, keys).await
    }

    async fn entries_now(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        subjects: &[LimitKey],
    ) -> Result<Vec<FaucetEntry>> {
        entries(&mut self.tx, network, faucet, subjects).await
    }

    async fn grants_asked(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        asked: &[(String, String)],
    ) -> Result<Vec<Grant>> {
        let rows =
            dialect::grants_asked(&mut self.tx, network.as_str(), faucet, asked).await.map_err(error)?;
        rows.into_iter().map(|row| read_grant(network, row)).collect()
    }

    async fn add_grants(&mut self, network: &NetworkId, faucet: &str, grants: &[Grant]) -> Result<()> {
        dialect::add_grants(&mut self.tx, network.as_str(), faucet, grants).await.map_err(error)?;
        dialect::add_charges(&mut self.tx, network.as_str(), faucet, grants).await.map_err(error)
    }

    async fn owe(&mut self, payments: &[Payment]) -> Result<()> {
        let owed: Vec<_> = payments.iter().map(owed).collect();
        dialect::add_payments(&mut self.tx, payments, &owed).await.map_err(error)
    }

    async fn set_refunded(&mut self, grant: &Grant, refunded: Option<Timestamp>) -> Result<()> {
        let update = sqlx::query("UPDATE grants SET refunded = $3 WHERE network = $1 AND id = $2")
            .bind(grant.network.as_str())
            .bind(&grant.id)
            .bind(refunded.map(|at| at.0));
        self.change_one(update, || conflict("the grant", "absent", &grant.id)).await?;
        for charge in &grant.charges {
            let update = sqlx::query(
                "UPDATE charges SET refunded = $7
                 WHERE network = $1 AND faucet = $2 AND scope = $3 AND key = $4 AND at = $5 AND grant_id = $6",
            )
            .bind(grant.network.as_str())
            .bind(&grant.faucet)
            .bind(&charge.scope)
            .bind(&charge.key)
            .bind(grant.created.0)
            .bind(&grant.id)
            .bind(refunded.map(|at| at.0));
            self.change_one(update, || damaged("charges", format_args!("grant {} has none", grant.id)))
                .await?;
        }
        Ok(())
    }

    async fn put_entry(&mut self, entry: &FaucetEntry) -> Result<()> {
        sqlx::query(
            "INSERT INTO faucet_entries (network, faucet, scope, key, denies, lifts, until, reason, put_by, put_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (network, faucet, scope, key, denies) DO UPDATE SET lifts = excluded.lifts,
                 until = excluded.until, reason = excluded.reason, put_by = excluded.put_by, put_at = excluded.put_at",
        )
        .bind(entry.network.as_str())
        .bind(&entry.faucet)
        .bind(&entry.subject.scope)
        .bind(&entry.subject.key)
        .bind(i64::from(entry.denies))
        .bind(&entry.lifts)
        .bind(entry.until.map(|at| at.0))
        .bind(&entry.reason)
        .bind(&entry.by)
        .bind(entry.at.0)
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(error)
    }

    async fn remove_entry(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        subject: &LimitKey,
        denies: bool,
    ) -> Result<bool> {
        let done = sqlx::query(
            "DELETE FROM faucet_entries
             WHERE network = $1 AND faucet = $2 AND scope = $3 AND key = $4 AND denies = $5",
        )
        .bind(network.as_str())
        .bind(faucet)
        .bind(&subject.scope)
        .bind(&subject.key)
        .bind(i64::from(denies))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() > 0)
    }

    async fn add_reimbursables(&mut self, messages: &[Reimbursable]) -> Result<u64> {
        let mut added = 0;
        for of in messages {
            let done = sqlx::query(
                "INSERT INTO reimbursables (network, message, faucet, miner, owner, sender, method, epoch, sectors,
                     gas_used, base_fee, burn, refund, state, reason, payment)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
                 ON CONFLICT DO NOTHING",
            )
            .bind(of.network.as_str())
            .bind(&of.message)
            .bind(&of.faucet)
            .bind(&of.miner)
            .bind(&of.owner)
            .bind(&of.sender)
            .bind(number(of.method))
            .bind(of.epoch.height())
            .bind(serde_json::to_string(&of.sectors).unwrap_or_default())
            .bind(number(of.gas_used))
            .bind(Amount(of.base_fee))
            .bind(Amount(of.burn))
            .bind(Amount(of.refund))
            .bind(of.state.as_str())
            .bind(&of.reason)
            .bind(&of.payment)
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
            added += done.rows_affected();
        }
        Ok(added)
    }

    async fn reimbursables_now(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        state: ClaimState,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>> {
        in_state(&mut self.tx, network, faucet, state, page).await
    }

    async fn refunds_between_now(
        &mut self,
        network: &NetworkId,
        faucet: &str,
        from: Epoch,
        to: Epoch,
        page: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>> {
        between(&mut self.tx, network, faucet, (from, to), Wanted::NotRefused, page).await
    }

    async fn set_reimbursable(&mut self, from: ClaimState, of: &Reimbursable) -> Result<()> {
        let update = sqlx::query(
            "UPDATE reimbursables SET refund = $4, state = $5, reason = $6, payment = $7
             WHERE network = $1 AND message = $2 AND state = $3",
        )
        .bind(of.network.as_str())
        .bind(&of.message)
        .bind(from.as_str())
        .bind(Amount(of.refund))
        .bind(of.state.as_str())
        .bind(&of.reason)
        .bind(&of.payment);
        self.change_one(update, || {
            conflict(
                "the state of the message",
                "another one",
                format_args!("{} ({})", from.as_str(), of.message),
            )
        })
        .await
    }
}
