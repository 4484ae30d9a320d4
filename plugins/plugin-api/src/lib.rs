//! The port to connectors: trait, manifest, grants, faults and outcomes
