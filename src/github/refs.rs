//! Tags, and the commits that they stand for.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::call::{Call, Kept};
use super::etag::Validator;
use super::limits::Purpose;
use super::{GitHub, Repository};
use crate::error::{Error, NotFound};
use crate::host::{Deadline, Host};
use crate::module::ObjectId;
use crate::pins::Target;

/// What GitHub says about a repository's tags.
#[derive(Clone, Debug)]
pub enum Tags {
    /// They are as they were.
    Unchanged,
    /// All of them.
    Listed(Box<Listed>),
}

/// A list of tags, and what it tells about the repository.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Names without `refs/tags/`. Tags of trees and blobs are left out.
    pub tags: Vec<(String, Target)>,
    /// The repository's number, where the list or a redirect tells.
    pub id: Option<u64>,
    /// Whether the repository has another name now, and was found by its number.
    pub is_redirected: bool,
    /// Its owner and its name as they are now, where the list tells.
    pub full_name: Option<String>,
    /// For asking again.
    pub kept: Kept,
}

/// What a repository is to GitHub.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Identity {
    /// Its number, which it keeps for ever.
    pub id: u64,
    /// Its owner and its name, of today.
    pub full_name: String,
}

impl<H: Host> GitHub<'_, H> {
    /// All tags of a repository that begin with `prefix`, without it, in one call: `matching-refs` is not paged. A repository
    /// without any, or without a commit, has an empty list. What is `known` of the list makes the call free where nothing has changed.
    pub async fn tags(
        &self,
        repository: &Repository,
        prefix: &str,
        known: Option<&Kept>,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Tags, Error> {
        let path = match prefix {
            "" => repository.path("/git/matching-refs/tags"),
            prefix => repository.path(&format!("/git/matching-refs/tags/{}", escaped(prefix))),
        };
        let call = Call {
            known,
            ..Call::new("tags", &repository.owner, &path, purpose, deadline)
        };
        let (asked, answer) = match self.get(&call).await {
            Err(Error::NotFound(NotFound::Versions)) => {
                return Ok(Tags::Listed(Box::new(Listed::empty())));
            }
            result => result?,
        };
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(Tags::Unchanged);
        }
        let is_part = |link: &HeaderValue| {
            let link = link.to_str().unwrap_or_default();
            link.contains("rel=\"next\"")
        };
        if answer.headers.get_all(header::LINK).iter().any(is_part) {
            return Err(Error::Malformed(format!("GET {path}: a part of a list")));
        }
        let refs: Vec<Ref> = serde_json::from_slice(&answer.body)
            .map_err(|error| Error::Malformed(format!("GET {path}: {error}")))?;
        let numbered = self.config.github.api("/repositories/");
        let redirected_to: Option<u64> = asked
            .url
            .strip_prefix(&numbered)
            .and_then(|rest| rest.split('/').next()?.parse().ok());
        Ok(Tags::Listed(Box::new(Listed {
            id: redirected_to.or_else(|| refs.first()?.repository_id()),
            is_redirected: asked.url != self.config.github.api(&path),
            full_name: refs.first().and_then(Ref::full_name),
            tags: refs.into_iter().filter_map(|it| it.tag(prefix)).collect(),
            kept: self.kept(&asked, answer, known),
        })))
    }

    /// Which repository it is that is found there now.
    pub async fn identity(
        &self,
        repository: &Repository,
        deadline: Deadline,
    ) -> Result<Identity, Error> {
        let path = repository.path("");
        // A refresh that was begun is brought to its end, even if the list was the last that there is to ask for.
        let call = Call::new(
            "repository",
            &repository.owner,
            &path,
            Purpose::Free,
            deadline,
        );
        let (_, answer) = self.get(&call).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| Error::Malformed(format!("GET {path}: {error}")))
    }

    /// The commit that a tag stands for: one call for each annotated tag on the way, which is one but for oddities.
    pub async fn peel(
        &self,
        repository: &Repository,
        target: &Target,
        deadline: Deadline,
    ) -> Result<ObjectId, Error> {
        let mut target = target.clone();
        for _ in 0..=MAX_NESTED_TAGS {
            let tag = match target {
                Target::Commit(commit) => return Ok(commit),
                Target::Tag(tag) => tag,
            };
            let path = repository.path(&format!("/git/tags/{tag}"));
            let tag: TagObject = match self.json("tag", &repository.owner, &path, deadline).await {
                Err(Error::NotFound(_)) => return Err(Error::NotFound(NotFound::Version)),
                result => result?,
            };
            target = tag.object.target().ok_or_else(|| {
                Error::Malformed(format!("GET {path}: a tag of something that is no commit"))
            })?;
        }
        Err(Error::Malformed(format!(
            "{repository}: a tag of more than {MAX_NESTED_TAGS} tags"
        )))
    }
}

impl Listed {
    fn empty() -> Self {
        Self {
            tags: Vec::new(),
            id: None,
            is_redirected: false,
            full_name: None,
            kept: Kept {
                validator: Validator::None { until: 0 },
                body: Vec::new(),
            },
        }
    }
}

