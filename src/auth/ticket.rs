//! What an archive's URL carries to prove itself: no client sends its token to the archive.
//!
//! A ticket is base64url, and one segment of the path. It holds who it was made for, until when it is good, and an
//! HMAC-SHA256 over that, everything that is served, and the digest of the token that it was made with.

use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Grant;
use super::keys::{Purpose, SigningKeys};
use crate::host::seconds;
use crate::route::ArchiveAddress;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// In seconds since 1970.
    expires: u64,
    grant: Grant,
    folder: Folder,
}

/// Which folder of its repository an archive is, as a digest: a ticket is read before it is known where modules are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder([u8; 8]);

impl Folder {
    /// That of the folder at `path`; of the whole repository where it is empty.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let sum = Sha256::digest(path);
        Self(sum.first_chunk().copied().unwrap_or_default())
    }
}

/// What is wrong with a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It, or the address that it stands in, is not as it was made.
    Altered,
    /// Its time is over. It was made for this one.
    Expired(Grant),
}

/// Makes the ticket of `address`, which is `folder` of its repository, for whom `grant` names, bound to what he has proven himself with. It is good for 15 to 30
/// minutes, and it is the same for a quarter of an hour: many references to one archive are one download then.
#[must_use]
pub fn issue(
    keys: &SigningKeys,
    address: &ArchiveAddress,
    folder: Folder,
    grant: &Grant,
    bound_to: &[u8],
    now: SystemTime,
) -> String {
    let head = Head {
        expires: (seconds(now) / PERIOD + 2) * PERIOD,
        grant: grant.clone(),
        folder,
    };
    let head = postcard::to_stdvec(&head).unwrap_or_default();
    let mut ticket = keys.sign(Purpose::ArchiveUrl, &message(address, &head, bound_to));
    ticket.extend(head);
    BASE64_URL_SAFE_NO_PAD.encode(ticket)
}

/// Whom and which folder a ticket was made for, if it is `address`'s and good. `bound_to` gives what a grant's ticket is bound to, where there is such
/// a grant.
///
/// # Errors
/// What is wrong with it.
pub fn redeem<'b>(
    keys: &SigningKeys,
    address: &ArchiveAddress,
    ticket: &str,
    bound_to: impl FnOnce(&Grant) -> Option<&'b [u8]>,
    now: SystemTime,
) -> Result<(Grant, Folder), Flaw> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(ticket)
        .map_err(|_| Flaw::Altered)?;
    let (signature, bytes) = bytes.split_at_checked(SIGNATURE).ok_or(Flaw::Altered)?;
    let head: Head = postcard::from_bytes(bytes).map_err(|_| Flaw::Altered)?;
    let bound_to = bound_to(&head.grant);
    // As long for a grant that is not there: whether it is, is nobody's business.
    let message = message(address, bytes, bound_to.unwrap_or_default());
    let is_signed = keys.verify(Purpose::ArchiveUrl, &message, signature);
    // One that lasts longer was made by a clock that was wrong.
    let is_of_now = head.expires <= seconds(now) + 2 * PERIOD + LEEWAY;
    if !is_signed || bound_to.is_none() || !is_of_now {
        return Err(Flaw::Altered);
    }
    if seconds(now) >= head.expires {
        return Err(Flaw::Expired(head.grant));
    }
    Ok((head.grant, head.folder))
}

/// What is signed: each part with its length before it, so that none can pass for another.
fn message(address: &ArchiveAddress, head: &[u8], bound_to: &[u8]) -> Vec<u8> {
    let ArchiveAddress {
        module,
        version,
        object,
    } = address;
    let parts = (
        module.to_string(),
        version.to_string(),
        object.as_str(),
        head,
        bound_to,
    );
    postcard::to_stdvec(&parts).unwrap_or_default()
}

