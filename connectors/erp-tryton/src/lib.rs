//! Parties of a Tryton ERP, two-way
