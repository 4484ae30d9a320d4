//! What an organisation writes, parsed with all faults at once
