//! A server for mail made of code.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::mail::{Delivery, Message, Server, Trouble};

type Answer = dyn FnMut(&Server, &Message) -> Result<Vec<Delivery>, Trouble>;

/// Answers to messages, and may remember them.
#[derive(Clone)]
pub(super) struct Mailbox(Rc<RefCell<Answer>>);

impl Mailbox {
    pub(super) fn new(
        answer: impl FnMut(&Server, &Message) -> Result<Vec<Delivery>, Trouble> + 'static,
    ) -> Self {
        Self(Rc::new(RefCell::new(answer)))
    }

    pub(super) fn answer(
        &self,
        server: &Server,
        message: &Message,
    ) -> Result<Vec<Delivery>, Trouble> {
        (self.0.borrow_mut())(server, message)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox")
    }
}
