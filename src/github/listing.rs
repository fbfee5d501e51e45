//! The repositories of an owner, as far as Landfall may see them.

use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::GitHub;
use super::call::{Answer, Call, Kept};
use super::etag::Validator;
use super::limits::Purpose;
use crate::cache::entry::milliseconds;
use crate::config::Credential;
use crate::error::{Error, NotFound};
use crate::host::{Deadline, Host};
use crate::module::Namespace;

/// A repository, as GitHub lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedRepository {
    /// Its name, without the owner's.
    pub name: String,
    /// What it is for, one line of at most [`MAX_DESCRIPTION`] characters.
    pub description: String,
    /// Its topics, lower case.
    pub topics: Vec<String>,
    /// When something was pushed to it last, RFC 3339.
    pub pushed_at: String,
}

/// A list, as far as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) pages: Vec<ListedPage>,
    /// The page that it goes on with, and why not now.
    pub(crate) stopped: Option<(usize, Error)>,
}

/// One page of the list, and how to ask whether it is still so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedPage {
    validator: Option<Validator>,
    /// What it has.
    pub repositories: Vec<ListedRepository>,
    /// Whether there is another one behind it.
    is_followed: bool,
}

impl<H: Host> GitHub<'_, H> {
    /// The repositories of an owner that Landfall's credential sees, from page `cursor` on, in one call for each hundred; pages that are
    /// as they were known to be cost nothing as long as the token is the same. There are at most [`MAX_PAGES`].
    ///
    /// <https://docs.github.com/rest/apps/installations#list-repositories-accessible-to-the-app-installation>; without an App
    /// <https://docs.github.com/rest/repos/repos#list-organization-repositories>, and for users
    /// <https://docs.github.com/rest/repos/repos#list-repositories-for-a-user>, which lists public ones alone.
    ///
    /// # Errors
    /// What the first page that is asked for fails with; a failure of a later one only stops the list.
    pub(crate) async fn repositories(
        &self,
        owner: &Namespace,
        known: &[ListedPage],
        cursor: usize,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Listed, Error> {
        let lists = match &self.config.credential {
            Credential::App { .. } => vec!["/installation/repositories".to_owned()],
            Credential::Token(_) | Credential::Anonymous => {
                vec![
                    format!("/orgs/{owner}/repos"),
                    format!("/users/{owner}/repos"),
                ]
            }
        };
        let mut result = Err(Error::NotFound(NotFound::Owner));
        for list in lists {
            let pages = self.pages(owner, &list, known, cursor, purpose, deadline);
            result = pages.await;
            if !matches!(result, Err(Error::NotFound(_))) {
                break;
            }
        }
        result
    }

    async fn pages(
        &self,
        owner: &Namespace,
        list: &str,
        known: &[ListedPage],
        cursor: usize,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Listed, Error> {
        let mut pages: Vec<ListedPage> = known.to_vec();
        for at in cursor..MAX_PAGES {
            let path = format!("{list}?per_page=100&page={}", at + 1);
            let before = known.get(at);
            let asked = self.listed_page(owner, &path, before, purpose, deadline);
            let page = match asked.await {
                Ok(page) => page,
                Err(error) if at > cursor && error.is_passing() => {
                    let stopped = Some((at, error));
                    return Ok(Listed { pages, stopped });
                }
                Err(error) => return Err(error),
            };
            let is_followed = page.is_followed;
            match pages.get_mut(at) {
                Some(known) => *known = page,
                None => pages.push(page),
            }
            if !is_followed {
                pages.truncate(at + 1);
                return Ok(Listed {
                    pages,
                    stopped: None,
                });
            }
        }
        self.host.log(&format!(
            "{owner} has more than {} repositories: no more are listed",
            MAX_PAGES * 100
        ));
        Ok(Listed {
            pages,
            stopped: None,
        })
    }

    async fn listed_page(
        &self,
        owner: &Namespace,
        path: &str,
        known: Option<&ListedPage>,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<ListedPage, Error> {
        // Bodies are not kept: an `ETag` is good for as long as the token is.
        let validator = known.and_then(|page| page.validator.clone());
        let kept = validator.map(|validator| Kept {
            validator,
            body: Vec::new(),
        });
        let call = Call {
            known: kept.as_ref(),
            ..Call::new("repositories", owner.as_str(), path, purpose, deadline)
        };
        let (asked, answer) = self.get(&call).await?;
        match known.filter(|_| answer.status == StatusCode::NOT_MODIFIED) {
            Some(known) => Ok(known.clone()),
            None => self.page(owner, path, asked.authorization.as_ref(), &answer),
        }
    }
}

impl<H: Host> GitHub<'_, H> {
    /// Reads a page.
    fn page(
        &self,
        owner: &Namespace,
        path: &str,
        authorization: Option<&HeaderValue>,
        answer: &Answer,
    ) -> Result<ListedPage, Error> {
        let repositories = if path.starts_with("/installation/") {
            serde_json::from_slice(&answer.body).map(|it: Document| it.repositories)
        } else {
            serde_json::from_slice(&answer.body)
        };
        let repositories: Vec<Repository> =
            repositories.map_err(|error| Error::Malformed(format!("GET {path}: {error}")))?;
        let is_next = |link: &HeaderValue| {
            let link = link.to_str().unwrap_or_default();
            link.contains("rel=\"next\"")
        };
        let now = milliseconds(self.host.now());
        Ok(ListedPage {
            validator: Some(Validator::sent(&answer.headers, authorization, now)),
            // One that is full and stays as it is does not tell when another one follows it.
            is_followed: answer.headers.get_all(header::LINK).iter().any(is_next)
                || repositories.len() >= PAGE,
            repositories: repositories
                .into_iter()
                .filter_map(|it| it.of(owner))
                .collect(),
        })
    }
}

/// An installation's repositories come in an object, an owner's in an array.
#[derive(Deserialize)]
struct Document {
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    pushed_at: Option<String>,
}

impl Repository {
    /// An installation that serves every owner has only its own.
    fn of(self, owner: &Namespace) -> Option<ListedRepository> {
        let (of, name) = self.full_name.split_once('/')?;
        let is_its = Namespace::parse(of).is_some_and(|of| of == *owner);
        let description = self.description.unwrap_or_default();
        let line = description
            .chars()
            .map(|it| if it.is_control() { ' ' } else { it });
        is_its.then(|| ListedRepository {
            name: name.to_owned(),
            description: line.take(MAX_DESCRIPTION).collect(),
            topics: self.topics.into_iter().take(MAX_TOPICS).collect(),
            pushed_at: self
                .pushed_at
                .unwrap_or_default()
                .chars()
                .take(40)
                .collect(),
        })
    }
}

/// What GitHub gives at most.
const PAGE: usize = 100;
/// 10,000 repositories.
const MAX_PAGES: usize = 100;
/// GitHub's own limit is 350 characters.
pub const MAX_DESCRIPTION: usize = 350;
/// GitHub's own limit.
const MAX_TOPICS: usize = 20;
