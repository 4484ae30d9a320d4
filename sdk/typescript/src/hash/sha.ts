/** SHA-256 and SHA-1 (FIPS 180-4): a component has no `crypto.subtle`, which also could not
 * answer within a call. */

const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;

/** The fractions of the cube roots (or square roots) of primes, as they begin. */
function roots(count: number, root: (prime: number) => number): number[] {
  const found: number[] = [];
  for (let number = 2; found.length < count; number += 1) {
    let prime = true;
    for (let by = 2; by * by <= number && prime; by += 1) prime = number % by !== 0;
    if (prime) found.push(((root(number) % 1) * 2 ** 32) | 0);
  }
  return found;
}

const CUBES = roots(64, Math.cbrt);
const SQUARES = roots(8, Math.sqrt);

/** The message, a bit of one, zeros, and its length in bits: whole blocks of words. */
function words(data: Uint8Array): number[] {
  const bytes = Math.ceil((data.length + 1 + LENGTH_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
  const view = new DataView(new ArrayBuffer(bytes));
  data.forEach((byte, at) => view.setUint8(at, byte));
  view.setUint8(data.length, 0x80);
  view.setUint32(bytes - 8, Math.floor(data.length / 2 ** 29));
  view.setUint32(bytes - 4, (data.length << 3) >>> 0);
  return Array.from({ length: bytes / 4 }, (_, at) => view.getInt32(at * 4));
}

const at = (list: readonly number[], place: number): number => list[place] as number;
const right = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));
const left = (word: number, bits: number): number => right(word, 32 - bits);

function bytes(state: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(state.length * 4));
  state.forEach((word, place) => view.setInt32(place * 4, word));
  return new Uint8Array(view.buffer);
}

/** The 32 bytes of a SHA-256. */
export function sha256(data: Uint8Array): Uint8Array {
  let state = SQUARES;
  const all = words(data);
  for (let from = 0; from < all.length; from += 16) {
    const w = all.slice(from, from + 16);
    for (let t = 16; t < 64; t += 1) {
      const [two, fifteen] = [at(w, t - 2), at(w, t - 15)];
      const high = right(two, 17) ^ right(two, 19) ^ (two >>> 10);
      const low = right(fifteen, 7) ^ right(fifteen, 18) ^ (fifteen >>> 3);
      w.push((high + at(w, t - 7) + low + at(w, t - 16)) | 0);
    }
    let [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
    for (let t = 0; t < 64; t += 1) {
      const big = right(e, 6) ^ right(e, 11) ^ right(e, 25);
      const one = (h + big + ((e & f) ^ (~e & g)) + at(CUBES, t) + at(w, t)) | 0;
      const two = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    state = [a, b, c, d, e, f, g, h].map((word, place) => (word + at(state, place)) | 0);
  }
  return bytes(state);
}

/** The 20 bytes of a SHA-1, for those who still ask for one. */
export function sha1(data: Uint8Array): Uint8Array {
  let state: number[] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const all = words(data);
  for (let from = 0; from < all.length; from += 16) {
    const w = all.slice(from, from + 16);
    for (let t = 16; t < 80; t += 1) {
      w.push(left(at(w, t - 3) ^ at(w, t - 8) ^ at(w, t - 14) ^ at(w, t - 16), 1));
    }
    let [a, b, c, d, e] = state as [number, number, number, number, number];
    for (let t = 0; t < 80; t += 1) {
      const [mixed, constant] = round(t, b, c, d);
      const next = (left(a, 5) + mixed + e + constant + at(w, t)) | 0;
      [e, d, c, b, a] = [d, c, left(b, 30), a, next];
    }
    state = [a, b, c, d, e].map((word, place) => (word + at(state, place)) | 0);
  }
  return bytes(state);
}

function round(t: number, b: number, c: number, d: number): [number, number] {
  if (t < 20) return [(b & c) | (~b & d), 0x5a827999];
  if (t < 40) return [b ^ c ^ d, 0x6ed9eba1];
  if (t < 60) return [(b & c) | (b & d) | (c & d), 0x8f1bbcdc];
  return [b ^ c ^ d, 0xca62c1d6];
}
