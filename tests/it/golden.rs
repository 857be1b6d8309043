//! Pinned results.
