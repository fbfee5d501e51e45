//! Who may read, where not everyone may.

/// The entries of the tokens below.
pub const TOKENS: &str = "\
    everything sha256:fcb1a23c1900716c32a947ac2786ac165088b0dd26d880cce949e7067adfd9cb\n\
    probe sha256:f426f61e44676beade9b4b0246fbbf546cbd1cea9c2723f7bccb2b732f96435c modules=acme/probe/null;\
    yesterday sha256:36dbfdb5cc5d237e490b9c050f83d6aca10f69ad5aeb1e5793bfcc1d633c17c3 expires=2020-01-01";
/// It lets its holder read everything.
pub const TOKEN: &str = "lft_of_everything";
/// It lets its holder read `acme/probe` alone.
pub const NARROW_TOKEN: &str = "lft_of_the_probe";
/// Its time is over.
pub const EXPIRED_TOKEN: &str = "lft_of_yesterday";