/// A quarter of an hour.
const PERIOD: u64 = 15 * 60;
/// Seconds by which the clocks of instances may differ.
const LEEWAY: u64 = 60;
/// Bytes of an HMAC-SHA256.
const SIGNATURE: usize = 32;

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;
    use crate::module::{ModuleAddress, ObjectId};
    use crate::version::ModuleVersion;

    fn address(name: &str, version: &str, digit: &str) -> ArchiveAddress {
        ArchiveAddress {
            module: ModuleAddress::parse("acme", name, "aws").unwrap(),
            version: ModuleVersion::requested(version).unwrap(),
            object: ObjectId::parse(&digit.repeat(40)).unwrap(),
        }
    }

    const DIGEST: &[u8] = &[7; 32];

    #[expect(clippy::unnecessary_wraps, reason = "as `redeem` wants it")]
    fn bound(_: &Grant) -> Option<&'static [u8]> {
        Some(DIGEST)
    }

    fn ci() -> Grant {
        Grant::Token {
            name: "ci".to_owned(),
        }
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_ticket_is_good_for_what_it_was_made_for() {
        let now = at(1_800_000_000);
        let made = address("vpc", "1.2.0", "1");
        let ticket = issue(
            &SigningKeys::of("k"),
            &made,
            Folder::of(""),
            &ci(),
            DIGEST,
            now,
        );
        assert_eq!(
            redeem(&SigningKeys::of("k"), &made, &ticket, bound, now),
            Ok((ci(), Folder::of("")))
        );
        for (key, other) in [
            ("l", made.clone()),
            ("k", address("vpc2", "1.2.0", "1")),
            ("k", address("VPC", "1.2.0", "1")),
            ("k", address("vpc", "1.2.1", "1")),
            ("k", address("vpc", "1.2.0", "2")),
        ] {
            assert_eq!(
                redeem(&SigningKeys::of(key), &other, &ticket, bound, now),
                Err(Flaw::Altered),
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_ticket_of_a_folder_is_not_one_of_the_whole_repository() {
        let (keys, now) = (SigningKeys::of("k"), at(1_800_000_000));
        let address = address("vpc", "1.2.0", "1");
        for made in ["", "modules/a", "modules/b"] {
            let ticket = issue(&keys, &address, Folder::of(made), &ci(), DIGEST, now);
            let (_, folder) = redeem(&keys, &address, &ticket, bound, now).unwrap();
            for asked in ["", "modules/a", "modules/b"] {
                assert_eq!(folder == Folder::of(asked), made == asked, "{made} {asked}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_ticket_lasts_fifteen_to_thirty_minutes(now in 1_700_000_000_u64..2_000_000_000) {
            let address = address("vpc", "1.2.0", "1");
            let ticket = issue(&SigningKeys::of("k"), &address, Folder::of(""), &ci(), DIGEST, at(now));
            let is_good = |after: u64| redeem(&SigningKeys::of("k"), &address, &ticket, bound, at(now + after)).is_ok();
            prop_assert!(is_good(0) && is_good(15 * 60));
            prop_assert!(!is_good(30 * 60 + 1));
            let end = now / PERIOD * PERIOD + PERIOD - 1;
            prop_assert_eq!(&issue(&SigningKeys::of("k"), &address, Folder::of(""), &ci(), DIGEST, at(end)), &ticket);
            prop_assert_ne!(&issue(&SigningKeys::of("k"), &address, Folder::of(""), &ci(), DIGEST, at(end + 1)), &ticket);
        }

        #[test]
        fn no_bit_of_a_ticket_can_be_another(at_byte: prop::sample::Index, bit in 0_u8..8) {
            let address = address("vpc", "1.2.0", "1");
            let now = at(1_800_000_000);
            let mut ticket = issue(&SigningKeys::of("k"), &address, Folder::of(""), &ci(), DIGEST, now).into_bytes();
            let at_byte = at_byte.index(ticket.len());
            ticket[at_byte] ^= 1 << bit;
            let ticket = String::from_utf8_lossy(&ticket).into_owned();
            prop_assert_eq!(redeem(&SigningKeys::of("k"), &address, &ticket, bound, now), Err(Flaw::Altered));
        }
    }
}
