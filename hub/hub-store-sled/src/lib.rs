//! The default body of the storage port, on sled with its guards
