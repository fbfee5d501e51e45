//! A repository's cold value: what its tags were first seen to be, and what it takes to ask GitHub for free whether they
//! still are. Read where a commit is needed, and where GitHub is asked; written only when something has changed.

use serde::{Deserialize, Serialize};

use super::{Key, load, save};
use crate::github::Kept;
use crate::github::etag::Validator;
use crate::host::Host;
use crate::pins::Pins;

/// What was found out about a repository so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The API that was asked: another configuration's history is a miss.
    api: String,
    /// Its versions, and what they were first seen to be.
    pub pins: Pins,
    /// When GitHub last listed something new, in milliseconds since 1970.
    pub listed_at: u64,
    /// GitHub's number for it.
    pub id: Option<u64>,
    /// Its owner and its name, as GitHub spells them.
    pub full_name: Option<String>,
    /// Whether it is asked for by its number: it has another name now.
    pub is_renamed: bool,
    /// Whether another repository has taken its name.
    pub is_replaced: bool,
    /// Since when GitHub lists less than half of the versions, in milliseconds since 1970.
    pub shrunk_at: Option<u64>,
    validator: Option<Validator>,
    /// GitHub's last body, deflated.
    #[serde(skip)]
    deflated: Vec<u8>,
}

impl History {
    /// Nothing yet.
    pub(crate) fn new(api: &str) -> Self {
        Self {
            api: api.to_owned(),
            ..Self::default()
        }
    }

    /// What is kept of a repository, if it is this API's.
    pub(crate) fn load(host: &impl Host, api: &str, owner: &str, name: &str) -> Option<Self> {
        let (mut history, deflated) = load::<Self>(host, &Key::history(owner, name))?;
        history.deflated = deflated;
        (history.api == api).then_some(history)
    }

    pub(crate) fn save(&self, host: &impl Host, owner: &str, name: &str) {
        save(host, &Key::history(owner, name), self, &self.deflated);
    }

    /// The body that GitHub gave last.
    #[must_use]
    pub fn kept(&self) -> Option<Kept> {
        let validator = self.validator.clone()?;
        let body = miniz_oxide::inflate::decompress_to_vec_with_limit(&self.deflated, MAX_INFLATED);
        Some(Kept {
            validator,
            body: body.ok()?,
        })
    }

    /// The body is still the one that is kept. Whether it is revalidated in another way from now on.
    pub fn revalidate_by(&mut self, validator: Validator) -> bool {
        self.validator.replace(validator.clone()) != Some(validator)
    }

    /// Keeps a body. One that is too large even deflated is left out: then a call is billed each time.
    pub fn keep(&mut self, kept: &Kept) {
        self.validator = Some(kept.validator.clone());
        self.deflated = miniz_oxide::deflate::compress_to_vec(&kept.body, LEVEL);
        if self.deflated.len() > MAX_DEFLATED {
            self.validator = None;
            self.deflated.clear();
        }
    }
}

const LEVEL: u8 = 6;
/// Of the 1 MB that a value may have, pins take about half where there are 10,000 of them.
const MAX_DEFLATED: usize = 400_000;
/// What `github` takes for an answer.
const MAX_INFLATED: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::ObjectId;
    use crate::pins::Target;

    /// GitHub's list of 5,000 tags, half of them annotated, of which 500 have been downloaded.
    #[test]
    fn five_thousand_tags_take_less_than_410_kb() {
        let id = |n: u32| {
            hex::encode(<sha2::Sha256 as sha2::Digest>::digest(n.to_le_bytes()))[..40].to_owned()
        };
        let api = "https://api.github.com/repos/acme/terraform-aws-vpc";
        let mut body = Vec::new();
        let mut tags = Vec::new();
        for n in 0..5000_u32 {
            let (name, id) = (format!("v{}.{}.{}", n / 100, n / 10 % 10, n % 10), id(n));
            let kind = if n % 2 == 0 { "commit" } else { "tag" };
            body.push(serde_json::json!({
                "ref": format!("refs/tags/{name}"),
                "node_id": format!("REF_kwDOAYyzm7ByZWZzL3RhZ3Mvd{n}"),
                "url": format!("{api}/git/refs/tags/{name}"),
                "object": { "sha": id, "type": kind, "url": format!("{api}/git/{kind}s/{id}") },
            }));
            let id = ObjectId::parse(&id).unwrap();
            tags.push((
                name,
                if n % 2 == 0 {
                    Target::Commit(id)
                } else {
                    Target::Tag(id)
                },
            ));
        }
        let mut history = History::new(api);
        let _ = history.pins.see(tags.clone(), 1_800_000_000_000);
        for (n, (_, target)) in tags.iter().take(1000).enumerate() {
            let commit = ObjectId::parse(&id(u32::try_from(n).unwrap() + 10_000)).unwrap();
            let _ = history.pins.peel(target.object(), &commit);
        }
        let kept = Kept {
            validator: Validator::None { until: 0 },
            body: serde_json::to_vec(&body).unwrap(),
        };
        history.keep(&kept);
        let size = crate::cache::encode(&history, &history.deflated).len();
        assert!(size < 410_000, "{size}");
        assert_eq!(history.kept().unwrap().body, kept.body);
    }
}
