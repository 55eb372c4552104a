use apogee_domain::{Digest, Timestamp};

use super::both;
use crate::{
    Account, AccountKind, ApiKey, Identity, IdentityId, Invite, MAX_API_KEYS, Page, Passkey, Role, RoleGrant,
    Standing, Store, StoreError,
};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

/// An account with a provider.
#[must_use]
pub fn account(subject: &str, handle: &str) -> Account {
    Account {
        provider: "github".to_owned(),
        subject: subject.to_owned(),
        handle: handle.to_owned(),
        kind: AccountKind::User,
        created: Some(Timestamp::from_seconds(1_300_000_000)),
    }
}

/// Let an account sign in, and commit.
pub async fn meet(store: &dyn Store, account: &Account, at: Timestamp) -> Identity {
    let mut work = store.begin().await.unwrap();
    let identity = work.meet(account, at).await.unwrap();
    work.commit().await.unwrap();
    identity
}

pub async fn an_account_is_one_identity_whatever_it_is_called(store: &dyn Store) {
    let ada = meet(store, &account("1", "ada"), NOW).await;
    assert_eq!(ada.account, account("1", "ada"));
    assert_eq!((ada.first_seen, ada.last_seen, &ada.standing), (NOW, NOW, &Standing::Ok));
    assert_eq!(ada.actor(), "github:1");
    let renamed = meet(store, &account("1", "countess"), at(5)).await;
    assert_eq!((renamed.id, renamed.first_seen, renamed.last_seen), (ada.id, NOW, at(5)));
    // Whoever takes the name that is free now is somebody else.
    let other = meet(store, &account("2", "ada"), at(6)).await;
    assert_ne!(other.id, ada.id);
    let elsewhere = Account { provider: "company".to_owned(), created: None, ..account("1", "ada") };
    let elsewhere = meet(store, &elsewhere, at(7)).await;
    assert!(![ada.id, other.id].contains(&elsewhere.id));
    assert_eq!(store.identity(ada.id).await.unwrap(), Some(renamed.clone()));
    assert_eq!(store.identity_of("github", "2").await.unwrap(), Some(other.clone()));
    assert_eq!(store.identity_of("company", "2").await.unwrap(), None);
    assert_eq!(store.identity(IdentityId(1_000_000)).await.unwrap(), None);
    let page = |after, limit| store.identities(Page { after, limit });
    assert_eq!(page(None, 10).await.unwrap(), [renamed, other.clone(), elsewhere.clone()]);
    assert_eq!(page(Some(other.id), 10).await.unwrap(), [elsewhere]);
    assert_eq!(page(Some(ada.id), 1).await.unwrap(), [other]);
}

pub async fn two_sign_ins_at_once_are_one_identity(store: &dyn Store) {
    for round in 0..10 {
        let account = account(&round.to_string(), "ada");
        let (one, other) = both(meet(store, &account, at(1)), meet(store, &account, at(2))).await;
        assert_eq!(one.id, other.id);
    }
    assert_eq!(store.identities(Page { after: None, limit: 100 }).await.unwrap().len(), 10);
}

