//! What a server may say, and what becomes of it.
#![allow(clippy::unwrap_used, reason = "tests")]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::super::packet::{ATTRS, DATA, HANDLE, HAS_MORE, HAS_OWNER, HAS_SIZE, NAME, STATUS};
use super::*;

/// A server that says prepared things, one packet for each request.
fn server(replies: Vec<Vec<u8>>) -> DuplexStream {
    let (ours, mut theirs) = tokio::io::duplex(1024 * 1024);
    tokio::spawn(async move {
        for reply in replies {
            let count = theirs.read_u32().await.unwrap();
            let mut request = vec![0; usize::try_from(count).unwrap()];
            theirs.read_exact(&mut request).await.unwrap();
            theirs.write_all(&reply).await.unwrap();
        }
    });
    ours
}

fn packet(kind: u8, body: Body) -> Vec<u8> {
    Body::new().bytes(&[&[kind][..], &body.0].concat()).0
}

fn version() -> Vec<u8> {
    packet(VERSION, Body::new().number(3).bytes(b"posix-rename@openssh.com").bytes(b"1"))
}

fn status(id: u32, code: u32) -> Vec<u8> {
    packet(STATUS, Body::new().number(id).number(code).bytes(b"said").bytes(b""))
}

async fn open(replies: Vec<Vec<u8>>) -> Conversation<DuplexStream> {
    let replies = [vec![version()], replies].concat();
    Conversation::open(server(replies)).await.unwrap()
}

#[tokio::test]
async fn what_is_no_server_of_files_is_told() {
    for greeting in [
        packet(VERSION, Body::new().number(2)),
        packet(STATUS, Body::new().number(3)),
        packet(VERSION, Body::new().number(3).bytes(b"half")),
        packet(VERSION, Body::new()),
        u32::MAX.to_be_bytes().to_vec(),
        0_u32.to_be_bytes().to_vec(),
        Vec::new(),
    ] {
        let fault = Conversation::open(server(vec![greeting])).await.err().unwrap();
        assert!(matches!(fault, Fault::Broken(_)), "{fault}");
    }
}

#[tokio::test]
async fn a_reply_is_what_was_asked_for_or_the_end() {
    let whole = || {
        let all = HAS_SIZE | HAS_OWNER | HAS_MODE | HAS_TIMES | HAS_MORE;
        let body = Body::new().number(2).number(all).long(5).number(1).number(2);
        let body = body.number(0o100_644).number(7).number(8);
        packet(ATTRS, body.number(1).bytes(b"a").bytes(b"b"))
    };
    let found = Attributes { size_bytes: 5, modified: 8, mode: 0o100_644 };
    let cut = |count: usize| {
        let mut body = whole();
        body.truncate(body.len() - count);
        Body::new().bytes(body.get(4..).unwrap()).0
    };
    let broken = |why: &str| Err(Fault::Broken(why.to_owned()));
    for (reply, expected) in [
        (whole(), Ok(found)),
        (cut(1), broken("a short packet")),
        (cut(9), broken("a short packet")),
        (status(2, 2), Err(Fault::NoSuchFile)),
        (status(2, 3), Err(Fault::Refused("said".to_owned()))),
        (status(2, 4), Err(Fault::Failed("said (4)".to_owned()))),
        (packet(STATUS, Body::new().number(2).number(4)), Err(Fault::Failed(" (4)".to_owned()))),
        (status(9, 2), broken("a reply to another question")),
        (packet(HANDLE, Body::new().number(2).bytes(b"h")), broken("a reply to another question")),
        (packet(77, Body::new().number(2)), broken("a packet of a kind that nobody knows")),
    ] {
        let sound =
            !matches!(&expected, Err(Fault::Broken(why)) if why != "a reply to another question");
        let mut conversation = open(vec![reply]).await;
        assert_eq!(conversation.attributes("/x", false).await, expected);
        assert!(sound || !conversation.is_sound());
    }
}

#[tokio::test]
async fn parts_come_in_any_length_and_a_file_ends_where_the_server_says() {
    let data = |id, bytes: &[u8]| packet(DATA, Body::new().number(id).bytes(bytes));
    let handle = packet(HANDLE, Body::new().number(2).bytes(b"h"));
    let attributes = |id| packet(ATTRS, Body::new().number(id).number(HAS_SIZE).long(5));
    // The first is short and its rest is asked for; then the file ends.
    let replies = vec![
        handle.clone(),
        data(3, b"abc"),
        data(4, b"de"),
        status(5, END_OF_FILE),
        attributes(6),
        status(7, 0),
    ];
    let mut conversation = open(replies).await;
    let (bytes, found) = conversation.read("/x", 0, 100).await.unwrap();
    assert_eq!((bytes.as_slice(), found.size_bytes), (&b"abcde"[..], 5));
    assert!(conversation.is_sound());
    // More than was asked for, or nothing, is no part.
    for part in [&b"toolong"[..], b""] {
        let mut conversation = open(vec![handle.clone(), data(3, part)]).await;
        let fault = conversation.read("/x", 0, 3).await.unwrap_err();
        assert!(matches!(fault, Fault::Broken(_)), "{fault}");
        assert!(!conversation.is_sound());
    }
}

#[tokio::test]
async fn a_folder_without_end_is_left() {
    let handle = packet(HANDLE, Body::new().number(2).bytes(b"h"));
    let name = |id| {
        let body = Body::new().number(id).number(1).bytes(b"name").bytes(b"long").number(0);
        packet(NAME, body)
    };
    let replies = vec![handle, name(3), name(4), name(5), status(6, 0)];
    let mut conversation = open(replies).await;
    assert_eq!(conversation.entries("/", 2).await.unwrap_err(), Fault::TooMany);
    assert!(conversation.is_sound());
}

#[tokio::test]
async fn a_write_that_fails_hears_the_other_replies_first() {
    let handle = packet(HANDLE, Body::new().number(2).bytes(b"h"));
    let replies = vec![handle, status(3, 0), status(4, 4), status(5, 0), status(6, 0)];
    let mut conversation = open(replies).await;
    let fault = conversation.create("/x", &[0; 3 * PART_BYTES], None).await.unwrap_err();
    assert_eq!(fault, Fault::Failed("said (4)".to_owned()));
    assert!(conversation.is_sound());
}
