//! What an `id_token` says, and whether it is true (OpenID Connect Core 1.0 § 3.1.3.7). Signatures are RS256 or ES256, as every provider makes
//! them; a token without one, or with one of a shared secret, is none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Seconds that clocks may differ.
const LEEWAY: i64 = 60;

/// Keys of an issuer (RFC 7517 § 5).
#[derive(Debug, Deserialize)]
pub(super) struct Keys {
    keys: Vec<Key>,
}

#[derive(Debug, Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
}

/// What is said of an account.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    pub(super) sub: String,
    aud: Audience,
    #[serde(default)]
    azp: Option<String>,
    exp: i64,
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    pub(super) preferred_username: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// What has to stand in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) nonce: &'a str,
    /// Seconds since 1970.
    pub(super) now: i64,
}

fn bytes(text: &str) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| "its token does not read")
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, &'static str> {
    serde_json::from_slice(&bytes(text)?).map_err(|_| "its token does not read")
}

/// What a token says, where everything about it is as expected.
pub(super) fn verify(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Claims, &'static str> {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("its token does not read");
    };
    let message = token.rsplit_once('.').map_or("", |(message, _)| message);
    check_signature(&json(header)?, keys, message.as_bytes(), &bytes(signature)?)?;
    let claims: Claims = json(claims)?;
    let (for_us, alone) = match &claims.aud {
        Audience::One(one) => (one == expected.audience, true),
        Audience::Many(many) => (many.iter().any(|one| one == expected.audience), many.len() == 1),
    };
    let authorized = claims.azp.as_deref().map_or(alone, |party| party == expected.audience);
    match () {
        () if claims.iss != expected.issuer => Err("its token is of another issuer"),
        () if !for_us || !authorized => Err("its token is for another application"),
        () if claims.exp.saturating_add(LEEWAY) <= expected.now => Err("its token has expired"),
        () if claims.nonce != expected.nonce => Err("its token is of another sign-in"),
        () => Ok(claims),
    }
}

fn check_signature(
    header: &Header,
    keys: &Keys,
    message: &[u8],
    signature: &[u8],
) -> Result<(), &'static str> {
    let kind = match header.alg.as_str() {
        "RS256" => "RSA",
        "ES256" => "EC",
        _ => return Err("its token is signed in a way that is not known here"),
    };
    let fits = |key: &&Key| {
        key.kty == kind
            && key.r#use.as_deref().is_none_or(|what| what == "sig")
            && (header.kid.is_none() || key.kid == header.kid)
    };
    let good = |key: &Key| {
        if kind == "RSA" {
            let (n, e) = (bytes(&key.n).ok()?, bytes(&key.e).ok()?);
            return RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .ok();
        }
        let point = [vec![4], bytes(&key.x).ok()?, bytes(&key.y).ok()?].concat();
        let is_p256 = key.crv == "P-256";
        is_p256.then(|| {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).ok()
        })?
    };
    let found = keys.keys.iter().filter(fits).any(|key| good(key).is_some());
    if found { Ok(()) } else { Err("its token is signed by no key of it") }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    const EXPECTED: Expected<'_> =
        Expected { issuer: "https://i.example", audience: "apogee", nonce: "n1", now: 1_790_000_000 };
    const GOOD: &str =
        r#"{"iss":"https://i.example","sub":"42","aud":"apogee","exp":1790000300,"nonce":"n1","name":"Ada"}"#;

    struct Issuer {
        pair: EcdsaKeyPair,
        random: SystemRandom,
    }

    impl Issuer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let pair =
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
            Self { pair, random }
        }

        fn keys(&self) -> Keys {
            let point = self.pair.public_key().as_ref();
            let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
            let keys = serde_json::json!({ "keys": [
                { "kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB" },
                { "kty": "EC", "kid": "k", "crv": "P-256", "x": x, "y": y, "use": "sig" },
            ]});
            serde_json::from_value(keys).unwrap()
        }

        fn token(&self, header: &str, claims: &str) -> String {
            let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
            let signature = self.pair.sign(&self.random, message.as_bytes()).unwrap();
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }
    }

    #[test]
    fn a_token_of_the_issuer_for_this_application_and_sign_in_is_believed() {
        let issuer = Issuer::new();
        for header in [r#"{"alg":"ES256","kid":"k"}"#, r#"{"alg":"ES256"}"#] {
            let claims = verify(&issuer.token(header, GOOD), &issuer.keys(), &EXPECTED).unwrap();
            assert_eq!((claims.sub.as_str(), claims.name.as_deref()), ("42", Some("Ada")));
        }
        let many = GOOD.replace(r#""aud":"apogee""#, r#""aud":["x","apogee"],"azp":"apogee""#);
        assert!(verify(&issuer.token(r#"{"alg":"ES256"}"#, &many), &issuer.keys(), &EXPECTED).is_ok());
    }

    #[test]
    fn any_other_token_is_refused() {
        let (issuer, other) = (Issuer::new(), Issuer::new());
        let header = r#"{"alg":"ES256","kid":"k"}"#;
        for (from, to) in [
            ("https://i.example", "https://evil.example"),
            (r#""aud":"apogee""#, r#""aud":"other""#),
            (r#""aud":"apogee""#, r#""aud":["x","apogee"]"#),
            (r#""aud":"apogee""#, r#""aud":"apogee","azp":"other""#),
            ("1790000300", "1789999940"),
            ("n1", "n2"),
            (r#","nonce":"n1""#, ""),
            (r#""sub":"42","#, ""),
        ] {
            let token = issuer.token(header, &GOOD.replace(from, to));
            assert!(verify(&token, &issuer.keys(), &EXPECTED).is_err(), "{to}");
        }
        let good = issuer.token(header, GOOD);
        assert!(verify(&good, &other.keys(), &EXPECTED).is_err(), "another key");
        for header in
            [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"RS256"}"#, r#"{"alg":"ES256","kid":"z"}"#]
        {
            assert!(verify(&issuer.token(header, GOOD), &issuer.keys(), &EXPECTED).is_err(), "{header}");
        }
        let (message, _) = good.rsplit_once('.').unwrap();
        for broken in ["", "..", message, &format!("{message}."), &format!("{good}.x")] {
            assert!(verify(broken, &issuer.keys(), &EXPECTED).is_err(), "{broken}");
        }
    }
}
