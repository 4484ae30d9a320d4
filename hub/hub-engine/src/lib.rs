//! The only place that puts steps in order: intake, audience, delivery
