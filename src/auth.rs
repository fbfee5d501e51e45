//! Who may read: every request for a module is answered to someone who has proven that he may, or to nobody.
//!
//! - [`presented`]: what a request presents
//! - [`tokens`]: the operator's tokens
//! - [`oidc`], [`claims`], [`jws`], `issuer`: CI jobs: the rules, what their ID tokens say, who signed them, and with whose key
//! - [`exchange`], [`registry_token`]: what one of them is exchanged for
//! - [`ticket`]: what an archive's URL proves
//! - [`scope`], [`entries`]: what each may read, and how operators write it; [`keys`]: what signs
//!
//! `docs/security.md` says the same to operators.

pub mod claims;
pub mod entries;
pub mod exchange;
mod issuer;
pub mod jws;
pub mod keys;
pub mod oidc;
pub mod presented;
pub mod registry_token;
pub mod scope;
pub mod ticket;
pub mod tokens;

use std::cell::{Cell, RefCell};

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use self::issuer::Issuer;
use self::jws::Unverified;
use self::keys::SigningKeys;
use self::oidc::{Rule, Workloads};
use self::presented::Presented;
use self::registry_token::RegistryToken;
use self::scope::Scope;
use self::ticket::{Flaw, Folder};
use self::tokens::Token;
use crate::catalogue::Catalogue;
use crate::config::{Config, Secret};
use crate::error::{Denial, Error, NotFound};
use crate::host::{Host, seconds};
use crate::module::{ModuleAddress, RepositoryTemplate, aliases};
use crate::route::ArchiveAddress;
use crate::trace::Trace;

/// Whether the keys of an issuer of `oidc_issuers` can be had now, for `landfall doctor`.
///
/// # Errors
/// [`Error::IssuerUnavailable`] where they can't.
pub async fn check_issuer(host: &impl Host, name: &str) -> Result<(), Error> {
    let calls = &Cell::default();
    // No key is called this: only that there are some is of interest.
    let issuer = Issuer {
        host,
        trace: None,
        name,
        calls,
    };
    issuer.keys("").await.map(|_| ())
}

/// Who may read, as the variables say it.
#[derive(Clone, Debug)]
pub struct Readers {
    /// `anonymous_read`: everyone.
    pub everyone: bool,
    /// `tokens`: whoever has one of these.
    pub tokens: Vec<Token>,
    /// `oidc_issuers`, `oidc_audience`, `oidc_rules`: jobs whose ID token one of the rules holds for.
    pub workloads: Option<Workloads>,
    /// `url_signing_key`, `url_signing_key_previous`: what signs archive URLs and registry tokens. There is none only where
    /// everyone may read.
    pub signing_keys: Option<SigningKeys>,
}

/// By what someone may read a module: an archive's URL carries it, and is good only as long as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grant {
    /// An entry of `tokens`.
    Token {
        /// Its name.
        name: String,
    },
    /// A rule of `oidc_rules`.
    Workload {
        /// The repository whose job it is.
        repository: String,
        /// The rule's fingerprint.
        rule: u64,
    },
}

impl Grant {
    /// Who has it, for the log.
    #[must_use]
    pub fn who(&self) -> &str {
        match self {
            Self::Token { name } => name,
            Self::Workload { repository, .. } => repository,
        }
    }
}

/// How someone has proven who he is, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// None was needed.
    Anonymous,
    /// A token of `tokens`.
    Token,
    /// An ID token.
    IdToken,
    /// A registry token.
    RegistryToken,
    /// An archive's URL.
    SignedUrl,
    /// A webhook's signature.
    Signature,
}

/// Someone who asks.
#[derive(Debug)]
pub struct Caller<'r> {
    proof: Proof,
    grants: Vec<(Grant, &'r Scope)>,
    /// The one folder that may be read, where an archive's URL proves it.
    folder: Option<Folder>,
}

/// Someone who may read one module.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// How that is known.
    pub proof: Proof,
    /// By what. Anonymous readers have and need nothing.
    pub grant: Option<Grant>,
}

impl Caller<'_> {
    /// How it is known who it is.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.proof
    }

    const ANONYMOUS: Self = Caller {
        proof: Proof::Anonymous,
        grants: Vec::new(),
        folder: None,
    };
}

/// Decides who may read, for one request.
#[derive(Debug)]
pub struct Access<'a, H> {
    host: &'a H,
    trace: Option<Trace>,
    readers: &'a Readers,
    names: &'a [RepositoryTemplate],
    calls: Cell<u32>,
    who: RefCell<Option<String>>,
    claimed: RefCell<Option<String>>,
}

impl<'a, H: Host> Access<'a, H> {
    /// For the readers of a configuration, and a request that is a part of `trace`.
    pub fn new(host: &'a H, config: &'a Config, trace: Option<Trace>) -> Self {
        Self {
            host,
            trace,
            readers: &config.readers,
            names: &config.repository_names,
            calls: Cell::default(),
            who: RefCell::default(),
            claimed: RefCell::default(),
        }
    }

