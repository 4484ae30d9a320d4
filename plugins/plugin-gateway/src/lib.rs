//! The way out: allow-list, resolver, credentials and their sealing
