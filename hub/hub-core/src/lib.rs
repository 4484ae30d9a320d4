//! Every decision: values in, a plan out
