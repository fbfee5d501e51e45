//! Whether GitHub would let Landfall in, for `/readyz`.

use super::{Deadline, GitHub};
use crate::config::Credential;
use crate::error::Error;
use crate::host::Host;
use crate::module::Namespace;

/// Whether GitHub lets Landfall in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// For at least one owner.
    pub works: bool,
    /// What stands against it, one sentence each.
    pub problems: Vec<String>,
}

impl<H: Host> GitHub<'_, H> {
    /// Tries the credential. One problem for each owner that it does not work for, in the operator's words; GitHub's own
    /// go to the log. Owners are tried in turn for as long as there is time.
    pub async fn check_credential(&self, deadline: Deadline) -> Readiness {
        let owners: Vec<&str> = match &self.config.credential {
            Credential::Anonymous => {
                return Readiness {
                    works: true,
                    problems: Vec::new(),
                };
            }
            // Neither a token nor a configured installation depends on the owner.
            Credential::Token(_)
            | Credential::App {
                installation: Some(_),
                ..
            } => self
                .config
                .allowed_owners
                .iter()
                .take(1)
                .map(Namespace::as_str)
                .collect(),
            Credential::App {
                installation: None, ..
            } => self
                .config
                .allowed_owners
                .iter()
                .map(Namespace::as_str)
                .collect(),
        };
        let mut readiness = Readiness {
            works: false,
            problems: Vec::new(),
        };
        for owner in owners {
            match self.try_credential(owner, deadline).await {
                Ok(()) => readiness.works = true,
                Err(Error::Misconfigured(mut problems)) => readiness.problems.append(&mut problems),
                Err(error) => {
                    self.host.log(&format!("readyz: `{owner}`: {error}"));
                    readiness.problems.push(match error {
                        Error::NotFound(_) => format!(
                            "the GitHub App is not installed for `{owner}`: install it there, or take `{owner}` out \
                             of `allowed_owners`"
                        ),
                        Error::Rejected(_) => format!(
                            "GitHub refuses the credential for `{owner}`: check that `github_app_id` and \
                             `github_private_key`, or `github_token`, are right, that the App is not suspended, and \
                             that it may read contents and metadata; the log has GitHub's reason"
                        ),
                        _ => format!("GitHub cannot be asked about `{owner}` now: the log has the reason"),
                    });
                }
            }
            if deadline.left(self.host.now()).is_zero() {
                break;
            }
        }
        readiness
    }

    async fn try_credential(&self, owner: &str, deadline: Deadline) -> Result<(), Error> {
        self.authorization(owner, deadline).await?;
        if let Credential::Token(_) = self.config.credential {
            // Free of charge. Where an Enterprise Server has no limits there is no such path, which tells enough.
            match self.get(owner, "/rate_limit", deadline).await {
                Ok(_) | Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