#[derive(Deserialize)]
struct Ref {
    #[serde(rename = "ref")]
    name: String,
    #[serde(default)]
    node_id: String,
    #[serde(default)]
    url: String,
    object: Object,
}

impl Ref {
    fn tag(self, prefix: &str) -> Option<(String, Target)> {
        let name = self.name.strip_prefix("refs/tags/")?;
        let name = name.strip_prefix(prefix)?.to_owned();
        Some((name, self.object.target()?))
    }

    /// `https://api.github.com/repos/OWNER/NAME/git/refs/tags/v1.0.0`
    fn full_name(&self) -> Option<String> {
        let (_, rest) = self.url.split_once("/repos/")?;
        let (full_name, _) = rest.split_once("/git/")?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        let is_full = full_name.split('/').count() == 2 && full_name.bytes().all(is_name);
        is_full.then(|| full_name.to_owned())
    }

    /// The number of its repository, which its `node_id` holds: today as `REF_` and the Base64 of a `MessagePack` array of
    /// 0, the number, and the ref's name; formerly as the Base64 of `03:Ref`, the number, `:`, and the name. That is not
    /// documented, so any other form tells nothing.
    fn repository_id(&self) -> Option<u64> {
        if let Some(packed) = self.node_id.strip_prefix("REF_") {
            let bytes = BASE64_URL_SAFE_NO_PAD
                .decode(packed.trim_end_matches('='))
                .ok()?;
            let (kind, rest) = bytes.strip_prefix(&[0x93, 0x00])?.split_first()?;
            let length = match kind {
                0xcc => 1,
                0xcd => 2,
                0xce => 4,
                0xcf => 8,
                _ => 0,
            };
            let (number, name) = rest.split_at_checked(length)?;
            let small = Some(u64::from(*kind)).filter(|kind| length == 0 && *kind < 0x80);
            let fold = |id: u64, byte: &u8| (id << 8) | u64::from(*byte);
            let id = small.or_else(|| (length > 0).then(|| number.iter().fold(0, fold)))?;
            return name.ends_with(self.name.as_bytes()).then_some(id);
        }
        let text = String::from_utf8(BASE64_STANDARD.decode(&self.node_id).ok()?).ok()?;
        let (id, name) = text.strip_prefix("03:Ref")?.split_once(':')?;
        (name == self.name).then(|| id.parse().ok())?
    }
}

#[derive(Deserialize)]
struct TagObject {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    sha: String,
}

impl Object {
    fn target(&self) -> Option<Target> {
        let id = ObjectId::parse(&self.sha)?;
        match self.kind.as_str() {
            "commit" => Some(Target::Commit(id)),
            "tag" => Some(Target::Tag(id)),
            _ => None,
        }
    }
}

/// A tag's beginning in a path: what git lets a tag have and a path does not.
fn escaped(prefix: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/+@!$&'(),;=".contains(&byte);
    let escape = |byte: u8| match byte {
        byte if is_plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    prefix.bytes().map(escape).collect()
}

/// A tag may point to a tag, and that to another. Nobody means more than one such step.
const MAX_NESTED_TAGS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_tells_its_repository_s_number_where_its_node_id_is_understood() {
        let packed = |bytes: &[u8]| {
            let bytes = [&[0x93, 0x00], bytes, &[0xb0], b"refs/tags/v1.0.0"].concat();
            format!("REF_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
        };
        let legacy = |text: &str| BASE64_STANDARD.encode(text);
        for (node_id, id) in [
            // As GitHub writes it today: all repositories of the last ten years have four bytes.
            (packed(&[0xce, 0x01, 0x8c, 0xb3, 0x9b]), Some(25_998_235)),
            (packed(&[0xcd, 0x01, 0x00]), Some(256)),
            (packed(&[0xcc, 0xff]), Some(255)),
            (packed(&[0x2a]), Some(42)),
            (packed(&[0xcf, 0, 0, 0, 1, 0, 0, 0, 0]), Some(1 << 32)),
            (packed(&[0xff, 0x01]), None),
            (legacy("03:Ref1296269:refs/tags/v1.0.0"), Some(1_296_269)),
            (legacy("03:Ref1296269:refs/tags/v9"), None),
            (legacy("03:Refrefs/tags/v1.0.0"), None),
            ("REF_kwDO".to_owned(), None),
            ("REF_!".to_owned(), None),
            ("opaque".to_owned(), None),
            (String::new(), None),
        ] {
            let it = Ref {
                name: "refs/tags/v1.0.0".to_owned(),
                node_id: node_id.clone(),
                url: "https://api.github.com/repos/acme/vpc/git/refs/tags/v1.0.0".to_owned(),
                object: Object {
                    kind: "commit".to_owned(),
                    sha: "1".repeat(40),
                },
            };
            assert_eq!(it.repository_id(), id, "{node_id}");
            assert_eq!(it.full_name().as_deref(), Some("acme/vpc"));
        }
    }
}
