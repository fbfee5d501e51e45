//! Whether GitHub would let Landfall in, for `/readyz`.

use super::GitHub;
use super::call::Call;
use super::limits::Purpose;
use crate::config::Credential;
use crate::error::Error;
use crate::host::{Deadline, Host};
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
        let owners = self.config.allowed_owners.iter().map(Namespace::as_str);
        let count = match &self.config.credential {
            Credential::App {
                installation: None, ..
            } => owners.len(),
            // All others are the same for every owner.
            Credential::App { .. } | Credential::Token(_) | Credential::Anonymous => 1,
        };
        let mut readiness = Readiness {
            works: false,
            problems: Vec::new(),
        };
        for owner in owners.take(count) {
            let tried = self.try_credential(owner, deadline).await;
            let is_let_in = tried.is_ok();
            // It is let in, and may not ask.
            match tried.and_then(|()| self.permit(owner, Purpose::First)) {
                Ok(()) => readiness.works = true,
                Err(Error::Misconfigured(mut problems)) => readiness.problems.append(&mut problems),
                Err(error) => {
                    // What is kept is served all the same, once GitHub has let Landfall in.
                    readiness.works |=
                        is_let_in || (error.is_passing() && self.has_signed_in(owner));
                    self.host.log(&format!("readyz: `{owner}`: {error}"));
                    readiness.problems.push(self.mend(owner, &error));
                }
            }
            if deadline.left(self.host.now()).is_zero() {
                break;
            }
        }
        if matches!(self.config.credential, Credential::Anonymous) {
            readiness.problems.push(ANONYMOUS.to_owned());
        }
        readiness
    }

    async fn try_credential(&self, owner: &str, deadline: Deadline) -> Result<(), Error> {
        if let Credential::App { .. } = self.config.credential {
            return self.authorization(owner, deadline).await.map(|_| ());
        }
        // Free of charge. Where an Enterprise Server has no limits there is no such path, which tells enough.
        let call = Call::new("rate_limit", owner, "/rate_limit", Purpose::Free, deadline);
        match self.get(&call).await {
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What an operator can do about a failure.
    fn mend(&self, owner: &str, error: &Error) -> String {
        match (error, &self.config.credential) {
            (Error::NotFound(_), Credential::App { installation: Some(_), .. }) => {
                "`github_installation_id` is not an installation of this App: correct it, or leave it out to have it \
                 found"
                    .to_owned()
            }
            (Error::NotFound(_), _) => format!(
                "the GitHub App is not installed for `{owner}`: install it there, or take `{owner}` out of \
                 `allowed_owners`"
            ),
            (Error::Rejected(_), Credential::Token(_)) => {
                "GitHub refuses `github_token`: set it to one that is valid; the log has GitHub's reason".to_owned()
            }
            (Error::Rejected(_), _) => format!(
                "GitHub refuses the App for `{owner}`: check that `github_app_id` and `github_private_key` are of the \
                 same App, that it is not suspended, and that it may read contents and metadata; the log has GitHub's \
                 reason"
            ),
            (Error::Limited { retry_after }, _) => format!(
                "GitHub's rate limit for `{owner}` is reached, for {} s more: what is known is served meanwhile, and what is \
                 not has to wait",
                retry_after.as_secs()
            ),
            _ => format!("GitHub cannot be asked about `{owner}` now: the log has the reason"),
        }
    }
}

const ANONYMOUS: &str = "neither `github_app_id` nor `github_token` is set: only public repositories are served, at \
                         GitHub's rate for the anonymous";
