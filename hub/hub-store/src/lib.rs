//! The storage port, its memory body and the suite every body must pass
