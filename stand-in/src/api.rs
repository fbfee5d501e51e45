//! The API's origin: what GitHub checks before it looks at an address, and the way to each answer.

use std::io;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, USER_AGENT, VARY};
use http::request::Parts;
use http::{Method, StatusCode};

use crate::answer::Answer;
use crate::app::JwtRefusal;
use crate::archive;
use crate::contents;
use crate::etag::{self, VARIES};
use crate::fault::FaultKind;
use crate::installation;
use crate::limit::{Bucket, Standing};
use crate::listing;
use crate::paging::Page;
use crate::refs;
use crate::refusal;
use crate::repository;
use crate::route::{Endpoint, Route, parameter};
use crate::token::Caller;
use crate::tree;
use crate::world::{GitHub, World};

/// Two versions are served (<https://docs.github.com/en/rest/about-the-rest-api/api-versions>); the first is the default.
const API_VERSIONS: [&str; 2] = ["2022-11-28", NEWER_API_VERSION];

/// It calls a submodule one in a directory too, among other changes that nothing here shows.
pub(crate) const NEWER_API_VERSION: &str = "2026-03-10";

/// As what the `Accept` header was understood.
pub(crate) const MEDIA_TYPE: HeaderName = HeaderName::from_static("x-github-media-type");

/// An answer, and whether it counts against the caller's primary rate limit.
pub(crate) struct Billed {
    pub(crate) answer: Answer,
    pub(crate) billed: bool,
}

/// Answers one request. Billed are the calls of tokens and of nobody, but not the App's own, refused credentials, 304s to
/// who sent a credential, `/rate_limit`, or the redirect to an archive (undocumented; so in the recordings of 2021 to 2024).
pub(crate) async fn answer(
    github: &GitHub,
    request: &Parts,
    body: &Bytes,
    fault: Option<&FaultKind>,
) -> Billed {
    let version = match precheck(request) {
        Ok(version) => version,
        Err(answer) => return unbilled(answer),
    };
    let caller = match Caller::authenticate(github, &request.headers) {
        Ok(caller) => caller,
        Err(answer) => return unbilled(with_common_headers(answer, version)),
    };
    let route = Route::parse(&request.method, request.uri.path());
    let is_overview = matches!(&route, Some(Route::RateLimit));
    let is_archive = matches!(
        &route,
        Some(Route::Repository {
            endpoint: Endpoint::Archive(..),
            ..
        })
    );
    let bucket = Bucket::of(&caller);
    if let Err(answer) = admit(github, &bucket, &request.method, is_overview) {
        return unbilled(with_common_headers(answer, version));
    }
    let answer = match route {
        Some(Route::RateLimit) if bucket != Bucket::App => {
            standing(github, &bucket, 0).overview(version)
        }
        Some(route) => dispatch(github, &caller, route, request, version, body)
            .await
            .unwrap_or_else(|refusal| refusal),
        None => Answer::not_found(),
    };
    let answer = match fault {
        Some(fault) => fault.lie(answer),
        None => answer,
    };
    let mut answer = with_common_headers(answer, version);
    if bucket == Bucket::App {
        return unbilled(answer);
    }
    if request.method == Method::GET {
        let style = github.world().knobs.etags;
        answer = etag::conditional(answer, &request.headers, style, &github.salt);
    }
    let billed = match answer.status {
        StatusCode::UNAUTHORIZED => false,
        StatusCode::NOT_MODIFIED => bucket == Bucket::Anonymous,
        StatusCode::FOUND => !is_archive,
        _ => !is_overview,
    };
    let answer = standing(github, &bucket, u64::from(billed)).headers(answer);
    Billed { answer, billed }
}

fn unbilled(answer: Answer) -> Billed {
    Billed {
        answer,
        billed: false,
    }
}

/// Whether the caller's limits leave room for one more request. What else is asked for when the primary limit is used up is
/// refused, though it might cost nothing: GitHub does not say.
fn admit(
    github: &GitHub,
    bucket: &Bucket,
    method: &Method,
    is_overview: bool,
) -> Result<(), Answer> {
    let mut world = github.world();
    let now = world.now();
    let World { knobs, limits, .. } = &mut *world;
    let points = limits.spend_points(bucket, method, knobs, now);
    if let Err(wait) = points {
        let refusal = refusal::secondary_rate_limited(403, Some(wait.unsigned_abs()));
        return Err(match bucket {
            Bucket::App => refusal,
            _ => limits.bill(bucket, 0, knobs, now).headers(refusal),
        });
    }
    if *bucket == Bucket::App || is_overview {
        return Ok(());
    }
    let standing = limits.bill(bucket, 0, knobs, now);
    if standing.exhausted() {
        return Err(bucket.exceeded(&standing, knobs.rate_exceeded_status));
    }
    Ok(())
}

