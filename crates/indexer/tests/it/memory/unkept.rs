//! What this database keeps nothing of: money, grants, people. The indexer never asks for it.

use std::time::Duration;

use apogee_domain::{Digest, Epoch, NetworkId, ProbeKind, Timestamp};
use apogee_store::*;
use async_trait::async_trait;

use super::{Memory, Unit};

fn unkept<T>() -> Result<T> {
    Err(StoreError::Unavailable("this database keeps facts alone".into()))
}

#[async_trait]
impl Audit for Memory {
    async fn audit(&self, _: Page<u64>) -> Result<Vec<AuditEntry>> {
        unkept()
    }
    async fn newest_audit(&self, _: u32) -> Result<Vec<AuditEntry>> {
        unkept()
    }
}

#[async_trait]
impl AuditWork for Unit {
    async fn record(&mut self, _: &AuditEvent) -> Result<AuditEntry> {
        unkept()
    }
}

#[async_trait]
impl Grants for Memory {
    async fn faucets(&self) -> Result<Vec<Faucet>> {
        unkept()
    }
    async fn faucet(&self, _: &NetworkId, _: &str) -> Result<Option<Faucet>> {
        unkept()
    }
    async fn policy(&self, _: &NetworkId, _: &str, _: u32) -> Result<Option<String>> {
        unkept()
    }
    async fn charges(&self, _: &NetworkId, _: &str, _: &[(LimitKey, u32)]) -> Result<Vec<Vec<Charge>>> {
        unkept()
    }
    async fn entries_of(&self, _: &NetworkId, _: &str, _: &[LimitKey]) -> Result<Vec<FaucetEntry>> {
        unkept()
    }
    async fn faucet_entries(
        &self,
        _: &NetworkId,
        _: &str,
        _: Page<(LimitKey, bool)>,
    ) -> Result<Vec<FaucetEntry>> {
        unkept()
    }
    async fn grant(&self, _: &NetworkId, _: &str) -> Result<Option<Grant>> {
        unkept()
    }
    async fn newest_grants(&self, _: &NetworkId, _: &str, _: u32) -> Result<Vec<Grant>> {
        unkept()
    }
    async fn grants_to_settle(&self, _: &NetworkId, _: &str, _: u32) -> Result<Vec<Grant>> {
        unkept()
    }
    async fn reimbursable(&self, _: &NetworkId, _: &str) -> Result<Option<Reimbursable>> {
        unkept()
    }
    async fn reimbursables(
        &self,
        _: &NetworkId,
        _: &str,
        _: ClaimState,
        _: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>> {
        unkept()
    }
    async fn reimbursables_between(
        &self,
        _: &NetworkId,
        _: &str,
        _: Epoch,
        _: Epoch,
        _: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>> {
        unkept()
    }
    async fn newest_reimbursables(
        &self,
        _: &NetworkId,
        _: &str,
        _: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>> {
        unkept()
    }
}

#[async_trait]
impl GrantsWork for Unit {
    async fn put_faucet(&mut self, _: &Faucet, _: &str) -> Result<()> {
        unkept()
    }
    async fn lock_faucet(&mut self, _: &NetworkId, _: &str) -> Result<Faucet> {
        unkept()
    }
    async fn set_control(&mut self, _: &Faucet) -> Result<()> {
        unkept()
    }
    async fn set_counted(&mut self, _: &Faucet) -> Result<()> {
        unkept()
    }
    async fn charges_now(
        &mut self,
        _: &NetworkId,
        _: &str,
        _: &[(LimitKey, u32)],
    ) -> Result<Vec<Vec<Charge>>> {
        unkept()
    }
    async fn entries_now(&mut self, _: &NetworkId, _: &str, _: &[LimitKey]) -> Result<Vec<FaucetEntry>> {
        unkept()
    }
    async fn grants_asked(&mut self, _: &NetworkId, _: &str, _: &[(String, String)]) -> Result<Vec<Grant>> {
        unkept()
    }
    async fn add_grants(&mut self, _: &NetworkId, _: &str, _: &[Grant]) -> Result<()> {
        unkept()
    }
    async fn owe(&mut self, _: &[Payment]) -> Result<()> {
        unkept()
    }
    async fn set_refunded(&mut self, _: &Grant, _: Option<Timestamp>) -> Result<()> {
        unkept()
    }
    async fn put_entry(&mut self, _: &FaucetEntry) -> Result<()> {
        unkept()
    }
    async fn remove_entry(&mut self, _: &NetworkId, _: &str, _: &LimitKey, _: bool) -> Result<bool> {
        unkept()
    }
    async fn add_reimbursables(&mut self, _: &[Reimbursable]) -> Result<u64> {
        unkept()
    }
    async fn reimbursables_now(
        &mut self,
        _: &NetworkId,
        _: &str,
        _: ClaimState,
        _: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>> {
        unkept()
    }
    async fn refunds_between_now(
        &mut self,
        _: &NetworkId,
        _: &str,
        _: Epoch,
        _: Epoch,
        _: Page<(Epoch, String)>,
    ) -> Result<Vec<Reimbursable>> {
        unkept()
    }
    async fn set_reimbursable(&mut self, _: ClaimState, _: &Reimbursable) -> Result<()> {
        unkept()
    }
}

#[async_trait]
impl Money for Memory {
    async fn wallets(&self) -> Result<Vec<Wallet>> {
        unkept()
    }
    async fn wallet(&self, _: &NetworkId, _: &str) -> Result<Option<Wallet>> {
        unkept()
    }
    async fn lease(&self, _: &NetworkId, _: &str) -> Result<Option<Lease>> {
        unkept()
    }
    async fn marks(&self, _: &NetworkId, _: &str, _: Epoch, _: u32) -> Result<Vec<Mark>> {
        unkept()
    }
    async fn payment(&self, _: &NetworkId, _: &str) -> Result<Option<Payment>> {
        unkept()
    }
    async fn payments(
        &self,
        _: &NetworkId,
        _: &str,
        _: PaymentState,
        _: Page<(Timestamp, String)>,
    ) -> Result<Vec<Payment>> {
        unkept()
    }
    async fn payments_of(&self, _: &NetworkId, _: &str, _: Page<String>) -> Result<Vec<Payment>> {
        unkept()
    }
    async fn counts(&self, _: &NetworkId, _: &str) -> Result<Vec<(PaymentState, Count)>> {
        unkept()
    }
    async fn open_counts(&self, _: &NetworkId, _: &str) -> Result<Vec<(PaymentState, Count)>> {
        unkept()
    }
    async fn ahead(&self, _: &Payment) -> Result<u64> {
        unkept()
    }
    async fn transfers(&self, _: &NetworkId, _: &str, _: u64, _: u32) -> Result<Vec<Transfer>> {
        unkept()
    }
    async fn open_transfers(&self, _: &NetworkId, _: &str, _: u32) -> Result<Vec<Transfer>> {
        unkept()
    }
    async fn transfers_of(&self, _: &NetworkId, _: &str) -> Result<Vec<Transfer>> {
        unkept()
    }
    async fn attempts(&self, _: &NetworkId, _: &str, _: u64, _: u64) -> Result<Vec<Attempt>> {
        unkept()
    }
    async fn transfer_of(&self, _: &NetworkId, _: &str) -> Result<Option<(Transfer, AttemptKind)>> {
        unkept()
    }
    async fn spent(&self, _: &NetworkId, _: &str, _: i64) -> Result<Spent> {
        unkept()
    }
    async fn postings(&self, _: &NetworkId, _: Page<(Timestamp, String)>) -> Result<Vec<Posting>> {
        unkept()
    }
}

#[async_trait]
impl MoneyWork for Unit {
    async fn put_wallet(&mut self, _: &Wallet) -> Result<()> {
        unkept()
    }
    async fn take_lease(
        &mut self,
        _: &NetworkId,
        _: &str,
        _: &str,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Option<u64>> {
        unkept()
    }
    async fn lock_wallet(&mut self, _: &NetworkId, _: &str, _: Option<u64>) -> Result<Wallet> {
        unkept()
    }
    async fn marks_now(&mut self, _: &NetworkId, _: &str, _: Epoch, _: u32) -> Result<Vec<Mark>> {
        unkept()
    }
    async fn open_transfers_now(&mut self, _: &NetworkId, _: &str, _: u32) -> Result<Vec<Transfer>> {
        unkept()
    }
    async fn transfers_of_now(&mut self, _: &NetworkId, _: &str) -> Result<Vec<Transfer>> {
        unkept()
    }
    async fn set_mode(&mut self, _: &NetworkId, _: &str, _: WalletMode, _: &str) -> Result<()> {
        unkept()
    }
    async fn set_next_nonce(&mut self, _: &NetworkId, _: &str, _: u64) -> Result<()> {
        unkept()
    }
    async fn put_mark(&mut self, _: &NetworkId, _: &str, _: &Mark, _: Epoch) -> Result<()> {
        unkept()
    }
    async fn drop_marks(&mut self, _: &NetworkId, _: &str, _: Epoch) -> Result<()> {
        unkept()
    }
    async fn put_payment(&mut self, _: &Payment) -> Result<bool> {
        unkept()
    }
    async fn payment_now(&mut self, _: &NetworkId, _: &str) -> Result<Option<Payment>> {
        unkept()
    }
    async fn set_payment(
        &mut self,
        _: &NetworkId,
        _: &str,
        _: PaymentState,
        _: PaymentState,
        _: &str,
    ) -> Result<()> {
        unkept()
    }
    async fn put_transfer(&mut self, _: &Transfer) -> Result<()> {
        unkept()
    }
    async fn set_transfer(&mut self, _: TransferState, _: &Transfer) -> Result<()> {
        unkept()
    }
    async fn put_attempt(&mut self, _: &NetworkId, _: &str, _: &Attempt) -> Result<()> {
        unkept()
    }
    async fn sent(&mut self, _: &NetworkId, _: &str, _: &str, _: Timestamp, _: &str) -> Result<()> {
        unkept()
    }
    async fn spend(&mut self, _: &NetworkId, _: &str, _: i64, _: Spent) -> Result<Spent> {
        unkept()
    }
    async fn post(&mut self, _: &Posting) -> Result<bool> {
        unkept()
    }
}

#[async_trait]
impl People for Memory {
    async fn identity(&self, _: IdentityId) -> Result<Option<Identity>> {
        unkept()
    }
    async fn identity_of(&self, _: &str, _: &str) -> Result<Option<Identity>> {
        unkept()
    }
    async fn identities(&self, _: Page<IdentityId>) -> Result<Vec<Identity>> {
        unkept()
    }
    async fn roles(&self, _: IdentityId) -> Result<Vec<RoleGrant>> {
        unkept()
    }
    async fn all_roles(&self) -> Result<Vec<RoleGrant>> {
        unkept()
    }
    async fn api_keys(&self, _: IdentityId) -> Result<Vec<ApiKey>> {
        unkept()
    }
    async fn api_key(&self, _: Digest) -> Result<Option<ApiKey>> {
        unkept()
    }
    async fn passkeys(&self, _: IdentityId) -> Result<Vec<Passkey>> {
        unkept()
    }
    async fn invites(&self) -> Result<Vec<Invite>> {
        unkept()
    }
}

#[async_trait]
impl PeopleWork for Unit {
    async fn meet(&mut self, _: &Account, _: Timestamp) -> Result<Identity> {
        unkept()
    }
    async fn set_standing(&mut self, _: IdentityId, _: &Standing) -> Result<bool> {
        unkept()
    }
    async fn grant_role(&mut self, _: &RoleGrant) -> Result<bool> {
        unkept()
    }
    async fn revoke_role(&mut self, _: IdentityId, _: Role) -> Result<bool> {
        unkept()
    }
    async fn add_api_key(&mut self, _: &ApiKey) -> Result<bool> {
        unkept()
    }
    async fn revoke_api_key(&mut self, _: IdentityId, _: Digest, _: Timestamp) -> Result<bool> {
        unkept()
    }
    async fn add_passkey(&mut self, _: &Passkey) -> Result<()> {
        unkept()
    }
    async fn use_passkey(&mut self, _: &[u8], _: u32) -> Result<bool> {
        unkept()
    }
    async fn remove_passkey(&mut self, _: IdentityId, _: &[u8]) -> Result<bool> {
        unkept()
    }
    async fn add_invite(&mut self, _: &Invite) -> Result<()> {
        unkept()
    }
    async fn use_invite(&mut self, _: Digest, _: Timestamp) -> Result<Option<u32>> {
        unkept()
    }
}

#[async_trait]
impl ProbeDeals for Memory {
    async fn deal(&self, _: &LaneKey, _: u64) -> Result<Option<ProbeDeal>> {
        unkept()
    }
    async fn deal_named(&self, _: &str) -> Result<Option<ProbeDeal>> {
        unkept()
    }
    async fn open_deals(&self, _: &NetworkId, _: &str, _: Page<(Epoch, String)>) -> Result<Vec<ProbeDeal>> {
        unkept()
    }
    async fn promised_deals(&self, _: &NetworkId, _: &str, _: Epoch) -> Result<Vec<(u64, u64)>> {
        unkept()
    }
    async fn stored_deals(&self, _: &LaneKey, _: Timestamp, _: u32) -> Result<Vec<ProbeDeal>> {
        unkept()
    }
    async fn bots_without_data(&self, _: &LaneKey, _: Timestamp, _: Timestamp) -> Result<u32> {
        unkept()
    }
}

#[async_trait]
impl ProbeDealsWork for Unit {
    async fn put_deal(&mut self, _: &ProbeDeal) -> Result<ProbeDeal> {
        unkept()
    }
    async fn put_fetch(&mut self, _: &str, _: u64, _: u64, _: Timestamp) -> Result<()> {
        unkept()
    }
    async fn set_deal(&mut self, _: &str, _: &DealCourse) -> Result<()> {
        unkept()
    }
}

#[async_trait]
impl ProbeLanes for Memory {
    async fn lane(&self, _: &LaneKey) -> Result<Option<Lane>> {
        unkept()
    }
    async fn lanes(&self, _: &NetworkId, _: &str, _: Page<(ProbeKind, String)>) -> Result<Vec<Lane>> {
        unkept()
    }
    async fn lapsed(&self, _: &NetworkId, _: &str, _: Timestamp, _: u32) -> Result<Vec<Lane>> {
        unkept()
    }
    async fn missed(&self, _: &NetworkId, _: &str, _: Timestamp, _: u32) -> Result<Vec<Lane>> {
        unkept()
    }
}

#[async_trait]
impl ProbeAttempts for Memory {
    async fn probe_attempts(&self, _: &LaneKey, _: Page<(u64, u32)>) -> Result<Vec<ProbeAttempt>> {
        unkept()
    }
    async fn attempts_ended(
        &self,
        _: &NetworkId,
        _: &str,
        _: Timestamp,
        _: Timestamp,
        _: u32,
    ) -> Result<Vec<ProbeAttempt>> {
        unkept()
    }
    async fn attempt_counts(&self, _: &NetworkId, _: &str) -> Result<Vec<AttemptCount>> {
        unkept()
    }
    async fn attempts_of_miners(&self, _: &NetworkId, _: &str) -> Result<Vec<MinerAttempts>> {
        unkept()
    }
    async fn agents(&self, _: &NetworkId, _: &str, _: Page<(String, ProbeKind)>) -> Result<Vec<ProbeAgent>> {
        unkept()
    }
}

#[async_trait]
impl ProbeSlots for Memory {
    async fn slots(&self, _: &LaneKey, _: Page<u64>) -> Result<Vec<ProbeSlot>> {
        unkept()
    }
    async fn unjudged(&self, _: &NetworkId, _: &str, _: Timestamp, _: u32) -> Result<Vec<ProbeSlot>> {
        unkept()
    }
    async fn followed(
        &self,
        _: &NetworkId,
        _: &str,
        _: Page<(ProbeKind, String, u64)>,
    ) -> Result<Vec<ProbeSlot>> {
        unkept()
    }
    async fn slot_counts(&self, _: &NetworkId, _: &str, _: Page<SlotCountKey>) -> Result<Vec<SlotCount>> {
        unkept()
    }
}

#[async_trait]
impl ProbeLog for Memory {
    async fn canaries(&self, _: &NetworkId, _: &str, _: Timestamp, _: Timestamp) -> Result<Vec<Canary>> {
        unkept()
    }
    async fn newest_entry(&self, _: &NetworkId, _: &str) -> Result<u64> {
        unkept()
    }
    async fn log_entries(&self, _: &NetworkId, _: &str, _: Page<u64>) -> Result<Vec<ProbeEntry>> {
        unkept()
    }
    async fn batches(&self, _: &NetworkId, _: &str, _: Page<u64>) -> Result<Vec<ProbeBatch>> {
        unkept()
    }
    async fn newest_batch(&self, _: &NetworkId, _: &str) -> Result<Option<ProbeBatch>> {
        unkept()
    }
}

#[async_trait]
impl ProbeLanesWork for Unit {
    async fn put_lane(&mut self, _: &Lane) -> Result<()> {
        unkept()
    }
    async fn claim_lanes(&mut self, _: &LaneClaim<'_>) -> Result<Vec<Lane>> {
        unkept()
    }
    async fn hold_lane(&mut self, _: &LaneKey, _: u64, _: Option<&str>) -> Result<Option<Lane>> {
        unkept()
    }
    async fn set_lane(&mut self, _: &Lane) -> Result<()> {
        unkept()
    }
}

#[async_trait]
impl ProbeAttemptsWork for Unit {
    async fn put_attempt_made(&mut self, _: &ProbeAttempt) -> Result<()> {
        unkept()
    }
    async fn put_late(&mut self, _: &LaneKey, _: u64, _: u64, _: &Evidence, _: u64) -> Result<bool> {
        unkept()
    }
    async fn put_agent(&mut self, _: &NetworkId, _: &str, _: &ProbeAgent) -> Result<()> {
        unkept()
    }
}

#[async_trait]
impl ProbeSlotsWork for Unit {
    async fn put_slot(&mut self, _: &ProbeSlot) -> Result<()> {
        unkept()
    }
    async fn look_again(&mut self, _: &LaneKey, _: u64, _: u32, _: Timestamp) -> Result<bool> {
        unkept()
    }
    async fn judge_slot(&mut self, _: &LaneKey, _: u64, _: &SlotVerdict) -> Result<Epoch> {
        unkept()
    }
}

#[async_trait]
impl ProbeLogWork for Unit {
    async fn next_log_entry(&mut self, _: &NetworkId, _: &str) -> Result<u64> {
        unkept()
    }
    async fn put_log_entry(&mut self, _: &NetworkId, _: &str, _: u64, _: &[u8]) -> Result<()> {
        unkept()
    }
    async fn put_canary(&mut self, _: &NetworkId, _: &str, _: &Canary, _: &[u8]) -> Result<bool> {
        unkept()
    }
    async fn put_batch(&mut self, _: &NetworkId, _: &str, _: &ProbeBatch) -> Result<()> {
        unkept()
    }
}

#[async_trait]
impl ProbeRules for Memory {
    async fn rests(&self, _: &NetworkId, _: &str, _: Timestamp, _: Timestamp) -> Result<Vec<ProbeRest>> {
        unkept()
    }
    async fn pinned_race(&self, _: &NetworkId, _: &str) -> Result<Option<PinnedRace>> {
        unkept()
    }
}

#[async_trait]
impl ProbeRulesWork for Unit {
    async fn put_rest(&mut self, _: &NetworkId, _: &str, _: &ProbeRest) -> Result<bool> {
        unkept()
    }
    async fn pin_race(
        &mut self,
        _: &NetworkId,
        _: &str,
        _: &str,
        _: &str,
        _: Timestamp,
    ) -> Result<PinnedRace> {
        unkept()
    }
}

#[async_trait]
impl SignIns for Memory {
    async fn session(&self, _: Digest, _: Timestamp) -> Result<Option<Session>> {
        unkept()
    }
    async fn sessions(&self, _: IdentityId, _: Timestamp) -> Result<Vec<Session>> {
        unkept()
    }
    async fn device(&self, _: Digest, _: Timestamp) -> Result<Option<DeviceSignIn>> {
        unkept()
    }
}

#[async_trait]
impl SignInsWork for Unit {
    async fn open_session(&mut self, _: &Session) -> Result<()> {
        unkept()
    }
    async fn touch_session(&mut self, _: Digest, _: Timestamp) -> Result<()> {
        unkept()
    }
    async fn end_session(&mut self, _: IdentityId, _: Digest) -> Result<bool> {
        unkept()
    }
    async fn end_sessions(&mut self, _: IdentityId) -> Result<u64> {
        unkept()
    }
    async fn put_pending(&mut self, _: &PendingSignIn, _: Timestamp) -> Result<bool> {
        unkept()
    }
    async fn take_pending(&mut self, _: Digest, _: Digest, _: Timestamp) -> Result<Option<PendingSignIn>> {
        unkept()
    }
    async fn put_device(&mut self, _: &DeviceSignIn, _: Timestamp) -> Result<bool> {
        unkept()
    }
    async fn decide_device(&mut self, _: Digest, _: Option<IdentityId>, _: Timestamp) -> Result<bool> {
        unkept()
    }
    async fn poll_device(&mut self, _: Digest, _: Duration, _: Timestamp) -> Result<DeviceAnswer> {
        unkept()
    }
    async fn put_challenge(&mut self, _: &Challenge) -> Result<()> {
        unkept()
    }
    async fn take_challenge(&mut self, _: Digest, _: Timestamp) -> Result<Option<Challenge>> {
        unkept()
    }
    async fn sweep(&mut self, _: Timestamp) -> Result<u64> {
        unkept()
    }
}

#[async_trait]
impl Recounts for Memory {
    async fn recounts(&self, _: &NetworkId) -> Result<Vec<Recount>> {
        unkept()
    }
    async fn recount_report(&self, _: &NetworkId, _: &str) -> Result<Option<String>> {
        unkept()
    }
}

#[async_trait]
impl RecountsWork for Unit {
    async fn put_recount(&mut self, _: &NetworkId, _: &Recount, _: &str) -> Result<bool> {
        unkept()
    }
    async fn decide_recount(&mut self, _: &NetworkId, _: &str, _: RecountState) -> Result<bool> {
        unkept()
    }
}
