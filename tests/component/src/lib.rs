//! Only tests are here: see `tests/`.
