//! Numbers of seven bits a byte, signed ones folded; text with its length.

/// Bytes that are not what was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

/// Appends a number, seven bits a byte, lowest first.
pub fn put_uint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends the way from one number to another, short if they are near.
pub fn put_step(out: &mut Vec<u8>, from: u64, to: u64) {
    let step = to.wrapping_sub(from).cast_signed();
    put_uint(out, ((step << 1) ^ (step >> 63)).cast_unsigned());
}

/// Appends a length or a place.
pub fn put_len(out: &mut Vec<u8>, len: usize) {
    // A usize has at most 64 bits on every machine that Rust knows.
    put_uint(out, len as u64);
}

/// Appends text with its length.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Packed bytes, read from the front.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// Whether everything was read.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Damaged> {
        let (first, rest) = self.0.split_first().ok_or(Damaged)?;
        self.0 = rest;
        Ok(*first)
    }

    /// See [`put_uint`].
    pub fn uint(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    /// A number below 2^32.
    pub fn short(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.uint()?).map_err(|_| Damaged)
    }

    /// See [`put_step`].
    pub fn step(&mut self, from: u64) -> Result<u64, Damaged> {
        let folded = self.uint()?;
        let step = (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed());
        Ok(from.wrapping_add_signed(step))
    }

    /// How many things follow: never more than there are bytes left.
    pub fn count(&mut self) -> Result<usize, Damaged> {
        let count = usize::try_from(self.uint()?).map_err(|_| Damaged)?;
        if count > self.0.len() { Err(Damaged) } else { Ok(count) }
    }

    /// The next so many bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    /// See [`put_text`].
    pub fn text(&mut self) -> Result<&'a str, Damaged> {
        let len = self.count()?;
        std::str::from_utf8(self.take(len)?).map_err(|_| Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Damaged, put_step, put_text, put_uint};

    #[test]
    fn numbers_and_steps_come_back() {
        let edges = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX];
        for a in edges {
            let mut out = Vec::new();
            put_uint(&mut out, a);
            assert_eq!(Bytes(&out).uint(), Ok(a));
            for b in edges {
                let mut out = Vec::new();
                put_step(&mut out, a, b);
                assert_eq!(Bytes(&out).step(a), Ok(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn what_is_cut_short_is_damaged() {
        let mut out = Vec::new();
        put_text(&mut out, "liaison");
        for len in 0..out.len() {
            assert_eq!(Bytes(&out[..len]).text(), Err(Damaged));
        }
        assert_eq!(Bytes(&[0xff; 11]).uint(), Err(Damaged), "longer than any number");
        assert_eq!(Bytes(&[2, 0xff, 0xfe]).text(), Err(Damaged), "not UTF-8");
    }
}
