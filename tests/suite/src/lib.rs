//! The whole from outside: the binary, the components, a real ERP
