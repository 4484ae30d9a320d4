//! The words of Liaison as plain values: records, profiles, facts, limits, exact numbers
