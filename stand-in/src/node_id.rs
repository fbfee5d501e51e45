//! Node ids: the global names of GitHub's objects. Clients shall take them as opaque
//! (<https://docs.github.com/en/graphql/guides/migrating-graphql-global-node-ids>), but today's tell the repository's id.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

use crate::knobs::NodeIds;

/// What a node id names.
#[derive(Clone, Copy)]
pub(crate) enum Node<'a> {
    Repository(u64),
    /// A ref of a repository, by its full name.
    Reference(u64, &'a str),
    /// A tag object of a repository, by its SHA.
    Tag(u64, &'a str),
}

impl Node<'_> {
    pub(crate) fn id(self, style: NodeIds) -> String {
        match (style, self) {
            (NodeIds::Current, Self::Repository(id)) => current("R", id, None),
            (NodeIds::Current, Self::Reference(id, name)) => current("REF", id, Some(name)),
            (NodeIds::Current, Self::Tag(id, sha)) => current("TA", id, Some(sha)),
            (NodeIds::Legacy, Self::Repository(id)) => legacy("Repository", &id.to_string()),
            (NodeIds::Legacy, Self::Reference(id, name)) => legacy("Ref", &format!("{id}:{name}")),
            (NodeIds::Legacy, Self::Tag(id, sha)) => legacy("Tag", &format!("{id}:{sha}")),
            (NodeIds::Opaque, node) => {
                let name = node.id(NodeIds::Legacy);
                URL_SAFE_NO_PAD.encode(digest(&SHA256, name.as_bytes()))
            }
        }
    }
}

/// The form of before 2021, which accounts still have: base64 of `03:Ref…`, the length of the kind's name first.
pub(crate) fn legacy(kind: &str, id: &str) -> String {
    STANDARD.encode(format!("0{}:{kind}{id}", kind.len()))
}

/// The kind's letters and base64url of the `MessagePack` array `[0, repository id, name]`.
fn current(prefix: &str, id: u64, name: Option<&str>) -> String {
    let mut packed = vec![if name.is_some() { 0x93 } else { 0x92 }, 0];
    if let Ok(id) = u32::try_from(id) {
        packed.push(0xce);
        packed.extend(id.to_be_bytes());
    } else {
        packed.push(0xcf);
        packed.extend(id.to_be_bytes());
    }
    if let Some(name) = name {
        match u8::try_from(name.len()) {
            Ok(length @ 0..=31) => packed.push(0xa0 | length),
            Ok(length) => packed.extend([0xd9, length]),
            Err(_) => {
                packed.push(0xda);
                packed.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
            }
        }
        packed.extend(name.as_bytes());
    }
    format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_carries_what_github_s_carries() {
        let v1 = Node::Reference(0x0102_0304, "refs/tags/v1");
        assert_eq!(
            v1.id(NodeIds::Legacy),
            STANDARD.encode("03:Ref16909060:refs/tags/v1")
        );
        let current = v1.id(NodeIds::Current);
        let packed = URL_SAFE_NO_PAD
            .decode(current.strip_prefix("REF_").unwrap())
            .unwrap();
        assert_eq!(packed, b"\x93\x00\xce\x01\x02\x03\x04\xacrefs/tags/v1");

        for (length, head) in [
            (31, &b"\xbf"[..]),
            (32, b"\xd9\x20"),
            (255, b"\xd9\xff"),
            (256, b"\xda\x01\x00"),
        ] {
            let name = "n".repeat(length);
            let id = Node::Reference(1, &name).id(NodeIds::Current);
            let packed = URL_SAFE_NO_PAD.decode(&id[4..]).unwrap();
            assert_eq!(packed[..7], *b"\x93\x00\xce\x00\x00\x00\x01", "{length}");
            assert_eq!(packed[7..], [head, name.as_bytes()].concat(), "{length}");
        }

        // github.com/octocat/Hello-World, as GitHub's documentation shows it.
        let hello = Node::Repository(1_296_269);
        assert_eq!(hello.id(NodeIds::Legacy), "MDEwOlJlcG9zaXRvcnkxMjk2MjY5");
        assert_eq!(hello.id(NodeIds::Current), "R_kgDOABPHjQ");
        assert_ne!(
            hello.id(NodeIds::Opaque),
            Node::Repository(1).id(NodeIds::Opaque)
        );
    }
}
