// One text, a module of both adapters: see crates/store-sql/README.md.

use apogee_domain::{Digest, Timestamp};
use apogee_store::{
    Account, AccountKind, ApiKey, Identity, IdentityId, Invite, MAX_API_KEYS, Page, Passkey, People,
    PeopleWork, Result, Role, RoleGrant, Standing,
};
use async_trait::async_trait;

use crate::Adapter;
use crate::dialect::error;
use crate::repositories::{Unit, damaged, limit};

type IdentityRow = (i64, String, String, String, String, Option<i64>, i64, i64, Option<String>);
type RoleRow = (i64, String, i64, String, String);
type ApiKeyRow = (String, i64, String, i64, i64, Option<i64>);
type PasskeyRow = (Vec<u8>, i64, Vec<u8>, i64, String, i64);
type InviteRow = (String, String, i64, i64, i64);

fn identity(row: IdentityRow) -> Result<Identity> {
    let (id, provider, subject, handle, kind, created, first_seen, last_seen, blocked) = row;
    let known = AccountKind::ALL.into_iter().find(|known| known.name() == kind);
    let kind = known.ok_or_else(|| damaged("identities", format_args!("no kind {kind}")))?;
    Ok(Identity {
        id: IdentityId(id),
        account: Account { provider, subject, handle, kind, created: created.map(Timestamp) },
        first_seen: Timestamp(first_seen),
        last_seen: Timestamp(last_seen),
        standing: blocked.map_or(Standing::Ok, |reason| Standing::Blocked { reason }),
    })
}

fn role((identity, role, granted, granted_by, reason): RoleRow) -> Result<RoleGrant> {
    let known = Role::ALL.into_iter().find(|known| known.name() == role);
    let role = known.ok_or_else(|| damaged("roles", format_args!("no role {role}")))?;
    Ok(RoleGrant { identity: IdentityId(identity), role, granted: Timestamp(granted), granted_by, reason })
}

fn api_key((digest, identity, name, created, expires, revoked): ApiKeyRow) -> Result<ApiKey> {
    Ok(ApiKey {
        digest: digest.parse().map_err(|e| damaged("api_keys", e))?,
        identity: IdentityId(identity),
        name,
        created: Timestamp(created),
        expires: Timestamp(expires),
        revoked: revoked.map(Timestamp),
    })
}

fn passkey((credential, identity, public_key, sign_count, name, created): PasskeyRow) -> Result<Passkey> {
    Ok(Passkey {
        credential,
        identity: IdentityId(identity),
        public_key,
        sign_count: sign_count.try_into().map_err(|e| damaged("passkeys", e))?,
        name,
        created: Timestamp(created),
    })
}

fn invite((digest, note, uses, used, expires): InviteRow) -> Result<Invite> {
    Ok(Invite {
        digest: digest.parse().map_err(|e| damaged("invites", e))?,
        note,
        uses: uses.try_into().map_err(|e| damaged("invites", e))?,
        used: used.try_into().map_err(|e| damaged("invites", e))?,
        expires: Timestamp(expires),
    })
}

#[async_trait]
impl People for Adapter {
    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>> {
        let row: Option<IdentityRow> = sqlx::query_as(
            "SELECT identity_id, provider, subject, handle, kind, account_created, first_seen, last_seen, blocked
             FROM identities WHERE identity_id = $1",
        )
        .bind(id.0)
        .fetch_optional(&self.reads)
        .await
        .map_err(error)?;
        row.map(identity).transpose()
    }

    async fn identity_of(&self, provider: &str, subject: &str) -> Result<Option<Identity>> {
        let row: Option<IdentityRow> = sqlx::query_as(
            "SELECT identity_id, provider, subject, handle, kind, account_created, first_seen, last_seen, blocked
             FROM identities WHERE provider = $1 AND subject = $2",
        )
        .bind(provider)
        .bind(subject)
        .fetch_optional(&self.reads)
        .await
        .map_err(error)?;
        row.map(identity).transpose()
    }

    async fn identities(&self, page: Page<IdentityId>) -> Result<Vec<Identity>> {
        let rows: Vec<IdentityRow> = sqlx::query_as(
            "SELECT identity_id, provider, subject, handle, kind, account_created, first_seen, last_seen, blocked
             FROM identities WHERE identity_id > $1 ORDER BY identity_id LIMIT $2",
        )
        .bind(page.after.map_or(i64::MIN, |id| id.0))
        .bind(limit(page.limit))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(identity).collect()
    }

    async fn roles(&self, identity: IdentityId) -> Result<Vec<RoleGrant>> {
        let rows: Vec<RoleRow> = sqlx::query_as(
            "SELECT identity_id, role, granted, granted_by, reason FROM roles
             WHERE identity_id = $1 ORDER BY role",
        )
        .bind(identity.0)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(role).collect()
    }

    async fn all_roles(&self) -> Result<Vec<RoleGrant>> {
        let rows: Vec<RoleRow> = sqlx::query_as(
            "SELECT identity_id, role, granted, granted_by, reason FROM roles ORDER BY identity_id, role",
        )
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(role).collect()
    }

    async fn api_keys(&self, identity: IdentityId) -> Result<Vec<ApiKey>> {
        let rows: Vec<ApiKeyRow> = sqlx::query_as(
            "SELECT digest, identity_id, name, created, expires, revoked FROM api_keys
             WHERE identity_id = $1 ORDER BY created DESC, digest LIMIT 100",
        )
        .bind(identity.0)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(api_key).collect()
    }

    async fn api_key(&self, digest: Digest) -> Result<Option<ApiKey>> {
        let row: Option<ApiKeyRow> = sqlx::query_as(
            "SELECT digest, identity_id, name, created, expires, revoked FROM api_keys WHERE digest = $1",
        )
        .bind(digest.to_string())
        .fetch_optional(&self.reads)
        .await
        .map_err(error)?;
        row.map(api_key).transpose()
    }

