//! What is wrong with what is to be served.

use landfall_stand_in::fixture::Repository;
use landfall_stand_in::{Fault, FaultKind};

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "repositories_without_a_version",
        seed: |it| {
            it.publish("acme", "terraform-google-vpc", &["v1", "release-1"]);
            it.flags = vec!["--module".to_owned(), "acme/vpc/google".to_owned()];
        },
        found: &[(
            "wrong",
            "versions",
            "git tag v1.0.0 && git push origin v1.0.0",
        )],
    },
    Case {
        name: "a_module_without_a_repository",
        seed: |it| it.flags = vec!["--module".to_owned(), "acme/dns/google".to_owned()],
        found: &[(
            "wrong",
            "versions",
            "name the repository like that, select it in the App's installation, or add the module to the catalogue",
        )],
    },
    Case {
        name: "a_module_of_the_catalogue",
        seed: |it| {
            it.publish("acme", "infrastructure", &["vpc-v1.2.0", "dns-v3.0.0"]);
            let modules = "[[module]]\naddress = \"acme/net/aws\"\nrepository = \"acme/infrastructure\"\ntag_prefix = \"vpc-v\"\n";
            it.set("modules", modules);
            it.flags = vec!["--module".to_owned(), "acme/net/aws".to_owned()];
        },
        found: &[],
    },
    Case {
        name: "a_module_of_the_catalogue_without_a_version",
        seed: |it| {
            it.publish("acme", "infrastructure", &["dns-v3.0.0"]);
            let modules = "[[module]]\naddress = \"acme/net/aws\"\nrepository = \"acme/infrastructure\"\ntag_prefix = \"vpc-v\"\n";
            it.set("modules", modules);
            it.flags = vec!["--module".to_owned(), "acme/net/aws".to_owned()];
        },
        found: &[(
            "wrong",
            "versions",
            "git tag vpc-v1.0.0 && git push origin vpc-v1.0.0",
        )],
    },
    Case {
        name: "a_catalogue_that_is_wrong",
        seed: |it| {
            let repository = Repository::new(it.repositories.path(), "acme", "registry");
            let toml =
                "[[module]]\naddress = \"acme/vpc/aws\"\nrepositori = \"acme/infrastructure\"\n";
            repository
                .file("landfall.toml", toml)
                .commit("Begin")
                .build()
                .unwrap();
            it.set("catalogue_repository", "acme/registry");
        },
        found: &[(
            "wrong",
            "catalogue",
            "correct the file; docs/publishing.md has all of it",
        )],
    },
    Case {
        name: "a_catalogue_that_is_not_there",
        seed: |it| it.set("catalogue_repository", "acme/terraform-aws-vpc"),
        found: &[(
            "wrong",
            "catalogue",
            "add `landfall.toml` to the default branch of acme/terraform-aws-vpc, and let the App or token read it; or \
             correct `catalogue_repository`",
        )],
    },
    Case {
        name: "an_archive_host_that_is_not_allowed",
        seed: |it| it.unset(&["github_archive_hosts"]),
        found: &[(
            "wrong",
            "archive",
            "add the host to `github_archive_hosts` if it is yours and has archives",
        )],
    },
    Case {
        name: "an_archive_that_is_a_page",
        seed: |it| {
            it.github.add_fault(Fault {
                times: None,
                ..Fault::next_archive(FaultKind::Html)
            });
        },
        found: &[(
            "wrong",
            "archive",
            "let what is in between pass archives on as they are",
        )],
    },
    Case {
        name: "an_archive_that_comes_byte_by_byte",
        seed: |it| {
            let drip = FaultKind::SlowDrip {
                bytes: 1,
                every_milliseconds: 500,
            };
            it.github.add_fault(Fault {
                times: None,
                ..Fault::next_archive(drip)
            });
        },
        found: &[(
            "wrong",
            "archive",
            "look for what slows the way to the host that archives come from: a proxy that looks into them may",
        )],
    },
    Case {
        name: "an_archive_that_is_too_large",
        seed: |it| {
            let large = FaultKind::Oversize {
                bytes: 2_000_000,
                content_length: true,
            };
            it.github.add_fault(Fault {
                times: None,
                ..Fault::next_archive(large)
            });
            it.set("max_archive_bytes", "1000000");
        },
        found: &[(
            "wrong",
            "archive",
            "set `max_archive_bytes` higher, or make the repository smaller",
        )],
    },
];
