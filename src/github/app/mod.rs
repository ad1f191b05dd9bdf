//! A GitHub App: it proves who it is with its private key, and finds where it is installed.
//!
//! A proof is a JSON Web Token, signed with RS256, that lasts ten minutes at most ("Generating a JSON Web Token
//! (JWT) for a GitHub App"). One is made whenever one is needed, for two things only: to list the installations
//! and to get a token for one of them ([`Installation`]). The key, the proofs and the tokens are kept in memory,
//! and none of them is ever told. What an app reads instead of what is an account's stands in `view`.

mod error;
mod installation;
pub(super) mod view;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::json;

pub use error::Error;
pub use installation::Installation;

use super::{Client, Error as Refusal};
use crate::clock::Clock;
use crate::config::Secret;
use crate::config::settings::GithubApi;
use crate::net::Transport;

/// How far a proof is dated back, in seconds, because clocks differ.
const BACK: i64 = 60;
/// How long a proof lasts from now, in seconds: together with [`BACK`] ten minutes.
const AHEAD: i64 = 540;

/// An app that can prove who it is to one API.
#[derive(Debug)]
pub struct App {
    id: String,
    key: RsaKeyPair,
    transport: Transport,
    url: String,
    clock: Clock,
}

/// One of its installations ("List installations for the authenticated app").
#[derive(Debug, Deserialize)]
struct Found {
    id: u64,
    #[serde(default)]
    account: Option<Account>,
    #[serde(default)]
    suspended_at: Option<String>,
}

/// Where it is installed: a person and an organisation have a login, an enterprise a slug.
#[derive(Debug, Deserialize)]
struct Account {
    #[serde(alias = "slug")]
    login: String,
}

impl Found {
    fn account(&self) -> &str {
        self.account.as_ref().map_or("?", |account| &account.login)
    }
}

impl App {
    /// Reads the private key, PEM as GitHub lets it be downloaded (PKCS #1) or PKCS #8. `id` is the app's client
    /// id or its app id; nothing is sent yet.
    pub fn new(
        (transport, url): (impl Into<Transport>, &str),
        id: &str,
        pem: &Secret,
        clock: Clock,
    ) -> Result<Self, Error> {
        let key = key_pair(pem.expose()).ok_or_else(|| Error::Key { id: id.to_owned() })?;
        Ok(Self { id: id.to_owned(), key, transport: transport.into(), url: url.to_owned(), clock })
    }

    /// Its installation with this id.
    pub fn at(self, installation: u64) -> Installation {
        Installation::new(self, installation)
    }

    /// Its only installation, or, of several, the one on the account of `owner`. Costs a request for each hundred.
    pub async fn installed(self, owner: Option<&str>) -> Result<Installation, Refusal> {
        let action = || format!("list the installations of the GitHub App `{}`", self.id);
        let found = self.client()?.list::<Found>("/app/installations", Vec::new(), &action).await;
        let chosen = self.choose(&found.map_err(|refusal| self.refused(refusal))?, owner)?;
        Ok(self.at(chosen))
    }

    fn choose(&self, found: &[Found], owner: Option<&str>) -> Result<u64, Error> {
        let id = self.id.clone();
        let is_owners =
            |found: &&Found| owner.is_some_and(|owner| found.account().eq_ignore_ascii_case(owner));
        let chosen = match found {
            [] => return Err(Error::Nowhere { id, url: self.url.clone() }),
            [only] => only,
            several => several.iter().find(is_owners).ok_or_else(|| Error::Several {
                id: id.clone(),
                installed: several.iter().map(|found| (found.account().to_owned(), found.id)).collect(),
            })?,
        };
        match chosen.suspended_at {
            Some(_) => Err(Error::Suspended { id, installation: chosen.id }),
            None => Ok(chosen.id),
        }
    }

    /// A client that speaks as the app itself. Nothing is paced: what its answers say of limits is of no budget
    /// that anything else is paid from.
    fn client(&self) -> Result<Client, Refusal> {
        let token = self.proof(self.clock.now())?;
        let api = GithubApi { url: self.url.clone(), token };
        Client::new(self.transport.clone(), &api, self.clock.clone())
    }

    /// The proof: from when, until when, who; signed.
    fn proof(&self, now: Timestamp) -> Result<Secret, Error> {
        let now = now.as_second();
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let claims = json!({"iat": now - BACK, "exp": now + AHEAD, "iss": self.id});
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let text = format!("{header}.{claims}");
        let mut signature = vec![0; self.key.public_modulus_len()];
        let signed = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
        signed.map_err(|_unspecified| Error::Key { id: self.id.clone() })?;
        Ok(Secret::new(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }

    /// The refusal of a proof, told as such.
    fn refused(&self, refusal: Refusal) -> Refusal {
        match refusal {
            Refusal::Unauthorized { url, message } => {
                Error::Proof { id: self.id.clone(), url, message }.into()
            }
            other => other,
        }
    }
}

/// The key in a PEM text, if it is an RSA private key.
fn key_pair(pem: &str) -> Option<RsaKeyPair> {
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()? {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
        _ => None,
    }
}
