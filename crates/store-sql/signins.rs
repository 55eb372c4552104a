// One text, a module of both adapters: see crates/store-sql/README.md.

use std::time::Duration;

use apogee_domain::{Digest, Timestamp};
use apogee_store::{
    Challenge, DeviceAnswer, DeviceSignIn, IdentityId, MAX_PENDING, PendingSignIn, Result, SESSION_IDLE,
    Session, SignIns, SignInsWork,
};
use async_trait::async_trait;

use crate::Adapter;
use crate::dialect::error;
use crate::repositories::{Unit, damaged};

type SessionRow = (String, i64, i64, i64, i64, Option<i64>);

fn session((id, identity, created, last_used, expires, step_up_until): SessionRow) -> Result<Session> {
    Ok(Session {
        id: id.parse().map_err(|e| damaged("sessions", e))?,
        identity: IdentityId(identity),
        created: Timestamp(created),
        last_used: Timestamp(last_used),
        expires: Timestamp(expires),
        step_up_until: step_up_until.map(Timestamp),
    })
}

/// The moment so long before.
fn before(now: Timestamp, by: Duration) -> i64 {
    now.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX))
}

#[async_trait]
impl SignIns for Adapter {
    async fn session(&self, id: Digest, now: Timestamp) -> Result<Option<Session>> {
        let row: Option<SessionRow> = sqlx::query_as(
            "SELECT id, identity_id, created, last_used, expires, step_up_until FROM sessions WHERE id = $1",
        )
        .bind(id.to_string())
        .fetch_optional(&self.reads)
        .await
        .map_err(error)?;
        Ok(row.map(session).transpose()?.filter(|session| session.is_live(now)))
    }

    async fn sessions(&self, identity: IdentityId, now: Timestamp) -> Result<Vec<Session>> {
        let rows: Vec<SessionRow> = sqlx::query_as(
            "SELECT id, identity_id, created, last_used, expires, step_up_until FROM sessions
             WHERE identity_id = $1 AND expires > $2 AND last_used > $3 ORDER BY created DESC, id LIMIT 100",
        )
        .bind(identity.0)
        .bind(now.0)
        .bind(before(now, SESSION_IDLE))
        .fetch_all(&self.reads)
        .await
        .map_err(error)?;
        rows.into_iter().map(session).collect()
    }

    async fn device(&self, user: Digest, now: Timestamp) -> Result<Option<DeviceSignIn>> {
        let row: Option<(String, String, i64)> = sqlx::query_as(
            "SELECT device, name, expires FROM device_signins
             WHERE user_code = $1 AND decided = 0 AND expires > $2",
        )
        .bind(user.to_string())
        .bind(now.0)
        .fetch_optional(&self.reads)
        .await
        .map_err(error)?;
        row.map(|(device, name, expires)| {
            let device = device.parse().map_err(|e| damaged("device_signins", e))?;
            Ok(DeviceSignIn { device, user, name, expires: Timestamp(expires) })
        })
        .transpose()
    }
}

