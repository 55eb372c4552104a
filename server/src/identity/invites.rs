use apogee_domain::{Digest, Timestamp};
use apogee_store::{Account, AccountKind, Invite};

use super::door::{Door, LetIn, local};
use super::refused::Refused;
use super::visitor::{Visitor, digest};

/// What is kept of an invitation's code. People type it: spaces and case do not count.
fn code_digest(code: &str) -> Digest {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    digest("invite", &plain.to_ascii_uppercase())
}

impl Door {
    /// The name that invitations go by, where there are any.
    pub(crate) fn invites(&self) -> Option<&str> {
        self.invites.as_deref()
    }

    /// Whether invitations go by this name.
    pub(crate) fn is_invite(&self, provider: &str) -> bool {
        self.invites.as_deref() == Some(provider)
    }

    /// Let somebody in with an invitation. Each use is an identity of its own: who comes back later needs another.
    pub(crate) async fn invited(&self, visitor: &Visitor, code: &str, next: &str) -> Result<LetIn, Refused> {
        let provider = self.invites.clone().ok_or(Refused::NoInvite)?;
        let digest = code_digest(code);
        let mut work = self.store.begin().await?;
        let used = work.use_invite(digest, visitor.now).await?.ok_or(Refused::NoInvite)?;
        work.commit().await?;
        let id: String = digest.to_string().chars().take(16).collect();
        let account = Account {
            provider,
            subject: format!("{id}-{used}"),
            handle: format!("guest-{used}"),
            kind: AccountKind::User,
            created: None,
        };
        self.admit(visitor, &account, local(next).to_owned()).await
    }
}

/// Make an invitation from randomness: its code, which is told here and never again.
pub(crate) fn invitation(random: &[u8; 32], note: &str, uses: u32, expires: Timestamp) -> (String, Invite) {
    // 80 bits: nobody guesses one of them.
    let parts: Vec<String> = random
        .chunks(2)
        .take(5)
        .map(|part| part.iter().map(|byte| format!("{byte:02X}")).collect())
        .collect();
    let code = parts.join("-");
    let invite = Invite { digest: code_digest(&code), note: note.to_owned(), uses, used: 0, expires };
    (code, invite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        let (code, invite) = invitation(&[0xab; 32], "workshop", 1, Timestamp(0));
        assert_eq!(code, "ABAB-ABAB-ABAB-ABAB-ABAB");
        for typed in [&code, "abab abab ababababABAB", " ABAB-ABAB-ABAB-ABAB-ABAB\n"] {
            assert_eq!(code_digest(typed), invite.digest);
        }
        assert_ne!(code_digest("ABAB-ABAB-ABAB-ABAB"), invite.digest);
    }
}
