//! CSV and NDJSON files, in and out