#[async_trait]
impl SignInsWork for Unit {
    async fn open_session(&mut self, session: &Session) -> Result<()> {
        sqlx::query(
            "INSERT INTO sessions (id, identity_id, created, last_used, expires, step_up_until)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(session.id.to_string())
        .bind(session.identity.0)
        .bind(session.created.0)
        .bind(session.last_used.0)
        .bind(session.expires.0)
        .bind(session.step_up_until.map(|until| until.0))
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn touch_session(&mut self, id: Digest, at: Timestamp) -> Result<()> {
        sqlx::query("UPDATE sessions SET last_used = $2 WHERE id = $1 AND last_used < $2")
            .bind(id.to_string())
            .bind(at.0)
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(())
    }

    async fn end_session(&mut self, identity: IdentityId, id: Digest) -> Result<bool> {
        let done = sqlx::query("DELETE FROM sessions WHERE identity_id = $1 AND id = $2")
            .bind(identity.0)
            .bind(id.to_string())
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn end_sessions(&mut self, identity: IdentityId) -> Result<u64> {
        let done = sqlx::query("DELETE FROM sessions WHERE identity_id = $1")
            .bind(identity.0)
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(done.rows_affected())
    }

    async fn put_pending(&mut self, pending: &PendingSignIn, now: Timestamp) -> Result<bool> {
        let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM pending_signins WHERE expires > $1")
            .bind(now.0)
            .fetch_one(&mut *self.tx)
            .await
            .map_err(error)?;
        if waiting >= MAX_PENDING {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO pending_signins (state, browser, provider, verifier, nonce, next, expires)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(pending.state.to_string())
        .bind(pending.browser.to_string())
        .bind(&pending.provider)
        .bind(&pending.verifier)
        .bind(&pending.nonce)
        .bind(&pending.next)
        .bind(pending.expires.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(true)
    }

    async fn take_pending(
        &mut self,
        state: Digest,
        browser: Digest,
        now: Timestamp,
    ) -> Result<Option<PendingSignIn>> {
        let row: Option<(String, String, String, String, i64)> = sqlx::query_as(
            "DELETE FROM pending_signins WHERE state = $1 AND browser = $2
             RETURNING provider, verifier, nonce, next, expires",
        )
        .bind(state.to_string())
        .bind(browser.to_string())
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(error)?;
        let pending = row.map(|(provider, verifier, nonce, next, expires)| PendingSignIn {
            state,
            browser,
            provider,
            verifier,
            nonce,
            next,
            expires: Timestamp(expires),
        });
        Ok(pending.filter(|pending| now < pending.expires))
    }

    async fn put_device(&mut self, device: &DeviceSignIn, now: Timestamp) -> Result<bool> {
        let waiting: i64 = sqlx::query_scalar("SELECT count(*) FROM device_signins WHERE expires > $1")
            .bind(now.0)
            .fetch_one(&mut *self.tx)
            .await
            .map_err(error)?;
        if waiting >= MAX_PENDING {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO device_signins (device, user_code, name, expires, asked, decided)
             VALUES ($1, $2, $3, $4, 0, 0)",
        )
        .bind(device.device.to_string())
        .bind(device.user.to_string())
        .bind(&device.name)
        .bind(device.expires.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(true)
    }

    async fn decide_device(
        &mut self,
        user: Digest,
        identity: Option<IdentityId>,
        now: Timestamp,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE device_signins SET decided = 1, identity_id = $2
             WHERE user_code = $1 AND decided = 0 AND expires > $3",
        )
        .bind(user.to_string())
        .bind(identity.map(|identity| identity.0))
        .bind(now.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn poll_device(
        &mut self,
        device: Digest,
        interval: Duration,
        now: Timestamp,
    ) -> Result<DeviceAnswer> {
        // The row is held until this unit of work is over: of two that ask at once the second waits.
        let row: Option<(i64, i64, Option<i64>)> = sqlx::query_as(
            "UPDATE device_signins SET asked = asked WHERE device = $1 AND expires > $2
             RETURNING asked, decided, identity_id",
        )
        .bind(device.to_string())
        .bind(now.0)
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(error)?;
        let Some((asked, decided, identity)) = row else { return Ok(DeviceAnswer::Unknown) };
        if asked > before(now, interval) {
            return Ok(DeviceAnswer::TooOften);
        }
        if decided == 0 {
            sqlx::query("UPDATE device_signins SET asked = $2 WHERE device = $1")
                .bind(device.to_string())
                .bind(now.0)
                .execute(&mut *self.tx)
                .await
                .map_err(error)?;
            return Ok(DeviceAnswer::Pending);
        }
        sqlx::query("DELETE FROM device_signins WHERE device = $1")
            .bind(device.to_string())
            .execute(&mut *self.tx)
            .await
            .map_err(error)?;
        Ok(identity.map_or(DeviceAnswer::Denied, |identity| DeviceAnswer::Approved(IdentityId(identity))))
    }

    async fn put_challenge(&mut self, challenge: &Challenge) -> Result<()> {
        sqlx::query(
            "INSERT INTO challenges (session, bytes, purpose, expires) VALUES ($1, $2, $3, $4)
             ON CONFLICT (session) DO UPDATE SET bytes = excluded.bytes, purpose = excluded.purpose,
               expires = excluded.expires",
        )
        .bind(challenge.session.to_string())
        .bind(challenge.bytes.as_slice())
        .bind(&challenge.purpose)
        .bind(challenge.expires.0)
        .execute(&mut *self.tx)
        .await
        .map_err(error)?;
        Ok(())
    }

    async fn take_challenge(&mut self, session: Digest, now: Timestamp) -> Result<Option<Challenge>> {
        let row: Option<(Vec<u8>, String, i64)> =
            sqlx::query_as("DELETE FROM challenges WHERE session = $1 RETURNING bytes, purpose, expires")
                .bind(session.to_string())
                .fetch_optional(&mut *self.tx)
                .await
                .map_err(error)?;
        let challenge = row.map(|(bytes, purpose, expires)| Challenge {
            session,
            bytes,
            purpose,
            expires: Timestamp(expires),
        });
        Ok(challenge.filter(|challenge| now < challenge.expires))
    }

    async fn sweep(&mut self, now: Timestamp) -> Result<u64> {
        let mut gone = 0;
        for delete in [
            "DELETE FROM pending_signins WHERE expires <= $1",
            "DELETE FROM device_signins WHERE expires <= $1",
            "DELETE FROM challenges WHERE expires <= $1",
            "DELETE FROM sessions WHERE expires <= $1",
        ] {
            let done = sqlx::query(delete).bind(now.0).execute(&mut *self.tx).await.map_err(error)?;
            gone += done.rows_affected();
        }
        let idle = sqlx::query("DELETE FROM sessions WHERE last_used <= $1").bind(before(now, SESSION_IDLE));
        gone += idle.execute(&mut *self.tx).await.map_err(error)?.rows_affected();
        Ok(gone)
    }
}