    async fn passkeys(&self, identity: IdentityId) -> Result<Vec<Passkey>> {
        let rows: Vec<PasskeyRow> = sqlx::query_as(
            "SELECT credential, identity_id, public_key, sign_count, name, created FROM passkeys
             WHERE identity_id = $1 ORDER BY created, credential LIMIT 100",
        )
        .bind(identity.0)
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(passkey).collect()
    }

    async fn invites(&self) -> Result<Vec<Invite>> {
        let rows: Vec<InviteRow> = sqlx::query_as(
            "SELECT digest, note, uses, used, expires FROM invites ORDER BY expires DESC, digest LIMIT 1000",
        )
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(invite).collect()
    }
}

#[async_trait]
impl PeopleWork for Unit {
    async fn meet(&mut self, account: &Account, at: Timestamp) -> Result<Identity> {
        let row: IdentityRow = sqlx::query_as(
            "INSERT INTO identities (provider, subject, handle, kind, account_created, first_seen, last_seen)
             VALUES ($1, $2, $3, $4, $5, $6, $6)
             ON CONFLICT (provider, subject) DO UPDATE SET handle = excluded.handle, kind = excluded.kind,
               account_created = excluded.account_created, last_seen = excluded.last_seen
             RETURNING identity_id, provider, subject, handle, kind, account_created, first_seen, last_seen, blocked",
        )
        .bind(&account.provider)
        .bind(&account.subject)
        .bind(&account.handle)
        .bind(account.kind.name())
        .bind(account.created.map(|at| at.0))
        .bind(at.0)
        .fetch_one(&mut *self.tx)
        .await
        .map_err(error)?;
        identity(row)
    }

    async fn set_standing(&mut self, id: IdentityId, standing: &Standing) -> Result<bool> {
        let blocked = match standing {
            Standing::Ok => None,
            Standing::Blocked { reason } => Some(reason),
        };
        let done = sqlx::query("UPDATE identities SET blocked = $2 WHERE identity_id = $1")
            .bind(id.0)
            .bind(blocked)
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn grant_role(&mut self, grant: &RoleGrant) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO roles (identity_id, role, granted, granted_by, reason) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (identity_id, role) DO NOTHING",
        )
        .bind(grant.identity.0)
        .bind(grant.role.name())
        .bind(grant.granted.0)
        .bind(&grant.granted_by)
        .bind(&grant.reason)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn revoke_role(&mut self, identity: IdentityId, role: Role) -> Result<bool> {
        let done = sqlx::query("DELETE FROM roles WHERE identity_id = $1 AND role = $2")
            .bind(identity.0)
            .bind(role.name())
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn add_api_key(&mut self, key: &ApiKey) -> Result<bool> {
        // The owner's row is held until this unit of work is over: two keys at once are counted one after the other.
        sqlx::query("UPDATE identities SET last_seen = last_seen WHERE identity_id = $1")
            .bind(key.identity.0)
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        let live: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM api_keys WHERE identity_id = $1 AND revoked IS NULL AND expires > $2",
        )
        .bind(key.identity.0)
        .bind(key.created.0)
        .fetch_one(&mut *self.tx)
        .await
        .map_err(error)?;
        if live >= MAX_API_KEYS {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO api_keys (digest, identity_id, name, created, expires, revoked)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(key.digest.to_string())
        .bind(key.identity.0)
        .bind(&key.name)
        .bind(key.created.0)
        .bind(key.expires.0)
        .bind(key.revoked.map(|at| at.0))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(true)
    }

    async fn revoke_api_key(&mut self, identity: IdentityId, digest: Digest, at: Timestamp) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE api_keys SET revoked = $3 WHERE identity_id = $1 AND digest = $2 AND revoked IS NULL",
        )
        .bind(identity.0)
        .bind(digest.to_string())
        .bind(at.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn add_passkey(&mut self, passkey: &Passkey) -> Result<()> {
        sqlx::query(
            "INSERT INTO passkeys (credential, identity_id, public_key, sign_count, name, created)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(passkey.credential.as_slice())
        .bind(passkey.identity.0)
        .bind(passkey.public_key.as_slice())
        .bind(i64::from(passkey.sign_count))
        .bind(&passkey.name)
        .bind(passkey.created.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn use_passkey(&mut self, credential: &[u8], sign_count: u32) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE passkeys SET sign_count = $2
             WHERE credential = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))",
        )
        .bind(credential)
        .bind(i64::from(sign_count))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn remove_passkey(&mut self, identity: IdentityId, credential: &[u8]) -> Result<bool> {
        let done = sqlx::query("DELETE FROM passkeys WHERE identity_id = $1 AND credential = $2")
            .bind(identity.0)
            .bind(credential)
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn add_invite(&mut self, invite: &Invite) -> Result<()> {
        sqlx::query("INSERT INTO invites (digest, note, uses, used, expires) VALUES ($1, $2, $3, $4, $5)")
            .bind(invite.digest.to_string())
            .bind(&invite.note)
            .bind(i64::from(invite.uses))
            .bind(i64::from(invite.used))
            .bind(invite.expires.0)
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(())
    }

    async fn use_invite(&mut self, digest: Digest, now: Timestamp) -> Result<Option<u32>> {
        let used: Option<i64> = sqlx::query_scalar(
            "UPDATE invites SET used = used + 1 WHERE digest = $1 AND used < uses AND expires > $2 RETURNING used",
        )
        .bind(digest.to_string())
        .bind(now.0)
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(error)?;
        used.map(|used| used.try_into().map_err(|e| damaged("invites", e))).transpose()
    }
}