/// How a bucket stands once it has paid.
fn standing(github: &GitHub, bucket: &Bucket, cost: u64) -> Standing {
    let mut world = github.world();
    let now = world.now();
    let World { knobs, limits, .. } = &mut *world;
    limits.bill(bucket, cost, knobs, now)
}

async fn dispatch(
    github: &GitHub,
    caller: &Caller,
    route: Route<'_>,
    request: &Parts,
    version: &str,
    body: &Bytes,
) -> Result<Answer, Answer> {
    let query = request.uri.query();
    match route {
        Route::AccountInstallation { login, kind } => {
            as_app(caller)?;
            github.scan();
            Ok(installation::of_account(github, &login, kind))
        }
        Route::App => as_app(caller).map(|()| github.profile()),
        Route::HookConfig => as_app(caller).map(|()| github.hook_config()),
        Route::Account(login) => Ok(installation::account(github, caller, &login)),
        Route::Installations => {
            as_app(caller)?;
            github.scan();
            Ok(listing::installations(github, &Page::parse(query)))
        }
        Route::Installation(id) => {
            as_app(caller)?;
            Ok(installation::of_id(github, id))
        }
        Route::AccessTokens(id) => {
            as_app(caller)?;
            Ok(installation::mint(github, id, body).await)
        }
        Route::InstallationRepositories => {
            let Caller::Installation(grant) = caller else {
                return Err(not_an_installation(caller));
            };
            github.scan();
            let page = Page::parse(query);
            Ok(sound(listing::repositories(github, grant, &page).await))
        }
        Route::AccountRepositories { account, kind } => {
            if matches!(caller, Caller::App) {
                return Err(Answer::bad_credentials());
            }
            github.scan();
            let page = Page::parse(query);
            listing::of_account(github, caller, &account, kind, &page)
                .await
                .map(sound)
        }
        // Answered before, where the caller's bucket is known.
        Route::RateLimit => Err(Answer::bad_credentials()),
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
                Endpoint::Object | Endpoint::Tags => "metadata",
                _ => "contents",
            };
            // The query goes along in a redirect.
            let rest = match query {
                Some(query) => format!("{rest}?{query}"),
                None => rest.to_owned(),
            };
            let repository = repository::find(github, caller, &target, permission, &rest)?;
            Ok(match endpoint {
                Endpoint::Object | Endpoint::Installation => sound(
                    repository::object(github, &repository)
                        .await
                        .map(|object| Answer::json(StatusCode::OK, &object)),
                ),
                Endpoint::MatchingReferences(prefix) => {
                    refs::matching(github, &repository, &prefix).await
                }
                Endpoint::Reference(name) => refs::one(github, &repository, &name).await,
                Endpoint::TagObject(sha) => refs::tag_object(github, &repository, &sha).await,
                Endpoint::Tree(name) => {
                    let recursive = parameter(query, "recursive").is_some();
                    tree::named(github, &repository, &name, recursive).await
                }
                Endpoint::Contents(path) => {
                    contents::get(github, &repository, &path, request, version).await
                }
                Endpoint::Tags => {
                    sound(listing::tags(github, &repository, &Page::parse(query)).await)
                }
                Endpoint::Archive(format, reference) => {
                    archive::redirected(github, &repository, format, reference)
                }
            })
        }
    }
}

fn sound(answer: io::Result<Answer>) -> Answer {
    answer.unwrap_or_else(|error| Answer::broken(&error))
}

/// The refusal of `/installation/repositories` to others; its words for personal tokens are those of fine-grained ones.
fn not_an_installation(caller: &Caller) -> Answer {
    match caller {
        Caller::Personal { .. } => Answer::error(
            StatusCode::FORBIDDEN,
            "Resource not accessible by personal access token",
        ),
        Caller::Anonymous => Answer::error(StatusCode::UNAUTHORIZED, "Requires authentication"),
        Caller::App | Caller::Installation(_) => Answer::bad_credentials(),
    }
}

/// The App's own addresses take nothing but its JSON Web Token.
fn as_app(caller: &Caller) -> Result<(), Answer> {
    match caller {
        Caller::App => Ok(()),
        Caller::Anonymous | Caller::Installation(_) | Caller::Personal { .. } => Err(
            Answer::error(StatusCode::UNAUTHORIZED, JwtRefusal::Undecodable.message()),
        ),
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
    let answer = if answer.headers.contains_key(MEDIA_TYPE) {
        answer
    } else {
        answer.header(MEDIA_TYPE, "github.v3; format=json")
    };
    answer
        .header(CACHE_CONTROL, "private, max-age=60, s-maxage=60")
        .header(VARY, VARIES)
        .header(
            HeaderName::from_static("x-github-api-version-selected"),
            version,
        )
}
