//! The API's origin: what GitHub checks before it looks at an address, and the way to each answer.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, USER_AGENT, VARY};
use http::request::Parts;

use crate::answer::Answer;
use crate::app::JwtRefusal;
use crate::archive;
use crate::installation;
use crate::refs;
use crate::repository;
use crate::route::{Endpoint, Route};
use crate::token::Caller;
use crate::world::GitHub;

/// Two versions are served (<https://docs.github.com/en/rest/about-the-rest-api/api-versions>); the first is the default.
const API_VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// An answer, and whether it counts against the caller's primary rate limit.
pub(crate) struct Billed {
    pub(crate) answer: Answer,
    pub(crate) billed: bool,
}

/// Answers one request. Billed are the calls of tokens and of nobody, but not the App's own, refused credentials, or
/// the redirect to an archive (undocumented; so in the recordings of 2021 to 2024).
pub(crate) async fn answer(github: &GitHub, request: &Parts, body: &Bytes) -> Billed {
    let version = match precheck(request) {
        Ok(version) => version,
        Err(answer) => {
            return Billed {
                answer,
                billed: false,
            };
        }
    };
    let caller = match Caller::authenticate(github, &request.headers) {
        Ok(caller) => caller,
        Err(answer) => {
            return Billed {
                answer: with_common_headers(answer, version),
                billed: false,
            };
        }
    };
    let route = Route::parse(&request.method, request.uri.path());
    let is_zipball = matches!(
        &route,
        Some(Route::Repository {
            endpoint: Endpoint::Zipball(_),
            ..
        })
    );
    let answer = match route {
        Some(route) => dispatch(github, &caller, route, body)
            .await
            .unwrap_or_else(|refusal| refusal),
        None => Answer::not_found(),
    };
    let limit = match caller {
        Caller::App => None,
        Caller::Anonymous => Some(60),
        Caller::Installation(_) | Caller::Personal(_) => Some(5_000),
    };
    let billed = limit.is_some()
        && answer.status != StatusCode::UNAUTHORIZED
        && !(is_zipball && answer.status == StatusCode::FOUND);
    let mut answer = with_common_headers(answer, version);
    if let Some(limit) = limit {
        answer = with_rate_limit(answer, limit, github.now());
    }
    Billed { answer, billed }
}

async fn dispatch(
    github: &GitHub,
    caller: &Caller,
    route: Route<'_>,
    body: &Bytes,
) -> Result<Answer, Answer> {
    match route {
        Route::AccountInstallation { login, kind } => {
            as_app(caller)?;
            github.scan();
            Ok(installation::of_account(github, &login, kind))
        }
        Route::AccessTokens(id) => {
            as_app(caller)?;
            Ok(installation::mint(github, id, body).await)
        }
        Route::Repository {
            target,
            rest,
            endpoint: Endpoint::Installation,
        } => {
            as_app(caller)?;
            let repository = repository::find_for_app(github, &target, rest)?;
            Ok(installation::of_repository(github, &repository))
        }
        Route::Repository {
            target,
            rest,
            endpoint,
        } => {
            if matches!(caller, Caller::App) {
                // Nothing of a repository but its installation is for the App itself.
                return Err(Answer::bad_credentials());
            }
            let permission = match endpoint {
                Endpoint::Object => "metadata",
                _ => "contents",
            };
            let repository = repository::find(github, caller, &target, permission, rest)?;
            Ok(match endpoint {
                Endpoint::Object | Endpoint::Installation => {
                    match repository::object(github, &repository).await {
                        Ok(object) => Answer::json(StatusCode::OK, &object),
                        Err(error) => Answer::broken(&error),
                    }
                }
                Endpoint::MatchingReferences(prefix) => {
                    refs::matching(github, &repository, &prefix).await
                }
                Endpoint::Reference(name) => refs::one(github, &repository, &name).await,
                Endpoint::TagObject(sha) => refs::tag_object(github, &repository, &sha).await,
                Endpoint::Zipball(reference) => archive::zipball(github, &repository, reference),
            })
        }
    }
}

/// The App's own addresses take nothing but its JSON Web Token.
fn as_app(caller: &Caller) -> Result<(), Answer> {
    match caller {
        Caller::App => Ok(()),
        Caller::Anonymous | Caller::Installation(_) | Caller::Personal(_) => Err(Answer::error(
            StatusCode::UNAUTHORIZED,
            JwtRefusal::Undecodable.message(),
        )),
    }
}

/// The API version to serve. Without a `User-Agent` GitHub's front end answers 403 in plain text.
fn precheck(request: &Parts) -> Result<&'static str, Answer> {
    if request
        .headers
        .get(USER_AGENT)
        .is_none_or(HeaderValue::is_empty)
    {
        return Err(Answer::whole(
            StatusCode::FORBIDDEN,
            "text/html; charset=utf-8",
            "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header \
             (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). \
             Check https://developer.github.com for other possible causes.\r\n",
        ));
    }
    let [default, _] = API_VERSIONS;
    let Some(wanted) = request.headers.get("x-github-api-version") else {
        return Ok(default);
    };
    API_VERSIONS
        .into_iter()
        .find(|version| wanted == version)
        .ok_or_else(|| {
            let message = format!(
                "\"{}\" is not a valid API version. Supported versions: {}.",
                wanted.to_str().unwrap_or_default(),
                API_VERSIONS.join(", "),
            );
            Answer::error(StatusCode::BAD_REQUEST, &message)
        })
}

fn with_common_headers(answer: Answer, version: &str) -> Answer {
    answer
        .header(CACHE_CONTROL, "private, max-age=60, s-maxage=60")
        .header(VARY, "Accept, Authorization, Cookie, X-GitHub-OTP")
        .header(
            HeaderName::from_static("x-github-media-type"),
            "github.v3; format=json",
        )
        .header(
            HeaderName::from_static("x-github-api-version-selected"),
            version,
        )
}

/// The headers of the primary limit. They are constant: no limit is counted down.
fn with_rate_limit(answer: Answer, limit: u32, now: i64) -> Answer {
    answer
        .header(
            HeaderName::from_static("x-ratelimit-limit"),
            &limit.to_string(),
        )
        .header(
            HeaderName::from_static("x-ratelimit-remaining"),
            &(limit - 1).to_string(),
        )
        .header(HeaderName::from_static("x-ratelimit-used"), "1")
        .header(
            HeaderName::from_static("x-ratelimit-reset"),
            &now.saturating_add(3_600).to_string(),
        )
        .header(HeaderName::from_static("x-ratelimit-resource"), "core")
}
