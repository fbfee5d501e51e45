//! What someone tries who has no token, or has one and wants more: every bit of a signed URL, tricks with paths, and thousands of random
//! requests. Nothing of a module may come of it, and no failure.

use serde_json::json;

use super::id_tokens::{self, Signing, token};
use super::readers::{TOKEN, with_jobs};
use super::scenario::{Ask, Got, Scenario};
use super::scenarios::{COMMIT, DOWNLOAD, VERSIONS, ask, get};

/// The registry that is attacked.
pub fn attacked() -> Scenario {
    with_jobs("attacks", [])
}

/// What gives a signed URL there.
pub fn download() -> Ask {
    get(DOWNLOAD).bearer("a token", TOKEN)
}

/// Each bit of `path` turned over, as far as that is text.
pub fn bit_flips(path: &str) -> Vec<Ask> {
    let mut asks = Vec::new();
    for at in 0..path.len() {
        for bit in 0..8 {
            let mut bytes = path.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            asks.extend(String::from_utf8(bytes).ok().map(|text| get(&text)));
        }
    }
    asks
}

/// Other ways to write the path of a signed URL, and its parts put together in other ways.
pub fn tricks(path: &str) -> Vec<Ask> {
    let parts: Vec<&str> = path.split('/').collect();
    let [owner, name, system, version, object, file] = *parts[2..].first_chunk().unwrap();
    let unsigned = format!("/archive/{owner}/{name}/{system}/{version}/{object}.zip");
    let put = |parts: [&str; 6]| format!("/archive/{}", parts.join("/"));
    let other = "2".repeat(40);
    let upper = object.replace('1', "%31");
    let mut targets = vec![
        unsigned.clone(),
        put([owner, "dns", system, version, object, file]),
        put(["labs", name, system, version, object, file]),
        put([owner, name, "google", version, object, file]),
        put([owner, name, system, "1.1.0", object, file]),
        put([owner, name, system, "v1.2.0", object, file]),
        put([owner, name, system, "1.2", object, file]),
        put([owner, name, system, version, &other, file]),
        put([owner, name, system, version, &upper, file]),
        put(["ACME", name, system, version, object, file]),
        put([owner, "VPC", system, version, object, file]),
        put([owner, name, system, version, object, &file.to_lowercase()]),
        put([
            owner,
            name,
            system,
            version,
            object,
            &file.replace(".zip", ".ZIP"),
        ]),
        put([
            owner,
            name,
            system,
            version,
            object,
            &file.replace(".zip", ".zip."),
        ]),
        put([
            owner,
            name,
            system,
            version,
            object,
            &file.replace(".zip", ""),
        ]),
        put([
            owner,
            name,
            system,
            version,
            object,
            &file.replace(".zip", ".tar.gz"),
        ]),
        put([
            owner,
            name,
            system,
            version,
            object,
            &file.replace(".zip", "=.zip"),
        ]),
        put([owner, name, system, version, object, ".zip"]),
        format!("/modules/a{path}"),
        format!("{path}/"),
        format!("{path}/.."),
        format!("{path}%20"),
        format!("{path}%00"),
        format!("/{path}"),
        path.replacen("/archive", "/Archive", 1),
        path.replacen("/archive/", "/archive//", 1),
        path.replacen("/archive/", "/archive/./", 1),
        path.replacen("/archive/", "/archive/x/../", 1),
        path.replacen("/archive/", "/archive%2F", 1),
        path.replace('/', "%2F"),
        path.replace('/', "%2f"),
        path.replace('/', "\\"),
        path.replacen("acme", "acme.", 1),
        path.replacen("acme", "%61cme", 1),
        path.replacen("acme", "acme%00", 1),
        path.replacen("acme", "acme;x=1", 1),
        path.replacen("acme", "..%2Facme", 1),
        format!("{unsigned}?ticket={}", file.trim_end_matches(".zip")),
    ];
    for versions in [VERSIONS, DOWNLOAD] {
        for (from, to) in [
            ("/v1", "//v1"),
            ("/v1", "/V1"),
            ("/v1", "/v1/."),
            ("/v1", "/healthz/../v1"),
            ("/v1", "/healthz%2F..%2Fv1"),
            ("/v1", "/.well-known/terraform.json/../../v1"),
            ("/modules", "%2Fmodules"),
            ("acme", "acme%2Fvpc"),
            ("acme", "ACME."),
            ("acme", "acme%0d%0aX-Evil:%201"),
            ("aws", "aws%00"),
            ("aws", "aws/"),
        ] {
            targets.push(versions.replacen(from, to, 1));
        }
    }
    targets.iter().map(|target| get(target)).collect()
}

