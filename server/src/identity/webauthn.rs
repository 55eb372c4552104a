//! What a passkey says, and whether it is true (W3C Web Authentication, level 2).
//!
//! No attestation is asked for: who made the device does not matter, only that the same one signs again. So a new key is read from the
//! authenticator data alone; that its owner can use it is shown by the first signature.

use apogee_domain::Digest;
use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The most bytes of an id (§ 5.8.3… `rawId`).
const LONGEST_ID: usize = 1023;

/// Somebody was there.
const PRESENT: u8 = 0x01;
/// Somebody was there and has shown who they are: a finger, a PIN.
const VERIFIED: u8 = 0x04;
/// A new key follows.
const ATTESTED: u8 = 0x40;

// CTAP2 writes keys in one canonical form (CTAP 2.1 § 8): what stands before and between their numbers is always the same.
const ES256_HEAD: &[u8] = &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
const ES256_BETWEEN: &[u8] = &[0x22, 0x58, 0x20];
const EDDSA_HEAD: &[u8] = &[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20];

/// What the browser says that it was asked, § 5.8.1.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// What was asked, and by whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ceremony<'a> {
    /// `webauthn.create` or `webauthn.get`.
    pub(super) kind: &'a str,
    /// The challenge, as it was told: base64url without padding.
    pub(super) challenge: &'a str,
    /// `https://apogee.example`
    pub(super) origin: &'a str,
    /// The host of the origin.
    pub(super) host: &'a str,
}

/// A key of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewKey {
    pub(super) credential: Vec<u8>,
    /// As COSE writes it.
    pub(super) public_key: Vec<u8>,
    pub(super) sign_count: u32,
}

/// What an authenticator says, § 6.1.
struct Said<'a> {
    sign_count: u32,
    flags: u8,
    rest: &'a [u8],
}

impl Ceremony<'_> {
    fn check_client(&self, client: &[u8]) -> Result<(), &'static str> {
        let client: ClientData =
            serde_json::from_slice(client).map_err(|_| "what the browser says does not read")?;
        match () {
            () if client.r#type != self.kind => Err("the browser was asked something else"),
            () if client.challenge != self.challenge => Err("the challenge is not the one that was asked"),
            () if client.origin != self.origin => Err("it was asked by another site"),
            () if client.cross_origin => Err("it was asked inside another site"),
            () => Ok(()),
        }
    }

    fn said<'a>(&self, authenticator: &'a [u8]) -> Result<Said<'a>, &'static str> {
        const SHORT: &str = "what the passkey says is cut off";
        let (host, rest) = authenticator.split_first_chunk::<32>().ok_or(SHORT)?;
        let (&[flags], rest) = rest.split_first_chunk::<1>().ok_or(SHORT)?;
        let (count, rest) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
        if *host != <[u8; 32]>::from(Sha256::digest(self.host)) {
            return Err("the passkey is for another site");
        }
        if flags & PRESENT == 0 || flags & VERIFIED == 0 {
            return Err("the passkey did not ask who is there");
        }
        Ok(Said { sign_count: u32::from_be_bytes(*count), flags, rest })
    }

    /// A new key.
    pub(super) fn created(&self, client: &[u8], authenticator: &[u8]) -> Result<NewKey, &'static str> {
        const SHORT: &str = "the new key is cut off";
        self.check_client(client)?;
        let said = self.said(authenticator)?;
        if said.flags & ATTESTED == 0 {
            return Err("there is no new key");
        }
        let rest = said.rest.get(16..).ok_or(SHORT)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(SHORT)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > LONGEST_ID {
            return Err("its id has no length that is known");
        }
        let (credential, key) = rest.split_at_checked(length).ok_or(SHORT)?;
        // Extensions may follow the key: they are not looked at.
        let public_key =
            [77, 42].into_iter().filter_map(|length| key.get(..length)).find(|key| point(key).is_some());
        let public_key = public_key.ok_or("the key is neither ES256 nor EdDSA")?;
        Ok(NewKey {
            credential: credential.to_vec(),
            public_key: public_key.to_vec(),
            sign_count: said.sign_count,
        })
    }

    /// How often a key has signed, where its signature is good.
    pub(super) fn signed(
        &self,
        public_key: &[u8],
        client: &[u8],
        authenticator: &[u8],
        signature: &[u8],
    ) -> Result<u32, &'static str> {
        self.check_client(client)?;
        let said = self.said(authenticator)?;
        let mut message = authenticator.to_vec();
        message.extend_from_slice(&Sha256::digest(client));
        let good = match point(public_key).ok_or("the key that is kept does not read")? {
            Point::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(&message, signature)
            }
            Point::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(&message, signature),
        };
        good.map_err(|_| "the signature is not of this passkey")?;
        Ok(said.sign_count)
    }
}

enum Point {
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// The point of a COSE key.
fn point(key: &[u8]) -> Option<Point> {
    if let Some(rest) = key.strip_prefix(EDDSA_HEAD) {
        return (rest.len() == 32).then(|| Point::Ed25519(rest.to_vec()));
    }
    let (x, rest) = key.strip_prefix(ES256_HEAD)?.split_at_checked(32)?;
    let y = rest.strip_prefix(ES256_BETWEEN)?;
    (y.len() == 32).then(|| Point::P256([&[4], x, y].concat()))
}

/// What a user is known as to devices: it tells them nothing.
pub(super) fn handle(actor: &str) -> Digest {
    Digest(Sha256::digest(format!("passkey {actor}")).into())
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

    use super::*;

    const ASKED: Ceremony<'_> = Ceremony {
        kind: "webauthn.create",
        challenge: "abc",
        origin: "https://a.example",
        host: "a.example",
    };
    const STEP_UP: Ceremony<'_> = Ceremony { kind: "webauthn.get", ..ASKED };

