//! What is due, as functions of now, definitions and history