/// Requests made of parts of good ones and of bad ones, the same in each run.
#[expect(clippy::too_many_lines, reason = "tables of parts")]
pub fn random(count: usize, path: &str) -> Vec<Ask> {
    let ticket = path.rsplit('/').next().unwrap().to_owned();
    let good = token(Signing::Rs256, &json!({ "kid": "one" }), &json!({}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let parts = [
        "/",
        "/",
        "/",
        "/",
        "//",
        "/v1/modules/",
        "acme",
        "acme",
        "vpc",
        "vpc",
        "aws",
        "aws",
        "versions",
        "download",
        "1.2.0",
        "latest",
        "/archive/",
        COMMIT,
        ".zip",
        &ticket,
        "%2F",
        "%2f",
        "..",
        ".",
        "%2e%2e",
        "%00",
        "ACME",
        "aws.",
        "\\",
        "?token=",
        "#",
        "%",
        "é",
        "/v1/token",
        "/webhooks/github",
        "+",
        "%2B",
        "labs",
        "-",
        "_",
        "~",
        "\u{202e}",
        "%0d%0a",
        "😀",
    ];
    let credentials = [
        format!("Bearer {}", &TOKEN[..TOKEN.len() - 1]),
        format!("Bearer {TOKEN}x"),
        format!("Bearer {}", TOKEN.to_uppercase()),
        "Bearer".to_owned(),
        "Basic eDp5".to_owned(),
        "Basic".to_owned(),
        format!("Bearer {message}."),
        format!("Bearer {message}.{}", &signature[1..]),
        format!(
            "Bearer {}",
            token(Signing::None, &json!({ "kid": "one" }), &json!({}))
        ),
        format!(
            "Bearer {}",
            token(Signing::Hs256, &json!({ "kid": "one" }), &json!({}))
        ),
        format!(
            "Bearer {}",
            token(Signing::Rs256, &json!({ "kid": "x" }), &json!({}))
        ),
        format!("Bearer {}", id_tokens::id_token(&json!({ "aud": "x" }))),
        "Bearer lfr_AAAA".to_owned(),
        "Negotiate x".to_owned(),
        "\u{1}".replace('\u{1}', "\t"),
    ];
    let methods = [
        "GET", "GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE",
    ];
    let names = [
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-original-url",
        "x-rewrite-url",
        "x-http-method-override",
        "content-type",
        "user-agent",
    ];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let one = |dice: &mut Dice| {
        let mut target = match dice.roll(4) {
            0 => VERSIONS.to_owned(),
            1 => path.to_owned(),
            2 => "/v1/modules/acme/vpc/aws/".to_owned(),
            _ => "/".to_owned(),
        };
        for _ in 0..dice.roll(6) {
            let part = parts[dice.roll(parts.len())];
            let at = dice.roll(target.len() + 1);
            if target.is_char_boundary(at) && dice.roll(3) == 0 {
                target.insert_str(at, part);
            } else {
                target.push_str(part);
            }
        }
        // Then it would be a good one.
        if target.split(['?', '#']).next() == Some(path) {
            target.insert(1, 'x');
        }
        let mut ask = ask(methods[dice.roll(methods.len())], &target);
        if dice.roll(3) > 0 {
            ask = ask.with("authorization", &credentials[dice.roll(credentials.len())]);
        }
        if dice.roll(3) == 0 {
            ask = ask.with(names[dice.roll(names.len())], parts[dice.roll(28)]);
        }
        if dice.roll(8) == 0 {
            ask = ask.body(target.repeat(20).as_bytes());
        }
        ask
    };
    (0..count).map(|_| one(&mut dice)).collect()
}

/// Whether nothing came of a request: no byte of a module, and no failure.
pub fn check(ask: &Ask, got: &Got) {
    let path = ask.target.split(['?', '#']).next().unwrap();
    let is_open = matches!(path, "/.well-known/terraform.json" | "/healthz" | "/readyz");
    let status = got.status;
    let is_refused = matches!(status, 400 | 401 | 404 | 405 | 413 | 414 | 431);
    assert!(
        is_refused || (is_open && status == 200),
        "{ask:?}: {status}"
    );
    let body = String::from_utf8_lossy(&got.body);
    let has_module =
        body.starts_with("PK") || body.contains("\"modules\"") || body.contains("github.com");
    let has_location = got
        .headers
        .iter()
        .any(|(name, _)| name == "x-terraform-get");
    let is_injected = got.headers.iter().any(|(name, _)| name.contains("evil"));
    assert!(
        !has_module && !has_location && !is_injected,
        "{ask:?}: {body}"
    );
}

/// Random numbers that are the same in each run (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % sides
    }
}
