//! Connectors as sandboxed components