pub async fn a_block_stays_when_they_sign_in_again(store: &dyn Store) {
    let ada = meet(store, &account("1", "ada"), NOW).await;
    let blocked = Standing::Blocked { reason: "a farm \u{201c}区块\u{201d}".to_owned() };
    let mut work = store.begin().await.unwrap();
    assert!(work.set_standing(ada.id, &blocked).await.unwrap());
    assert!(!work.set_standing(IdentityId(999), &blocked).await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(meet(store, &account("1", "ada"), at(1)).await.standing, blocked);
    let mut work = store.begin().await.unwrap();
    assert!(work.set_standing(ada.id, &Standing::Ok).await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(store.identity(ada.id).await.unwrap().unwrap().standing, Standing::Ok);
}

pub async fn a_role_is_given_once_and_taken(store: &dyn Store) {
    let ada = meet(store, &account("1", "ada"), NOW).await.id;
    let bob = meet(store, &account("2", "bob"), NOW).await.id;
    let grant = |identity, role, by: &str| RoleGrant {
        identity,
        role,
        granted: NOW,
        granted_by: by.to_owned(),
        reason: "on duty".to_owned(),
    };
    let mut work = store.begin().await.unwrap();
    assert!(work.grant_role(&grant(ada, Role::Payer, "cli")).await.unwrap());
    assert!(!work.grant_role(&grant(ada, Role::Payer, "another")).await.unwrap());
    assert!(work.grant_role(&grant(ada, Role::Operator, "cli")).await.unwrap());
    assert!(work.grant_role(&grant(bob, Role::Viewer, "cli")).await.unwrap());
    work.commit().await.unwrap();
    let of_ada = [grant(ada, Role::Operator, "cli"), grant(ada, Role::Payer, "cli")];
    assert_eq!(store.roles(ada).await.unwrap(), of_ada);
    assert_eq!(store.all_roles().await.unwrap().len(), 3);
    let mut work = store.begin().await.unwrap();
    assert!(work.revoke_role(ada, Role::Payer).await.unwrap());
    assert!(!work.revoke_role(ada, Role::Payer).await.unwrap());
    assert!(!work.revoke_role(bob, Role::Payer).await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(store.roles(ada).await.unwrap(), of_ada[..1]);
}

fn key(identity: IdentityId, byte: u8, created: i64) -> ApiKey {
    ApiKey {
        digest: Digest([byte; 32]),
        identity,
        name: "ci".to_owned(),
        created: at(created),
        expires: at(created + 100),
        revoked: None,
    }
}

async fn add_key(store: &dyn Store, key: &ApiKey) -> bool {
    let mut work = store.begin().await.unwrap();
    let added = work.add_api_key(key).await.unwrap();
    work.commit().await.unwrap();
    added
}

pub async fn an_identity_has_few_keys_that_can_be_used(store: &dyn Store) {
    let ada = meet(store, &account("1", "ada"), NOW).await.id;
    let bob = meet(store, &account("2", "bob"), NOW).await.id;
    assert!(add_key(store, &key(ada, 1, 0)).await);
    assert!(add_key(store, &key(ada, 2, 1)).await);
    assert!(!add_key(store, &key(ada, 3, 2)).await);
    assert!(add_key(store, &key(bob, 4, 2)).await);
    let mut work = store.begin().await.unwrap();
    assert!(!work.revoke_api_key(bob, Digest([1; 32]), at(3)).await.unwrap(), "of another");
    assert!(work.revoke_api_key(ada, Digest([1; 32]), at(3)).await.unwrap());
    assert!(!work.revoke_api_key(ada, Digest([1; 32]), at(4)).await.unwrap(), "once");
    work.commit().await.unwrap();
    assert!(add_key(store, &key(ada, 3, 5)).await);
    let revoked = ApiKey { revoked: Some(at(3)), ..key(ada, 1, 0) };
    assert_eq!(store.api_keys(ada).await.unwrap(), [key(ada, 3, 5), key(ada, 2, 1), revoked.clone()]);
    assert_eq!(store.api_key(Digest([1; 32])).await.unwrap(), Some(revoked));
    assert_eq!(store.api_key(Digest([9; 32])).await.unwrap(), None);
    // What has expired makes room.
    assert!(add_key(store, &key(ada, 5, 101)).await);
    for round in 10..20 {
        let id = meet(store, &account(&round.to_string(), "crowd"), NOW).await.id;
        assert!(add_key(store, &key(id, round, 0)).await);
        let (second, third) = (key(id, round + 50, 0), key(id, round + 100, 0));
        let (a, b) = both(add_key(store, &second), add_key(store, &third)).await;
        assert_eq!(i64::from(a) + i64::from(b), MAX_API_KEYS - 1);
    }
}

pub async fn a_passkey_counts_up(store: &dyn Store) {
    let ada = meet(store, &account("1", "ada"), NOW).await.id;
    let bob = meet(store, &account("2", "bob"), NOW).await.id;
    let passkey = |credential: &[u8], identity, sign_count| Passkey {
        credential: credential.to_vec(),
        identity,
        public_key: vec![4, 0, 255],
        sign_count,
        name: "a key".to_owned(),
        created: NOW,
    };
    let mut work = store.begin().await.unwrap();
    work.add_passkey(&passkey(b"counts", ada, 7)).await.unwrap();
    work.add_passkey(&passkey(b"never", ada, 0)).await.unwrap();
    work.commit().await.unwrap();
    let mut work = store.begin().await.unwrap();
    let taken = work.add_passkey(&passkey(b"counts", bob, 0)).await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    drop(work);
    let mut work = store.begin().await.unwrap();
    for (credential, count, works) in [
        (b"counts" as &[u8], 8, true),
        (b"counts", 8, false),
        (b"counts", 0, false),
        (b"counts", u32::MAX, true),
        (b"never", 0, true),
        (b"never", 0, true),
        (b"absent", 1, false),
    ] {
        assert_eq!(work.use_passkey(credential, count).await.unwrap(), works, "{count}");
    }
    assert!(!work.remove_passkey(bob, b"never").await.unwrap(), "of another");
    assert!(work.remove_passkey(ada, b"never").await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(store.passkeys(ada).await.unwrap(), [passkey(b"counts", ada, u32::MAX)]);
    assert_eq!(store.passkeys(bob).await.unwrap(), []);
}

async fn use_invite(store: &dyn Store, digest: Digest, now: Timestamp) -> Option<u32> {
    let mut work = store.begin().await.unwrap();
    let used = work.use_invite(digest, now).await.unwrap();
    work.commit().await.unwrap();
    used
}

pub async fn of_two_uses_of_an_invite_with_one_left_one_gets_in(store: &dyn Store) {
    let invite = |byte, uses| Invite {
        digest: Digest([byte; 32]),
        note: "workshop".to_owned(),
        uses,
        used: 0,
        expires: at(100),
    };
    let mut work = store.begin().await.unwrap();
    work.add_invite(&invite(99, 2)).await.unwrap();
    for byte in 0..10 {
        work.add_invite(&invite(byte, 1)).await.unwrap();
    }
    work.commit().await.unwrap();
    for byte in 0..10 {
        let digest = Digest([byte; 32]);
        let (one, other) = both(use_invite(store, digest, NOW), use_invite(store, digest, NOW)).await;
        assert_eq!([one, other].iter().flatten().collect::<Vec<_>>(), [&1], "{one:?} {other:?}");
    }
    let digest = Digest([99; 32]);
    assert_eq!(use_invite(store, digest, at(100)).await, None, "expired");
    assert_eq!(use_invite(store, digest, at(99)).await, Some(1));
    assert_eq!(use_invite(store, digest, NOW).await, Some(2));
    assert_eq!(use_invite(store, digest, NOW).await, None);
    assert_eq!(use_invite(store, Digest([98; 32]), NOW).await, None);
    let found = store.invites().await.unwrap();
    assert_eq!(found.len(), 11);
    assert_eq!(found.iter().find(|found| found.digest == digest), Some(&Invite { used: 2, ..invite(99, 2) }));
    let mut work = store.begin().await.unwrap();
    let again = work.add_invite(&invite(99, 2)).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
}
