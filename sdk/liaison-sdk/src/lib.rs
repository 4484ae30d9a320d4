//! Write a connector for Liaison