    fn client(ceremony: &Ceremony<'_>) -> String {
        let Ceremony { kind, challenge, origin, .. } = ceremony;
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
    }

    fn authenticator(host: &str, flags: u8, count: u32, rest: &[u8]) -> Vec<u8> {
        let host: [u8; 32] = Sha256::digest(host).into();
        [&host, &[flags][..], &count.to_be_bytes(), rest].concat()
    }

    fn attested(id: &[u8], key: &[u8]) -> Vec<u8> {
        let length = u16::try_from(id.len()).unwrap().to_be_bytes();
        [&[0; 16], &length[..], id, key].concat()
    }

    fn es256() -> (EcdsaKeyPair, Vec<u8>, SystemRandom) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let cose = [ES256_HEAD, &point[1..33], ES256_BETWEEN, &point[33..]].concat();
        (pair, cose, random)
    }

    fn sign(pair: &EcdsaKeyPair, random: &SystemRandom, said: &[u8], client: &str) -> Vec<u8> {
        let message = [said, &Sha256::digest(client)[..]].concat();
        pair.sign(random, &message).unwrap().as_ref().to_vec()
    }

    #[test]
    fn a_key_is_read_and_signs() {
        let (pair, cose, random) = es256();
        let said = authenticator("a.example", 0x45, 0, &attested(b"id", &cose));
        let made = ASKED.created(client(&ASKED).as_bytes(), &said).unwrap();
        assert_eq!(made, NewKey { credential: b"id".to_vec(), public_key: cose.clone(), sign_count: 0 });
        let (said, client) = (authenticator("a.example", 0x05, 7, &[]), client(&STEP_UP));
        let signature = sign(&pair, &random, &said, &client);
        assert_eq!(STEP_UP.signed(&cose, client.as_bytes(), &said, &signature), Ok(7));
        let mut other = said.clone();
        other[36] ^= 1;
        assert!(STEP_UP.signed(&cose, client.as_bytes(), &other, &signature).is_err(), "another count");
        let (_, others, _) = es256();
        assert!(STEP_UP.signed(&others, client.as_bytes(), &said, &signature).is_err(), "another key");
        assert!(STEP_UP.signed(&cose, client.as_bytes(), &said, &[]).is_err(), "no signature");
    }

    #[test]
    fn an_ed25519_key_signs_as_well() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let cose = [EDDSA_HEAD, pair.public_key().as_ref()].concat();
        let said = authenticator("a.example", 0xc5, 0, &[&attested(b"id", &cose)[..], &[0xa0]].concat());
        assert_eq!(ASKED.created(client(&ASKED).as_bytes(), &said).unwrap().public_key, cose);
        let (said, client) = (authenticator("a.example", 0x05, 0, &[]), client(&STEP_UP));
        let signature = pair.sign(&[&said[..], &Sha256::digest(&client)[..]].concat());
        assert_eq!(STEP_UP.signed(&cose, client.as_bytes(), &said, signature.as_ref()), Ok(0));
    }

    #[test]
    fn what_was_asked_elsewhere_or_by_nobody_is_refused() {
        let (pair, cose, random) = es256();
        let good = authenticator("a.example", 0x05, 1, &[]);
        let refused = |client: &str, said: &[u8]| {
            let signature = sign(&pair, &random, said, client);
            STEP_UP.signed(&cose, client.as_bytes(), said, &signature).unwrap_err()
        };
        let plain = client(&STEP_UP);
        for (from, to) in [
            ("webauthn.get", "webauthn.create"),
            ("abc", "abd"),
            ("https://a.example", "https://evil.example"),
            ("https://a.example", "http://a.example"),
            ("false", "true"),
            ("{", "["),
        ] {
            refused(&plain.replace(from, to), &good);
        }
        refused(&plain, &authenticator("evil.example", 0x05, 1, &[]));
        refused(&plain, &authenticator("a.example", 0x01, 1, &[]));
        refused(&plain, &authenticator("a.example", 0x04, 1, &[]));
        for length in 0..37 {
            refused(&plain, &good[..length]);
        }
    }

    #[test]
    fn a_new_key_that_is_cut_off_or_of_another_kind_is_refused() {
        let (_, cose, _) = es256();
        let whole = authenticator("a.example", 0x45, 0, &attested(b"id", &cose));
        for length in 0..whole.len() {
            assert!(ASKED.created(client(&ASKED).as_bytes(), &whole[..length]).is_err(), "{length}");
        }
        let rs256 = authenticator("a.example", 0x45, 0, &attested(b"id", &[0xa4; 300]));
        assert!(ASKED.created(client(&ASKED).as_bytes(), &rs256).is_err());
        let none = authenticator("a.example", 0x45, 0, &attested(b"", &cose));
        assert!(ASKED.created(client(&ASKED).as_bytes(), &none).is_err());
    }
}
