//! The real engine against fake systems, one seed deciding everything