    /// Who was recognised, whether he was let in or not: for the log.
    #[must_use]
    pub fn who(&self) -> Option<String> {
        self.who.borrow().clone()
    }

    /// How many requests to issuers this one has cost so far.
    #[must_use]
    pub fn upstream_calls(&self) -> u32 {
        self.calls.get()
    }

    /// Who asks, by what a request presents.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] for nobody who is known; [`Error::IssuerUnavailable`] where that cannot be found out.
    pub async fn identify(&self, headers: &HeaderMap) -> Result<Caller<'a>, Error> {
        match Presented::read(headers) {
            // For the log alone: whoever may read anyway is not asked who he is, and no issuer is either.
            Presented::Token(token) if self.readers.everyone => {
                Ok(self.holder(&token).unwrap_or(Caller::ANONYMOUS))
            }
            _ if self.readers.everyone => Ok(Caller::ANONYMOUS),
            Presented::Nothing => Err(Denial::Nothing.into()),
            Presented::Unreadable => Err(Denial::Unreadable.into()),
            Presented::Token(token) => match self.holder(&token) {
                Err(Denial::Unknown) => self.job(&token).await,
                result => Ok(result?),
            },
        }
    }

    /// What an ID token that was refused says of its holder, for the log.
    #[must_use]
    pub fn claimed(&self) -> Option<String> {
        self.claimed.borrow().clone()
    }

    /// Lets a caller read `module`, if he may, which is where `catalogue` says.
    ///
    /// # Errors
    /// [`NotFound::Scope`]: what he may not know of does not exist. [`NotFound::Ticket`] for another folder than the one that an
    /// archive's URL was made for.
    pub fn admit(
        &self,
        caller: &Caller<'_>,
        module: &ModuleAddress,
        catalogue: &Catalogue,
    ) -> Result<Admitted, Error> {
        let is_other = |folder: Folder| folder != Folder::of(&catalogue.root(module));
        if caller.folder.is_some_and(is_other) {
            return Err(Error::NotFound(NotFound::Ticket));
        }
        let mut grants = caller.grants.iter();
        let grant = grants.find(|(_, scope)| self.allows(scope, module, catalogue));
        if grant.is_none() && !self.readers.everyone {
            return Err(Error::NotFound(NotFound::Scope));
        }
        Ok(Admitted {
            proof: caller.proof,
            grant: grant.map(|(grant, _)| grant.clone()),
        })
    }

    /// Who asks, by an archive's URL. What the URL was made by must still be there, and may have been narrowed since.
    ///
    /// # Errors
    /// [`NotFound::Ticket`] for a URL that Landfall did not make like this, [`Error::UrlExpired`].
    pub fn redeem(&self, address: &ArchiveAddress, ticket: &str) -> Result<Caller<'a>, Error> {
        let altered = || Error::NotFound(NotFound::Ticket);
        let keys = self.readers.signing_keys.as_ref().ok_or_else(altered)?;
        let now = self.host.now();
        let (grant, folder) =
            match ticket::redeem(keys, address, ticket, |it| self.bound_to(it), now) {
                Ok((grant, folder)) => (grant, Some(folder)),
                Err(Flaw::Expired(grant)) => (grant, None),
                Err(Flaw::Altered) => return Err(altered()),
            };
        self.recognise(grant.who());
        if folder.is_none() {
            return Err(Error::UrlExpired);
        }
        let scope = match &grant {
            Grant::Token { name } => {
                let token = self.token(name);
                if token.is_some_and(|token| token.is_expired(now)) {
                    return Err(Error::UrlExpired);
                }
                token.map(|token| &token.scope)
            }
            Grant::Workload { rule, .. } => self.rule(*rule).map(|rule| &rule.scope),
        };
        Ok(Caller {
            proof: Proof::SignedUrl,
            grants: scope.map(|scope| (grant, scope)).into_iter().collect(),
            folder,
        })
    }

    /// What proves an archive's URL, of a folder of its repository, that is made for `admitted`; `None` where no URL needs it.
    #[must_use]
    pub fn ticket(
        &self,
        address: &ArchiveAddress,
        folder: &str,
        admitted: &Admitted,
    ) -> Option<String> {
        let keys = self.readers.signing_keys.as_ref()?;
        let grant = admitted.grant.as_ref().filter(|_| !self.readers.everyone)?;
        let bound_to = self.bound_to(grant)?;
        Some(ticket::issue(
            keys,
            address,
            Folder::of(folder),
            grant,
            bound_to,
            self.host.now(),
        ))
    }

    /// Exchanges an ID token for a registry token.
    ///
    /// # Errors
    /// [`NotFound::Path`] where no ID token is taken; what [`Access::identify`] fails with.
    pub async fn exchange(&self, id_token: &Secret) -> Result<Secret, Error> {
        let not_here = || Error::NotFound(NotFound::Path);
        let workloads = self.readers.workloads.as_ref().ok_or_else(not_here)?;
        let keys = self.readers.signing_keys.as_ref().ok_or_else(not_here)?;
        let (repository, rules) = self.id_token(workloads, id_token).await?;
        let token = RegistryToken {
            repository,
            rules: rules.iter().map(|rule| rule.fingerprint).collect(),
            expires: seconds(self.host.now() + registry_token::LIFETIME),
        };
        Ok(token.sign(keys))
    }

    /// The holder of a token that Landfall knows by itself.
    fn holder(&self, presented: &Secret) -> Result<Caller<'a>, Denial> {
        let text = presented.expose();
        let now = self.host.now();
        if let Some(token) = Token::find(&self.readers.tokens, text) {
            self.recognise(&token.name);
            if token.is_expired(now) {
                return Err(Denial::Expired);
            }
            let name = token.name.clone();
            return Ok(Caller {
                proof: Proof::Token,
                grants: vec![(Grant::Token { name }, &token.scope)],
                folder: None,
            });
        }
        let keys = self.readers.signing_keys.as_ref();
        let keys = keys.filter(|_| RegistryToken::is_one(text));
        let token = keys.and_then(|keys| RegistryToken::read(keys, text));
        let token = token.ok_or(Denial::Unknown)?;
        self.recognise(&token.repository);
        if token.is_expired(now) {
            return Err(Denial::Expired);
        }
        let rules = token.rules.iter().filter_map(|rule| self.rule(*rule));
        let caller = Caller::of_job(Proof::RegistryToken, &token.repository, rules);
        if caller.grants.is_empty() {
            return Err(Denial::Revoked);
        }
        Ok(caller)
    }

    /// The job whose ID token was presented.
    async fn job(&self, presented: &Secret) -> Result<Caller<'a>, Error> {
        let Some(workloads) = &self.readers.workloads else {
            return Err(Denial::Unknown.into());
        };
        let (repository, rules) = self.id_token(workloads, presented).await?;
        Ok(Caller::of_job(
            Proof::IdToken,
            &repository,
            rules.into_iter(),
        ))
    }

    /// The repository of an ID token, and the rules that hold for it. What can be seen without its issuer's keys is looked at
    /// first, so that only a token that would do has them fetched.
    async fn id_token(
        &self,
        workloads: &'a Workloads,
        presented: &Secret,
    ) -> Result<(String, Vec<&'a Rule>), Error> {
        let token = Unverified::read(presented.expose()).ok_or(Denial::Unknown)?;
        let claims = &token.claims;
        self.claimed.replace(Some(claims.summary()));
        let name = claims
            .check(workloads, self.host.now())
            .map_err(Denial::IdToken)?;
        let rules: Vec<&Rule> = workloads
            .rules
            .iter()
            .filter(|rule| rule.holds(claims))
            .collect();
        if rules.is_empty() {
            return Err(Denial::NoRule.into());
        }
        let issuer = Issuer {
            host: self.host,
            trace: self.trace.as_ref(),
            name,
            calls: &self.calls,
        };
        let keys = issuer.keys(&token.key_id).await?;
        if keys.is_empty() {
            return Err(
                Denial::IdToken("this ID token names a key that its issuer does not have").into(),
            );
        }
        if !keys.iter().any(|key| token.is_signed_by(key)) {
            return Err(Denial::IdToken("this ID token is not signed by its issuer").into());
        }
        let repository = claims.repository();
        self.recognise(&repository);
        self.claimed.take();
        Ok((repository, rules))
    }

    fn recognise(&self, who: &str) {
        self.who.replace(Some(who.to_owned()));
    }

    /// Whether a scope allows a module, and what its repository would be by another name: `{name}` alone makes
    /// `terraform-aws-vpc` a module of every system.
    fn allows(&self, scope: &Scope, module: &ModuleAddress, catalogue: &Catalogue) -> bool {
        if scope.is_everything() {
            return true;
        }
        let is_known_otherwise = || {
            let aliases = aliases(self.names, module);
            catalogue.find(module).is_none() && !aliases.iter().all(|it| scope.allows(it))
        };
        scope.allows(module) && !is_known_otherwise()
    }

    /// What a grant's archive URLs are bound to. A token that takes another's name does not take them over; a rule is in them
    /// already.
    fn bound_to(&self, grant: &Grant) -> Option<&'a [u8]> {
        match grant {
            Grant::Token { name } => self.token(name).map(Token::digest),
            Grant::Workload { rule, .. } => self.rule(*rule).map(|_| &[][..]),
        }
    }

    fn token(&self, name: &str) -> Option<&'a Token> {
        self.readers.tokens.iter().find(|token| token.name == name)
    }

    fn rule(&self, fingerprint: u64) -> Option<&'a Rule> {
        let mut rules = self.readers.workloads.iter().flat_map(|it| &it.rules);
        rules.find(|rule| rule.fingerprint == fingerprint)
    }
}

impl<'r> Caller<'r> {
    fn of_job(proof: Proof, repository: &str, rules: impl Iterator<Item = &'r Rule>) -> Self {
        let grant = |rule: &'r Rule| {
            let grant = Grant::Workload {
                repository: repository.to_owned(),
                rule: rule.fingerprint,
            };
            (grant, &rule.scope)
        };
        Self {
            proof,
            grants: rules.map(grant).collect(),
            folder: None,
        }
    }
}
